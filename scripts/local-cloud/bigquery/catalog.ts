import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import { z } from 'zod';
import { ApiError, notModelled } from './api-error.ts';
import { schemaSchema, type Field } from './schema.ts';
import { text } from './values.ts';

/** Datasets and tables as BigQuery knows them. The rows are in DuckDB tables of the same names, these facts in a side table. */

export type Granularity = 'HOUR' | 'DAY' | 'MONTH' | 'YEAR';
export interface Partitioning { readonly type: Granularity; readonly field: string; readonly requireFilter: boolean }

export interface Dataset {
  readonly datasetId: string;
  readonly location: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly defaultTableExpirationMs: number | null;
  readonly createdMs: number;
}

export interface Table {
  readonly datasetId: string;
  readonly tableId: string;
  readonly kind: 'TABLE' | 'VIEW';
  readonly fields: readonly Field[];
  readonly partitioning: Partitioning | null;
  readonly clustering: readonly string[];
  readonly expirationMs: number | null;
  readonly description: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** GoogleSQL of a view. */
  readonly query: string | null;
  readonly createdMs: number;
  readonly modifiedMs: number;
  /** When each partition was last written; an unpartitioned table has one, named ''. */
  readonly partitions: Readonly<Record<string, number>>;
  /** When the first row that is still in the streaming buffer was sent; null where the buffer is empty. */
  readonly bufferedSinceMs: number | null;
}

const ids = z.record(z.string(), z.string());
const datasetSchema = z.object({ datasetId: z.string(), location: z.string(), labels: ids, defaultTableExpirationMs: z.number().nullable(), createdMs: z.number() });
const tableSchema = z.object({
  datasetId: z.string(), tableId: z.string(), kind: z.enum(['TABLE', 'VIEW']), fields: schemaSchema.shape.fields, clustering: z.array(z.string()),
  partitioning: z.object({ type: z.enum(['HOUR', 'DAY', 'MONTH', 'YEAR']), field: z.string(), requireFilter: z.boolean() }).nullable(),
  expirationMs: z.number().nullable(), description: z.string().nullable(), labels: ids, query: z.string().nullable(), createdMs: z.number(), modifiedMs: z.number(),
  partitions: z.record(z.string(), z.number()), bufferedSinceMs: z.number().nullable(),
});

const SIDE_TABLES = `CREATE SCHEMA IF NOT EXISTS "sb_meta";
CREATE TABLE IF NOT EXISTS "sb_meta"."datasets" (id VARCHAR PRIMARY KEY, facts VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS "sb_meta"."tables" (id VARCHAR PRIMARY KEY, facts VARCHAR NOT NULL);`;

/** Schemas and databases that DuckDB has itself; those of this server begin with sb_. */
const DUCKDB_NAMES: ReadonlySet<string> = new Set(['main', 'temp', 'system', 'memory', 'information_schema', 'pg_catalog']);

/** A table by name; `partition` is what follows `$`. */
export interface TableRef { readonly datasetId: string; readonly tableId: string; readonly partition: string | null }

export function tableRef(datasetId: string, tableId: string): TableRef {
  const [table = '', partition] = tableId.split('$', 2);
  return { datasetId, tableId: table, partition: partition ?? null };
}

/** What a table held from an instant on: a copy of its rows in a DuckDB table. */
export interface PastRows { readonly sinceMs: number; readonly place: readonly [string, string] }

/** Where copies of rows for time travel are. */
const PAST = 'sb_past';

export class Catalog {
  readonly projectId: string;
  readonly location: string;
  readonly now: () => number;
  readonly #datasets = new Map<string, Dataset>();
  readonly #tables = new Map<string, Table>();
  readonly #past = new Map<string, PastRows[]>();
  readonly #remembersPast: boolean;
  #copies = 0;

  constructor(projectId: string, location: string, now: () => number, remembersPast = false) {
    this.#remembersPast = remembersPast;
    this.projectId = projectId;
    this.location = location;
    this.now = now;
  }

  async load(session: Session): Promise<void> {
    await session.run(SIDE_TABLES);
    for (const [facts] of await (await session.run('SELECT facts FROM "sb_meta"."datasets"')).getRows()) {
      const dataset = datasetSchema.parse(JSON.parse(String(facts)));
      this.#datasets.set(dataset.datasetId, dataset);
    }
    for (const [facts] of await (await session.run('SELECT facts FROM "sb_meta"."tables"')).getRows()) {
      const table = tableSchema.parse(JSON.parse(String(facts)));
      this.#tables.set(key(table), table);
    }
  }

