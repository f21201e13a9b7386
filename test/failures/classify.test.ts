import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FailureCategory } from '../../shared/failures/category.ts';
import { failureCategories } from '../../shared/failures/category.ts';
import { classify } from '../../shared/failures/classify.ts';
import { HeldBackError, InputError, NeverRetryError, ParkError, RetryLaterError, RetrySoonError } from '../../shared/failures/errors.ts';
import { googleReasons } from '../../shared/failures/google-reasons.ts';
import { patternRules } from '../../shared/failures/patterns.ts';

type Row = readonly [text: string, category: FailureCategory, rule?: string];

/** Source document 002: the symptoms of its five categories, as it writes them. */
const symptoms: readonly Row[] = [
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
const greps: readonly Row[] = [
  ['command not found', 'infrastructure'], ['permission denied', 'infrastructure'], ['connection timeout', 'infrastructure'],
  ['FileNotFoundError', 'data_availability'], ['No data found', 'data_availability'], ['Table not found', 'data_availability'],
  ['division by zero', 'processing'], ['NULL value', 'processing'], ['invalid data', 'processing'],
  ['timeout', 'resource_exhausted'], ['memory', 'resource_exhausted'], ['rate limit', 'resource_exhausted'],
  ['DependencyError', 'defensive_block'], ['Gap detected', 'defensive_block'], ['upstream processor PlayerGameSummary failed', 'defensive_block'],
];

/** Source document 002: what its scenarios and emergencies print, line by line and as a whole. */
const scenarios: readonly Row[] = [
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
const otherDocuments: readonly Row[] = [
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
const duckdb: readonly Row[] = [
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
const services: readonly Row[] = [
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
  ['read ECONNRESET: socket hang up', 'infrastructure', 'connection'],
  ['requests.exceptions.ConnectionError: HTTPSConnectionPool(host="stats.nba.com")', 'infrastructure', 'connection'],
  ['database is locked', 'infrastructure', 'locked'],
  ['sh: 1: nopecmd: not found', 'infrastructure', 'command_not_found'],
  ['KeyError: \'points\'', 'processing', 'logic'],
  ['TypeError: Cannot read properties of undefined', 'processing', 'wrong_type'],
  ['silent_failure: 0 rows, 231 expected', 'processing', 'logic'],
];

function nodeError(code: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code }, more);
}
function sqlite(errcode: number, message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode, errstr: message });
}

