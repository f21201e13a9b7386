-- Run history: one row for each end of a run, and for each decision not to run. Append-only, written by streaming inserts,
-- read by people and the query library; no decision reads it. {{table}} is `project.dataset.table`.
-- The columns are those of shared/google/history-schema.ts.
CREATE TABLE IF NOT EXISTS `{{table}}` (
  run_id STRING NOT NULL,
  processor_name STRING NOT NULL,
  phase STRING NOT NULL,
  data_date DATE NOT NULL,
  success BOOL NOT NULL,
  status STRING NOT NULL,
  error_message STRING,
  rows_processed INT64,
  processing_decision STRING NOT NULL,
  skip_reason STRING,
  backfill_mode BOOL NOT NULL,
  created_at TIMESTAMP NOT NULL,
  attempt INT64 NOT NULL,
  trace_digest STRING,
  fingerprint STRING,
  category STRING,
  started_at TIMESTAMP,
  completed_at TIMESTAMP,
  metadata STRING
)
PARTITION BY data_date
CLUSTER BY processor_name, status
