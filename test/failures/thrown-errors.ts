import type { FailureCategory } from '../../shared/failures/category.ts';

/** Errors that carry more than a text: codes, signals, statuses, reasons. */
export function nodeError(code: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code }, more);
}
function sqlite(errcode: number, message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode, errstr: message });
}

export const thrown: readonly (readonly [name: string, value: unknown, category: FailureCategory, rule: string])[] = [
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
export const reasons: readonly (readonly [reason: string, category: FailureCategory, retry: boolean])[] = [
  ['backendError', 'infrastructure', true], ['internalError', 'infrastructure', true], ['jobBackendError', 'infrastructure', true], ['duplicate', 'infrastructure', true],
  ['rateLimitExceeded', 'resource_exhausted', true], ['jobRateLimitExceeded', 'resource_exhausted', true], ['quotaExceeded', 'resource_exhausted', true],
  ['resourcesExceeded', 'resource_exhausted', true], ['bytesBilledLimitExceeded', 'resource_exhausted', false], ['accessDenied', 'infrastructure', false],
  ['notFound', 'data_availability', false], ['invalid', 'processing', false], ['invalidQuery', 'processing', false], ['ABORTED', 'infrastructure', true],
  ['PERMISSION_DENIED', 'infrastructure', false], ['UNAVAILABLE', 'infrastructure', true], ['DEADLINE_EXCEEDED', 'resource_exhausted', true],
];
