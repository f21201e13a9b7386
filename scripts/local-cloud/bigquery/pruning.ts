import { sqlTokens } from '../../../shared/pipeline/sql-tokens.ts';
import { allGroups, isGroup, sqlTree, tokenOf, wordOf, type SqlGroup, type SqlItem } from '../../../shared/pipeline/sql-tree.ts';
import type { QuerySettings } from './bound-query.ts';
import type { Catalog, Table } from './catalog.ts';
import { resolvePath, tableMentions } from './references.ts';
import { isOfType, literalOf, text } from './values.ts';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';

/**
 * Which partitions a query can reach, for the bytes it reads: comparisons of the partitioning column with a DATE literal
 * or a parameter that stand in the WHERE of the query that names the table, joined by AND. Anything else prunes nothing.
 */
export function prunedWhere(catalog: Catalog, googleSql: string, table: Table, settings: QuerySettings): string {
  if (!table.partitioning) return 'TRUE';
  const column = table.partitioning.field.toLowerCase();
  const places = tableMentions(googleSql).filter(({ parts }) => {
    const resolved = resolvePath(parts, catalog.projectId, settings.defaultDataset);
    return resolved.kind === 'table' && resolved.datasetId === table.datasetId && resolved.tableId === table.tableId;
  });
  const groups = allGroups(sqlTree(sqlTokens(googleSql)).root);
  const conditions = places.map(({ start }) => {
    const around = groups.find((group) => group.items.some((item) => tokenOf(item)?.offset === start));
    return around ? conditionOf(around, start, column, settings) : 'TRUE';
  });
  return conditions.length === 0 || conditions.includes('TRUE') ? 'TRUE' : conditions.map((condition) => `(${condition})`).join(' OR ');
}

function conditionOf(group: SqlGroup, start: number, column: string, settings: QuerySettings): string {
  const from = group.items.findIndex((item) => tokenOf(item)?.offset === start);
  const where = group.items.findIndex((item, index) => index > from && wordOf(item) === 'WHERE');
  if (where < 0) return 'TRUE';
  const ends = group.items.findIndex((item, index) => index > where && ['GROUP', 'ORDER', 'HAVING', 'QUALIFY', 'LIMIT', 'UNION', 'WINDOW', 'EXCEPT', 'INTERSECT'].includes(wordOf(item)));
  const items = group.items.slice(where + 1, ends < 0 ? undefined : ends);
  if (items.some((item) => wordOf(item) === 'OR')) return 'TRUE';
  return items.flatMap((item, index) => {
    const name = tokenOf(item)?.text.replaceAll('`', '').toLowerCase();
    const condition = name === column ? comparison(items, index + 1, settings) : null;
    return condition === null ? [] : [`${quoted(column)} ${condition}`];
  }).join(' AND ') || 'TRUE';
}

function comparison(items: readonly SqlItem[], at: number, settings: QuerySettings): string | null {
  const operator = wordOf(items[at]);
  if (['=', '<', '<=', '>', '>='].includes(operator)) {
    const value = operand(items, at + 1, settings);
    return value && `${operator} ${value.sql}`;
  }
  if (operator === 'BETWEEN') {
    const low = operand(items, at + 1, settings);
    const high = low && wordOf(items[low.next]) === 'AND' ? operand(items, low.next + 1, settings) : null;
    return low && high && `BETWEEN ${low.sql} AND ${high.sql}`;
  }
  if (operator !== 'IN') return null;
  const unnested = wordOf(items[at + 1]) === 'UNNEST' ? items[at + 2] : undefined;
  if (unnested && isGroup(unnested)) {
    const list = operand(unnested.items, 0, settings);
    return list && `IN (SELECT unnest(${list.sql}))`;
  }
  const list = items[at + 1];
  if (!isGroup(list)) return null;
  const values: string[] = [];
  for (let index = 0; index < list.items.length;) {
    const value = operand(list.items, index, settings);
    if (!value) return null;
    values.push(value.sql);
    index = value.next + 1;
  }
  return values.length === 0 ? null : `IN (${values.join(', ')})`;
}

/** `DATE '2023-11-15'`, `'2023-11-15'` or a parameter. */
function operand(items: readonly SqlItem[], at: number, settings: QuerySettings): { readonly sql: string; readonly next: number } | null {
  const literal = wordOf(items[at]) === 'DATE' ? at + 1 : at;
  const token = tokenOf(items[literal]);
  if (token?.kind === 'string') {
    const date = token.text.slice(1, -1);
    return isOfType('DATE', date) ? { sql: `CAST(${text(date)} AS DATE)`, next: literal + 1 } : null;
  }
  const parameter = token?.kind === 'parameter' ? settings.parameters.find(({ name }) => name?.toLowerCase() === token.text.slice(1).toLowerCase()) : undefined;
  return parameter ? { sql: literalOf(parameter), next: at + 1 } : null;
}
