import { DuckDBListValue } from '@duckdb/node-api';
import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import { ApiError, invalidQuery, notModelled } from './api-error.ts';
import { bind, described, running, valueOf } from './bound-query.ts';
import { bytesBilled, bytesProcessed, refuseOverLimit } from './bytes.ts';
import type { Catalog, Table } from './catalog.ts';
import { fieldOfText, type CreateTable, type Option } from './create-table.ts';
import { copyTable } from './copy-table.ts';
import { resolvePath } from './references.ts';
import { NOTHING, statementTypeOf, type QueryOrder, type QueryOutcome } from './query-order.ts';
import type { Statement } from './statements.ts';
import { atomically } from './storage.ts';
import { createTable, dropTable, relation, stored } from './tables.ts';
import { addFields, withSource, writeRows } from './write.ts';

/** CREATE, DROP and ALTER. */

type Definition = Exclude<Statement, { readonly kind: 'select' | 'dml' }>;
type Name = { readonly datasetId: string; readonly tableId: string };

export async function runDefinition(session: Session, catalog: Catalog, statement: Definition, order: QueryOrder): Promise<QueryOutcome> {
  const outcome: QueryOutcome = { ...NOTHING, statementType: statementTypeOf(statement) };
  if (statement.kind === 'create_schema' || (statement.kind === 'drop' && statement.what === 'SCHEMA')) {
    const datasetId = statement.path.at(-1) ?? '';
    const operation = order.dryRun ? 'SKIP' : await schema(session, catalog, statement, datasetId);
    return { ...outcome, definition: { operation, target: { datasetId, tableId: '' } } };
  }
  const name = nameOf(catalog, statement.path, order);
  if (order.dryRun) return outcome;
  const operation = await atomically(session, async () => {
    switch (statement.kind) {
      case 'create_table': return create(session, catalog, statement, name, order);
      case 'create_view': return view(session, catalog, statement, name, order);
      case 'drop': return drop(session, catalog, statement, name);
      case 'alter_table': return alter(session, catalog, statement, name, order);
    }
  });
  const bytes = await createdBytes(session, catalog, statement, order);
  return { ...outcome, ...bytes, definition: { operation, target: name } };
}

async function createdBytes(session: Session, catalog: Catalog, statement: Definition, order: QueryOrder): Promise<Pick<QueryOutcome, 'bytesProcessed' | 'bytesBilled'>> {
  if (statement.kind !== 'create_table' || statement.query === null) return { bytesProcessed: 0, bytesBilled: 0 };
  const { tables } = await bind(session, catalog, statement.query, order);
  const processed = await bytesProcessed(session, catalog, statement.query, tables, order);
  return { bytesProcessed: processed, bytesBilled: bytesBilled(processed, tables.length) };
}

async function schema(session: Session, catalog: Catalog, statement: Definition, datasetId: string): Promise<string> {
  if (statement.kind === 'create_schema') {
    if (catalog.hasDataset(datasetId)) {
      if (statement.ifNotExists) return 'SKIP';
      throw new ApiError('duplicate', `Already Exists: Dataset ${catalog.projectId}:${datasetId}`);
    }
    await catalog.saveDataset(session, { datasetId, location: catalog.location, labels: {}, defaultTableExpirationMs: null, createdMs: catalog.now() });
    return 'CREATE';
  }
  if (statement.kind !== 'drop') return 'SKIP';
  if (!catalog.hasDataset(datasetId) && statement.ifExists) return 'SKIP';
  catalog.dataset(datasetId);
  if (!statement.cascades && catalog.tables(datasetId).length > 0) throw new ApiError('resourceInUse', `Dataset ${catalog.projectId}:${datasetId} is still in use`);
  await catalog.dropDataset(session, datasetId);
  return 'DROP';
}

