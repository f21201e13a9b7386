import type { Day } from '../calendar/day.ts';
import { priorities, type CellKey, type CellRecord } from '../requests/cell.ts';
import { SortedList } from './sqlite-sorted-list.ts';

/** One text for a cell, for maps in memory. */
export function cellId(key: CellKey): string {
  return `${key.day} ${key.processor}`;
}

interface Entry {
  readonly processor: string;
  readonly day: Day;
  readonly openedAt: number;
  readonly notBefore: number;
  readonly priority: number;
  readonly rank: number;
}

/**
 * The queued cells in the order in which they are taken: priority, then date, then the processors' rank. Those that back
 * off are kept apart by their time, so that taking the best never walks past them.
 */
export class QueueIndex {
  readonly #rankOf: (processor: string) => number;
  readonly #entries = new Map<string, Entry>();
  readonly #best = new SortedList<Entry>(byTurn);
  readonly #oldest = new SortedList<Entry>((a, b) => a.openedAt - b.openedAt || byTurn(a, b));
  readonly #later = new SortedList<Entry>((a, b) => a.notBefore - b.notBefore || byTurn(a, b));
  /** The instant up to which `later` was emptied. */
  #now = Number.NEGATIVE_INFINITY;

  constructor(rankOf: (processor: string) => number) {
    this.#rankOf = rankOf;
  }

  set(record: CellRecord): void {
    const id = cellId(record);
    const before = this.#entries.get(id);
    const request = record.request;
    if (request?.state !== 'queued') {
      if (before) this.#remove(id, before);
      return;
    }
    const notBefore = request.notBefore ?? Number.NEGATIVE_INFINITY;
    const priority = priorities.indexOf(request.priority);
    if (before && before.openedAt === request.openedAt && before.notBefore === notBefore && before.priority === priority) return;
    if (before) this.#remove(id, before);
    const entry = { processor: record.processor, day: record.day, openedAt: request.openedAt, notBefore, priority, rank: this.#rankOf(record.processor) };
    this.#entries.set(id, entry);
    this.#add(entry);
  }

  best(now: number, limit: number): readonly Entry[] {
    this.#moveTo(now);
    return this.#best.first(limit);
  }

  oldest(now: number): Entry | null {
    this.#moveTo(now);
    return this.#oldest.first(1)[0] ?? null;
  }

  nextDue(now: number): number | null {
    this.#moveTo(now);
    return this.#later.first(1)[0]?.notBefore ?? null;
  }

  #add(entry: Entry): void {
    if (entry.notBefore > this.#now) {
      this.#later.add(entry);
      return;
    }
    this.#best.add(entry);
    this.#oldest.add(entry);
  }

  #remove(id: string, entry: Entry): void {
    this.#entries.delete(id);
    if (this.#later.remove(entry)) return;
    this.#best.remove(entry);
    this.#oldest.remove(entry);
  }

  #moveTo(now: number): void {
    if (now < this.#now) {
      // The clock was set back: what was due by the other time may not be by this one.
      for (const list of [this.#best, this.#oldest, this.#later]) list.clear();
      this.#now = now;
      for (const entry of this.#entries.values()) this.#add(entry);
      return;
    }
    this.#now = now;
    for (let next = this.#later.first(1)[0]; next && next.notBefore <= now; next = this.#later.first(1)[0]) {
      this.#later.remove(next);
      this.#add(next);
    }
  }
}

function byTurn(a: Entry, b: Entry): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.day !== b.day) return a.day - b.day;
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.processor === b.processor) return 0;
  return a.processor < b.processor ? -1 : 1;
}