  datasets(): readonly Dataset[] {
    return [...this.#datasets.values()].sort((a, b) => (a.datasetId < b.datasetId ? -1 : 1));
  }

  dataset(datasetId: string): Dataset {
    const dataset = this.#datasets.get(datasetId);
    if (!dataset) throw new ApiError('notFound', `Not found: Dataset ${this.projectId}:${datasetId}${datasetId === '' ? '' : ` was not found in location ${this.location}`}`);
    return dataset;
  }

  hasDataset(datasetId: string): boolean {
    return this.#datasets.has(datasetId);
  }

  tables(datasetId: string): readonly Table[] {
    return [...this.#tables.values()].filter((table) => table.datasetId === datasetId && !this.#isExpired(table)).sort((a, b) => (a.tableId < b.tableId ? -1 : 1));
  }

  find({ datasetId, tableId }: { readonly datasetId: string; readonly tableId: string }): Table | null {
    const table = this.#tables.get(key({ datasetId, tableId }));
    return table && !this.#isExpired(table) ? table : null;
  }

  table(ref: { readonly datasetId: string; readonly tableId: string }): Table {
    this.dataset(ref.datasetId);
    const table = this.find(ref);
    if (!table) throw new ApiError('notFound', `Not found: Table ${this.name(ref)} was not found in location ${this.location}`);
    return table;
  }

  /** `project:dataset.table`, as Google's messages write it. */
  name({ datasetId, tableId, partition = null }: { readonly datasetId: string; readonly tableId: string; readonly partition?: string | null }): string {
    return `${this.projectId}:${datasetId}.${tableId}${partition === null ? '' : `$${partition}`}`;
  }

  async saveDataset(session: Session, dataset: Dataset): Promise<void> {
    if (DUCKDB_NAMES.has(dataset.datasetId.toLowerCase()) || dataset.datasetId.toLowerCase().startsWith('sb_')) throw notModelled(`a dataset called ${dataset.datasetId}`);
    if (!this.#datasets.has(dataset.datasetId)) await session.run(`CREATE SCHEMA ${quoted(dataset.datasetId)}`);
    await put(session, 'datasets', dataset.datasetId, dataset);
    this.#datasets.set(dataset.datasetId, dataset);
  }

  async dropDataset(session: Session, datasetId: string): Promise<void> {
    await session.run(`DROP SCHEMA IF EXISTS ${quoted(datasetId)} CASCADE`);
    await session.run(`DELETE FROM "sb_meta"."datasets" WHERE id = ${text(datasetId)}`);
    for (const table of [...this.#tables.values()].filter((one) => one.datasetId === datasetId)) await this.forget(session, table);
    this.#datasets.delete(datasetId);
  }

  async save(session: Session, table: Table): Promise<void> {
    await put(session, 'tables', key(table), table);
    this.#tables.set(key(table), table);
  }

  /** For time travel, where the server was started with it: `rows` names the table's rows as DuckDB has them. */
  async remember(session: Session, table: Table, rows: string): Promise<void> {
    if (!this.#remembersPast) return;
    const place = [PAST, `${table.tableId}_${this.#copies += 1}`] as const;
    await session.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(PAST)}; CREATE TABLE ${place.map(quoted).join('.')} AS SELECT * FROM ${rows}`);
    this.#past.set(key(table), [...this.#past.get(key(table)) ?? [], { sinceMs: this.now(), place }]);
  }

  /** Where a table's rows of an instant are. */
  pastRows(table: Table, atMs: number): readonly [string, string] {
    if (!this.#remembersPast) throw notModelled('time travel, unless the server is started with it');
    const found = this.#past.get(key(table))?.findLast(({ sinceMs }) => sinceMs <= atMs);
    if (!found) throw new ApiError('invalidQuery', `Invalid snapshot time ${Math.trunc(atMs)} for table ${this.name(table)}. Cannot read before ${table.createdMs}`);
    return found.place;
  }

  async forget(session: Session, table: Table): Promise<void> {
    await session.run(`DELETE FROM "sb_meta"."tables" WHERE id = ${text(key(table))}`);
    this.#tables.delete(key(table));
  }

  expired(): readonly Table[] {
    return [...this.#tables.values()].filter((table) => this.#isExpired(table));
  }

  buffered(): readonly Table[] {
    return [...this.#tables.values()].filter((table) => table.bufferedSinceMs !== null);
  }

  #isExpired(table: Table): boolean {
    return table.expirationMs !== null && table.expirationMs <= this.now();
  }
}

function key({ datasetId, tableId }: { readonly datasetId: string; readonly tableId: string }): string {
  return `${datasetId}.${tableId}`;
}

async function put(session: Session, sideTable: 'datasets' | 'tables', id: string, facts: unknown): Promise<void> {
  await session.run(`INSERT OR REPLACE INTO "sb_meta".${quoted(sideTable)} VALUES (${text(id)}, ${text(JSON.stringify(facts))})`);
}
