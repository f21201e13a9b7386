import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import type { Catalog, Table } from './catalog.ts';
import { partitionFacts } from './partitions.ts';
import { googleSqlType } from './schema.ts';
import { numberOf } from './storage.ts';
import { buffer } from './tables.ts';
import { text } from './values.ts';

/** INFORMATION_SCHEMA of a dataset, written into a table of the connection's own for the query that asks for it. */

export type View = 'PARTITIONS' | 'COLUMNS' | 'TABLES';

const COLUMNS: Readonly<Record<View, string>> = {
  PARTITIONS: 'table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, partition_id VARCHAR, total_rows BIGINT, total_logical_bytes BIGINT, total_billable_bytes BIGINT, last_modified_time TIMESTAMPTZ, storage_tier VARCHAR',
  COLUMNS: 'table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, column_name VARCHAR, ordinal_position BIGINT, is_nullable VARCHAR, data_type VARCHAR, is_hidden VARCHAR, is_partitioning_column VARCHAR, clustering_ordinal_position BIGINT',
  TABLES: 'table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, table_type VARCHAR, is_insertable_into VARCHAR, creation_time TIMESTAMPTZ',
};

const SCHEMA = 'sb_information_schema';

/** Writes the view's rows as they are now; returns the schema and table that hold them. */
export async function writeInformationSchema(session: Session, catalog: Catalog, datasetId: string, view: View): Promise<readonly [string, string]> {
  catalog.dataset(datasetId);
  const name = `${view.toLowerCase()}_${datasetId}`;
  const relation = `${quoted(SCHEMA)}.${quoted(name)}`;
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(SCHEMA)}; CREATE OR REPLACE TABLE ${relation} (${COLUMNS[view]})`);
  const rows: string[] = [];
  for (const table of catalog.tables(datasetId)) {
    const start = `${text(catalog.projectId)}, ${text(datasetId)}, ${text(table.tableId)}`;
    const own = view === 'PARTITIONS' ? await partitionRows(session, table) : view === 'COLUMNS' ? columnRows(table) : [tableRow(table)];
    rows.push(...own.map((row) => `(${start}, ${row})`));
  }
  for (let from = 0; from < rows.length; from += 1000) await session.run(`INSERT INTO ${relation} VALUES ${rows.slice(from, from + 1000).join(', ')}`);
  return [SCHEMA, name];
}

/** An unpartitioned table has one row, of no id; rows in the streaming buffer are in none of the partitions (P19). */
async function partitionRows(session: Session, table: Table): Promise<readonly string[]> {
  if (table.kind === 'VIEW') return [];
  const rows: string[] = [];
  const facts = await partitionFacts(session, table);
  const all = table.partitioning ? facts : new Map([['', facts.get('') ?? { rows: 0, bytes: 0 }]]);
  for (const [id, { rows: count, bytes }] of all) {
    rows.push(`${id === '' ? 'NULL' : text(id)}, ${count}, ${bytes}, ${bytes}, ${timestamp(table.partitions[id] ?? table.modifiedMs)}, 'ACTIVE'`);
  }
  if (table.bufferedSinceMs !== null && table.partitioning) {
    const waiting = await numberOf(session, `SELECT count(*) FROM ${buffer(table)}`);
    rows.push(`'__UNPARTITIONED__', ${waiting}, 0, 0, ${timestamp(table.bufferedSinceMs)}, 'ACTIVE'`);
  }
  return rows;
}

function columnRows(table: Table): readonly string[] {
  return table.fields.map((field, index) => {
    const isPartitioning = table.partitioning?.field.toLowerCase() === field.name.toLowerCase();
    const cluster = table.clustering.findIndex((name) => name.toLowerCase() === field.name.toLowerCase());
    return `${text(field.name)}, ${index + 1}, '${field.mode === 'NULLABLE' ? 'YES' : 'NO'}', ${text(googleSqlType(field))}, 'NO', '${isPartitioning ? 'YES' : 'NO'}', ${cluster < 0 ? 'NULL' : cluster + 1}`;
  });
}

function tableRow(table: Table): string {
  return `'${table.kind === 'VIEW' ? 'VIEW' : 'BASE TABLE'}', '${table.kind === 'VIEW' ? 'NO' : 'YES'}', ${timestamp(table.createdMs)}`;
}

function timestamp(ms: number): string {
  return `make_timestamptz(CAST(${Math.trunc(ms * 1000)} AS BIGINT))`;
}
