import { ApiError, invalid, notModelled } from './api-error.ts';
import { tableRef, type Catalog, type Dataset } from './catalog.ts';
import { answer, jsonOf, wholeNumber, type ApiAnswer, type ApiRequest } from './http.ts';
import { partitioningOf } from './job-settings.ts';
import { pageOf } from './pages.ts';
import { checkDecorator, inPartition } from './partitions.ts';
import { createView } from './run-definition.ts';
import { atomically, type Storage } from './storage.ts';
import { insertAllSchema, type Streaming } from './streaming.ts';
import { datasetRequest, datasetResource, listedTable, tablePatch, tableRequest, tableResource } from './table-resource.ts';
import { createTable, dropTable, relation, stored } from './tables.ts';
import { upkeep } from './upkeep.ts';
import { addFields } from './write.ts';
import type { Session } from '../../../shared/embedded/duckdb-connections.ts';

/** datasets.*, tables.* and tabledata.* of the API. */
export class TableRoutes {
  readonly #storage: Storage;
  readonly #catalog: Catalog;
  readonly #streaming: Streaming;

  constructor(storage: Storage, catalog: Catalog, streaming: Streaming) {
    this.#storage = storage;
    this.#catalog = catalog;
    this.#streaming = streaming;
  }

  listDatasets(): ApiAnswer {
    return answer({ kind: 'bigquery#datasetList', datasets: this.#catalog.datasets().map((dataset) => datasetResource(this.#catalog, dataset)) });
  }

  async createDataset({ body }: ApiRequest): Promise<ApiAnswer> {
    const { datasetReference: { datasetId }, location, labels, defaultTableExpirationMs } = jsonOf(datasetRequest, body, 'the dataset');
    if (location !== undefined && location.toLowerCase() !== this.#catalog.location.toLowerCase()) throw notModelled(`a dataset in another location than ${this.#catalog.location}`);
    return this.#turn(async (session) => {
      if (this.#catalog.hasDataset(datasetId)) throw new ApiError('duplicate', `Already Exists: Dataset ${this.#catalog.projectId}:${datasetId}`);
      const dataset: Dataset = { datasetId, location: this.#catalog.location, labels, defaultTableExpirationMs, createdMs: this.#catalog.now() };
      await atomically(session, () => this.#catalog.saveDataset(session, dataset));
      return answer(datasetResource(this.#catalog, dataset));
    });
  }

  getDataset({ path }: ApiRequest): ApiAnswer {
    return answer(datasetResource(this.#catalog, this.#catalog.dataset(path[1] ?? '')));
  }

  async deleteDataset({ path, query }: ApiRequest): Promise<ApiAnswer> {
    const datasetId = path[1] ?? '';
    return this.#turn(async (session) => {
      this.#catalog.dataset(datasetId);
      if (query.get('deleteContents') !== 'true' && this.#catalog.tables(datasetId).length > 0) throw new ApiError('resourceInUse', `Dataset ${this.#catalog.projectId}:${datasetId} is still in use`);
      await atomically(session, () => this.#catalog.dropDataset(session, datasetId));
      return answer(undefined, 204);
    });
  }

  async listTables({ path, query }: ApiRequest): Promise<ApiAnswer> {
    const all = await this.#turn(async () => {
      this.#catalog.dataset(path[1] ?? '');
      return this.#catalog.tables(path[1] ?? '');
    });
    const from = /^table_\d{1,15}$/.test(query.get('pageToken') ?? '') ? Number(query.get('pageToken')?.slice(6)) : 0;
    const size = wholeNumber(query, 'maxResults', 50);
    const tables = all.slice(from, from + size).map((table) => listedTable(this.#catalog, table));
    return answer({ kind: 'bigquery#tableList', totalItems: all.length, tables, ...(from + size < all.length ? { nextPageToken: `table_${from + size}` } : {}) });
  }

  async createTable({ path, body }: ApiRequest): Promise<ApiAnswer> {
    const sent = jsonOf(tableRequest, body, 'the table');
    const other = Object.keys(sent).find((name) => UNMODELLED_PARTS.has(name));
    if (other !== undefined) throw notModelled(`${other} of a table`);
    const name = { datasetId: path[1] ?? '', tableId: sent.tableReference?.tableId ?? '' };
    return this.#turn(async (session) => {
      if (this.#catalog.find(name)) throw new ApiError('duplicate', `Already Exists: Table ${this.#catalog.name(name)}`);
      if (sent.view?.useLegacySql) throw notModelled('a view in legacy SQL');
      const partitioning = partitioningOf(sent.timePartitioning);
      const { view } = sent;
      const table = await atomically(session, () => (view
        ? createView(session, this.#catalog, name, view.query, { parameters: [], defaultDataset: null })
        : createTable(session, this.#catalog, {
          ...name, fields: sent.schema?.fields ?? [], clustering: sent.clustering?.fields ?? [], description: sent.description ?? null, labels: sent.labels ?? {},
          partitioning: partitioning && { ...partitioning, requireFilter: partitioning.requireFilter || (sent.requirePartitionFilter ?? false) }, ...(sent.expirationTime === null ? {} : { expirationMs: sent.expirationTime }),
        })));
      return answer(await tableResource(session, this.#catalog, table, null));
    });
  }

  async getTable({ path }: ApiRequest): Promise<ApiAnswer> {
    const ref = tableRef(path[1] ?? '', path[3] ?? '');
    return this.#turn(async (session) => {
      const table = this.#catalog.table(ref);
      checkDecorator(this.#catalog, table, ref);
      return answer(await tableResource(session, this.#catalog, table, ref.partition));
    });
  }

  /** Description, labels, expiration, and further columns. */
  async patchTable({ path, body }: ApiRequest): Promise<ApiAnswer> {
    const sent = jsonOf(tablePatch, body, 'the table');
    return this.#turn(async (session) => {
      let table = this.#catalog.table(tableRef(path[1] ?? '', path[3] ?? ''));
      const { schema } = sent;
      if (schema) {
        const gone = table.fields.find((own) => !schema.fields.some((field) => field.name === own.name && field.type === own.type));
        if (gone) throw invalid(`Provided Schema does not match Table ${this.#catalog.name(table)}. Field ${gone.name} is missing in new schema`);
        table = await addFields(session, this.#catalog, table, schema.fields.filter((field) => !table.fields.some((own) => own.name === field.name)));
      }
      const patched = {
        ...table, modifiedMs: this.#catalog.now(), ...(sent.expirationTime === undefined ? {} : { expirationMs: sent.expirationTime }), ...(sent.description === undefined ? {} : { description: sent.description }), ...(sent.labels ? { labels: sent.labels } : {}),
      };
      await this.#catalog.save(session, patched);
      return answer(await tableResource(session, this.#catalog, patched, null));
    });
  }

  /** A table, or with a decorator one of its partitions. */
  async deleteTable({ path }: ApiRequest): Promise<ApiAnswer> {
    const ref = tableRef(path[1] ?? '', path[3] ?? '');
    return this.#turn(async (session) => {
      const table = this.#catalog.table(ref);
      checkDecorator(this.#catalog, table, ref);
      await atomically(session, async () => {
        if (ref.partition === null) return dropTable(session, this.#catalog, table);
        await session.run(`DELETE FROM ${stored(table)} WHERE ${inPartition(table, ref.partition)}`);
        const { [ref.partition]: _, ...partitions } = table.partitions;
        await this.#catalog.save(session, { ...table, partitions, modifiedMs: this.#catalog.now() });
      });
      return answer(undefined, 204);
    });
  }

  async rows({ path, query }: ApiRequest): Promise<ApiAnswer> {
    const ref = tableRef(path[1] ?? '', path[3] ?? '');
    return this.#turn(async (session) => {
      const table = this.#catalog.table(ref);
      if (table.kind === 'VIEW') throw invalid(`Cannot list a table of type VIEW.`);
      checkDecorator(this.#catalog, table, ref);
      if (query.get('selectedFields') !== null) throw notModelled('selectedFields');
      const rows = await (await session.run(`SELECT * FROM ${relation(table)} WHERE ${inPartition(table, ref.partition)}`)).getRows();
      const page = pageOf(table.fields, rows, query);
      return answer({ kind: 'bigquery#tableDataList', totalRows: String(rows.length), ...(page.rows.length > 0 ? { rows: page.rows } : {}), ...(page.pageToken === undefined ? {} : { pageToken: page.pageToken }) });
    });
  }

  async insertAll({ path, body }: ApiRequest): Promise<ApiAnswer> {
    const sent = jsonOf(insertAllSchema, body, 'the rows');
    return this.#turn(async (session) => answer(await this.#streaming.insert(session, tableRef(path[1] ?? '', path[3] ?? ''), sent)));
  }

  #turn<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#storage.turn(async (session) => {
      await upkeep(session, this.#catalog);
      return work(session);
    });
  }
}

const UNMODELLED_PARTS: ReadonlySet<string> = new Set(['rangePartitioning', 'materializedView', 'externalDataConfiguration', 'encryptionConfiguration', 'snapshotDefinition', 'cloneDefinition', 'tableConstraints', 'biglakeConfiguration']);

