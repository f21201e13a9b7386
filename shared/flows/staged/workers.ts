import { keyOf } from '../../gaps/detect.ts';
import type { CellRecord } from '../../requests/cell.ts';

/** After this time a cell that is queued and that nobody has taken is rung for again: a ring may have been lost. */
const RING_AGAIN_MS = 10_000;

/** Workers of other processes: they run a backfill's cells when they are rung. */
export class RungWorkers {
  readonly #ring: (cells: number) => Promise<void>;
  readonly #rung = new Map<string, { readonly due: number; readonly at: number }>();

  /** @param ring Rings for so many cells; a ring carries no work. */
  constructor(ring: (cells: number) => Promise<void>) {
    this.#ring = ring;
  }

  /**
   * Rings for those of a backfill's open cells that are queued: once when they may be taken, and again for what nobody has
   * taken since. Says in how many milliseconds there is one to ring for; Infinity: none.
   */
  async look(open: readonly CellRecord[], now: number): Promise<number> {
    const queued = new Map(open.flatMap((record) => (record.request?.state === 'queued' ? [[keyOf(record), record.request.notBefore ?? 0] as const] : [])));
    for (const key of this.#rung.keys()) if (!queued.has(key)) this.#rung.delete(key);
    let next = Infinity;
    let cells = 0;
    for (const [key, due] of queued) {
      const before = this.#rung.get(key);
      const from = before?.due === due ? before.at + RING_AGAIN_MS : due;
      if (from > now) next = Math.min(next, from - now);
      else {
        this.#rung.set(key, { due, at: now });
        cells += 1;
      }
    }
    if (cells > 0) await this.#ring(cells);
    return next;
  }
}
