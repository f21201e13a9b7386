import { keyOf } from '../gaps/detect.ts';
import type { World } from '../gaps/world.ts';
import type { CellKey } from '../requests/cell.ts';

type Change = (world: World) => void;

export interface Look {
  /** Rises with each look that begins. */
  readonly number: number;
  readonly meanwhile: { readonly change: Change; readonly number: number }[];
}

/**
 * Looks at the warehouse overlap where many messages are judged at once: one that began before rows were written may end
 * after that, and what it saw must not take the place of what is known by then. A cell would be run again that is complete.
 */
export class Looks {
  #last = 0;
  readonly #underWay = new Set<Look>();
  /** The last look at everything that has ended. */
  #whole = 0;
  /** By which look a cell is known, where others may still end that began before. */
  readonly #known = new Map<string, number>();

  begin(): Look {
    const look = { number: this.next(), meanwhile: [] };
    this.#underWay.add(look);
    return look;
  }

  end(look: Look): void {
    this.#underWay.delete(look);
    if (this.#underWay.size === 0) this.#known.clear();
  }

  /** The number of what is known without a look: those that have begun know less. */
  next(): number {
    return (this.#last += 1);
  }

  /** What has become known while others look: what they have read may lack it. */
  note(change: Change, number: number): void {
    for (const look of this.#underWay) look.meanwhile.push({ change, number });
  }

  /** Everything was read: what became known meanwhile is added to it, but for what was seen before it began. */
  sawAll({ number, meanwhile }: Look, world: World): void {
    for (const known of meanwhile) if (known.number > number) known.change(world);
    this.#whole = Math.max(this.#whole, number);
  }

  /** Whether nothing newer is known of the cell; then it is known by this look from now on. */
  isNewest(key: CellKey, number: number): boolean {
    const name = keyOf(key);
    if (number < Math.max(this.#whole, this.#known.get(name) ?? 0)) return false;
    if (this.#underWay.size > 0) this.#known.set(name, number);
    return true;
  }
}
