import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import { ApiError, invalid } from './api-error.ts';
import type { Catalog, Partitioning, Table, TableRef } from './catalog.ts';
import { castColumn, checkDecorator, inPartition, partitionsOf, touch } from './partitions.ts';
import { duckDbType, type Field } from './schema.ts';
import { numberOf } from './storage.ts';
import { columnsSql, createTable, dropTable, refuseView, relation, stored } from './tables.ts';

/** Rows into a table or into one of its partitions, as query, load and copy jobs write them. */

export const WRITE_DISPOSITIONS = ['WRITE_TRUNCATE', 'WRITE_APPEND', 'WRITE_EMPTY'] as const;
export const CREATE_DISPOSITIONS = ['CREATE_IF_NEEDED', 'CREATE_NEVER'] as const;

export interface WriteOptions {
  readonly writeDisposition: (typeof WRITE_DISPOSITIONS)[number];
  readonly createDisposition: (typeof CREATE_DISPOSITIONS)[number];
  readonly partitioning: Partitioning | null;
  readonly clustering: readonly string[];
  readonly expirationMs: number | null;
  readonly mayAddFields: boolean;
}

export interface Source {
  /** A relation of DuckDB. */
  readonly relation: string;
  readonly fields: readonly Field[];
}

/** Writes all or nothing: called within a transaction. Returns the rows written. */
export async function writeRows(session: Session, catalog: Catalog, ref: TableRef, source: Source, options: WriteOptions): Promise<number> {
  const found = catalog.find(ref);
  let table = found ?? await created(session, catalog, ref, source, options);
  refuseView(catalog, table);
  checkDecorator(catalog, table, ref);
  const written = await numberOf(session, `SELECT count(*) FROM ${source.relation}`);
  if (options.writeDisposition === 'WRITE_EMPTY' && await numberOf(session, `SELECT count(*) FROM ${relation(table)} WHERE ${inPartition(table, ref.partition)}`) > 0) {
    throw new ApiError('duplicate', `Already Exists: Table ${catalog.name(ref)}`);
  }
  if (options.writeDisposition === 'WRITE_TRUNCATE' && ref.partition === null && found) table = await replaced(session, catalog, table, source, options);
  else table = await widened(session, catalog, table, ref, source, options);
  const touched = ref.partition === null ? await partitionsOf(session, table, source.relation) : [ref.partition];
  if (ref.partition !== null) await refuseOtherPartitions(session, catalog, table, ref, source);
  if (options.writeDisposition === 'WRITE_TRUNCATE') await session.run(`DELETE FROM ${stored(table)} WHERE ${inPartition(table, ref.partition)}`);
  const known = new Set(source.fields.map(({ name }) => name.toLowerCase()));
  const fields = table.fields.filter(({ name }) => known.has(name.toLowerCase()));
  if (fields.length > 0) {
    await session.run(`INSERT INTO ${stored(table)} (${fields.map(({ name }) => quoted(name)).join(', ')}) SELECT ${fields.map(castColumn).join(', ')} FROM ${source.relation}`);
  }
  await touch(session, catalog, table, touched.length > 0 || table.partitioning ? touched : ['']);
  return written;
}

async function created(session: Session, catalog: Catalog, ref: TableRef, source: Source, options: WriteOptions): Promise<Table> {
  if (options.createDisposition === 'CREATE_NEVER') return catalog.table(ref);
  if (ref.partition !== null && !options.partitioning) throw invalid('Partitioning specification must be provided in order to create partitioned table');
  return createTable(session, catalog, { ...ref, fields: source.fields, partitioning: options.partitioning, clustering: options.clustering, ...(options.expirationMs === null ? {} : { expirationMs: options.expirationMs }) });
}

