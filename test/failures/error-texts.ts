import type { FailureCategory } from '../../shared/failures/category.ts';

/** Error texts as they are written, with the category each has to get; without a rule where which row decides is not the point. */
export type Row = readonly [text: string, category: FailureCategory, rule?: string];

/** Source document 002: the symptoms of its five categories, as it writes them. */
export const symptoms: readonly Row[] = [
  ['Script crashes', 'infrastructure', 'crash'],
  ['Connection timeouts', 'infrastructure', 'connection'],
  ['"Command not found" errors', 'infrastructure', 'command_not_found'],
  ['Permission denied errors', 'infrastructure', 'denied'],
  ['"FileNotFoundError" - Source data doesn\'t exist', 'data_availability', 'no_file'],
  ['Source data doesn\'t exist', 'data_availability', 'no_data'],
  ['"No data found" - Query returns empty', 'data_availability', 'no_data'],
  ['Query returns empty', 'data_availability', 'no_data'],
  ['"Table not found" - Upstream table missing', 'data_availability', 'no_table'],
  ['Upstream table missing', 'data_availability', 'no_table'],
  ['Division by zero', 'processing', 'division'],
  ['"NULL value" errors', 'processing', 'null_value'],
  ['"Invalid data type" errors', 'processing', 'invalid_data'],
  ['Logic errors in processors', 'processing', 'logic'],
  ['Query timeout', 'resource_exhausted', 'timeout'],
  ['Memory exceeded', 'resource_exhausted', 'out_of_memory'],
  ['Rate limit exceeded', 'resource_exhausted', 'rate_limit'],
  ['DependencyError: Gap detected', 'defensive_block', 'dependency_error'],
  ['Upstream processor failed', 'defensive_block', 'upstream_failed'],
  ['Completeness threshold not met', 'defensive_block', 'completeness'],
];

/** Source document 002, procedure 2: the words it greps a log for. */
export const greps: readonly Row[] = [
  ['command not found', 'infrastructure'], ['permission denied', 'infrastructure'], ['connection timeout', 'infrastructure'],
  ['FileNotFoundError', 'data_availability'], ['No data found', 'data_availability'], ['Table not found', 'data_availability'],
  ['division by zero', 'processing'], ['NULL value', 'processing'], ['invalid data', 'processing'],
  ['timeout', 'resource_exhausted'], ['memory', 'resource_exhausted'], ['rate limit', 'resource_exhausted'],
  ['DependencyError', 'defensive_block'], ['Gap detected', 'defensive_block'], ['upstream processor PlayerGameSummary failed', 'defensive_block'],
];

/** Source document 002: what its scenarios and emergencies print, line by line and as a whole. */
export const scenarios: readonly Row[] = [
  ['Connection lost', 'infrastructure', 'connection'],
  ['Script terminated', 'infrastructure', 'crash'],
  ['Processing date 150/327...\nConnection lost\nScript terminated', 'infrastructure', 'connection'],
  ['Network interruption', 'infrastructure', 'connection'],
  ['SSH session timeout', 'infrastructure', 'connection'],
  ['System shutdown', 'infrastructure', 'crash'],
  ['ERROR: FileNotFoundError: No raw data found for game_date=2023-11-15', 'data_availability', 'no_file'],
  ['No raw data found for game_date=2023-11-15', 'data_availability', 'no_data'],
  ['ERROR: FileNotFoundError: No raw data found for game_date=2023-11-15\nProcessing failed for 2023-11-15', 'data_availability', 'no_file'],
  ['⚠️ Analytics BLOCKED: Gap Detected', 'defensive_block', 'gap_detected'],
  ["Missing dates in lookback window: ['2023-11-10', '2023-11-12']", 'defensive_block', 'gap_detected'],
  ['DependencyError: Cannot process 2023-11-15 - upstream gaps detected', 'defensive_block', 'dependency_error'],
  ["⚠️ Analytics BLOCKED: Gap Detected\nMissing dates in lookback window: ['2023-11-10', '2023-11-12']\nDependencyError: Cannot process 2023-11-15 - upstream gaps detected", 'defensive_block'],
  ['ERROR: Query timeout: exceeded 180 seconds', 'resource_exhausted', 'timeout'],
  ['ERROR: Query timeout: exceeded 180 seconds\nProcessing failed for 2023-11-15', 'resource_exhausted', 'timeout'],
  ['✅ ALL DATES SUCCESSFUL\nBackfill script completed\n\nBut quality gate shows:\nphase3_dates: 635\nmissing_dates: 3\ngate_status: ⚠️ STAGE 1 INCOMPLETE', 'defensive_block', 'gap_detected'],
  ['missing_dates: 3', 'defensive_block', 'gap_detected'],
  ['gate_status: ⚠️ STAGE 1 INCOMPLETE', 'defensive_block', 'completeness'],
  ['ERROR: Exceeded quota: concurrent queries', 'resource_exhausted', 'quota'],
  ['ERROR: Exceeded quota: daily query bytes', 'resource_exhausted', 'quota'],
  // These lines say that it failed and not why: held, and a person is told.
  ['Processing failed for 2023-11-15', 'processing', 'unknown'],
  ['[team_defense_game_summary] ❌ Failed', 'processing', 'unknown'],
  ['⚠️ Date 2023-11-15 had failures', 'processing', 'unknown'],
];

