import type { Calendar } from '../calendar/calendar.ts';
import type { CalendarRow } from '../calendar/games.ts';
import type { Day } from '../calendar/day.ts';
import type { Coverage } from '../gaps/coverage.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { WindowRange } from '../calendar/window.ts';

/** One row as it is handed over: DATE as YYYY-MM-DD, TIMESTAMP as RFC 3339, NUMERIC and INT64 as number or decimal text. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** What a cell's rows come from: a SQL processor run by the warehouse, or rows handed over by a target. */
export type RowSource =
  | { readonly kind: 'sql'; readonly inputs: readonly InputRange[] }
  | { readonly kind: 'rows'; readonly rows: readonly Row[] };

/** A date's rows as they were, to be put back: what was kept of it under a name, or what its table held at an instant (epoch milliseconds). */
export type OldRows =
  | { readonly kind: 'kept'; readonly name: string }
  | { readonly kind: 'past'; readonly at: number };

/** What is to be kept of a date before it is overwritten. */
export interface Keep {
  /** Of whoever overwrites it: a staged backfill's id. */
  readonly name: string;
  /** The rows that are meant. */
  readonly fingerprint: string;
  /** Epoch milliseconds: now, and when they may be thrown away. */
  readonly at: number;
  readonly until: number;
}

/** One declared input of a run, cut to its window. `range` is null where the window holds no date (a season's first). */
export interface InputRange {
  readonly upstream: Processor;
  readonly columns: readonly string[] | null;
  readonly range: WindowRange | null;
}

/** A question about rows that are there: its query returns those that are wrong. */
export interface DataCheck {
  readonly name: string;
  /** One GoogleSQL query without parameters. It sees the tables of its inputs by their short names, cut to their ranges. */
  readonly sql: string;
  readonly inputs: readonly InputRange[];
  readonly timeoutSeconds: number;
}

export interface OffendingRows {
  /** All rows that the query returns. */
  readonly rows: number;
  /** The first of them, ordered by their first column. Types that a `Row` does not hold are text. */
  readonly sample: readonly Row[];
}

/** Who writes a cell. At most one generation's attempt can ever promote; a lower generation is refused. */
export interface WriteClaim {
  readonly processor: Processor;
  readonly day: Day;
  readonly generation: number;
  readonly token: number;
  readonly runId: string;
}

/** The marker that is committed in one transaction with the rows: after a crash it says that the run is done. */
export interface Promotion {
  readonly runId: string;
  readonly generation: number;
  readonly token: number;
  readonly fingerprint: string;
  /** JSON text of the run's trace. */
  readonly trace: string;
}

/** A date's rows, staged beside the table: nothing of the table has changed yet. */
export interface Staged {
  readonly coverage: Coverage;
  /** Promotes in one transaction. `unchanged`: the table held these very rows already, only the marker was written. */
  promote(trace: string): Promise<PromoteOutcome>;
  discard(): Promise<void>;
}

export type PromoteOutcome =
  | { readonly kind: 'promoted' | 'unchanged' }
  /** Another attempt of this or a later generation has promoted: `winner` is its marker. */
  | { readonly kind: 'fenced'; readonly winner: Promotion };

/**
 * The team's data: tables partitioned by game date, and landed files. It never decides what is complete, holds no
 * requests, and offers no free SQL: callers name processors and days of the pipeline's definition, and a check sees no more.
 */
export interface Warehouse {
  /**
   * What the warehouse holds of each processor in [from, to]; days without rows are absent. An empty staged promotion
   * leaves nothing here. Reads current data each time, unless the adapter knows that nobody else can have written.
   */
  coverage(processors: readonly Processor[], from: Day, to: Day): Promise<ReadonlyMap<string, ReadonlyMap<Day, Coverage>>>;
  /**
   * Whether anybody but this object may have written these days since it last told their coverage. False only where the
   * adapter knows that nobody else can: then a caller that was told need not ask again.
   */
  mayHaveChanged(processor: Processor, from: Day, to: Day): boolean;
  /** The schedule's rows in [from, to], as the calendar needs them. Empty where the table is not there yet. */
  calendarRows(from: Day, to: Day): Promise<readonly CalendarRow[]>;
  /**
   * Produces a date's rows beside the table and measures them. Throws what the SQL threw, classified by the caller. When
   * `signal` aborts, what runs in the warehouse is cancelled and the reason of the signal is thrown. Old rows are staged as
   * they were, volatile columns too; a NeverRetryError where there are none.
   */
  stage(claim: WriteClaim, source: RowSource | OldRows, calendar: Calendar, signal?: AbortSignal): Promise<Staged>;
  /**
   * Keeps what a date holds, so that it can be staged again once it was overwritten. Rows of that fingerprint that are kept
   * under the name already stay; others give way. False where the date holds other rows than are meant: nothing was kept.
   * It is durable when the promise resolves, and changes nothing of the table.
   */
  keep(processor: Processor, day: Day, keep: Keep): Promise<boolean>;
  /** Fingerprints of what is kept under a name in [from, to], by day. */
  kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>>;
  /** How far back a processor's past rows can be staged, in milliseconds; 0 where the warehouse forgets at once. */
  remembersMs(processor: Processor): number;
  /** The marker of a cell's newest promotion, if it was promoted here. */
  promotion(processor: Processor, day: Day): Promise<Promotion | null>;
  /** The rows of one processor in a range, ordered by date column and key: what `read` of an in-process run returns. */
  rows(processor: Processor, range: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]>;
  /** Runs a check's query. Throws what the SQL threw; aborted or out of time it is stopped, and says so. */
  check(check: DataCheck, mostShown: number, signal?: AbortSignal): Promise<OffendingRows>;
  close(): Promise<void>;
}
