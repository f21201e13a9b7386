import { day } from '../calendar/day.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import type { DataCheck, OffendingRows, Row } from '../ports/warehouse.ts';
import { timestampText } from '../rows/checked-rows.ts';
import { aboutCheck } from '../rows/staged-rows.ts';
import { queryOver } from './bigquery-inputs.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import { inTime, STOPS_ITSELF_AFTER_MS } from './bigquery-staging.ts';
import { fromAnswer } from './bigquery-values.ts';

/** A check's query over its inputs, each cut to its range: how many rows it returns, and the first of them. */
export async function checkRows(jobs: BigQueryJobs, check: DataCheck, mostShown: number, signal: AbortSignal | undefined): Promise<OffendingRows> {
  return aboutCheck(check, signal, async () => {
    const query = queryOver(check.sql, day(0), check.inputs, (dataset, table) => jobs.api.named(dataset, table));
    const { fields, rows } = await inTime(`the check ${check.name}`, check.timeoutSeconds, signal, (stopped) => jobs.query({
      purpose: 'data_check', processor: check.inputs.at(-1)?.upstream.name, sql: checkingSql(query.sql, mostShown), parameters: query.parameters, signal: stopped,
      timeoutMs: check.timeoutSeconds * 1000 + STOPS_ITSELF_AFTER_MS,
    }));
    const [, ...columns] = fields;
    return {
      rows: Number(rows[0]?.[0] ?? 0),
      sample: rows.map(([, ...values]) => Object.fromEntries(columns.map(({ name, type }, index) => [name, valueOf(type, values[index] ?? null)]))),
    };
  });
}

/** The count of all rows beside each of the first. */
export function checkingSql(query: string, mostShown: number): string {
  return `SELECT COUNT(*) OVER () AS rows_of_check, offending.*\nFROM (\n${query}\n) AS offending\nORDER BY 2\nLIMIT ${mostShown}`;
}

/** Types as the API names them. */
const TYPES: Readonly<Record<string, ColumnType>> = {
  STRING: 'STRING', DATE: 'DATE', INTEGER: 'INT64', INT64: 'INT64', FLOAT: 'FLOAT64', FLOAT64: 'FLOAT64', NUMERIC: 'NUMERIC', BOOLEAN: 'BOOL', BOOL: 'BOOL',
};

function valueOf(type: string, text: string | null): Row[string] {
  // A TIMESTAMP comes as seconds, in scientific notation.
  if (type === 'TIMESTAMP' && text !== null && !Number.isNaN(Number(text))) return timestampText(BigInt(Math.round(Number(text) * 1_000_000)));
  const known = TYPES[type];
  return known === undefined ? text : fromAnswer(known, text);
}