/** Source documents 000, 001 and 003. */
export const otherDocuments: readonly Row[] = [
  ['Processor times out querying BigQuery or GCS', 'resource_exhausted', 'timeout'],
  ["⚠ Analytics BLOCKED: Gap Detected\nMissing dates in lookback window: ['2021-10-20', '2021-10-21']", 'defensive_block', 'gap_detected'],
  ['Phase 3 raises `DependencyError` due to gap or upstream failure', 'defensive_block', 'dependency_error'],
  [' QUALITY GATE FAILED: Phase 2 has gaps', 'defensive_block'],
  ['DO NOT proceed to Phase 3-4 until gaps are fixed', 'defensive_block', 'gap_detected'],
  ['   INCOMPLETE: 3 missing dates', 'defensive_block'],
  ['  ⚠  WARNING: No Phase 4 runs found for 2021-10-22', 'defensive_block', 'upstream_failed'],
  ['   Phase 4 had failures for 2021-10-22:', 'defensive_block', 'upstream_failed'],
  [' Phase 4 verification failed for 2021-10-22', 'defensive_block', 'upstream_failed'],
  ['  ⚠  Skipping 2021-10-22: upstream Phase 1 failed', 'defensive_block', 'upstream_failed'],
  ['  ⚠  FAILED after 1 retries - logging for investigation', 'processing', 'unknown'],
  [' FAILED: player_game_summary for 2021-10-22', 'processing', 'unknown'],
  ["Found 2 gaps in upstream data: ['2021-10-20']...", 'defensive_block', 'gap_detected'],
  ['DependencyError: Cannot process 2021-10-22: gaps in historical data', 'defensive_block', 'dependency_error'],
  ['Cannot process 2021-10-22: gaps in historical data', 'defensive_block', 'gap_detected'],
  ['Missing dependency for Nov 15', 'defensive_block', 'dependency_error'],
  ['Detected 2 missing dates in lookback window', 'defensive_block', 'gap_detected'],
  ['Large gap detected (5 > 3), manual intervention required', 'defensive_block', 'gap_detected'],
  ['Small gap detected (2 ≤ 3), auto-queueing backfill', 'defensive_block', 'gap_detected'],
  ['Processor returned False', 'processing', 'logic'],
  ['ValueError: Unknown processor: PlayerGameSumaryProcessor', 'invalid_request', 'invalid_request'],
];