function nameOf(catalog: Catalog, path: readonly string[], order: QueryOrder): Name {
  const resolved = resolvePath(path, catalog.projectId, order.defaultDataset);
  if (resolved.kind !== 'table') throw invalidQuery('INFORMATION_SCHEMA cannot be defined');
  return { datasetId: resolved.datasetId, tableId: resolved.tableId };
}

async function create(session: Session, catalog: Catalog, statement: CreateTable, name: Name, order: QueryOrder): Promise<string> {
  const existing = catalog.find(name);
  if (existing && statement.ifNotExists) return 'SKIP';
  const options = await tableOptions(session, catalog, statement.options, order);
  const facts = { ...name, ...options, clustering: statement.clustering, partitioning: statement.partitioning };
  if (statement.from) {
    const source = catalog.table(nameOf(catalog, statement.from.path, order));
    if (existing && statement.replaces) await dropTable(session, catalog, existing);
    if (statement.from.how === 'LIKE') await createTable(session, catalog, { ...facts, fields: source.fields, partitioning: source.partitioning, clustering: source.clustering });
    else await copyTable(session, catalog, source, facts);
    return existing && statement.replaces ? 'REPLACE' : 'CREATE';
  }
  if (statement.query === null) {
    if (existing && statement.replaces) await dropTable(session, catalog, existing);
    await createTable(session, catalog, { ...facts, fields: statement.fields ?? [] });
    return existing && statement.replaces ? 'REPLACE' : 'CREATE';
  }
  const bound = await bind(session, catalog, statement.query, order);
  refuseOverLimit(bytesBilled(await bytesProcessed(session, catalog, statement.query, bound.tables, order), bound.tables.length), order.maximumBytesBilled);
  const fields = await described(session, bound.duckDbSql);
  await withSource(session, bound.duckDbSql, async (rows) => {
    if (existing && statement.replaces) await dropTable(session, catalog, existing);
    const made = await createTable(session, catalog, { ...facts, fields });
    await writeRows(session, catalog, { ...made, partition: null }, { relation: rows, fields }, { writeDisposition: 'WRITE_APPEND', createDisposition: 'CREATE_NEVER', partitioning: null, clustering: [], expirationMs: null, mayAddFields: false });
  });
  return existing && statement.replaces ? 'REPLACE' : 'CREATE';
}

async function tableOptions(session: Session, catalog: Catalog, options: readonly Option[], order: QueryOrder): Promise<Partial<Pick<Table, 'expirationMs' | 'description' | 'labels'>>> {
  let facts: Partial<Pick<Table, 'expirationMs' | 'description' | 'labels'>> = {};
  for (const { name, expression } of options) {
    if (name === 'require_partition_filter' || name === 'friendly_name' || name === 'partition_expiration_days') continue;
    const isNull = expression.toUpperCase() === 'NULL';
    if (name === 'expiration_timestamp') facts = { ...facts, expirationMs: isNull ? null : Math.floor(Number(await valueOf(session, catalog, `UNIX_MICROS(${expression})`, order)) / 1000) };
    else if (name === 'description') facts = { ...facts, description: isNull ? null : String(await valueOf(session, catalog, expression, order)) };
    else if (name === 'labels') facts = { ...facts, labels: await labelsOf(session, catalog, expression, order) };
    else throw notModelled(`the option ${name}`);
  }
  return facts;
}

/** `[('team', 'nba'), …]` */
async function labelsOf(session: Session, catalog: Catalog, expression: string, order: QueryOrder): Promise<Readonly<Record<string, string>>> {
  const texts = await valueOf(session, catalog, expression.replaceAll('(', '[').replaceAll(')', ']'), order);
  const pairs = texts instanceof DuckDBListValue ? texts.items : [];
  return Object.fromEntries(pairs.flatMap((pair) => (pair instanceof DuckDBListValue ? [[String(pair.items[0]), String(pair.items[1])]] : [])));
}