/** WRITE_TRUNCATE of a whole table gives it the source's schema. Its partitions and clusters stay where its columns allow. */
async function replaced(session: Session, catalog: Catalog, table: Table, source: Source, options: WriteOptions): Promise<Table> {
  const has = (name: string): boolean => source.fields.some((field) => field.name.toLowerCase() === name.toLowerCase());
  const partitioning = options.partitioning ?? (table.partitioning && has(table.partitioning.field) ? table.partitioning : null);
  if (table.partitioning && options.partitioning && (table.partitioning.field !== options.partitioning.field || table.partitioning.type !== options.partitioning.type)) {
    throw invalid(`Incompatible table partitioning specification. Expected partitioning specification ${specification(table.partitioning)}, but input partitioning specification is ${specification(options.partitioning)}`);
  }
  await dropTable(session, catalog, table);
  const made = await createTable(session, catalog, { ...table, fields: source.fields, partitioning, clustering: table.clustering.every(has) ? table.clustering : [] });
  const kept = { ...made, createdMs: table.createdMs, expirationMs: table.expirationMs };
  await catalog.save(session, kept);
  return kept;
}

export function specification(partitioning: Partitioning | null): string {
  return partitioning ? `interval(type:${partitioning.type.toLowerCase()},field:${partitioning.field})` : 'none';
}

/** Compares schemas; adds the source's new columns where that is allowed. */
async function widened(session: Session, catalog: Catalog, table: Table, ref: TableRef, source: Source, options: WriteOptions): Promise<Table> {
  const problem = `Provided Schema does not match Table ${catalog.name(ref)}.`;
  const added: Field[] = [];
  for (const field of source.fields) {
    const own = table.fields.find(({ name }) => name.toLowerCase() === field.name.toLowerCase());
    if (!own) added.push({ ...field, mode: field.mode === 'REQUIRED' ? 'NULLABLE' : field.mode });
    else if (duckDbType(own) !== duckDbType(field)) throw invalid(`${problem} Field ${field.name} has changed type from ${own.type} to ${field.type}`);
    else if (own.mode === 'REQUIRED' && field.mode === 'NULLABLE') throw invalid(`${problem} Field ${field.name} has changed mode from REQUIRED to NULLABLE`);
  }
  const missing = table.fields.find((own) => !source.fields.some(({ name }) => name.toLowerCase() === own.name.toLowerCase()));
  if (missing && source.fields.length > 0) throw invalid(`${problem} Field ${missing.name} is missing in new schema`);
  const [first] = added;
  if (!first) return table;
  if (table.fields.length > 0 && !options.mayAddFields) throw invalid(`${problem} Cannot add fields (field: ${first.name})`);
  return addFields(session, catalog, table, added);
}

export async function addFields(session: Session, catalog: Catalog, table: Table, added: readonly Field[]): Promise<Table> {
  if (table.bufferedSinceMs !== null) throw invalid(`Cannot add fields to ${catalog.name(table)} while it has rows in its streaming buffer`);
  if (table.fields.length === 0) await session.run(`DROP TABLE ${relation(table)}; CREATE TABLE ${relation(table)} (${columnsSql(added)})`);
  else for (const field of added) await session.run(`ALTER TABLE ${relation(table)} ADD COLUMN ${quoted(field.name)} ${duckDbType(field)}`);
  const wider = { ...table, fields: [...table.fields, ...added], modifiedMs: catalog.now() };
  await catalog.save(session, wider);
  return wider;
}

async function refuseOtherPartitions(session: Session, catalog: Catalog, table: Table, ref: TableRef, source: Source): Promise<void> {
  const others = await numberOf(session, `SELECT count(*) FROM ${source.relation} WHERE NOT (${inPartition(table, ref.partition)})`);
  if (others > 0) throw invalid(`Some rows belong to different partitions rather than destination partition ${catalog.name(ref)}`);
}

let sources = 0;

/** Keeps a query's rows in a table of the connection's own while they are written. */
export async function withSource<T>(session: Session, select: string, work: (relation: string) => Promise<T>): Promise<T> {
  sources += 1;
  const name = `temp.main.${quoted(`sb_source_${sources}`)}`;
  await session.run(`CREATE TEMP TABLE ${name} AS ${select}`);
  try {
    return await work(name);
  } finally {
    await session.run(`DROP TABLE IF EXISTS ${name}`).catch(() => undefined);
  }
}

