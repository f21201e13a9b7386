import type { Calendar } from '../calendar/calendar.ts';
import type { CalendarRow } from '../calendar/games.ts';
import { day, type Day } from '../calendar/day.ts';
import type { WindowRange } from '../calendar/window.ts';
import { NeverRetryError } from '../failures/errors.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { coverageOfRows } from '../gaps/row-fingerprint.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import type { DataCheck, Keep, OffendingRows, OldRows, PromoteOutcome, Promotion, Row, RowSource, Staged, Warehouse, WriteClaim } from '../ports/warehouse.ts';
import { byKey, calendarRowsOf } from '../rows/row-order.ts';
import { checkedRows } from '../rows/checked-rows.ts';
import { nothingKept } from '../rows/kept-rows.ts';

interface Held {
  readonly rows: readonly Row[];
  readonly coverage: Coverage;
}

interface Shelf {
  readonly dates: Map<Day, Held>;
  readonly promotions: Map<Day, Promotion>;
  /** By name. */
  readonly kept: Map<string, Map<Day, Held>>;
}

/** Entries of a range, looked up day by day where the range is the smaller. */
function inRange<T>(dates: ReadonlyMap<Day, T>, from: Day, to: Day): [Day, T][] {
  if (to - from >= dates.size) return [...dates].filter(([at]) => at >= from && at <= to);
  const found: [Day, T][] = [];
  for (let at: number = from; at <= to; at += 1) {
    const value = dates.get(day(at));
    if (value !== undefined) found.push([day(at), value]);
  }
  return found;
}

function heldOf(processor: Processor, rows: readonly Row[]): Held {
  return { rows, coverage: coverageOfRows(processor, rows) };
}

/** A warehouse in plain maps, for simulations and for measuring everything besides a database. It runs no SQL. */
export class MemoryWarehouse implements Warehouse {
  readonly #pipeline: Pipeline;
  readonly #shelves = new Map<string, Shelf>();

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  async coverage(processors: readonly Processor[], from: Day, to: Day): Promise<ReadonlyMap<string, ReadonlyMap<Day, Coverage>>> {
    return new Map(processors.map((processor) => {
      const days = new Map<Day, Coverage>();
      for (const [day, { coverage }] of inRange(this.#shelf(processor).dates, from, to)) days.set(day, coverage);
      return [processor.name, days];
    }));
  }

  /** Whoever holds this object may change it. */
  mayHaveChanged(): boolean {
    return true;
  }

  async calendarRows(from: Day, to: Day): Promise<readonly CalendarRow[]> {
    const { schedule } = this.#pipeline;
    const processor = schedule && this.#pipeline.byName.get(schedule.processor);
    return schedule && processor ? calendarRowsOf(processor, schedule, await this.rows(processor, { from, to }, null)) : [];
  }

  async stage(claim: WriteClaim, source: RowSource | OldRows, _calendar: Calendar): Promise<Staged> {
    const { processor, day } = claim;
    if (source.kind === 'sql') throw new NeverRetryError(`${processor.name} is SQL, which the warehouse in memory does not run; hand over rows, or use DuckDB`);
    const { rows, coverage } = source.kind === 'rows' ? heldOf(processor, checkedRows(processor, day, source.rows)) : this.#old(processor, day, source);
    let open = true;
    return {
      coverage,
      promote: async (trace) => {
        if (!open) throw new Error(`${claim.runId} of ${processor.name} has been promoted or discarded already; stage it again`);
        open = false;
        return this.#promote(claim, { rows, coverage }, trace);
      },
      discard: async () => { open = false; },
    };
  }

  async keep(processor: Processor, day: Day, { name, fingerprint }: Keep): Promise<boolean> {
    const { dates, kept } = this.#shelf(processor);
    const ofName = kept.get(name) ?? new Map<Day, Held>();
    if (ofName.get(day)?.coverage.fingerprint === fingerprint) return true;
    const held = dates.get(day);
    if (held?.coverage.fingerprint !== fingerprint) return false;
    kept.set(name, ofName.set(day, held));
    return true;
  }

  async kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> {
    return new Map(inRange(this.#shelf(processor).kept.get(name) ?? new Map<Day, Held>(), from, to).map(([day, { coverage }]) => [day, coverage.fingerprint]));
  }

  remembersMs(): number {
    return 0;
  }

  #old(processor: Processor, day: Day, source: OldRows): Held {
    const held = source.kind === 'kept' ? this.#shelf(processor).kept.get(source.name)?.get(day) : undefined;
    if (!held) throw nothingKept(processor, day, source);
    return held;
  }

  async promotion(processor: Processor, day: Day): Promise<Promotion | null> {
    return this.#shelf(processor).promotions.get(day) ?? null;
  }

  async rows(processor: Processor, { from, to }: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]> {
    const days = inRange(this.#shelf(processor).dates, from, to).sort(([a], [b]) => a - b);
    return days.flatMap(([, { rows }]) => rows.toSorted(byKey(processor.key)))
      .map((row) => (columns === null ? row : Object.fromEntries(columns.map((name) => [name, row[name] ?? null]))));
  }

  check({ name }: DataCheck): Promise<OffendingRows> {
    return Promise.reject(new NeverRetryError(`the check ${name} is SQL, which the warehouse in memory does not run; use DuckDB or BigQuery`));
  }

  /** Changes a date as another program would: no marker, no fence. Null takes all its rows away. */
  outside(processor: Processor, day: Day, rows: readonly Row[] | null): void {
    this.#put(processor, day, rows ?? [], coverageOfRows(processor, rows ?? []));
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }

  /** Nothing here waits, so that it is one transaction by itself. */
  #promote({ processor, day, generation, token, runId }: WriteClaim, { rows, coverage }: Held, trace: string): PromoteOutcome {
    const { dates, promotions } = this.#shelf(processor);
    const winner = promotions.get(day);
    if (winner && (winner.generation > generation || (winner.generation === generation && winner.runId !== runId))) return { kind: 'fenced', winner };
    promotions.set(day, { runId, generation, token, fingerprint: coverage.fingerprint, trace });
    const present = dates.get(day);
    if (present ? present.coverage.fingerprint === coverage.fingerprint : coverage.rows === 0) return { kind: 'unchanged' };
    this.#put(processor, day, rows, coverage);
    return { kind: 'promoted' };
  }

  #put(processor: Processor, day: Day, rows: readonly Row[], coverage: Coverage): void {
    const { dates } = this.#shelf(processor);
    if (rows.length === 0) dates.delete(day);
    else dates.set(day, { rows, coverage });
  }

  #shelf({ name }: Processor): Shelf {
    const shelf = this.#shelves.get(name) ?? { dates: new Map(), promotions: new Map(), kept: new Map() };
    this.#shelves.set(name, shelf);
    return shelf;
  }
}
