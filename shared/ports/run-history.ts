/**
 * Append-only rows for people and the query library; no decision reads them. `HistoryRow` has the source documents'
 * columns of `nba_reference.processor_run_history` and ours, `RequestChangeRow` those of `nba_processing.backfill_requests`.
 * Dates are YYYY-MM-DD, times RFC 3339.
 */
export interface HistoryRow {
  readonly run_id: string;
  readonly processor_name: string;
  readonly phase: string;
  readonly data_date: string;
  readonly success: boolean;
  readonly status: string;
  readonly error_message: string | null;
  readonly rows_processed: number | null;
  readonly processing_decision: string;
  readonly skip_reason: string | null;
  readonly backfill_mode: boolean;
  readonly created_at: string;
  readonly attempt: number;
  readonly trace_digest: string | null;
  readonly fingerprint: string | null;
  readonly category: string | null;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  /** JSON text. */
  readonly metadata: string | null;
}

export interface RequestChangeRow {
  readonly processor_name: string;
  readonly game_date: string;
  readonly request_type: string;
  readonly priority: string;
  readonly requested_at: string;
  readonly requested_by: string;
  readonly status: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly error_message: string | null;
  /** JSON text. */
  readonly metadata: string | null;
  readonly changed_at: string;
}

export interface RunHistory {
  /** Newest first. */
  runs(filter: { readonly processor?: string; readonly from?: string; readonly to?: string; readonly limit: number }): Promise<readonly HistoryRow[]>;
  changes(filter: { readonly processor?: string; readonly from?: string; readonly to?: string; readonly limit: number }): Promise<readonly RequestChangeRow[]>;
}
