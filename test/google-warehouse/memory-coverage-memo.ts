import { day, type Day } from '../../shared/calendar/day.ts';
import { decodeRemembered, encodeRemembered, type CoverageMemo, type Remembered } from '../../shared/google/coverage-memo.ts';

export class MemoryCoverageMemo implements CoverageMemo {
  readonly #blocks = new Map<string, Map<Day, string>>();

  async read(processor: string, block: number): Promise<ReadonlyMap<Day, Remembered>> {
    const found = new Map<Day, Remembered>();
    for (const [at, text] of this.#blocks.get(`${processor}~${block}`) ?? []) {
      const remembered = decodeRemembered(text);
      if (remembered) found.set(day(at), remembered);
    }
    return found;
  }

  async write(processor: string, block: number, days: ReadonlyMap<Day, Remembered | null>): Promise<void> {
    const name = `${processor}~${block}`;
    const kept = this.#blocks.get(name) ?? new Map<Day, string>();
    this.#blocks.set(name, kept);
    for (const [at, remembered] of days) {
      if (remembered === null) kept.delete(at);
      else kept.set(at, encodeRemembered(remembered));
    }
  }
}
