import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import { ApiError, invalid } from './api-error.ts';
import type { Catalog, Partitioning, Table } from './catalog.ts';
import { duckDbType, type Field } from './schema.ts';

/**
 * Tables in DuckDB. A table that rows were streamed into has its stored rows in `name$stored`, those in the streaming
 * buffer in `name$buffer`, and a DuckDB view of both under its own name; `$` is in no BigQuery name.
 */

type Named = Pick<Table, 'datasetId' | 'tableId'>;

export function relation({ datasetId, tableId }: Named): string {
  return `${quoted(datasetId)}.${quoted(tableId)}`;
}

/** Where rows are written: all but those in the streaming buffer. */
export function stored(table: Named & Pick<Table, 'bufferedSinceMs'>): string {
  return table.bufferedSinceMs === null ? relation(table) : relation({ ...table, tableId: `${table.tableId}$stored` });
}

export function buffer(table: Named): string {
  return relation({ ...table, tableId: `${table.tableId}$buffer` });
}

export type NewTable = Named & Pick<Table, 'fields'> & Partial<Pick<Table, 'partitioning' | 'clustering' | 'expirationMs' | 'description' | 'labels'>>;

/** Creates an empty table. Throws `duplicate` where there is one of that name, `invalid` where its parts do not fit. */
export async function createTable(session: Session, catalog: Catalog, table: NewTable): Promise<Table> {
  const dataset = catalog.dataset(table.datasetId);
  if (!/^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]{1,1024}$/u.test(table.tableId)) throw invalid(`Invalid table ID "${table.tableId}".`);
  if (catalog.find(table)) throw new ApiError('duplicate', `Already Exists: Table ${catalog.name(table)}`);
  const partitioning = table.partitioning ?? null;
  refuseUnfit(table.fields, partitioning, table.clustering ?? []);
  const now = catalog.now();
  const made: Table = {
    datasetId: table.datasetId, tableId: table.tableId, kind: 'TABLE', fields: table.fields, partitioning, clustering: table.clustering ?? [],
    expirationMs: table.expirationMs ?? (dataset.defaultTableExpirationMs === null ? null : now + dataset.defaultTableExpirationMs),
    description: table.description ?? null, labels: table.labels ?? {}, query: null, createdMs: now, modifiedMs: now, partitions: {}, bufferedSinceMs: null,
  };
  await session.run(`CREATE TABLE ${relation(made)} (${columnsSql(made.fields)})`);
  await catalog.save(session, made);
  return made;
}

export function columnsSql(fields: readonly Field[]): string {
  // DuckDB has no tables without columns; BigQuery does, until the first load gives them some.
  if (fields.length === 0) return '"sb_no_columns" BOOLEAN';
  return fields.map((field) => `${quoted(field.name)} ${duckDbType(field)}${field.mode === 'REQUIRED' ? ' NOT NULL' : ''}`).join(', ');
}

function refuseUnfit(fields: readonly Field[], partitioning: Partitioning | null, clustering: readonly string[]): void {
  const names = fields.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw invalid(`Duplicate field name: ${twice}. Field names are not case sensitive.`);
  if (partitioning) {
    const field = fields.find(({ name }) => name.toLowerCase() === partitioning.field.toLowerCase());
    if (!field) throw invalid('The field specified for partitioning cannot be found in the schema');
    if (!['DATE', 'TIMESTAMP', 'DATETIME'].includes(field.type) || field.mode === 'REPEATED') {
      throw invalid(`The field specified for partitioning can only be of type TIMESTAMP, DATE or DATETIME. The type found is: ${field.type}.`);
    }
    if (partitioning.type === 'HOUR' && field.type === 'DATE') throw invalid('The field specified for hourly partitioning can only be of type TIMESTAMP or DATETIME. The type found is: DATE.');
  }
  const missing = clustering.find((name) => !names.includes(name.toLowerCase()));
  if (missing !== undefined) throw invalid(`The field specified for clustering cannot be found in the schema: ${missing}`);
  if (clustering.length > 4) throw invalid('Too many clustering fields: at most 4 are allowed');
}

export async function dropTable(session: Session, catalog: Catalog, table: Table): Promise<void> {
  const isView = table.kind === 'VIEW' || table.bufferedSinceMs !== null;
  await session.run(`DROP ${isView ? 'VIEW' : 'TABLE'} IF EXISTS ${relation(table)}`);
  if (table.bufferedSinceMs !== null) await session.run(`DROP TABLE IF EXISTS ${stored(table)}; DROP TABLE IF EXISTS ${buffer(table)}`);
  await catalog.forget(session, table);
}

/** Tables past their expiration are gone. */
export async function dropExpired(session: Session, catalog: Catalog): Promise<void> {
  for (const table of catalog.expired()) await dropTable(session, catalog, table);
}

export function refuseView(catalog: Catalog, table: Table): void {
  if (table.kind === 'VIEW') throw invalid(`${catalog.name(table)} is not allowed for this operation because it is currently a VIEW.`);
}