const thrown: readonly (readonly [name: string, value: unknown, category: FailureCategory, rule: string])[] = [
  ['a refused connection', nodeError('ECONNREFUSED', 'connect 127.0.0.1:1'), 'infrastructure', 'node:ECONNREFUSED'],
  ['a connection timeout', nodeError('ETIMEDOUT', 'connect'), 'infrastructure', 'node:ETIMEDOUT'],
  ['fetch, with its code in the cause', new TypeError('fetch failed', { cause: nodeError('ENOTFOUND', 'getaddrinfo nope.invalid') }), 'infrastructure', 'node:ENOTFOUND'],
  ['a full disk', nodeError('ENOSPC', 'no space left on device, write'), 'resource_exhausted', 'node:ENOSPC'],
  ['a file without permission', nodeError('EACCES', 'permission denied, open'), 'infrastructure', 'node:EACCES'],
  ['a read-only folder', nodeError('EROFS', 'read-only file system'), 'infrastructure', 'node:EROFS'],
  ['a landing file that is not there', nodeError('ENOENT', 'no such file', { path: '/s/landing/box/game_date=2023-11-15/rows.json', syscall: 'open' }), 'data_availability', 'node:ENOENT_data'],
  ['a .sql file that is not there', nodeError('ENOENT', 'no such file', { path: '/p/sql/player.sql', syscall: 'open' }), 'processing', 'node:ENOENT_definition'],
  ['a command that is not there', nodeError('ENOENT', 'spawn nope', { path: 'nope', syscall: 'spawn nope' }), 'infrastructure', 'node:ENOENT_command'],
  ['a child killed by a signal', Object.assign(new Error('Command failed: sh'), { code: null, signal: 'SIGKILL', killed: false, cmd: 'sh' }), 'infrastructure', 'process:signal'],
  ['a child that reports 137', Object.assign(new Error('Command failed: sh'), { code: 137, signal: null, killed: false, cmd: 'sh' }), 'infrastructure', 'process:signal'],
  ['a shell without the command', Object.assign(new Error('Command failed: sh'), { code: 127, signal: null, killed: false, cmd: 'sh' }), 'infrastructure', 'process:127'],
  ['a child that divides by zero', Object.assign(new Error('Command failed: python3'), { code: 1, signal: null, killed: false, cmd: 'python3', stderr: 'ZeroDivisionError: division by zero' }), 'processing', 'division'],
  ['a run over its time', new DOMException('The operation was aborted due to timeout', 'TimeoutError'), 'resource_exhausted', 'timeout'],
  ['a run that was cancelled', new DOMException('This operation was aborted', 'AbortError'), 'infrastructure', 'interrupted'],
  ['SQLite: a broken constraint', sqlite(1555, 'UNIQUE constraint failed: t.a'), 'processing', 'sqlite:19'],
  ['SQLite: locked', sqlite(5, 'database is locked'), 'infrastructure', 'sqlite:5'],
  ['SQLite: out of memory', sqlite(7, 'out of memory'), 'resource_exhausted', 'sqlite:7'],
  ['SQLite: interrupted', sqlite(9, 'interrupted'), 'infrastructure', 'sqlite:9'],
  ['SQLite: disk full', sqlite(13, 'database or disk is full'), 'resource_exhausted', 'sqlite:13'],
  ['SQLite: disk I/O error', sqlite(778, 'disk I/O error'), 'infrastructure', 'sqlite:10'],
  ['SQLite: read-only', sqlite(8, 'attempt to write a readonly database'), 'infrastructure', 'sqlite:8'],
  ['SQLite: damaged', sqlite(11, 'database disk image is malformed'), 'infrastructure', 'sqlite:11'],
  ['SQLite: no SQLite file', sqlite(26, 'file is not a database'), 'infrastructure', 'sqlite:26'],
  ['SQLite: a wrong statement', sqlite(1, 'near "selec": syntax error'), 'processing', 'sqlite:1'],
  ['SQLite: a table of another version', sqlite(1, 'no such table: cells'), 'infrastructure', 'sqlite:no_table'],
  ['SQLite: a wrong type', sqlite(20, 'datatype mismatch'), 'processing', 'sqlite:20'],
  ["a target's answer", { type: 'DependencyError', message: 'Cannot process 2023-11-15' }, 'defensive_block', 'dependency_error'],
  ["a target's Python file error", { type: 'FileNotFoundError', message: '/data/2023-11-15.json' }, 'data_availability', 'no_file'],
  ['an HTTP answer with a text', { status: 500, body: { error: { type: 'ZeroDivisionError', message: 'division by zero' } } }, 'processing', 'division'],
  ['an HTTP 503 without a text', { statusCode: 503 }, 'infrastructure', 'http:503'],
  ['an HTTP 429 without a text', { statusCode: 429 }, 'resource_exhausted', 'http:429'],
  ['an HTTP 403 without a text', { statusCode: 403 }, 'infrastructure', 'http:403'],
  ['an HTTP 400 without a text', { statusCode: 400 }, 'processing', 'http:400'],
  ['nothing', undefined, 'processing', 'unknown'],
  ['a number', 7, 'processing', 'unknown'],
];

/** Reason → category, whether it is retried: the table of P22. */
const reasons: readonly (readonly [reason: string, category: FailureCategory, retry: boolean])[] = [
  ['backendError', 'infrastructure', true], ['internalError', 'infrastructure', true], ['jobBackendError', 'infrastructure', true], ['duplicate', 'infrastructure', true],
  ['rateLimitExceeded', 'resource_exhausted', true], ['jobRateLimitExceeded', 'resource_exhausted', true], ['quotaExceeded', 'resource_exhausted', true],
  ['resourcesExceeded', 'resource_exhausted', true], ['bytesBilledLimitExceeded', 'resource_exhausted', false], ['accessDenied', 'infrastructure', false],
  ['notFound', 'data_availability', false], ['invalid', 'processing', false], ['invalidQuery', 'processing', false], ['ABORTED', 'infrastructure', true],
  ['PERMISSION_DENIED', 'infrastructure', false], ['UNAVAILABLE', 'infrastructure', true], ['DEADLINE_EXCEEDED', 'resource_exhausted', true],
];

