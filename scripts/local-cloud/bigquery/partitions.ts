import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import { invalid, notModelled } from './api-error.ts';
import type { Catalog, Granularity, Partitioning, Table, TableRef } from './catalog.ts';
import { duckDbType, type Field } from './schema.ts';
import { stored } from './tables.ts';
import { text } from './values.ts';

/** Which partition a row is in, and what is known of each partition. */

const NULL_PARTITION = '__NULL__';

const FORMATS: Readonly<Record<Granularity, { readonly strftime: string; readonly id: RegExp }>> = {
  HOUR: { strftime: '%Y%m%d%H', id: /^\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])$/ },
  DAY: { strftime: '%Y%m%d', id: /^\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/ },
  MONTH: { strftime: '%Y%m', id: /^\d{4}(?:0[1-9]|1[0-2])$/ },
  YEAR: { strftime: '%Y', id: /^\d{4}$/ },
};

/** The id of a row's partition as an expression: '' in an unpartitioned table. */
function partitionIdSql(partitioning: Partitioning | null): string {
  if (!partitioning) return "''";
  return `coalesce(strftime(${quoted(partitioning.field)}, '${FORMATS[partitioning.type].strftime}'), '${NULL_PARTITION}')`;
}

/** Throws where a decorator cannot be used with the table. */
export function checkDecorator(catalog: Catalog, table: Pick<Table, 'partitioning' | 'datasetId' | 'tableId'>, ref: TableRef): void {
  if (ref.partition === null) return;
  if (!table.partitioning) throw invalid(`Cannot add storage to a non-partitioned table with a partition reference: ${catalog.name(ref)}`);
  if (ref.partition.startsWith('__')) throw notModelled(`the decorator $${ref.partition}`);
  if (!FORMATS[table.partitioning.type].id.test(ref.partition)) throw invalid(`Invalid time partition id "${ref.partition}" for a table partitioned by ${table.partitioning.type}: ${catalog.name(ref)}`);
}

/** The rows of a partition, or all. */
export function inPartition(table: Pick<Table, 'partitioning'>, partition: string | null): string {
  return partition === null ? 'TRUE' : `${partitionIdSql(table.partitioning)} = ${text(partition)}`;
}

const SIZES: Readonly<Record<string, number>> = { INTEGER: 8, FLOAT: 8, BOOLEAN: 1, DATE: 8, TIMESTAMP: 8, DATETIME: 8, NUMERIC: 16, BIGNUMERIC: 32 };

/** Logical bytes of one row over some columns, as https://cloud.google.com/bigquery/pricing counts them. */
export function bytesSql(fields: readonly Field[]): string {
  if (fields.length === 0) return '0';
  return fields.map((field) => {
    const column = quoted(field.name);
    if (field.mode !== 'REPEATED') {
      const size = SIZES[field.type];
      if (size !== undefined) return `CASE WHEN ${column} IS NULL THEN 0 ELSE ${size} END`;
      if (field.type === 'STRING' || field.type === 'JSON') return `coalesce(2 + strlen(${column}), 0)`;
    }
    return `coalesce(strlen(CAST(${column} AS VARCHAR)), 0)`;
  }).join(' + ');
}

export interface PartitionFacts { readonly rows: number; readonly bytes: number }

/** Stored rows by partition. A partition that was written and is empty now stays, with 0 rows. */
export async function partitionFacts(session: Session, table: Table): Promise<ReadonlyMap<string, PartitionFacts>> {
  const facts = new Map<string, PartitionFacts>(Object.keys(table.partitions).map((id) => [id, { rows: 0, bytes: 0 }]));
  const result = await session.run(`SELECT ${partitionIdSql(table.partitioning)}, count(*), CAST(sum(${bytesSql(table.fields)}) AS BIGINT) FROM ${stored(table)} GROUP BY 1`);
  for (const [id, rows, bytes] of await result.getRows()) facts.set(String(id), { rows: Number(rows), bytes: Number(bytes) });
  return facts;
}

/** Rows of a relation by partition of a table, to see afterwards which of them a statement changed. */
export async function partitionHashes(session: Session, table: Table): Promise<ReadonlyMap<string, string>> {
  const columns = table.fields.map((field) => quoted(field.name)).join(', ') || "''";
  const result = await session.run(`SELECT ${partitionIdSql(table.partitioning)}, count(*) || ':' || sum(CAST(hash(${columns}) AS HUGEINT)) FROM ${stored(table)} GROUP BY 1`);
  return new Map((await result.getRows()).map(([id, hash]) => [String(id), String(hash)]));
}

export function changedPartitions(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((id) => before.get(id) !== after.get(id));
}

export async function partitionsOf(session: Session, table: Pick<Table, 'partitioning'>, source: string): Promise<readonly string[]> {
  const result = await session.run(`SELECT DISTINCT ${partitionIdSql(table.partitioning)} FROM ${source}`);
  return (await result.getRows()).map(([id]) => String(id));
}

/** Notes that partitions were written just now. */
export async function touch(session: Session, catalog: Catalog, table: Table, partitions: readonly string[]): Promise<Table> {
  if (partitions.length === 0) return table;
  const now = catalog.now();
  const touched = { ...table, modifiedMs: now, partitions: { ...table.partitions, ...Object.fromEntries(partitions.map((id) => [id, now])) } };
  await catalog.save(session, touched);
  await catalog.remember(session, touched, stored(touched));
  return touched;
}

/** A cast of a column to a table's type. */
export function castColumn(field: Field): string {
  return `CAST(${quoted(field.name)} AS ${duckDbType(field)}) AS ${quoted(field.name)}`;
}
