import type { WindowRange } from '../calendar/window.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Row } from '../ports/warehouse.ts';
import type { Session } from './duckdb-connections.ts';
import { andOwnRows, tableOf } from './duckdb-tables.ts';
import { columnList, dateLiteral, fromDuckDb, quoted } from './duckdb-values.ts';

/** Rows of a table as a run or the calendar reads them, nulls first in the order. */

export async function rowsOf(session: Session, processor: Processor, { from, to }: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]> {
  const names = columns ?? processor.columns.map(({ name }) => name);
  const order = [...new Set([processor.dateColumn, ...processor.key])].map((name) => `${quoted(name)} NULLS FIRST`).join(', ');
  const result = await session.run(`SELECT ${columnList(names)} FROM ${tableOf(processor)}
    WHERE ${quoted(processor.dateColumn)} BETWEEN ${dateLiteral(from)} AND ${dateLiteral(to)}${andOwnRows(processor)} ORDER BY ${order}`);
  return (await result.getRows()).map((values) => Object.fromEntries(names.map((name, index) => [name, fromDuckDb(values[index])])));
}
