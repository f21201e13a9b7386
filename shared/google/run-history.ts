import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import type { HistoryRow, RequestChangeRow, RunHistory } from '../ports/run-history.ts';
import { timestampText } from '../rows/checked-rows.ts';
import { anyAnswer, type BigQueryApi } from './bigquery-api.ts';
import type { BigQueryJobs, QueryResult } from './bigquery-jobs.ts';
import { parameter, type QueryParameter } from './bigquery-parameters.ts';
import { createTable, ensureDataset, unlessThere, type DatasetTable } from './bigquery-tables.ts';
import { bigQuerySchemaOf, historyRowSchema, requestChangeRowSchema, type BigQueryField } from './history-schema.ts';
import { insertRows, type InsertedRow } from './run-history-insert.ts';

/** Rows that were committed with the state and are to be written to BigQuery. `id` is the same at every try. */
export interface HistoryOutbox {
  pendingRows(limit: number): Promise<readonly { readonly id: string; readonly history: readonly HistoryRow[]; readonly changes: readonly RequestChangeRow[] }[]>;
  rowsWritten(ids: readonly string[]): Promise<void>;
}

export interface GoogleRunHistoryOptions {
  readonly jobs: BigQueryJobs;
  readonly outbox: HistoryOutbox;
  /** `dataset.table` of the run history and of the requests' changes. */
  readonly tables: { readonly run_history: string; readonly backfill_requests: string };
}

type Filter = Parameters<RunHistory['runs']>[0];

const ENTRIES_A_TURN = 200;

/** Run history and requests' changes in BigQuery: appended from the outbox, read by people and the query library. */
export class GoogleRunHistory implements RunHistory {
  readonly #options: GoogleRunHistoryOptions;

  constructor(options: GoogleRunHistoryOptions) {
    this.#options = options;
  }

  /**
   * Writes what is pending, at most `most` entries, and says how many were written: streamed in batches, since jobs and
   * changes of one table are limited (P25), and decisions are in Firestore. A row that was written twice is read
   * once: insert ids are stable (P20), and reading leaves equal rows out.
   */
  async flush(most = Infinity): Promise<number> {
    const { outbox, jobs: { api } } = this.#options;
    let written = 0;
    while (written < most) {
      const entries = await outbox.pendingRows(Math.min(ENTRIES_A_TURN, most - written));
      if (entries.length === 0) break;
      await insertRows(api, this.#runs(), entries.flatMap(({ id, history }) => insertedRows(id, 'h', history)));
      await insertRows(api, this.#changes(), entries.flatMap(({ id, changes }) => insertedRows(id, 'c', changes)));
      await outbox.rowsWritten(entries.map(({ id }) => id));
      written += entries.length;
    }
    return written;
  }

  async runs(filter: Filter): Promise<readonly HistoryRow[]> {
    return this.#select(this.#runs(), historyRowSchema, 'data_date', 'created_at', filter);
  }

  async changes(filter: Filter): Promise<readonly RequestChangeRow[]> {
    return this.#select(this.#changes(), requestChangeRowSchema, 'game_date', 'changed_at', filter);
  }

  /** Creates both tables and the `_latest` view where they are missing, for tests and the local cloud. */
  async ensureTables(): Promise<void> {
    const { api } = this.#options.jobs;
    await Promise.all([...new Set([this.#runs().dataset, this.#changes().dataset])].map((dataset) => ensureDataset(api, dataset)));
    await ensureHistoryTable(api, this.#runs(), bigQuerySchemaOf(historyRowSchema), 'data_date');
    await ensureHistoryTable(api, this.#changes(), bigQuerySchemaOf(requestChangeRowSchema), 'game_date');
    const { dataset, table } = this.#changes();
    await unlessThere(() => api.call(anyAnswer, {
      method: 'POST', path: `/datasets/${dataset}/tables`,
      body: { tableReference: api.table(dataset, `${table}_latest`), view: { query: latestSql(`${api.project}.${dataset}.${table}`), useLegacySql: false } },
    }));
  }

  async #select<T>(table: DatasetTable, row: z.ZodType<T>, dateColumn: string, timeColumn: string, filter: Filter): Promise<readonly T[]> {
    const { jobs } = this.#options;
    const fields = bigQuerySchemaOf(row);
    const result = await jobs.query({
      purpose: 'history', sql: selectingSql(fields, jobs.api.named(table.dataset, table.table), dateColumn, timeColumn), parameters: parametersOf(filter),
    });
    return rowsOfResult(result, fields).map((values) => row.parse(values));
  }

  #runs(): DatasetTable {
    return datasetTable(this.#options.tables.run_history);
  }

  #changes(): DatasetTable {
    return datasetTable(this.#options.tables.backfill_requests);
  }
}

function insertedRows(id: string, kind: string, rows: readonly object[]): readonly InsertedRow[] {
  return rows.map((json, index) => ({ insertId: `${id}-${kind}${index}`, json }));
}

function datasetTable(ref: string): DatasetTable {
  const [dataset = '', table = ''] = ref.split('.');
  return { dataset, table };
}

async function ensureHistoryTable(api: BigQueryApi, table: DatasetTable, fields: readonly BigQueryField[], dateColumn: string): Promise<void> {
  await unlessThere(() => createTable(api, table, fields.map((field) => ({ ...field })), { timePartitioning: { type: 'DAY', field: dateColumn }, clustering: { fields: ['processor_name', 'status'] } }));
}

/** The query of the view, from the file that Terraform reads too. */
function latestSql(table: string): string {
  return readFileSync(new URL('./sql/backfill_requests_latest.sql', import.meta.url), 'utf8').replaceAll('{{table}}', table);
}

/** Long before any season, and long after. */
const FIRST_DATE = '1900-01-01';
const LAST_DATE = '2999-12-31';

function parametersOf({ processor, from, to, limit }: Filter): readonly QueryParameter[] {
  return [
    parameter('processor', 'STRING', processor ?? ''), parameter('from_date', 'DATE', from ?? FIRST_DATE), parameter('to_date', 'DATE', to ?? LAST_DATE),
    parameter('most', 'INT64', String(limit)),
  ];
}

/** Newest first; equal rows once, since an insert may be repeated. */
export function selectingSql(fields: readonly BigQueryField[], relation: string, dateColumn: string, timeColumn: string): string {
  const columns = fields.map(({ name, type }) => (type === 'TIMESTAMP' ? `UNIX_MICROS(${name}) AS ${name}` : name));
  return `SELECT * FROM (
  SELECT DISTINCT ${columns.join(', ')}
  FROM ${relation}
  WHERE ${dateColumn} BETWEEN @from_date AND @to_date AND (@processor = '' OR processor_name = @processor)
) AS found
ORDER BY ${timeColumn} DESC, processor_name, ${dateColumn}, status
LIMIT @most`;
}

type Value = string | number | boolean | null;

function rowsOfResult({ rows }: QueryResult, fields: readonly BigQueryField[]): readonly Record<string, Value>[] {
  return rows.map((values) => Object.fromEntries(fields.map(({ name, type }, index) => [name, valueOf(type, values[index] ?? null)])));
}

function valueOf(type: BigQueryField['type'], text: string | null): Value {
  if (text === null) return null;
  if (type === 'INTEGER' || type === 'FLOAT') return Number(text);
  if (type === 'BOOLEAN') return text === 'true';
  return type === 'TIMESTAMP' ? timestampText(BigInt(text)) : text;
}
