import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { ApiError, invalid } from './api-error.ts';
import type { Catalog, Table, TableRef } from './catalog.ts';
import { checkDecorator, inPartition, touch } from './partitions.ts';
import type { Field } from './schema.ts';
import { createTable, refuseView, stored, type NewTable } from './tables.ts';
import { numberOf } from './storage.ts';
import { specification, withSource, writeRows, type WriteOptions } from './write.ts';

/** Copies of tables and partitions, by job or by CREATE TABLE … CLONE. Rows in the streaming buffer are not copied. */

/** A new table with the rows of another. Its partitions count as written when it was made. */
export async function copyTable(session: Session, catalog: Catalog, source: Table, target: Omit<NewTable, 'fields'>): Promise<Table> {
  refuseView(catalog, source);
  const made = await createTable(session, catalog, { ...target, fields: source.fields, partitioning: source.partitioning, clustering: source.clustering });
  await session.run(`INSERT INTO ${stored(made)} SELECT * FROM ${stored(source)}`);
  return touch(session, catalog, made, Object.keys(source.partitions));
}

/** Runs within a transaction. Returns the rows copied. */
export async function copyInto(session: Session, catalog: Catalog, sources: readonly TableRef[], ref: TableRef, options: WriteOptions): Promise<number> {
  const tables = sources.map((source) => ({ source, table: catalog.table(source) }));
  for (const { source, table } of tables) {
    refuseView(catalog, table);
    checkDecorator(catalog, table, source);
    if (source.partition !== null && table.partitions[source.partition] === undefined && await numberOf(session, `SELECT count(*) FROM ${stored(table)} WHERE ${inPartition(table, source.partition)}`) === 0) {
      throw new ApiError('notFound', `Not found: Table ${catalog.name(source)} was not found in location ${catalog.location}`);
    }
  }
  const [first] = tables;
  if (!first) throw invalid('Required parameter is missing: sourceTables');
  const existing = catalog.find(ref);
  if (existing) refuseUnlike(first.table, existing);
  const selects = tables.map(({ source, table }) => `SELECT * FROM ${stored(table)} WHERE ${inPartition(table, source.partition)}`);
  const fields = fieldsFor(first.table.fields, existing);
  return withSource(session, selects.join(' UNION ALL BY NAME '), (relation) => writeRows(session, catalog, ref, { relation, fields }, {
    ...options, partitioning: existing ? null : first.table.partitioning, clustering: first.table.clustering,
  }));
}

/** A staged column may be NULLABLE where the table's is REQUIRED: the copy is refused only if a value is missing. */
function fieldsFor(fields: readonly Field[], existing: Table | null): readonly Field[] {
  return fields.map((field) => {
    const own = existing?.fields.find(({ name }) => name.toLowerCase() === field.name.toLowerCase());
    return own?.mode === 'REQUIRED' ? { ...field, mode: own.mode } : field;
  });
}

/** https://cloud.google.com/bigquery/docs/managing-partitioned-tables#copy_a_single_partition; the messages: apache/airflow#42130, embulk-output-bigquery#100. */
function refuseUnlike(source: Table, existing: Table): void {
  if (!existing.partitioning) return;
  // Whether Google takes it with a decorator is not known for sure; who relies on it here would find out there.
  if (!source.partitioning) throw invalid('Failed to copy Non partitioned table to Column partitioned table: not supported.');
  const [expected, given] = [specification(existing.partitioning), specification(source.partitioning)];
  if (expected !== given) throw invalid(`Incompatible table partitioning specification. Expected partitioning specification ${expected}, but input partitioning specification is ${given}`);
}