describe('classify', () => {
  const tables: readonly (readonly [string, readonly Row[]])[] = [
    ['a symptom of source document 002', symptoms], ['a word that source document 002 greps for', greps], ['a scenario of source document 002', scenarios],
    ['an error of source documents 000, 001 and 003', otherDocuments], ["DuckDB's", duckdb], ["a service's or a command's", services],
  ];
  for (const [kind, rows] of tables) {
    for (const [text, category, rule] of rows) {
      it(`takes ${kind} "${text.replaceAll('\n', ' / ')}" for ${category}`, () => {
        for (const form of [text, new Error(text), { type: 'Error', message: text }]) {
          const failure = classify(form);
          assert.deepEqual([failure.category, rule === undefined ? undefined : failure.rule], [category, rule], failure.rule);
        }
      });
    }
  }

  for (const [name, value, category, rule] of thrown) {
    it(`takes ${name} for ${category}`, () => {
      const failure = classify(value);
      assert.deepEqual([failure.category, failure.rule], [category, rule]);
    });
  }

  for (const [reason, category, retry] of reasons) {
    it(`takes Google's reason ${reason} for ${category}, ${retry ? 'retried' : 'not retried'}, at request and at job level (P22)`, () => {
      const request = Object.assign(new Error('said otherwise'), { code: 400, errors: [{ reason, message: 'said otherwise' }] });
      const job = { status: { state: 'DONE', errorResult: { reason, message: 'said otherwise' }, errors: [{ reason }] } };
      const response = { code: 403, response: { data: { error: { errors: [{ reason }] } } } };
      for (const form of [request, job, response]) {
        const failure = classify(form);
        assert.deepEqual([failure.category, failure.retry, failure.rule], [category, retry, `google:${reason}`]);
      }
    });
  }

  it('reads a gRPC code where there is no reason', () => {
    assert.equal(classify(Object.assign(new Error('10 ABORTED: Too much contention'), { code: 10, details: 'Too much contention' })).rule, 'google:ABORTED');
    assert.equal(classify(Object.assign(new Error('7 PERMISSION_DENIED'), { code: 7, details: 'x' })).retry, false);
  });

  it('does not take an exit code of a child for a gRPC code', () => {
    assert.equal(classify(Object.assign(new Error('Command failed'), { code: 10, signal: null, killed: false, cmd: 'x', details: '' })).rule, 'unknown');
  });

  it('never retries what is not allowed, and alerts it at once', () => {
    for (const value of ['Permission denied errors', nodeError('EACCES', 'permission denied'), { errors: [{ reason: 'accessDenied' }] }]) {
      const { category, action, alert, retry } = classify(value);
      assert.deepEqual({ category, action, alert, retry }, { category: 'infrastructure', action: 'never', alert: 'at_once', retry: false });
    }
  });

  it('pauses for a quota as long as the quota lasts', () => {
    assert.equal(classify('ERROR: Exceeded quota: concurrent queries').pause, 'minutes');
    assert.equal(classify('ERROR: Exceeded quota: daily query bytes').pause, 'next_day');
    assert.equal(classify({ errors: [{ reason: 'quotaExceeded', message: 'Custom quota exceeded: QueryUsagePerDay' }] }).pause, 'next_day');
    assert.equal(classify({ errors: [{ reason: 'quotaExceeded', message: 'Too many DML statements outstanding against table x' }] }).pause, null);
    assert.equal(classify('Rate limit exceeded').pause, null);
  });

  it('believes an error that names what to do, also when it is the cause of another', () => {
    const rows = [
      [new RetrySoonError('x'), 'infrastructure', 'retry_soon'], [new RetryLaterError('x', { pause: 'next_day' }), 'resource_exhausted', 'retry_later'],
      [new NeverRetryError('division by zero'), 'processing', 'never'], [new ParkError('x'), 'defensive_block', 'park'], [new InputError('timeout'), 'invalid_request', 'never'],
      [new HeldBackError('x'), 'defensive_block', 'park'], [new NeverRetryError('x', { category: 'data_availability' }), 'data_availability', 'never'],
    ] as const;
    for (const [error, category, action] of rows) {
      for (const value of [error, new Error('permission denied', { cause: error })]) {
        const failure = classify(value);
        assert.deepEqual([failure.category, failure.action, failure.type, failure.message], [category, action, error.name, error.message]);
      }
    }
    assert.equal(classify(new RetryLaterError('x', { pause: 'next_day' })).pause, 'next_day');
  });

  it('keeps the beginning and the end of a long message', () => {
    const { message, category } = classify(new Error(`first ${'.'.repeat(3_000_000)} division by zero`));
    assert.equal(category, 'processing');
    assert.ok(message.length <= 2000 && message.startsWith('first') && message.endsWith('division by zero'));
  });

  it('gives each row of the tables its reason and a name of its own', () => {
    assert.equal(new Set(patternRules.map((row) => row.rule)).size, patternRules.length);
    for (const row of [...patternRules, ...Object.values(googleReasons)]) assert.ok(row.why.length > 5);
  });

  it('uses every row of the pattern table in a test row', () => {
    const rows = [...tables.flatMap(([, list]) => list.map(([text]) => text)), ...thrown.map(([, value]) => value), 'ValueError: 3'];
    const used = new Set(rows.map((value) => classify(value).rule));
    assert.deepEqual(patternRules.map((row) => row.rule).filter((rule) => !used.has(rule)), []);
  });

  it('never throws and always names one of the six categories, whatever is thrown', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }), (value) => {
      const failure = classify(value);
      assert.ok(failureCategories.includes(failure.category));
      assert.ok(failure.message.length <= 2000);
    }));
    const hostile = new Proxy({}, { get() { throw new Error('no'); } });
    assert.equal(classify(hostile).rule, 'unknown');
    const ring: { cause?: unknown } = new Error('division by zero');
    ring.cause = ring;
    assert.equal(classify(ring).category, 'processing');
  });
});
