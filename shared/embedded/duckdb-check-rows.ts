import type { DataCheck, OffendingRows } from '../ports/warehouse.ts';
import { aboutCheck, inputName } from '../rows/staged-rows.ts';
import type { Session } from './duckdb-connections.ts';
import { inTime, type TranslateWithInputs } from './duckdb-staging.ts';
import { andOwnRows, tableOf } from './duckdb-tables.ts';
import { columnList, dateLiteral, fromDuckDb, quoted } from './duckdb-values.ts';

/** A check's query over its inputs, each cut to its range: how many rows it returns, and the first of them. */
export async function checkRows(session: Session, translate: TranslateWithInputs, check: DataCheck, mostShown: number, signal: AbortSignal | undefined): Promise<OffendingRows> {
  return aboutCheck(check, signal, async () => {
    const query = await checkQuery(translate, check);
    const counted = `SELECT count(*) OVER () AS rows_of_check, offending.* FROM (${query}\n) AS offending ORDER BY 2 LIMIT ${mostShown}`;
    return inTime(session, `the check ${check.name}`, check.timeoutSeconds, signal, async () => {
      const result = await session.run(counted);
      const [, ...names] = result.columnNames();
      const rows = await result.getRows();
      return {
        rows: Number(rows[0]?.[0] ?? 0),
        sample: rows.map(([, ...values]) => Object.fromEntries(names.map((name, index) => [name, fromDuckDb(values[index])]))),
      };
    });
  });
}

/** DuckDB's text of it. An empty range compares with NULL. */
export function checkQuery(translate: TranslateWithInputs, { sql, inputs }: Pick<DataCheck, 'sql' | 'inputs'>): Promise<string> {
  return translate(sql, inputs.map(({ upstream, columns, range }) => {
    const [from, to] = range ? [dateLiteral(range.from), dateLiteral(range.to)] : ['CAST(NULL AS DATE)', 'CAST(NULL AS DATE)'];
    return {
      name: inputName(upstream),
      select: `SELECT ${columnList(columns ?? upstream.fingerprintColumns)} FROM ${tableOf(upstream)} WHERE ${quoted(upstream.dateColumn)} BETWEEN ${from} AND ${to}${andOwnRows(upstream)}`,
    };
  }));
}
