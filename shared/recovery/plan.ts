import type { Day } from '../calendar/day.ts';
import type { Scope } from '../gaps/detect.ts';
import type { CellKey } from '../requests/cell.ts';

/** `fill`: rows are missing or short. `redo`: rows are known to be wrong. `check`: reads a cell of the plan; run only if its trace differs by then. */
export type StepAction = 'fill' | 'redo' | 'check';

export interface PlanStep extends CellKey {
  readonly action: StepAction;
  readonly reason: string;
  /** Nothing unusable stands before it: it is where the plan starts to mend. */
  readonly isRootCause: boolean;
}

const leftOutCodes = [
  'over_threshold', 'over_plan_cells', 'daily_budget', 'before_detect_from', 'held', 'cooling', 'open', 'altered', 'stale_report', 'source_empty',
  'not_backfillable', 'blocked', 'owned', 'observe', 'reader_outside',
] as const;
export type LeftOutCode = (typeof leftOutCodes)[number];

export interface LeftOut extends CellKey {
  readonly code: LeftOutCode;
  readonly reason: string;
  /** The cell whose being left out leaves this one out. */
  readonly because: CellKey | null;
}

/** An unbroken run of root-cause dates of one processor: what the threshold counts. */
export interface Outage {
  readonly processor: string;
  readonly days: readonly Day[];
  /** Missing and short cells that it explains, itself included. */
  readonly cells: number;
}

export interface RecoveryPlan {
  readonly scope: Scope;
  /** In the order in which they run: calendar cells first, then date, then phase. */
  readonly steps: readonly PlanStep[];
  readonly leftOut: readonly LeftOut[];
  readonly outages: readonly Outage[];
  /** Outages over a bound of automatic work, which a person has to ask for. */
  readonly overBounds: readonly Outage[];
}

/** What the source of a cell without upstreams is known to have. */
export type SourceState = 'has_data' | 'no_data' | 'unreachable' | 'unknown';

export interface PlanRequest {
  readonly scope: Scope;
  /** A person's recovery runs what failed, cools or is held by a failure; the detector leaves those. */
  readonly by: 'person' | 'detector';
  /** Over the bounds too, and readers outside the scope. */
  readonly all: boolean;
  /** What to do with altered rows, instead of the policy. */
  readonly altered: 'policy' | 'report' | 'reprocess';
  readonly source: (key: CellKey) => SourceState;
  /** The open plan or staged backfill that a cell belongs to, if it is another one. */
  readonly ownedBy: (key: CellKey) => string | null;
  readonly detectFrom: Day | null;
}
