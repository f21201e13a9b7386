import { join } from 'node:path';
import type { Pipeline, Processor } from './pipeline.ts';
import { enumerated, mistakeMessage, sortProblems, type Problem, type SqlMistake } from './problems.ts';
import { suggestion } from './nearest.ts';
import { sqlMistakes } from './sql-check.ts';
import { tablesRead, withClauses } from './sql-inputs.ts';
import { positionAt, sqlTokens } from './sql-tokens.ts';
import { sqlTree } from './sql-tree.ts';

/**
 * The checks of a pipeline: `checks/*.sql` in its folder, each one GoogleSQL query that returns the rows that are wrong. It
 * names tables of the pipeline by their short names, and belongs to the last processor, in topological order, that it reads.
 */

export const CHECKS_FOLDER = 'checks';

const CHECK_PATH = new RegExp(`^${CHECKS_FOLDER}/([^/]+)\\.sql$`);

/** The name of a check by its path from the pipeline's folder; null where that is no path of a check. */
export function checkName(path: string): string | null {
  return CHECK_PATH.exec(path)?.[1] ?? null;
}

/** The path of a check from the pipeline's folder. */
export function checkFile(name: string): string {
  return `${CHECKS_FOLDER}/${name}.sql`;
}

export interface QualityCheck {
  /** The file's name without `.sql`. */
  readonly name: string;
  /** Its path from the pipeline's folder. */
  readonly file: string;
  /** What it demands: the first line of comment in its file, or its name. */
  readonly demands: string;
  readonly sql: string;
  /** The processors whose tables it reads, in topological order. */
  readonly reads: readonly Processor[];
  /** The last of them: where that one is judged, this check is run. */
  readonly of: Processor;
}

export interface ChecksReader {
  /** Names of the files directly in a folder; none where it is not there. */
  listFiles(directory: string): readonly string[];
  readText(path: string): string | undefined;
}

export interface LoadedChecks {
  /** Those without a mistake, in the order of their names. */
  readonly checks: readonly QualityCheck[];
  readonly problems: readonly Problem[];
}

/** Reads the checks in a pipeline's folder, and every mistake in them. */
export function loadChecks(directory: string, pipeline: Pick<Pipeline, 'processors'>, io: ChecksReader): LoadedChecks {
  const folder = join(directory, CHECKS_FOLDER);
  const checks: QualityCheck[] = [];
  const problems: Problem[] = [];
  for (const file of io.listFiles(folder).filter((name) => name.endsWith('.sql')).sort()) {
    const path = join(folder, file);
    const sql = io.readText(path);
    if (sql === undefined) continue;
    const compiled = compileCheck(file.slice(0, -'.sql'.length), sql, pipeline);
    if (compiled.kind === 'ok') checks.push(compiled.check);
    else problems.push(...compiled.mistakes.map(({ offset, ...mistake }) => ({ file: path, ...positionAt(sql, offset), message: mistakeMessage(mistake) })));
  }
  return { checks, problems: sortProblems(problems) };
}

export type CompiledCheck = { readonly kind: 'ok'; readonly check: QualityCheck } | { readonly kind: 'wrong'; readonly mistakes: readonly SqlMistake[] };

/** Resolves what a check reads. */
export function compileCheck(name: string, sql: string, { processors }: Pick<Pipeline, 'processors'>): CompiledCheck {
  const general = [...sqlMistakes(sql, [], false), ...gameDateIn(sql)];
  if (general.length > 0) return { kind: 'wrong', mistakes: general };
  const tables = new Map<string, Processor[]>();
  for (const processor of processors) {
    if (processor.output.kind !== 'table') continue;
    const short = processor.output.table.toLowerCase();
    tables.set(short, [...tables.get(short) ?? [], processor]);
  }
  const { root } = sqlTree(sqlTokens(sql));
  const own = new Set(withClauses(root).map((clause) => clause.name.toLowerCase()));
  const reads = new Set<Processor>();
  const mistakes: SqlMistake[] = [];
  for (const clause of withClauses(root)) {
    if (tables.has(clause.name.toLowerCase())) mistakes.push({ offset: clause.token.offset, what: `the WITH clause ${clause.name} has the name of a table`, received: clause.name, allowed: 'a name that no table of the pipeline has', hint: 'rename it' });
  }
  for (const { token, parts, isCall } of tablesRead(root)) {
    const written = parts.join('.');
    if (!isCall && parts.length === 1 && own.has(written.toLowerCase())) continue;
    const found = isCall || parts.length > 1 ? [] : tables.get(written.toLowerCase()) ?? [];
    const [only] = found;
    if (only && found.length === 1) reads.add(only);
    else mistakes.push(tableMistake(token.offset, written, parts, found, [...tables.keys()]));
  }
  const inOrder = [...reads].sort((a, b) => a.rank - b.rank);
  const of = inOrder.at(-1);
  if (mistakes.length === 0 && !of) mistakes.push({ offset: 0, what: 'this check reads no table', received: 'a query without a table of the pipeline', allowed: enumerated([...tables.keys()]), hint: 'read the table that it is about' });
  if (mistakes.length > 0 || !of) return { kind: 'wrong', mistakes };
  return { kind: 'ok', check: { name, file: checkFile(name), demands: firstComment(sql) ?? name, sql, reads: inOrder, of } };
}

function tableMistake(offset: number, written: string, parts: readonly string[], found: readonly Processor[], known: readonly string[]): SqlMistake {
  const allowed = `${enumerated(known)} (tables of the pipeline)`;
  if (found.length > 1) {
    return { offset, what: `${written} is a table of several processors`, received: `${written}, of ${enumerated(found.map(({ name }) => name))}`, allowed: 'a table of one processor', hint: 'check one that only one processor fills' };
  }
  const short = parts.at(-1) ?? written;
  const hint = parts.length > 1 && known.includes(short.toLowerCase()) ? `write ${short}: its rows are supplied, cut to the dates that are checked` : suggestion(short, known, 'read a table of the pipeline');
  return { offset, what: `unknown table ${written}`, received: written, allowed, hint };
}

/** A check has no parameter at all: which dates it is about is decided where it is run. Others than this one are refused already. */
function gameDateIn(sql: string): readonly SqlMistake[] {
  return sqlTokens(sql).filter(({ kind, text }) => kind === 'parameter' && text === '@game_date').map(({ text, offset }) => ({
    offset, what: `a check has no parameter ${text}`, received: text, allowed: 'no parameters', hint: 'leave it out: the tables hold the rows of the checked dates only',
  }));
}

function firstComment(sql: string): string | undefined {
  const text = /^\s*--\s*(.+)$/m.exec(sql)?.[1]?.trim();
  return text === '' ? undefined : text;
}
