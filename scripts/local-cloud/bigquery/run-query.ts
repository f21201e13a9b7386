import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { invalid, invalidQuery } from './api-error.ts';
import { bind, described, queryError } from './bound-query.ts';
import { bytesBilled, bytesProcessed, refuseOverLimit } from './bytes.ts';
import type { Catalog, Table } from './catalog.ts';
import { runDefinition } from './run-definition.ts';
import { runChange } from './run-change.ts';
import { prunedWhere } from './pruning.ts';
import { NOTHING, type QueryOrder, type QueryOutcome } from './query-order.ts';
import { parseStatement } from './statements.ts';
import { atomically } from './storage.ts';
import { withSource, writeRows } from './write.ts';
import type { DuckDBValue } from '@duckdb/node-api';

/** One statement from its text to its result. */

export async function runQuery(session: Session, catalog: Catalog, order: QueryOrder): Promise<QueryOutcome> {
  const statement = parseStatement(order.sql);
  if (order.destination && statement.kind !== 'select') throw invalid('Cannot set destination table in jobs with DML or DDL statements');
  if (statement.kind === 'select') return select(session, catalog, order);
  if (statement.kind === 'dml') return runChange(session, catalog, statement, order);
  return runDefinition(session, catalog, statement, order);
}

async function select(session: Session, catalog: Catalog, order: QueryOrder): Promise<QueryOutcome> {
  const bound = await bind(session, catalog, order.sql, order);
  refuseMissingFilter(catalog, order, bound.tables);
  const processed = await bytesProcessed(session, catalog, order.sql, bound.tables, order);
  const billed = bytesBilled(bound.readsInformationSchema ? Math.max(1, processed) : processed, bound.tables.length);
  const fields = await described(session, bound.duckDbSql);
  const outcome: QueryOutcome = { ...NOTHING, statementType: 'SELECT', fields, bytesProcessed: processed, bytesBilled: order.dryRun ? 0 : billed };
  if (order.dryRun) return outcome;
  refuseOverLimit(billed, order.maximumBytesBilled);
  const { destination } = order;
  if (!destination) return { ...outcome, rows: await rowsOf(session, bound.duckDbSql) };
  const twice = fields.find(({ name }, index) => fields.findIndex((other) => other.name.toLowerCase() === name.toLowerCase()) < index);
  if (twice) throw invalidQuery(`Duplicate column names in the result are not supported when a destination table is present. Found duplicate(s): ${twice.name}`);
  return withSource(session, bound.duckDbSql, async (relation) => {
    await atomically(session, () => writeRows(session, catalog, destination.ref, { relation, fields }, destination.options));
    return { ...outcome, rows: await rowsOf(session, `SELECT * FROM ${relation}`) };
  }).catch((thrown: unknown) => { throw queryError(thrown); });
}

async function rowsOf(session: Session, duckDbSql: string): Promise<readonly (readonly DuckDBValue[])[]> {
  try {
    return await (await session.run(duckDbSql)).getRows();
  } catch (thrown) {
    throw queryError(thrown);
  }
}

/** A table may insist that its queries name the partitions they read. */
function refuseMissingFilter(catalog: Catalog, order: QueryOrder, tables: readonly Table[]): void {
  for (const table of tables) {
    if (!table.partitioning?.requireFilter || prunedWhere(catalog, order.sql, table, order) !== 'TRUE') continue;
    throw invalidQuery(`Cannot query over table '${catalog.projectId}.${table.datasetId}.${table.tableId}' without a filter over column(s) '${table.partitioning.field}' that can be used for partition elimination`);
  }
}
