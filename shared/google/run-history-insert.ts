import { z } from 'zod';
import type { BigQueryApi } from './bigquery-api.ts';
import type { DatasetTable } from './bigquery-tables.ts';

/** A row with the id by which BigQuery leaves out a repeated insert, where it can (P20). */
export interface InsertedRow {
  readonly insertId: string;
  readonly json: object;
}

const answerSchema = z.object({
  insertErrors: z.array(z.object({ index: z.number(), errors: z.array(z.object({ reason: z.string().optional(), message: z.string().optional() })) })).optional(),
});

/** Google's advice for one request of insertAll. */
const ROWS_A_REQUEST = 500;

/** Rows that BigQuery refused one by one; `errors` have the reasons. */
class RefusedRowsError extends Error {
  override readonly name = 'RefusedRowsError';
  readonly errors: readonly { readonly reason?: string; readonly message?: string }[];

  constructor({ dataset, table }: DatasetTable, rows: number, errors: RefusedRowsError['errors']) {
    super(`${dataset}.${table} refused ${rows} rows: ${errors[0]?.message ?? errors[0]?.reason ?? 'no reason given'}`);
    this.errors = errors;
  }
}

/**
 * Appends rows by insertAll. Of a request with a row that cannot be, BigQuery takes none: all are tried again with their
 * own ids. The client's own `insert` would make a new id for each row and try.
 */
export async function insertRows(api: BigQueryApi, table: DatasetTable, rows: readonly InsertedRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_A_REQUEST) {
    const { insertErrors = [] } = await api.call(answerSchema, {
      method: 'POST', path: `/datasets/${table.dataset}/tables/${table.table}/insertAll`, body: { rows: rows.slice(start, start + ROWS_A_REQUEST) },
    });
    if (insertErrors.length > 0) throw new RefusedRowsError(table, insertErrors.length, insertErrors.flatMap(({ errors }) => errors));
  }
}
