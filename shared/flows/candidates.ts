import { keyOf } from '../gaps/detect.ts';
import type { QueuedCell } from '../ports/request-store.ts';
import type { CellKey } from '../requests/cell.ts';
import type { Engine } from './engine.ts';

/** How long a list of queued cells is gone by where each look costs a read a cell. */
const LIST_MS = 2000;

/**
 * The queued cells that one worker looks at. Where others work on the same state, a look at the queue is a query with a
 * read for every cell of it: its list is used up before the next. What is stale in it shows at the claim.
 */
export class Candidates {
  readonly #engine: Engine;
  #list: readonly QueuedCell[] = [];
  #limit = 0;
  #readAt = Number.NEGATIVE_INFINITY;
  /** Processors without a free slot, as far as is known. */
  readonly #full = new Set<string>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Best first, at most `limit`. `fresh`: read just now. */
  async best(now: number, limit: number, again: boolean): Promise<{ readonly cells: readonly QueuedCell[]; readonly all: boolean; readonly fresh: boolean }> {
    const holds = this.#engine.parts.shared && !again && this.#list.length > 0 && limit <= this.#limit && now >= this.#readAt && now - this.#readAt < LIST_MS;
    if (!holds) {
      this.#list = await this.#engine.parts.store.queued(now, limit);
      this.#limit = limit;
      this.#readAt = now;
    }
    return { cells: this.#list, all: this.#list.length < this.#limit, fresh: !holds };
  }

  /** It is queued no more. */
  took(key: CellKey): void {
    this.#list = this.#list.filter((cell) => keyOf(cell) !== keyOf(key));
  }

  full(processor: string): void {
    this.#full.add(processor);
  }

  isFull(processor: string): boolean {
    return this.#full.has(processor);
  }

  /** A run has ended: slots may be free again. */
  slotFreed(): void {
    this.#full.clear();
  }
}
