/** What can be read off something thrown, whoever threw it: an Error, a Google client, a target's `{type, message}`, a text. */
export interface Evidence {
  /** Name of the error's class, as the thrower calls it. */
  readonly type: string;
  readonly message: string;
  /** `type: message` of it and of its causes: what the patterns are held against. */
  readonly text: string;
  /** Node's codes (ENOENT, ERR_SQLITE_ERROR, …), outermost first. */
  readonly codes: readonly string[];
  /** Google's machine-readable reasons, outermost first: they say more than the statuses beside them. */
  readonly reasons: readonly string[];
  /** Google's canonical statuses (`PERMISSION_DENIED`), outermost first. */
  readonly statuses: readonly string[];
  /** SQLite's extended result code. */
  readonly sqlite: number | null;
  readonly signal: string | null;
  /** Exit code of a child process. */
  readonly exitCode: number | null;
  readonly grpcCode: number | null;
  readonly httpStatus: number | null;
  readonly path: string;
  readonly syscall: string;
}

const MAX_LEVELS = 6;
const MAX_LINKS = 12;
const MAX_TEXT = 8000;
const MAX_MESSAGE = 2000;

/** Reads what is there; never throws, whatever it is given. */
export function evidenceOf(thrown: unknown): Evidence {
  const links: object[] = [];
  collect(thrown, links, 0);
  const [outer] = links;
  if (outer === undefined) {
    const message = plain(thrown);
    return { type: typeof thrown, message: shorten(message, MAX_MESSAGE), text: shorten(message, MAX_TEXT), codes: [], reasons: [], statuses: [], sqlite: null, signal: null, exitCode: null, grpcCode: null, httpStatus: null, path: '', syscall: '' };
  }
  const type = typeOf(outer);
  const message = text(outer, 'message') || text(outer, 'error') || text(outer, 'details');
  const told = links.map((link) => [typeOf(link), text(link, 'message') || text(link, 'error'), text(link, 'stderr')].filter(Boolean).join(': '));
  return {
    type,
    message: shorten(message || type, MAX_MESSAGE),
    text: shorten(told.join('\n'), MAX_TEXT),
    codes: links.map((link) => text(link, 'code')).filter(Boolean),
    reasons: links.map((link) => text(link, 'reason')).filter(Boolean),
    statuses: links.map((link) => text(link, 'status')).filter(Boolean),
    sqlite: first(links, (link) => (text(link, 'code') === 'ERR_SQLITE_ERROR' ? number(link, 'errcode') : null)),
    signal: first(links, (link) => text(link, 'signal') || null),
    exitCode: first(links, (link) => number(link, 'exitCode') ?? (isProcess(link) ? number(link, 'code') : null)),
    grpcCode: first(links, (link) => (typeof get(link, 'details') === 'string' && !isProcess(link) ? between(number(link, 'code'), 1, 16) : null)),
    httpStatus: first(links, (link) => between(number(link, 'statusCode'), 400, 599) ?? between(number(link, 'status'), 400, 599) ?? (isProcess(link) ? null : between(number(link, 'code'), 400, 599))),
    path: first(links, (link) => text(link, 'path') || null) ?? '',
    syscall: first(links, (link) => text(link, 'syscall') || null) ?? '',
  };
}

/** The thrown thing, then what it wraps: causes, Google's lists of errors, a response's body, a job's status, its details. */
function collect(value: unknown, links: object[], level: number): void {
  if (typeof value !== 'object' || value === null || level > MAX_LEVELS || links.length >= MAX_LINKS || links.includes(value)) return;
  if (Array.isArray(value)) {
    for (const item of value.slice(0, MAX_LINKS)) collect(item, links, level + 1);
    return;
  }
  links.push(value);
  // A job's result before its list of errors, which may begin with warnings.
  for (const key of ['error', 'errorResult', 'errors', 'status', 'cause', 'response', 'data', 'body', 'details']) collect(get(value, key), links, level + 1);
}

function get(from: object, key: string): unknown {
  try {
    return Reflect.get(from, key);
  } catch {
    return undefined;
  }
}

function text(from: object, key: string): string {
  const value = get(from, key);
  return typeof value === 'string' ? value : '';
}

function number(from: object, key: string): number | null {
  const value = get(from, key);
  return typeof value === 'number' && Number.isInteger(value) ? value : null;
}

function between(value: number | null, low: number, high: number): number | null {
  return value !== null && value >= low && value <= high ? value : null;
}

function isProcess(link: object): boolean {
  return typeof get(link, 'cmd') === 'string' || typeof get(link, 'killed') === 'boolean' || get(link, 'signal') !== undefined;
}

function first<T>(links: readonly object[], read: (link: object) => T | null): T | null {
  for (const link of links) {
    const value = read(link);
    if (value !== null) return value;
  }
  return null;
}

/** A target's `type`, else the error's name, else its class. */
function typeOf(link: object): string {
  const name = text(link, 'type') || text(link, 'name');
  if (name) return name;
  const maker = get(link, 'constructor');
  return typeof maker === 'function' && maker !== Object ? maker.name : '';
}

function plain(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/** Its beginning and its end: a child's stderr ends with the error, an Error begins with it. */
function shorten(value: string, limit: number): string {
  if (value.length <= limit) return value;
  const half = Math.floor((limit - 5) / 2);
  return `${value.slice(0, half)}\n…\n${value.slice(-half)}`;
}
