import { day, type Day } from '../calendar/day.ts';
import { NeverRetryError } from '../failures/errors.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { sqlTokens } from '../pipeline/sql-tokens.ts';
import type { InputRange } from '../ports/warehouse.ts';
import { inputName } from '../rows/staged-rows.ts';
import { dateParameter, type QueryParameter } from './bigquery-parameters.ts';
import { tableOf } from './bigquery-tables.ts';
import { andOwnRows, columnList, quoted } from './bigquery-values.ts';

/** A processor's `.sql` with each declared input put before it as a common table expression, cut to window, dates and columns. */

export interface InputQuery {
  readonly sql: string;
  readonly parameters: readonly QueryParameter[];
}

/** `named`: a table as SQL names it. */
export function queryWithInputs(processor: Processor, at: Day, inputs: readonly InputRange[], named: (dataset: string, table: string) => string): InputQuery {
  if (processor.sql === null) throw new NeverRetryError(`${processor.name} has no SQL; its target has to hand over rows`);
  const { sql, parameters } = queryOver(processor.sql, at, inputs, named);
  return { sql, parameters: [dateParameter('game_date', at), ...parameters] };
}

/** Any query over inputs. `at`: a date near which the range of an empty window lies. */
export function queryOver(sql: string, at: Day, inputs: readonly InputRange[], named: (dataset: string, table: string) => string): InputQuery {
  const clauses = inputs.map(({ upstream, columns }, index) => {
    const { dataset, table } = tableOf(upstream);
    return `${quoted(inputName(upstream))} AS (
  SELECT ${columnList(columns ?? upstream.fingerprintColumns)} FROM ${named(dataset, table)}
  WHERE ${quoted(upstream.dateColumn)} BETWEEN @from_${index} AND @to_${index}${andOwnRows(upstream)}
)`;
  });
  // An empty window ends before it begins: it gives no row, and still filters partitions where a table requires that.
  const windows = inputs.flatMap(({ range }, index) => [dateParameter(`from_${index}`, range?.from ?? at), dateParameter(`to_${index}`, range?.to ?? day(at - 1))]);
  return { sql: withClauses(sql, clauses), parameters: windows };
}

/** Clauses before a query's own, if it has any. */
function withClauses(sql: string, clauses: readonly string[]): string {
  const tokens = sqlTokens(sql);
  const end = tokens.at(-1)?.text === ';' ? tokens.at(-1)?.offset : undefined;
  const query = end === undefined ? sql : sql.slice(0, end);
  if (clauses.length === 0) return query;
  const [first, second, third] = tokens;
  if (first?.text.toUpperCase() !== 'WITH') return `WITH ${clauses.join(',\n')}\n${query}`;
  // `WITH recursive AS (…)` is a clause of that name.
  const isRecursive = second?.text.toUpperCase() === 'RECURSIVE' && third?.text.toUpperCase() !== 'AS';
  const own = (isRecursive ? third : second)?.offset ?? 0;
  return `WITH ${isRecursive ? 'RECURSIVE ' : ''}${clauses.join(',\n')},\n${query.slice(own)}`;
}

/**
 * What fills a stage, as SQL names it: the query's columns as the table declares them. An INSERT, since a query job that
 * appends to a table is refused where a column of it is REQUIRED: what a query gives may always be null.
 */
export function fillingSql({ columns }: Processor, stage: string, query: string): string {
  const values = columns.map(({ name, type }) => `CAST(${quoted(name)} AS ${type})`).join(', ');
  return `INSERT INTO ${stage} (${columnList(columns.map(({ name }) => name))})\nSELECT ${values}\nFROM (\n${query}\n) AS produced`;
}
