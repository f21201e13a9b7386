/** What is wrong with a definition, and where. */

/** A mistake at a path of the definition, before it is known which line that is. */
export interface Mistake {
  readonly path: readonly PropertyKey[];
  /** Whether the key at the end of the path is wrong, rather than its value. */
  readonly at?: 'key';
  readonly what: string;
  readonly received: string;
  readonly allowed: string;
  /** What to do. */
  readonly hint: string;
}

/** A mistake at an offset of a .sql file, before it is known which line that is. */
export interface SqlMistake {
  readonly offset: number;
  readonly what: string;
  readonly received: string;
  readonly allowed: string;
  readonly hint: string;
}

/** A mistake as a person sees it. Line and column count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** One sentence with all that a message must say. */
export function mistakeMessage({ what, received, allowed, hint }: Omit<Mistake, 'path' | 'at'>): string {
  const mark = /[?.!]$/.test(hint) ? '' : ';';
  return `${what}; ${hint}${mark} received: ${received}; allowed: ${allowed}`;
}

/** `pipelines/nba/pipeline.yaml:12:5: message`, which editors and terminals turn into a link. */
export function formatProblem({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}

export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('\n');
}

/** By file, in the order in which they first occur, then by line and column; exact repetitions once. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  const once = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...once.values()].sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column);
}

const MOST_SHOWN = 80;

/** A received value in few words: scalars as they are, collections by kind. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') {
    const keys = Object.keys(value);
    return keys.length === 0 ? 'an empty mapping' : `a mapping with ${enumerated(keys)}`;
  }
  const text = typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}… (${text.length} characters)` : text;
}

const MOST_NAMED = 12;

/** `a, b, c`, cut off where it would run on. */
export function enumerated(names: readonly string[]): string {
  if (names.length <= MOST_NAMED) return names.join(', ');
  return `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`;
}