/** DuckDB 1.5, as it writes them. */
export const duckdb: readonly Row[] = [
  ['Constraint Error: PRIMARY KEY or UNIQUE constraint violation: duplicate key "1"', 'processing', 'duckdb_query'],
  ['Constraint Error: NOT NULL constraint failed: t.b', 'processing', 'duckdb_query'],
  ['Constraint Error: CHECK constraint failed on table t with expression CHECK((b > 0))', 'processing', 'duckdb_query'],
  ['Binder Error: Referenced column "timeout" not found in FROM clause!\nCandidate bindings: "memory"', 'processing', 'duckdb_query'],
  ['Parser Error: syntax error at or near "selec"\n\nLINE 1: selec x', 'processing', 'duckdb_query'],
  ["Conversion Error: Could not convert string 'connection timeout' to INT32", 'processing', 'duckdb_query'],
  ['Conversion Error: date field value out of range: "2023-02-30"', 'processing', 'duckdb_query'],
  ['Catalog Error: Scalar Function with name nofn does not exist!', 'processing', 'duckdb_query'],
  ['Catalog Error: Table with name nope does not exist!\nDid you mean "pg_enum"?', 'data_availability', 'duckdb_no_table'],
  ['Out of Range Error: Overflow in addition of INT64 (9223372036854775807 + 1)!', 'processing', 'duckdb_query'],
  ['Invalid Input Error: More than one row returned by a subquery used as an expression', 'processing', 'duckdb_query'],
  ['Out of Memory Error: could not allocate block of size 256.0 KiB (4.5 MiB/4.7 MiB used)\nDatabase is launched in in-memory mode', 'resource_exhausted', 'duckdb_memory'],
  ['IO Error: Could not write file "/s/warehouse.duckdb": No space left on device', 'resource_exhausted', 'disk_full'],
  ['IO Error: Could not set lock on file "/s/warehouse.duckdb": Conflicting lock is held in node (PID 4544)', 'infrastructure', 'duckdb_io_lock'],
  ['IO Error: Cannot open file "/s/warehouse.duckdb": Permission denied', 'infrastructure', 'duckdb_io_denied'],
  ['IO Error: The file "/s/warehouse.duckdb" exists, but it is not a valid DuckDB database file!', 'infrastructure', 'duckdb_io_denied'],
  ['IO Error: No files found that match the pattern "landing/box/game_date=2023-11-15/*.csv"', 'data_availability', 'duckdb_io_missing'],
  ['IO Error: Cannot open file "landing/a.csv": No such file or directory', 'data_availability', 'duckdb_io_missing'],
  ['IO Error: Could not read from file "x": Input/output error', 'infrastructure', 'duckdb_io'],
  ['TransactionContext Error: Conflict on update!', 'infrastructure', 'duckdb_conflict'],
  ['TransactionContext Error: Failed to commit: PRIMARY KEY or UNIQUE constraint violation: duplicate key "5"', 'infrastructure', 'duckdb_conflict'],
  ['TransactionContext Error: Current transaction is aborted (please ROLLBACK)', 'infrastructure', 'duckdb_conflict'],
  ['INTERRUPT Error: Interrupted!', 'infrastructure', 'duckdb_interrupted'],
  ['FATAL Error: Failed: database has been invalidated because of a previous fatal error', 'infrastructure', 'duckdb_broken'],
];

/** What services and commands write. */
export const services: readonly Row[] = [
  ['Access Denied: Table p:d.t: User does not have permission to query table', 'infrastructure', 'denied'],
  ['403 Permission bigquery.jobs.create denied: the user does not have bigquery.jobs.create permission in project p', 'infrastructure', 'denied'],
  ['Not found: Table p:nba_raw.nbac_schedule was not found in location US', 'data_availability', 'no_table'],
  ['Resources exceeded during query execution: Not enough resources for query planning', 'resource_exhausted', 'out_of_memory'],
  ['Too many DML statements outstanding against table p:d.t, limit is 20.', 'resource_exhausted', 'dml_queue'],
  ['Quota exceeded: Your project exceeded quota for free query bytes scanned', 'resource_exhausted', 'quota'],
  ['Exceeded rate limits: too many concurrent queries for this project', 'resource_exhausted', 'rate_limit'],
  ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory', 'resource_exhausted', 'out_of_memory'],
  ['upstream connect error or disconnect/reset before headers', 'infrastructure', 'upstream_connection'],
  ['503 Service Unavailable', 'infrastructure', 'service_down'],
  ['The job encountered an error during execution. Retrying the job may solve the problem.', 'infrastructure', 'service_down'],
  ['read ECONNRESET: socket hang up', 'infrastructure', 'connection'],
  ['requests.exceptions.ConnectionError: HTTPSConnectionPool(host="stats.nba.com")', 'infrastructure', 'connection'],
  ['database is locked', 'infrastructure', 'locked'],
  ['sh: 1: nopecmd: not found', 'infrastructure', 'command_not_found'],
  ['KeyError: \'points\'', 'processing', 'logic'],
  ['TypeError: Cannot read properties of undefined', 'processing', 'wrong_type'],
  ['silent_failure: 0 rows, 231 expected', 'processing', 'logic'],
];
