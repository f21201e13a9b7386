import { z } from 'zod';
import type { HistoryRow, RequestChangeRow, RunHistory } from '../ports/run-history.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { rowOf } from './sqlite-record-rows.ts';

const nullableText = z.string().nullable();
const flag = z.union([z.literal(0), z.literal(1)]).transform((value) => value === 1);

const historyRow: z.ZodType<HistoryRow> = z.object({
  run_id: z.string(), processor_name: z.string(), phase: z.string(), data_date: z.string(), success: flag, status: z.string(), error_message: nullableText,
  rows_processed: z.number().nullable(), processing_decision: z.string(), skip_reason: nullableText, backfill_mode: flag, created_at: z.string(),
  attempt: z.number(), trace_digest: nullableText, fingerprint: nullableText, category: nullableText, started_at: nullableText, completed_at: nullableText,
  metadata: nullableText,
});

const changeRow: z.ZodType<RequestChangeRow> = z.object({
  processor_name: z.string(), game_date: z.string(), request_type: z.string(), priority: z.string(), requested_at: z.string(), requested_by: z.string(),
  status: z.string(), started_at: nullableText, completed_at: nullableText, error_message: nullableText, metadata: nullableText, changed_at: z.string(),
});

/** Inserts rows inside the caller's write. */
export function insertRunHistory(database: SqliteDatabase): (history: readonly HistoryRow[], changes: readonly RequestChangeRow[]) => void {
  const insertRun = database.prepare(
    `INSERT INTO processor_run_history (run_id, processor_name, phase, data_date, success, status, error_message, rows_processed, processing_decision,
       skip_reason, backfill_mode, created_at, attempt, trace_digest, fingerprint, category, started_at, completed_at, metadata)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertChange = database.prepare(
    `INSERT INTO backfill_requests (processor_name, game_date, request_type, priority, requested_at, requested_by, status, started_at, completed_at,
       error_message, metadata, changed_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (history, changes) => {
    for (const row of history) {
      insertRun.run(
        row.run_id, row.processor_name, row.phase, row.data_date, row.success ? 1 : 0, row.status, row.error_message, row.rows_processed,
        row.processing_decision, row.skip_reason, row.backfill_mode ? 1 : 0, row.created_at, row.attempt, row.trace_digest, row.fingerprint, row.category,
        row.started_at, row.completed_at, row.metadata,
      );
    }
    for (const row of changes) {
      insertChange.run(
        row.processor_name, row.game_date, row.request_type, row.priority, row.requested_at, row.requested_by, row.status, row.started_at, row.completed_at,
        row.error_message, row.metadata, row.changed_at,
      );
    }
  };
}

type Filter = Parameters<RunHistory['runs']>[0];

/** `RunHistory` on the state folder's database: the rows that the request store committed with its records. */
export class SqliteRunHistory implements RunHistory {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  async runs(filter: Filter): Promise<readonly HistoryRow[]> {
    return this.#select('processor_run_history', 'data_date', filter, historyRow);
  }

  async changes(filter: Filter): Promise<readonly RequestChangeRow[]> {
    return this.#select('backfill_requests', 'game_date', filter, changeRow);
  }

  #select<T>(table: string, dateColumn: string, filter: Filter, schema: z.ZodType<T>): readonly T[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const condition = (text: string, value: string | undefined): void => {
      if (value === undefined) return;
      conditions.push(text);
      values.push(value);
    };
    condition('processor_name = ?', filter.processor);
    condition(`${dateColumn} >= ?`, filter.from);
    condition(`${dateColumn} <= ?`, filter.to);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const database = this.#database;
    return database.read(() => {
      const rows = database.prepare(`SELECT * FROM ${table} ${where} ORDER BY seq DESC LIMIT ?`).all(...values, filter.limit);
      return rows.map((row) => rowOf(database.path, table, schema, row));
    });
  }
}
