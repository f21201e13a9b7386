-- The view backfill_requests_latest: the newest state of each cell's request. {{table}} is `project.dataset.backfill_requests`.
SELECT
  processor_name, game_date, request_type, priority, requested_at, requested_by, status, started_at, completed_at,
  error_message, metadata, changed_at
FROM (
  SELECT
    processor_name, game_date, request_type, priority, requested_at, requested_by, status, started_at, completed_at,
    error_message, metadata, changed_at,
    ROW_NUMBER() OVER (PARTITION BY processor_name, game_date ORDER BY changed_at DESC, requested_at DESC, status) AS nth
  FROM `{{table}}`
) AS ranked
WHERE nth = 1
