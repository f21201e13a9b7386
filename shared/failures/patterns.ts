import type { PatternRule } from './rule.ts';

/**
 * Errors that are known by their text: engines, services, commands. In order: what names its kind stands before what only
 * mentions a word. Texts come from source documents 000 to 003 and from DuckDB 1.5.
 */
export const patternRules: readonly PatternRule[] = [
  // DuckDB: its prefix says what it is, whatever the rest of the text mentions
  { rule: 'duckdb_memory', category: 'resource_exhausted', pattern: /\bOut of Memory Error:/, why: 'DuckDB is out of memory' },
  { rule: 'duckdb_conflict', category: 'infrastructure', pattern: /\bTransaction(?:Context)? Error:|\bConflict on (?:update|tuple deletion)|write-write conflict/, why: 'another transaction was first' },
  { rule: 'duckdb_interrupted', category: 'infrastructure', pattern: /\bINTERRUPT Error:/, why: 'the query was interrupted' },
  { rule: 'duckdb_broken', category: 'infrastructure', pattern: /\b(?:FATAL|INTERNAL) Error:/, why: 'the engine has to be opened again' },
  { rule: 'disk_full', category: 'resource_exhausted', pattern: /no space left|\bENOSPC\b|disk (?:is )?full|disk quota exceeded/i, why: 'the disk is full' },
  { rule: 'duckdb_io_denied', category: 'infrastructure', retry: false, pattern: /\bIO Error:[^\n]*(?:permission denied|read-only|not a valid DuckDB|different version)/i, why: 'the warehouse file cannot be used as it is' },
  { rule: 'duckdb_io_lock', category: 'infrastructure', pattern: /\bIO Error: Could not set lock/, why: 'another process has the warehouse' },
  { rule: 'duckdb_io_missing', category: 'data_availability', pattern: /\bIO Error:[^\n]*(?:No files found that match|No such file)/, why: 'the file to read has not landed' },
  { rule: 'duckdb_io', category: 'infrastructure', pattern: /\b(?:IO|HTTP|Connection|Network) Error:/, why: 'the engine could not read or write' },
  { rule: 'duckdb_no_table', category: 'data_availability', pattern: /\bCatalog Error: (?:Table|View) with name \S+ does not exist/, why: 'a table that it reads is not there' },
  {
    rule: 'duckdb_query', category: 'processing', why: 'the query or its data is wrong; it would fail the same way again',
    pattern: /\b(?:Constraint|Conversion|Binder|Parser|Catalog|Out of Range|Invalid Input|Mismatch Type|Invalid Type|Type|Syntax|Executor|Expression|Decimal|Not implemented|Parameter Not (?:Allowed|Resolved)|Invalid Configuration|Serialization|Settings) Error:/,
  },

  // Defensive checks of processors and of this system
  { rule: 'dependency_error', category: 'defensive_block', pattern: /\bDependencyError\b|missing dependenc(?:y|ies)/i, why: 'the processor found that an upstream is not complete' },
  { rule: 'gap_detected', category: 'defensive_block', pattern: /gaps? detected|missing dates?\b|missing_dates\W+[1-9]|gaps? in (?:upstream|historical|lookback)|has gaps|until gaps are fixed/i, why: 'dates in its window are missing' },
  { rule: 'completeness', category: 'defensive_block', pattern: /completeness threshold|threshold not met|quality gate failed|stage \d+ incomplete|INCOMPLETE: \d+ missing/i, why: 'its inputs are not complete enough' },
  { rule: 'upstream_connection', category: 'infrastructure', pattern: /upstream (?:connect error|request timeout)|no healthy upstream/i, why: 'a proxy did not reach the service behind it' },
  { rule: 'upstream_failed', category: 'defensive_block', pattern: /upstream.*failed|phase \d+ (?:had failures|verification failed)|no phase \d+ runs found/i, why: 'what it reads failed for this date' },

  // Requests that can't become right
  { rule: 'invalid_request', category: 'invalid_request', pattern: /unknown processor|invalid[_ ]request\b|end_date (?:is )?before start_date/i, why: 'the request names what does not exist' },

  // Quotas before rates: a quota pauses until it resets
  { rule: 'dml_queue', category: 'resource_exhausted', pattern: /too many DML statements outstanding/i, why: 'too many changes to one table at a time (P23)' },
  { rule: 'quota', category: 'resource_exhausted', quota: true, pattern: /exceeded quota|quota exceeded|exceeded your[^\n]{0,40}quota|quotaExceeded/i, why: 'a quota is used up until it resets' },
  { rule: 'rate_limit', category: 'resource_exhausted', pattern: /rate limits?\b|rateLimitExceeded|too many (?:requests|concurrent)|throttl/i, why: 'too many requests at a time' },

  // Rights
  { rule: 'denied', category: 'infrastructure', retry: false, pattern: /permission ?(?:was )?denied|access denied|PermissionError|not authorized|unauthori[sz]ed|unauthenticated|does not have (?:\S+ )?(?:permission|access)|operation not permitted/i, why: 'the account may not do this' },

  // Scripts and connections
  { rule: 'command_not_found', category: 'infrastructure', pattern: /command not found|sh: (?:(?:line )?\d+: )?\S+: not found$|is not recognized as an? (?:internal|command)/im, why: 'the command is not installed here' },
  { rule: 'connection', category: 'infrastructure', pattern: /connection (?:attempt )?(?:time[d-]?[ -]?out|lost|refused|reset|closed|aborted|failed|terminated|error)|(?:connect|session) time[d-]?[ -]?out|ConnectionError|ConnectTimeout|lost connection|network (?:interruption|error|is unreachable)|socket hang up|broken pipe|fetch failed|name resolution|temporary failure/i, why: 'the connection was lost' },
  { rule: 'crash', category: 'infrastructure', pattern: /script (?:crash(?:es|ed)?|terminated)|(?:process|container) (?:crashed|terminated|was killed|exited unexpectedly)|system shutdown|segmentation fault|core dumped|\bSIG(?:KILL|TERM|SEGV|ABRT|HUP)\b/i, why: 'the process ended before it was done' },
  { rule: 'service_down', category: 'infrastructure', pattern: /service unavailable|bad gateway|internal server error|temporarily unavailable|server is (?:shutting down|restarting)|retrying (?:the job )?may solve the problem/i, why: 'the service failed for a moment' },
  { rule: 'locked', category: 'infrastructure', pattern: /database (?:table )?is locked|could not serialize|deadlock|lock (?:wait|contention)/i, why: 'another transaction was first' },

  // Data that is not there
  { rule: 'no_file', category: 'data_availability', pattern: /FileNotFoundError|no such (?:file|object)|NoSuchKey/i, why: 'the file to read has not landed' },
  { rule: 'no_data', category: 'data_availability', pattern: /no (?:\w+ )?data (?:was )?(?:found|available|returned)|\bno_data\b|source data (?:doesn'?t|does not) exist|return(?:s|ed)? (?:empty|no (?:rows|results))/i, why: 'the source has nothing for this date' },
  { rule: 'no_table', category: 'data_availability', pattern: /tables? (?:was )?not found|not found: (?:table|dataset)|upstream table (?:is )?missing/i, why: 'a table that it reads is not there' },

  // Logic and data of processors
  { rule: 'division', category: 'processing', pattern: /(?:division|divide|modulo) by zero|ZeroDivisionError/i, why: 'the processor divides by zero' },
  { rule: 'null_value', category: 'processing', pattern: /null values?\b|cannot be null|not null constraint|NoneType/i, why: 'a value is null where it must not be' },
  { rule: 'invalid_data', category: 'processing', pattern: /invalid data|invalid value|schema mismatch|no such field|unrecognized name/i, why: 'the data is not what the processor takes' },
  { rule: 'logic', category: 'processing', pattern: /logic errors?\b|AssertionError|KeyError|IndexError|AttributeError|ReferenceError|syntax ?error|NameError|processor returned false|silent_failure/i, why: 'the processor is wrong' },

  // Words alone, last
  { rule: 'out_of_memory', category: 'resource_exhausted', pattern: /memory|resources exceeded|OOMKilled/i, why: 'out of memory' },
  { rule: 'timeout', category: 'resource_exhausted', pattern: /time[d-]?[ -]?s?[ -]?out|deadline exceeded|DEADLINE_EXCEEDED/i, why: 'it took too long' },
  { rule: 'interrupted', category: 'infrastructure', pattern: /\binterrupted\b|\bAbortError\b|operation was aborted/i, why: 'it was interrupted' },
  { rule: 'wrong_type', category: 'processing', pattern: /\b(?:TypeError|ValueError|RangeError)\b/, why: 'the data is not what the processor takes' },
];

/** No row knows it. Held, and a person is told: a failure nobody understands is not repeated by itself. */
export const unknownFailure: Omit<PatternRule, 'pattern'> = {
  rule: 'unknown', category: 'processing', why: 'no rule knows this error; add a row to shared/failures/patterns.ts once it is understood',
};
