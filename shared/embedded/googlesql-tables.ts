import { sqlTokens, type SqlToken } from '../pipeline/sql-tokens.ts';
import { numericPlaceholder } from './googlesql-placeholders.ts';

/** CREATE TABLE without what DuckDB has no use for: partitions, clusters and options, on which the transpiler stumbles. */

export interface TableStatement {
  /** Up to the query of CREATE TABLE … AS, or to the end. */
  readonly head: string;
  /** GoogleSQL after AS, not yet rewritten; null where there is none. */
  readonly query: string | null;
}

export function isCreateTable(sql: string): boolean {
  const words = sqlTokens(sql).slice(0, 6).map(({ text }) => text.toUpperCase());
  return words[0] === 'CREATE' && words.includes('TABLE');
}

export function rewriteCreateTable(sql: string): TableStatement {
  const tokens = sqlTokens(sql).filter(({ text }) => text !== ';');
  const kept: string[] = [];
  let depth = 0;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    const word = token?.text.toUpperCase() ?? '';
    if (!token) continue;
    if (depth === 0 && word === 'AS') return { head: kept.join(' '), query: sql.slice((tokens[index + 1] ?? token).offset) };
    if (word === 'OPTIONS' && tokens[index + 1]?.text === '(') index = afterGroup(tokens, index + 1) - 1;
    else if (depth === 0 && (word === 'PARTITION' || word === 'CLUSTER')) index = clauseEnd(tokens, index + 2) - 1;
    else if (word === 'NUMERIC' || word === 'DECIMAL') {
      const isSized = tokens[index + 1]?.text === '(';
      const end = isSized ? afterGroup(tokens, index + 1) : index + 1;
      kept.push(numericPlaceholder(isSized ? tokens.slice(index + 2, end - 1).map(({ text }) => text).join('') : ''));
      index = end - 1;
    } else {
      if (word === '(') depth += 1;
      if (word === ')') depth -= 1;
      kept.push(token.kind === 'quoted' ? token.text.slice(1, -1).split('.').slice(-2).map((part) => `\`${part}\``).join('.') : token.text);
    }
  }
  return { head: kept.join(' '), query: null };
}

/** The index after the parenthesis that closes the one at an index. */
function afterGroup(tokens: readonly SqlToken[], open: number): number {
  let depth = 0;
  for (let index = open; index < tokens.length; index += 1) {
    if (tokens[index]?.text === '(') depth += 1;
    if (tokens[index]?.text === ')') depth -= 1;
    if (depth === 0) return index + 1;
  }
  return tokens.length;
}

/** Where PARTITION BY or CLUSTER BY ends: at the next clause of the statement. */
function clauseEnd(tokens: readonly SqlToken[], start: number): number {
  let depth = 0;
  for (let index = start; index < tokens.length; index += 1) {
    const word = tokens[index]?.text.toUpperCase() ?? '';
    if (depth === 0 && ['PARTITION', 'CLUSTER', 'OPTIONS', 'AS'].includes(word)) return index;
    if (word === '(') depth += 1;
    if (word === ')') depth -= 1;
  }
  return tokens.length;
}
