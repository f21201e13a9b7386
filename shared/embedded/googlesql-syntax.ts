import { isGroup, tokenOf, wordOf, type SqlItem } from '../pipeline/sql-tree.ts';

/** How GoogleSQL's expressions are put together: as much as the rewriting needs. */

/** Arguments of a call: items between commas, those in brackets aside. */
export function splitAtCommas(items: readonly SqlItem[]): readonly (readonly SqlItem[])[] {
  const parts: SqlItem[][] = [[]];
  let depth = 0;
  for (const item of items) {
    depth += bracket(item);
    if (depth === 0 && wordOf(item) === ',') parts.push([]);
    else parts.at(-1)?.push(item);
  }
  return parts;
}

function bracket(item: SqlItem): number {
  const word = wordOf(item);
  return word === '[' ? 1 : word === ']' ? -1 : 0;
}

/** Where the operand of a division ends that starts at an index: signs, one value, and what belongs to it. */
export function operandEnd(items: readonly SqlItem[], start: number): number {
  let index = start;
  while (['+', '-', '~'].includes(wordOf(items[index]))) index += 1;
  index = valueEnd(items, index);
  for (;;) {
    const word = wordOf(items[index]);
    if (word === '.') index += 2;
    else if (word === '[') index = afterBracket(items, index);
    else if (isGroup(items[index]) && tokenOf(items[index - 1])?.kind === 'word') index += 1;
    else break;
  }
  let over = index;
  while (['IGNORE', 'RESPECT', 'NULLS'].includes(wordOf(items[over]))) over += 1;
  return wordOf(items[over]) === 'OVER' ? over + 2 : index;
}

function valueEnd(items: readonly SqlItem[], start: number): number {
  const item = items[start];
  if (wordOf(item) === 'CASE') return afterCase(items, start);
  // A typed literal: NUMERIC '1.5'.
  if (tokenOf(item)?.kind === 'word' && tokenOf(items[start + 1])?.kind === 'string') return start + 2;
  return start + 1;
}

function afterCase(items: readonly SqlItem[], start: number): number {
  let depth = 0;
  for (let index = start; index < items.length; index += 1) {
    if (wordOf(items[index]) === 'CASE') depth += 1;
    if (wordOf(items[index]) === 'END') depth -= 1;
    if (depth === 0) return index + 1;
  }
  return items.length;
}

function afterBracket(items: readonly SqlItem[], start: number): number {
  let depth = 0;
  for (const [offset, item] of items.slice(start).entries()) {
    depth += bracket(item);
    if (depth === 0) return start + offset + 1;
  }
  return items.length;
}

const ENDS_ORDER: ReadonlySet<string> = new Set(['LIMIT', 'ROWS', 'RANGE', 'GROUPS', 'UNION', 'INTERSECT', 'EXCEPT', ';']);

/**
 * Every ORDER BY directly among the items, its null order written out: NULL is the smallest value in BigQuery (first when
 * ascending, last when descending), and always last in DuckDB.
 */
export function withNullOrder(items: readonly SqlItem[]): readonly SqlItem[] {
  const result: SqlItem[] = [];
  let inOrder = false;
  let descending = false;
  let explicit = false;
  let depth = 0;
  const close = (): void => {
    if (inOrder && !explicit) result.push(...nullsAt(descending ? 'LAST' : 'FIRST', result));
    descending = explicit = false;
  };
  for (const [index, item] of items.entries()) {
    const word = wordOf(item);
    depth += bracket(item);
    if (inOrder && depth === 0 && (word === ',' || ENDS_ORDER.has(word))) {
      close();
      inOrder = word === ',';
    }
    if (word === 'DESC') descending = true;
    if (word === 'NULLS') explicit = true;
    result.push(item);
    if (word === 'BY' && wordOf(items[index - 1]) === 'ORDER') inOrder = true;
  }
  close();
  return result;
}

function nullsAt(place: 'FIRST' | 'LAST', before: readonly SqlItem[]): readonly SqlItem[] {
  const offset = before.map(tokenOf).findLast((token) => token !== undefined)?.offset ?? 0;
  return ['NULLS', place].map((word) => ({ token: { kind: 'word', text: word, offset }, word }));
}
