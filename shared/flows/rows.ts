import { formatDay } from '../calendar/day.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { HistoryRow, RequestChangeRow } from '../ports/run-history.ts';
import type { CellRecord, OpenRequest } from '../requests/cell.ts';
import type { Day } from '../calendar/day.ts';

/** Builds the append-only rows that people and the query library read. */

const time = (at: number): string => new Date(at).toISOString();

export interface RunRow {
  readonly runId: string;
  readonly status: string;
  readonly decision: string;
  readonly at: number;
  readonly startedAt?: number;
  readonly attempt?: number;
  readonly rows?: number;
  readonly error?: string;
  readonly category?: string;
  readonly skipReason?: string;
  readonly traceDigest?: string;
  readonly fingerprint?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A run of a staged backfill carries its id. */
export function historyRow(processor: Processor, day: Day, request: (Pick<OpenRequest, 'isBackfill'> & Partial<Pick<OpenRequest, 'backfillId'>>) | null, run: RunRow): HistoryRow {
  const metadata = request?.backfillId ? { ...run.metadata, backfill_id: request.backfillId } : run.metadata;
  return {
    run_id: run.runId,
    processor_name: processor.name,
    phase: processor.phase.name,
    data_date: formatDay(day),
    success: run.status === 'success',
    status: run.status,
    error_message: run.error ?? null,
    rows_processed: run.rows ?? null,
    processing_decision: run.decision,
    skip_reason: run.skipReason ?? null,
    backfill_mode: request?.isBackfill ?? false,
    created_at: time(run.at),
    attempt: run.attempt ?? 0,
    trace_digest: run.traceDigest ?? null,
    fingerprint: run.fingerprint ?? null,
    category: run.category ?? null,
    started_at: run.startedAt === undefined ? null : time(run.startedAt),
    completed_at: run.startedAt === undefined ? null : time(run.at),
    metadata: metadata ? JSON.stringify(metadata) : null,
  };
}

/** The row of a request's new state; `request` is the one it had while it was open. */
export function changeRow(record: CellRecord, request: OpenRequest, status: string, at: number, detail: { readonly error?: string; readonly metadata?: Readonly<Record<string, unknown>> } = {}): RequestChangeRow {
  const ended = status === 'completed' || status === 'failed' || status === 'cancelled' || status === 'cut_off' || status === 'rolled_back';
  return {
    processor_name: record.processor,
    game_date: formatDay(record.day),
    request_type: request.kind,
    priority: request.priority,
    requested_at: time(request.openedAt),
    requested_by: request.requestedBy,
    status,
    started_at: request.lease ? time(request.lease.startedAt) : null,
    completed_at: ended ? time(at) : null,
    error_message: detail.error ?? null,
    metadata: JSON.stringify({ generation: record.generation, reason: request.reason, attempts: request.attempts, ...detail.metadata }),
    changed_at: time(at),
  };
}
