import type { HistoryRow, RequestChangeRow } from '../../shared/ports/run-history.ts';

export function historyRow(change: Partial<HistoryRow>): HistoryRow {
  return {
    run_id: 'run', processor_name: 'Raw', phase: 'phase_2_raw', data_date: '2023-11-15', success: true, status: 'success', error_message: null,
    rows_processed: 231, processing_decision: 'run', skip_reason: null, backfill_mode: true, created_at: '2023-11-20T00:00:00Z', attempt: 1, trace_digest: 'abc',
    fingerprint: '231:00000000000000ff', category: null, started_at: '2023-11-20T00:00:00Z', completed_at: null, metadata: '{"gap_size":1}', ...change,
  };
}

export function changeRow(change: Partial<RequestChangeRow>): RequestChangeRow {
  return {
    processor_name: 'Raw', game_date: '2023-11-15', request_type: 'auto', priority: 'normal', requested_at: '2023-11-20T00:00:00Z', requested_by: 'detector',
    status: 'queued', started_at: null, completed_at: null, error_message: null, metadata: null, changed_at: '2023-11-20T00:00:00Z', ...change,
  };
}
