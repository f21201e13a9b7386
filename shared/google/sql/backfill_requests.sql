-- Every change of a request's state: one row each, so that none in the streaming buffer has to be updated (P18).
-- backfill_requests_latest.sql has the newest of each. {{table}} is `project.dataset.table`.
-- The columns are those of shared/google/history-schema.ts.
CREATE TABLE IF NOT EXISTS `{{table}}` (
  processor_name STRING NOT NULL,
  game_date DATE NOT NULL,
  request_type STRING NOT NULL,
  priority STRING NOT NULL,
  requested_at TIMESTAMP NOT NULL,
  requested_by STRING NOT NULL,
  status STRING NOT NULL,
  started_at TIMESTAMP,
  completed_at TIMESTAMP,
  error_message STRING,
  metadata STRING,
  changed_at TIMESTAMP NOT NULL
)
PARTITION BY game_date
CLUSTER BY processor_name, status
