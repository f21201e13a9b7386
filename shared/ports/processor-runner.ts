import type { Day } from '../calendar/day.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Row } from './warehouse.ts';
import type { WindowRange } from '../calendar/window.ts';

/** What a target is told (design: the processor contract). */
export interface RunOrder {
  readonly processor: Processor;
  readonly day: Day;
  readonly runId: string;
  readonly isBackfill: boolean;
  readonly skipDownstreamTrigger: boolean;
  readonly strictMode: boolean;
  readonly triggerReason: string;
  readonly backfillId: string | null;
  /** The declared inputs, cut to their windows. */
  read(upstream: string): Promise<readonly Row[]>;
  readonly inputs: readonly { readonly upstream: string; readonly range: WindowRange | null }[];
  readonly signal: AbortSignal;
}

export type RunAnswer =
  /** Rows handed back: the engine stages, checks and promotes them. */
  | { readonly kind: 'rows'; readonly rows: readonly Row[] }
  /** The source has nothing for this date. */
  | { readonly kind: 'no_data'; readonly message: string }
  | { readonly kind: 'failed'; readonly error: { readonly type: string; readonly message: string } };

/** Runs a processor's target. `bigquery_sql` targets are not its business: the warehouse runs those. */
export interface ProcessorRunner {
  run(order: RunOrder): Promise<RunAnswer>;
  /** Does the outside source have this date? `unknown` where the definition declares no check. */
  sourceHas(processor: Processor, day: Day): Promise<'has_data' | 'no_data' | 'unreachable' | 'unknown'>;
}
