import { sqlTokens, type SqlToken } from '../../../shared/pipeline/sql-tokens.ts';
import { ApiError, invalidQuery, notModelled } from './api-error.ts';

/** Which tables a statement names, and where; whole-path backticks, quoted parts and bare words alike. */

export interface Mention {
  readonly parts: readonly string[];
  readonly start: number;
  readonly end: number;
  /** The first word of the clause that names it: FROM, JOIN, INTO, UPDATE, …. */
  readonly after: string;
}

const BEFORE_TABLE: ReadonlySet<string> = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'DELETE', 'MERGE', 'USING', 'INSERT', 'TABLE']);
/** FROM within these is no clause. */
const OWN_FROM: ReadonlySet<string> = new Set(['EXTRACT', 'TRIM', 'SUBSTRING']);
const NOT_AN_ALIAS: ReadonlySet<string> = new Set(['WHERE', 'JOIN', 'LEFT', 'RIGHT', 'FULL', 'INNER', 'CROSS', 'ON', 'GROUP', 'ORDER', 'LIMIT', 'UNION', 'WINDOW', 'QUALIFY', 'HAVING', 'SET', 'USING', 'FOR']);

export function tableMentions(sql: string): readonly Mention[] {
  const tokens = sqlTokens(sql);
  const commonTables = commonTableNames(tokens);
  const mentions: Mention[] = [];
  const around: string[] = [];
  for (let index = 0; index < tokens.length; index += 1) {
    const word = wordAt(tokens, index);
    if (word === '(') around.push(wordAt(tokens, index - 1));
    if (word === ')') around.pop();
    if (!BEFORE_TABLE.has(word) || tokens[index]?.kind !== 'word') continue;
    if (word === 'FROM' && (OWN_FROM.has(around.at(-1) ?? '') || (wordAt(tokens, index - 1) === 'DISTINCT' && ['IS', 'NOT'].includes(wordAt(tokens, index - 2))))) continue;
    if (word === 'UPDATE' && wordAt(tokens, index - 1) === 'THEN') continue;
    if (word === 'INSERT' && (wordAt(tokens, index - 1) === 'THEN' || wordAt(tokens, index + 1) === 'INTO')) continue;
    if (word === 'DELETE' && (wordAt(tokens, index + 1) === 'FROM' || wordAt(tokens, index - 1) === 'THEN')) continue;
    if (word === 'MERGE' && wordAt(tokens, index + 1) === 'INTO') continue;
    let at = index + 1;
    for (;;) {
      const found = pathAt(tokens, at);
      if (!found) break;
      const [only] = found.parts;
      const isCommon = found.parts.length === 1 && only !== undefined && commonTables.has(only.toLowerCase());
      if (!isCommon) mentions.push({ parts: found.parts, start: tokens[at]?.offset ?? 0, end: found.end, after: word });
      at = found.next;
      if (wordAt(tokens, at) === 'AS') at += 2;
      else if (['word', 'quoted'].includes(tokens[at]?.kind ?? '') && !NOT_AN_ALIAS.has(wordAt(tokens, at))) at += 1;
      if (word !== 'FROM' || wordAt(tokens, at) !== ',') break;
      at += 1;
    }
  }
  return mentions;
}

function pathAt(tokens: readonly SqlToken[], start: number): { readonly parts: readonly string[]; readonly end: number; readonly next: number } | null {
  const parts: string[] = [];
  let index = start;
  for (;;) {
    const token = tokens[index];
    if (token?.kind === 'quoted') parts.push(...token.text.slice(1, -1).split('.'));
    else if (token?.kind === 'word') parts.push(token.text);
    else return null;
    index += 1;
    if (tokens[index]?.text !== '.') {
      // UNNEST(…) and other functions are no tables; `INSERT INTO t (a, b)` is one.
      const isCall = token.kind === 'word' && tokens[index]?.text === '(' && !['INTO', 'INSERT'].includes(wordAt(tokens, start - 1));
      return isCall ? null : { parts, end: token.offset + token.text.length, next: index };
    }
    index += 1;
  }
}

function commonTableNames(tokens: readonly SqlToken[]): ReadonlySet<string> {
  const names = new Set<string>();
  tokens.forEach((token, index) => {
    const isNamed = (token.kind === 'word' || token.kind === 'quoted') && wordAt(tokens, index + 1) === 'AS' && wordAt(tokens, index + 2) === '(';
    if (isNamed && ['WITH', 'RECURSIVE', ','].includes(wordAt(tokens, index - 1))) names.add(token.text.replaceAll('`', '').toLowerCase());
  });
  return names;
}

function wordAt(tokens: readonly SqlToken[], index: number): string {
  const token = tokens[index];
  return token === undefined ? '' : token.kind === 'word' ? token.text.toUpperCase() : token.text;
}

export type Resolved =
  | { readonly kind: 'table'; readonly datasetId: string; readonly tableId: string }
  | { readonly kind: 'information_schema'; readonly datasetId: string; readonly view: 'PARTITIONS' | 'COLUMNS' | 'TABLES' };

/** What a path names, given the project and the job's default dataset. */
export function resolvePath(parts: readonly string[], projectId: string, defaultDataset: string | null): Resolved {
  const view = parts.findIndex((part) => part.toUpperCase() === 'INFORMATION_SCHEMA');
  if (view >= 0) {
    const named = parts[view + 1]?.toUpperCase() ?? '';
    const known = (['PARTITIONS', 'COLUMNS', 'TABLES'] as const).find((name) => name === named);
    const datasetId = parts[view - 1] ?? defaultDataset;
    if (!known) throw notModelled(`INFORMATION_SCHEMA.${named}`);
    if (datasetId === null || parts.length > view + 2 || view > 2 || datasetId.startsWith('region-')) throw notModelled(`${parts.join('.')} without a dataset`);
    refuseProject(view === 2 ? parts[0] : undefined, projectId);
    return { kind: 'information_schema', datasetId, view: known };
  }
  const [last = '', dataset, project, ...more] = parts.toReversed();
  if (more.length > 0) throw invalidQuery(`Invalid project, dataset or table name: ${parts.join('.')}`);
  refuseProject(project, projectId);
  const datasetId = dataset ?? defaultDataset;
  if (datasetId === null) throw invalidQuery(`Table "${last}" must be qualified with a dataset (e.g. dataset.table).`);
  if (last.includes('$')) throw invalidQuery(`Table "${last}" cannot include decorator`);
  return { kind: 'table', datasetId, tableId: last };
}

function refuseProject(project: string | undefined, projectId: string): void {
  if (project !== undefined && project !== projectId) {
    throw new ApiError('accessDenied', `Access Denied: Project ${project}: User does not have permission to query tables of project ${project}, or perhaps it does not exist.`);
  }
}
