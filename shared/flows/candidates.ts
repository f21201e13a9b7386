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
  /** The list had everything that was queued. */
  #all = false;
  #version = -1;
  #readAt = Number.NEGATIVE_INFINITY;
  /** A look that is under way: lanes that want the same wait for it. */
  #looking: { readonly limit: number; readonly version: number; readonly cells: Promise<readonly QueuedCell[]> } | null = null;
  /** A run has ended since the list was asked for: what others could not take for want of its slot may not be on it. */
  #slotFreed = false;
  /** Processors without a free slot, as far as is known. */
  readonly #full = new Set<string>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Best first, at most `limit`. `fresh`: read just now. */
  async best(now: number, limit: number, again: boolean): Promise<{ readonly cells: readonly QueuedCell[]; readonly all: boolean; readonly fresh: boolean }> {
    const { shared } = this.#engine.parts;
    const isRecent = limit <= this.#limit && now >= this.#readAt && now - this.#readAt < LIST_MS && this.#version === this.#engine.queuedHere;
    // Used up, or there was no more to begin with: what this process has queued since makes another look worth its reads.
    const isWhole = this.#all && !this.#slotFreed;
    const holds = shared && isRecent && (isWhole || (!again && this.#list.length > 0));
    if (!holds) await this.#look(now, limit);
    return { cells: this.#list, all: this.#all, fresh: !holds || isWhole };
  }

  async #look(now: number, limit: number): Promise<void> {
    const { store, shared } = this.#engine.parts;
    const version = this.#engine.queuedHere;
    // One that began before something was queued may not have it.
    const joined = shared && this.#looking !== null && this.#looking.limit >= limit && this.#looking.version === version ? this.#looking : null;
    const looking = joined ?? { limit, version, cells: store.queued(now, limit) };
    this.#looking = looking;
    if (!joined) this.#slotFreed = false;
    // Who rings may have freed a slot as well.
    if (this.#version !== version) this.#full.clear();
    try {
      const cells = await looking.cells;
      // Whoever joined finds what the first has left of it.
      if (this.#looking !== looking) return;
      this.#looking = null;
      this.#list = cells;
      this.#limit = looking.limit;
      this.#all = cells.length < looking.limit;
      this.#version = version;
      this.#readAt = now;
    } catch (error) {
      if (this.#looking === looking) this.#looking = null;
      throw error;
    }
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
    this.#slotFreed = true;
    this.#full.clear();
  }
}
