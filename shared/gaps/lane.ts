import type { Day } from '../calendar/day.ts';
import type { ExpectedDates } from '../calendar/expected-dates.ts';
import { WHOLE_ROW, type Edge, type Processor } from '../pipeline/pipeline.ts';
import type { CellRecord } from '../requests/cell.ts';
import type { Coverage } from './coverage.ts';
import { acceptanceHolds, type CellFacts } from './facts.ts';
import { ZERO, type Hash64 } from './fingerprint.ts';
import { entryHash, type PrefixCounts } from './prefix-sums.ts';
import type { Side, ViewSums } from './view-sums.ts';

/** One edge of a processor, with what is read through it at hand. */
export interface Input {
  readonly edge: Edge;
  readonly key: string;
  readonly lane: Lane;
  readonly sums: ViewSums;
  /** What the reader's last run read through it, by day: high and low half in turn. */
  readonly read: Uint32Array;
}

/** What a world knows of one processor, by days since the calendar's first. */
export interface Lane {
  readonly processor: Processor;
  readonly expected: ExpectedDates;
  readonly coverage: (Coverage | undefined)[];
  readonly records: (CellRecord | undefined)[];
  /** Facts of days that have been judged, none from `judgedTo` on. */
  readonly facts: (CellFacts | undefined)[];
  judgedTo: number;
  /** 1 where rows, run and record leave nothing to judge but whether its inputs are what it read. */
  readonly plain: Uint8Array;
  readonly sums: Map<string, ViewSums>;
  readonly lacking: PrefixCounts;
  readonly open: PrefixCounts;
  readonly ours: PrefixCounts;
  readonly unusable: PrefixCounts;
  inputs: readonly Input[];
  /** The lane itself and those of its readers: what is judged otherwise when this one changes. */
  affected: readonly Lane[];
}

/** The fingerprint that a view of a day has on one side; undefined where there are no rows. */
export function contentIn({ coverage, records }: Lane, view: string, index: number, side: Side, now: number): string | undefined {
  const held = coverage[index];
  const record = records[index];
  if (side === 'recorded' && record?.last && held?.fingerprint !== record.last.fingerprint && !acceptanceHolds(record, held, now)) {
    return record.last.rows === 0 ? undefined : contentOf(record.last.standsFor ?? record.last, view);
  }
  if (!held) return undefined;
  return contentOf(record?.last?.standsFor && record.last.fingerprint === held.fingerprint ? record.last.standsFor : held, view);
}

function contentOf(of: Pick<Coverage, 'fingerprint' | 'views'>, view: string): string | undefined {
  return view === WHOLE_ROW ? of.fingerprint : of.views[view];
}

/** What a day adds to a digest: its content, or that its rows are expected and absent. */
export function entryOf({ expected }: Lane, date: Day, content: string | undefined): Hash64 {
  if (content !== undefined) return entryHash(date, content);
  return expected.has(date) ? entryHash(date, 'absent') : ZERO;
}
