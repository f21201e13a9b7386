import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { invalidQuery, notModelled } from './api-error.ts';
import { bind, running } from './bound-query.ts';
import { bytesBilled, bytesProcessed, refuseOverLimit } from './bytes.ts';
import type { Catalog, Table } from './catalog.ts';
import { changedPartitions, partitionHashes, touch } from './partitions.ts';
import { resolvePath, tableMentions } from './references.ts';
import { NOTHING, type QueryOrder, type QueryOutcome } from './query-order.ts';
import type { Statement } from './statements.ts';
import { atomically, numberOf } from './storage.ts';
import { buffer, refuseView, stored } from './tables.ts';

/** INSERT, UPDATE, DELETE, MERGE and TRUNCATE TABLE. */

type Change = Extract<Statement, { readonly kind: 'dml' }>;

export async function runChange(session: Session, catalog: Catalog, { type, path }: Change, order: QueryOrder): Promise<QueryOutcome> {
  const resolved = resolvePath(path, catalog.projectId, order.defaultDataset);
  if (resolved.kind !== 'table') throw invalidQuery('INFORMATION_SCHEMA cannot be changed');
  const table = catalog.table(resolved);
  refuseView(catalog, table);
  if ((type === 'UPDATE' || type === 'DELETE') && !/\bWHERE\b/i.test(order.sql)) throw invalidQuery(`${type} must have a WHERE clause at [1:1]`);
  if (type === 'MERGE' && /\bINSERT\s+ROW\b/i.test(order.sql)) throw notModelled('INSERT ROW');
  const isTruncate = type === 'TRUNCATE_TABLE';
  const bound = isTruncate ? { duckDbSql: `DELETE FROM ${stored(table)}`, tables: [] } : await bind(session, catalog, written(order.sql), order, table);
  const read = type === 'INSERT' ? bound.tables.filter((one) => one !== table) : bound.tables;
  const processed = await bytesProcessed(session, catalog, order.sql, read, order);
  const billed = bytesBilled(processed, read.length);
  const outcome: QueryOutcome = { ...NOTHING, statementType: type, bytesProcessed: processed, bytesBilled: order.dryRun ? 0 : billed };
  if (order.dryRun) {
    await running(session, `EXPLAIN ${bound.duckDbSql}`);
    return outcome;
  }
  refuseOverLimit(billed, order.maximumBytesBilled);
  if (!isTruncate && type !== 'INSERT') await refuseBuffered(session, catalog, table);
  const rows = await atomically(session, () => changed(session, catalog, table, bound.duckDbSql));
  const { inserted, updated, deleted } = { inserted: 0, updated: 0, deleted: 0, ...(type === 'INSERT' ? { inserted: rows } : type === 'UPDATE' || type === 'MERGE' ? { updated: rows } : { deleted: rows }) };
  return { ...outcome, changes: { inserted, updated, deleted } };
}

/** The target's own path may be written without INTO or FROM, which DuckDB wants. */
function written(sql: string): string {
  const [target] = tableMentions(sql);
  if (!target) return sql;
  const head = sql.slice(0, target.start);
  const word = /^\s*(INSERT|DELETE)\s+$/i.exec(head)?.[1]?.toUpperCase();
  if (word === undefined) return sql;
  return `${word === 'INSERT' ? 'INSERT INTO ' : 'DELETE FROM '}${sql.slice(target.start)}`;
}

async function changed(session: Session, catalog: Catalog, table: Table, duckDbSql: string): Promise<number> {
  const before = await partitionHashes(session, table);
  const [[rows] = []] = await running(session, duckDbSql);
  await touch(session, catalog, table, changedPartitions(before, await partitionHashes(session, table)));
  return Number(rows ?? 0);
}

/** Rows that were streamed a short while ago cannot be changed (P18). */
async function refuseBuffered(session: Session, catalog: Catalog, table: Table): Promise<void> {
  if (table.bufferedSinceMs === null || await numberOf(session, `SELECT count(*) FROM ${buffer(table)}`) === 0) return;
  throw invalidQuery(`UPDATE or DELETE statement over table ${catalog.projectId}.${table.datasetId}.${table.tableId} would affect rows in the streaming buffer, which is not supported`);
}
