import type { Row } from './warehouse.ts';

/**
 * The contract of an `in_process` processor: one function, `./module.ts#name` in pipeline.yaml. It hands rows back and
 * writes nothing itself: the engine stages, checks and promotes them. It can read its declared inputs only, each cut to
 * its window and columns.
 */
export interface ProcessorInput {
  readonly processorName: string;
  /** YYYY-MM-DD. */
  readonly gameDate: string;
  readonly runId: string;
  readonly isBackfill: boolean;
  readonly skipDownstreamTrigger: boolean;
  readonly strictMode: boolean;
  readonly triggerReason: string;
  readonly backfillId: string | null;
  /** Absolute path of the folder that holds pipeline.yaml. */
  readonly pipelineDirectory: string;
  /** Absolute path of the folder where a stand-in for an outside source keeps what it is to be like now. */
  readonly sourceDirectory: string;
  /** The rows of a declared upstream, in the order of its date column and key. */
  read(upstreamProcessor: string): Promise<readonly Row[]>;
  /** Aborted when the run is cancelled or its time is over. */
  readonly signal: AbortSignal;
}

export type ProcessorResult =
  | { readonly status: 'success'; readonly rows: readonly Row[] }
  /** The source answered that it has nothing for this date. */
  | { readonly status: 'no_data'; readonly message: string }
  | { readonly status: 'failed'; readonly error: { readonly type: string; readonly message: string } };

export type ProcessorFunction = (input: ProcessorInput) => Promise<ProcessorResult>;

/** A `source_check`: does the outside source have this date now? Cheap: it is asked before a run is queued. */
export type SourceCheck = (input: Pick<ProcessorInput, 'gameDate' | 'pipelineDirectory' | 'sourceDirectory'>) => Promise<'has_data' | 'no_data' | 'unreachable'>;
