import { suggestion } from './nearest.ts';
import { enumerated, type SqlMistake } from './problems.ts';
import type { SqlToken } from './sql-tokens.ts';
import { allGroups, isGroup, isQuery, tokenOf, wordOf, type SqlGroup, type SqlItem } from './sql-tree.ts';

/** Which tables a query reads: declared inputs by their short names, and its own WITH clauses. */

/** A table as a query names it. */
export interface TableName {
  readonly token: SqlToken;
  /** Without backticks. */
  readonly parts: readonly string[];
  readonly isCall: boolean;
}

export function tableMistakes(root: SqlGroup, inputs: readonly string[]): readonly SqlMistake[] {
  const clauses = withClauses(root);
  const known = new Set(inputs.map((input) => input.toLowerCase()));
  const own = new Set(clauses.map(({ name }) => name.toLowerCase()));
  const allowed = inputs.length > 0 ? `${enumerated(inputs)} (the declared upstreams)` : 'no tables: no upstream is declared';
  const shadows = clauses.filter(({ name }) => known.has(name.toLowerCase())).map(({ name, token }): SqlMistake => ({
    offset: token.offset, what: `the WITH clause ${name} has the name of an input`, received: name, allowed: 'a name that no upstream table has', hint: 'rename it',
  }));
  const unknown = tablesRead(root).flatMap(({ token, parts, isCall }): readonly SqlMistake[] => {
    const written = parts.join('.');
    const short = parts.at(-1) ?? written;
    if (isCall) return [{ offset: token.offset, what: `${written}(…) is no declared input`, received: `${written}(…)`, allowed, hint: 'read a declared upstream' }];
    if (parts.length > 1) {
      const hint = known.has(short.toLowerCase()) ? `write ${short}: the engine supplies it, cut to its window` : `declare the processor of ${written} as an upstream, and write ${short}`;
      return [{ offset: token.offset, what: `${written} is read past its window`, received: written, allowed, hint }];
    }
    if (known.has(short.toLowerCase()) || own.has(short.toLowerCase())) return [];
    return [{ offset: token.offset, what: `unknown input ${short}`, received: short, allowed, hint: suggestion(short, [...inputs, ...clauses.map(({ name }) => name)], 'declare its processor as an upstream in pipeline.yaml') }];
  });
  return [...shadows, ...unknown];
}

/** Names that WITH gives, anywhere in the query. */
export function withClauses(root: SqlGroup): readonly { readonly name: string; readonly token: SqlToken }[] {
  return allGroups(root).flatMap(({ items }) => items.flatMap((item, index) => {
    if (!isGroup(item) || item.before !== 'AS' || !isQuery(item)) return [];
    const token = tokenOf(items[index - 2]);
    return token && ['WITH', 'RECURSIVE', ','].includes(wordOf(items[index - 3])) ? [{ name: unquoted(token.text), token }] : [];
  }));
}

/** Words after which no further table can follow a comma. */
const ENDS_FROM: ReadonlySet<string> = new Set(['WHERE', 'GROUP', 'HAVING', 'QUALIFY', 'WINDOW', 'ORDER', 'LIMIT', 'UNION', 'INTERSECT', 'EXCEPT', 'SELECT']);

export function tablesRead(root: SqlGroup): readonly TableName[] {
  return allGroups(root).flatMap((group) => (isQuery(group) ? tablesOf(group.items, false) : []));
}

/** Tables in the FROM clauses directly among these items; `inFrom`: whether they start within one, as a join in parentheses does. */
function tablesOf(items: readonly SqlItem[], startsInFrom: boolean): readonly TableName[] {
  const tables: TableName[] = [];
  let inFrom = startsInFrom;
  let expected = startsInFrom;
  for (const [index, item] of items.entries()) {
    if (isGroup(item)) {
      if (expected && !isQuery(item)) tables.push(...tablesOf(item.items, true));
      expected = false;
      continue;
    }
    if (expected && (item.token.kind === 'word' || item.token.kind === 'quoted') && item.word !== 'LATERAL') {
      const table = tableAt(items, index);
      if (table) tables.push(table);
      expected = false;
    } else if (item.word === 'FROM') {
      const isComparison = wordOf(items[index - 1]) === 'DISTINCT' && ['IS', 'NOT'].includes(wordOf(items[index - 2]));
      inFrom = expected = !isComparison;
    } else if (item.word === 'JOIN') {
      expected = true;
    } else if (item.word === ',' && inFrom) {
      expected = true;
    } else if (ENDS_FROM.has(item.word)) {
      inFrom = false;
    }
  }
  return tables;
}

function tableAt(items: readonly SqlItem[], start: number): TableName | undefined {
  const token = tokenOf(items[start]);
  if (!token) return undefined;
  const parts = unquoted(token.text).split('.');
  let index = start + 1;
  while (['.', '-'].includes(wordOf(items[index])) && tokenOf(items[index + 1])) {
    const next = unquoted(tokenOf(items[index + 1])?.text ?? '');
    if (wordOf(items[index]) === '-') parts.push(`${parts.pop() ?? ''}-${next}`);
    else parts.push(...next.split('.'));
    index += 2;
  }
  const isCall = isGroup(items[index]);
  // UNNEST reads no table; what is in its parentheses is an expression.
  return isCall && token.text.toUpperCase() === 'UNNEST' ? undefined : { token, parts, isCall };
}

function unquoted(name: string): string {
  return name.replaceAll('`', '');
}
