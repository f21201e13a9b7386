import { formatDay, type Day } from '../calendar/day.ts';
import { FailureError, NeverRetryError } from '../failures/errors.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import type { DataCheck, Row } from '../ports/warehouse.ts';

/** What is refused of a processor's SQL and of what it gave, in whichever engine it ran. */

/** The name under which a .sql file reads an input. */
export function inputName(upstream: Processor): string {
  return upstream.output.kind === 'table' ? upstream.output.table : upstream.output.folder;
}

/** What goes wrong with a processor's SQL names its file; what was thrown stays the cause. */
export function aboutSql<T>({ name, target }: Processor, work: () => Promise<T>): Promise<T> {
  return about(`${'bigquery_sql' in target ? target.bigquery_sql : 'the SQL'} of ${name}`, work);
}

/** What goes wrong with a check's SQL names the check. Aborted, it is the signal's reason that is thrown. */
export async function aboutCheck<T>({ name }: Pick<DataCheck, 'name'>, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await about(`the check ${name}`, work);
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  }
}

async function about<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof FailureError) throw thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const told = new Error(`${what}: ${message}`, { cause: thrown });
    // The error's class is still what it was, for whoever classifies it.
    if (thrown instanceof Error) told.name = thrown.name;
    throw told;
  }
}

/** A query that gives other columns than its table has. */
export class ColumnsError extends NeverRetryError {
  readonly wrong: string;

  constructor({ name, output, target }: Processor, wrong: string) {
    super(`the SQL of ${name} does not return the columns of ${output.ref}${'bigquery_sql' in target ? ` (${target.bigquery_sql})` : ''}: ${wrong}`);
    this.wrong = wrong;
  }
}

/** `found`: what the query gives, types as its engine calls them; `takes`: whether a column holds such a type without loss. */
export function refuseOtherColumns(
  processor: Processor, found: readonly { readonly name: string; readonly type: string }[], takes: (declared: ColumnType, found: string) => boolean,
): void {
  const types = new Map(found.map(({ name, type }) => [name, type]));
  const declared = new Set(processor.columns.map(({ name }) => name));
  const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
  const missing = processor.columns.filter(({ name }) => !types.has(name)).map(({ name }) => name);
  const extra = found.filter(({ name }) => !declared.has(name)).map(({ name }) => name);
  const twice = found.filter(({ name }, index) => found.findIndex((other) => other.name === name) < index).map(({ name }) => name);
  const wrong = [
    ...(missing.length > 0 ? [`it lacks ${list(missing)}`] : []),
    ...(extra.length > 0 ? [`the table does not have ${list(extra)}`] : []),
    ...(twice.length > 0 ? [`it has ${list(twice)} twice`] : []),
    ...processor.columns.flatMap(({ name, type }) => {
      const there = types.get(name);
      return there === undefined || takes(type, there) ? [] : [`'${name}' is ${there}, declared is ${type}`];
    }),
  ];
  if (wrong.length > 0) throw new ColumnsError(processor, wrong.join('; '));
}

/** Every row has to be of the run's own date. `rows`: how many are not. */
export function refuseOtherDates(processor: Processor, day: Day, rows: number, dates: Iterable<Day>): void {
  const others = [...dates].filter((found) => found !== day);
  if (others.length > 0 || rows > 0) {
    const what = others.length > 0 ? `rows of ${others.slice(0, 5).map(formatDay).join(', ')}` : `${rows} rows without a date`;
    throw new NeverRetryError(`${processor.name} for ${formatDay(day)} returned ${what} in '${processor.dateColumn}'; a run may only write its own date`);
  }
}

/** `values`: what the rows hold in the column of the table's filter. Of a shared table a run writes its own rows only. */
export function refuseOthersValues(processor: Processor, day: Day, values: readonly Row[string][]): void {
  const { tableFilter, name, output } = processor;
  if (tableFilter === null) return;
  const other = values.find((value) => value !== tableFilter.equals);
  if (other === undefined) return;
  throw new NeverRetryError(`${name} for ${formatDay(day)} returned rows with ${tableFilter.column} ${JSON.stringify(other)}; allowed is ${JSON.stringify(tableFilter.equals)}, its table_filter: the other rows of ${output.ref} are another service's`);
}
