import type { WindowRange } from '../calendar/window.ts';
import type { Column, Processor } from '../pipeline/pipeline.ts';
import type { Row } from '../ports/warehouse.ts';
import { httpStatusOf } from './bigquery-api.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import { dateParameter } from './bigquery-parameters.ts';
import { tableOf } from './bigquery-tables.ts';
import { andOwnRows, fromAnswer, quoted, selected } from './bigquery-values.ts';

/** Rows of a table as a run or the calendar reads them, nulls first in the order; none where the table is not there. */
export async function rowsOf(jobs: BigQueryJobs, processor: Processor, { from, to }: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]> {
  const { dataset, table } = tableOf(processor);
  const wanted = columnsOf(processor, columns);
  try {
    const { rows } = await jobs.query({
      purpose: 'read', processor: processor.name, sql: readingSql(processor, wanted, jobs.api.named(dataset, table)),
      parameters: [dateParameter('from_date', from), dateParameter('to_date', to)],
    });
    return rows.map((values) => Object.fromEntries(wanted.map(({ name, type }, index) => [name, fromAnswer(type, values[index] ?? null)])));
  } catch (thrown) {
    if (httpStatusOf(thrown) === 404) return [];
    throw thrown;
  }
}

export function columnsOf({ columns }: Processor, names: readonly string[] | null): readonly Column[] {
  const declared = new Map(columns.map((column) => [column.name, column]));
  return names === null ? columns : names.flatMap((name) => declared.get(name) ?? []);
}

export function readingSql(processor: Processor, columns: readonly Column[], relation: string): string {
  const date = quoted(processor.dateColumn);
  // The order is that of the table's own columns, not of the same names in the SELECT list.
  const order = [...new Set([processor.dateColumn, ...processor.key])].map((name) => `held.${quoted(name)}`).join(', ');
  return `SELECT ${columns.map(selected).join(', ')} FROM ${relation} AS held WHERE ${date} BETWEEN @from_date AND @to_date${andOwnRows(processor)} ORDER BY ${order}`;
}
