import { day, type Day } from '../calendar/day.ts';
import type { Coverage } from '../gaps/coverage.ts';

/**
 * What is known of the tables. Only this process can write the file, so what was once scanned stays true as long as each
 * of its own writes is told here. By processor: one range that was scanned, and the days in it that have rows.
 */

export type Scan = (from: Day, to: Day) => Promise<ReadonlyMap<Day, Coverage>>;

interface Known {
  from: Day;
  to: Day;
  readonly days: Map<Day, Coverage>;
}

/** Writes committed while a scan is under way: the scan may or may not have seen them. */
interface Running {
  readonly processor: string;
  readonly written: Map<Day, Coverage>;
  forgotten: boolean;
}

export class CoverageCache {
  readonly #known = new Map<string, Known>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #running = new Set<Running>();

  /** From what is known if the range lies within it, else after scanning what is missing. One scan a processor at a time. */
  read(processor: string, from: Day, to: Day, scan: Scan): Promise<ReadonlyMap<Day, Coverage>> {
    const known = this.#known.get(processor);
    if (known && from >= known.from && to <= known.to) return Promise.resolve(cut(known, from, to));
    const turn = (this.#turns.get(processor) ?? Promise.resolve()).then(() => this.#scanned(processor, from, to, scan));
    this.#turns.set(processor, turn.catch(() => undefined));
    return turn;
  }

  knows(processor: string, from: Day, to: Day): boolean {
    const known = this.#known.get(processor);
    return known !== undefined && from >= known.from && to <= known.to;
  }

  /** Whether it is known that a date has no rows. */
  isEmpty(processor: string, at: Day): boolean {
    return this.knows(processor, at, at) && this.#known.get(processor)?.days.has(at) === false;
  }

  /** A write of this process was committed. */
  written(processor: string, at: Day, coverage: Coverage): void {
    for (const running of this.#running) if (running.processor === processor) running.written.set(at, coverage);
    const known = this.#known.get(processor);
    if (known && at >= known.from && at <= known.to) put(known.days, at, coverage);
  }

  forget(processor?: string): void {
    if (processor === undefined) this.#known.clear();
    else this.#known.delete(processor);
    for (const running of this.#running) if (processor === undefined || running.processor === processor) running.forgotten = true;
  }

  async #scanned(processor: string, from: Day, to: Day, scan: Scan): Promise<ReadonlyMap<Day, Coverage>> {
    const before = this.#known.get(processor);
    if (before && from >= before.from && to <= before.to) return cut(before, from, to);
    const running: Running = { processor, written: new Map(), forgotten: false };
    this.#running.add(running);
    try {
      const found = new Map<Day, Coverage>(before?.days);
      for (const [start, end] of missing(before, from, to)) for (const [at, coverage] of await scan(start, end)) found.set(at, coverage);
      const known: Known = { from: before && before.from < from ? before.from : from, to: before && before.to > to ? before.to : to, days: found };
      for (const [at, coverage] of running.written) if (at >= known.from && at <= known.to) put(found, at, coverage);
      if (!running.forgotten) this.#known.set(processor, known);
      return cut(known, from, to);
    } finally {
      this.#running.delete(running);
    }
  }
}

/** The ranges to scan so that one unbroken range is known. */
function missing(known: Known | undefined, from: Day, to: Day): readonly (readonly [Day, Day])[] {
  if (!known) return [[from, to]];
  const before: readonly [Day, Day] = [from, day(known.from - 1)];
  const after: readonly [Day, Day] = [day(known.to + 1), to];
  return [before, after].filter(([start, end]) => start <= end);
}

function put(days: Map<Day, Coverage>, at: Day, coverage: Coverage): void {
  if (coverage.rows === 0) days.delete(at);
  else days.set(at, coverage);
}

function cut({ days }: Known, from: Day, to: Day): ReadonlyMap<Day, Coverage> {
  const result = new Map<Day, Coverage>();
  if (to - from < days.size) {
    for (let at: number = from; at <= to; at += 1) {
      const coverage = days.get(day(at));
      if (coverage) result.set(day(at), coverage);
    }
    return result;
  }
  for (const [at, coverage] of days) if (at >= from && at <= to) result.set(at, coverage);
  return result;
}
