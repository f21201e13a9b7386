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
  /** The target wrote its table or landing itself: the engine measures what is there now. `rows` as it reported them. */
  | { readonly kind: 'wrote'; readonly rows: number | null; readonly codeVersion: string | null }
  /**
   * Asynchronous: it runs on. A phase-complete message with its run id ends it, or its deadline passes. `handle` names what
   * was started, for `cancel` and for people: a Cloud Run execution, a message's id.
   */
  | { readonly kind: 'started'; readonly handle: string }
  /** The source has nothing for this date. */
  | { readonly kind: 'no_data'; readonly message: string }
  | { readonly kind: 'failed'; readonly error: { readonly type: string; readonly message: string } };

/** Runs a processor's target. `bigquery_sql` targets are not its business: the warehouse runs those. */
export interface ProcessorRunner {
  run(order: RunOrder): Promise<RunAnswer>;
  /** Stops what `started` named. Says in words what was stopped, or null where it can't be (a published trigger). */
  cancel(processor: Processor, handle: string): Promise<string | null>;
  /** Does the outside source have this date? `unknown` where the definition declares no check. */
  sourceHas(processor: Processor, day: Day): Promise<'has_data' | 'no_data' | 'unreachable' | 'unknown'>;
}