async function view(session: Session, catalog: Catalog, statement: Extract<Statement, { readonly kind: 'create_view' }>, name: Name, order: QueryOrder): Promise<string> {
  const existing = catalog.find(name);
  if (existing && statement.ifNotExists) return 'SKIP';
  if (existing && !statement.replaces) throw new ApiError('duplicate', `Already Exists: Table ${catalog.name(name)}`);
  if (existing) await dropTable(session, catalog, existing);
  await createView(session, catalog, name, statement.query, order);
  return existing ? 'REPLACE' : 'CREATE';
}

export async function createView(session: Session, catalog: Catalog, name: Name, query: string, order: Pick<QueryOrder, 'parameters' | 'defaultDataset'>): Promise<Table> {
  catalog.dataset(name.datasetId);
  const { duckDbSql, readsInformationSchema } = await bind(session, catalog, query, order);
  if (readsInformationSchema) throw notModelled('a view over INFORMATION_SCHEMA');
  const fields = await described(session, duckDbSql);
  await running(session, `CREATE VIEW ${relation(name)} AS ${duckDbSql}`);
  const now = catalog.now();
  const made: Table = {
    ...name, kind: 'VIEW', fields, partitioning: null, clustering: [], expirationMs: null, description: null, labels: {}, query, createdMs: now, modifiedMs: now, partitions: {}, bufferedSinceMs: null,
  };
  await catalog.save(session, made);
  return made;
}

async function drop(session: Session, catalog: Catalog, statement: Extract<Statement, { readonly kind: 'drop' }>, name: Name): Promise<string> {
  const existing = catalog.find(name);
  if (!existing && statement.ifExists) return 'SKIP';
  const table = catalog.table(name);
  if (table.kind !== statement.what) throw invalidQuery(`${catalog.name(name)} is a ${table.kind} and cannot be dropped by DROP ${statement.what}`);
  await dropTable(session, catalog, table);
  return 'DROP';
}

async function alter(session: Session, catalog: Catalog, { action, ifExists }: Extract<Statement, { readonly kind: 'alter_table' }>, name: Name, order: QueryOrder): Promise<string> {
  if (ifExists && !catalog.find(name)) return 'SKIP';
  const table = catalog.table(name);
  const has = (column: string): boolean => table.fields.some((field) => field.name.toLowerCase() === column.toLowerCase());
  if (action.kind === 'options') {
    await catalog.save(session, { ...table, ...await tableOptions(session, catalog, action.options, order), modifiedMs: catalog.now() });
    return 'ALTER';
  }
  if (action.kind === 'add') {
    if (has(action.column) && action.ifNotExists) return 'SKIP';
    if (has(action.column)) throw invalidQuery(`Column already exists: ${action.column} at [1:1]`);
    await addFields(session, catalog, table, [fieldOfText(action.column, action.type)]);
    return 'ALTER';
  }
  if (action.kind === 'drop' && !has(action.column) && action.ifExists) return 'SKIP';
  if (!has(action.column)) throw invalidQuery(`Column not found: ${action.column} at [1:1]`);
  const isOf = (field: string): boolean => field.toLowerCase() === action.column.toLowerCase();
  if (table.partitioning && isOf(table.partitioning.field)) throw invalidQuery(`Column ${action.column} is used for partitioning and cannot be ${action.kind === 'drop' ? 'dropped' : 'renamed'}`);
  if (action.kind === 'drop') {
    await session.run(`ALTER TABLE ${stored(table)} DROP COLUMN ${quoted(action.column)}`);
    await catalog.save(session, { ...table, fields: table.fields.filter((field) => !isOf(field.name)), modifiedMs: catalog.now() });
    return 'ALTER';
  }
  await session.run(`ALTER TABLE ${stored(table)} RENAME COLUMN ${quoted(action.column)} TO ${quoted(action.to)}`);
  await catalog.save(session, { ...table, fields: table.fields.map((field) => (isOf(field.name) ? { ...field, name: action.to } : field)), modifiedMs: catalog.now() });
  return 'ALTER';
}
