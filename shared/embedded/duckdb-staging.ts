import { day, formatDay, type Day } from '../calendar/day.ts';
import { NeverRetryError, RetryLaterError } from '../failures/errors.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import type { InputRange, Row } from '../ports/warehouse.ts';
import type { Session } from './duckdb-connections.ts';
import { andOwnRows, tableOf } from './duckdb-tables.ts';
import { checkedRows } from '../rows/checked-rows.ts';
import { aboutSql, inputName, refuseOtherColumns, refuseOthersValues } from '../rows/staged-rows.ts';
import type { Stage } from './duckdb-stages.ts';
import { chunksOf, columnList, dateLiteral, fromDuckDb, quoted, SQL_TYPES } from './duckdb-values.ts';

/** A date's rows into a stage, from a processor's SQL or from rows handed over. */

/** GoogleSQL with each input put in front as a common table expression, in DuckDB's dialect. */
export type TranslateWithInputs = (sql: string, inputs: readonly { readonly name: string; readonly select: string }[]) => Promise<string>;

export class Staging {
  readonly #translate: TranslateWithInputs;
  /** Translated, by processor and columns read; dates are still to be filled in. */
  readonly #texts = new Map<string, Promise<string>>();
  readonly #checked = new Set<string>();

  constructor(translate: TranslateWithInputs) {
    this.#translate = translate;
  }

  async fromSql(session: Session, stage: Stage, processor: Processor, day: Day, inputs: readonly InputRange[], signal?: AbortSignal): Promise<void> {
    const text = await this.#text(processor, inputs);
    const query = withDates(text, day, inputs);
    if (!this.#checked.has(text)) {
      await aboutSql(processor, () => checkColumns(session, processor, query));
      this.#checked.add(text);
    }
    const columns = processor.columns.map(({ name, type }) => `CAST(${quoted(name)} AS ${SQL_TYPES[type]})`).join(', ');
    await inTime(session, `${processor.name} for ${formatDay(day)}`, processor.timeoutSeconds, signal, () => aboutSql(processor, () => session.run(`INSERT INTO ${quoted(stage.table)} SELECT ${columns} FROM (${query}\n)`)));
    await refuseOthersRows(session, stage, processor, day);
  }

  /** Translates a processor's SQL and has DuckDB plan it, on whatever the tables hold: throws where no date could be run. */
  async check(session: Session, processor: Processor, inputs: readonly InputRange[]): Promise<void> {
    const text = await this.#text(processor, inputs);
    await checkColumns(session, processor, withDates(text, day(0), inputs));
  }

  async fromRows(session: Session, stage: Stage, processor: Processor, day: Day, rows: readonly Row[]): Promise<void> {
    await session.append(stage.table, chunksOf(processor.columns, checkedRows(processor, day, rows)));
  }

  #text(processor: Processor, inputs: readonly InputRange[]): Promise<string> {
    const { sql } = processor;
    if (sql === null) throw new NeverRetryError(`${processor.name} has no SQL; its target has to hand over rows`);
    const key = [processor.name, processor.definitionHash, ...inputs.map(({ upstream, columns }) => `${upstream.name}(${columns?.join(',') ?? '*'})`)].join(' ');
    const known = this.#texts.get(key);
    if (known) return known;
    const made = aboutSql(processor, () => this.#translate(sql, inputs.map(({ upstream, columns }, index) => {
      const names = columns ?? upstream.fingerprintColumns;
      return { name: inputName(upstream), select: `SELECT ${columnList(names)} FROM ${tableOf(upstream)} WHERE ${quoted(upstream.dateColumn)} BETWEEN $from_${index} AND $to_${index}${andOwnRows(upstream)}` };
    })));
    this.#texts.set(key, made);
    made.catch(() => this.#texts.delete(key));
    return made;
  }
}

const INTERRUPT_AGAIN_MS = 20;

/** Ends a query that takes longer than the definition allows, or that is wanted no more. */
export async function inTime<T>(session: Session, what: string, timeoutSeconds: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  let again: NodeJS.Timeout | undefined;
  // Again until it has ended: an interrupt that comes before DuckDB has begun the statement is lost.
  const stop = (): void => {
    session.interrupt();
    again = setTimeout(stop, INTERRUPT_AGAIN_MS);
  };
  signal?.addEventListener('abort', stop, { once: true });
  let over = false;
  const timer = setTimeout(() => {
    over = true;
    stop();
  }, timeoutSeconds * 1000);
  try {
    return await work();
  } catch (thrown) {
    signal?.throwIfAborted();
    if (!over) throw thrown;
    throw new RetryLaterError(`${what} timed out: its SQL was stopped after ${timeoutSeconds} s (timeout_seconds)`, { cause: thrown });
  } finally {
    clearTimeout(timer);
    clearTimeout(again);
    signal?.removeEventListener('abort', stop);
  }
}

const STRING_NAME_COMMENT_OR_DATE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(game_date|from_\d+|to_\d+)\b/g;

/**
 * Dates go in as literals, so that planning and executing is one step on one snapshot: between preparing and executing,
 * another connection's commit can invalidate the statistics a plan relies on. An empty window compares with NULL.
 */
function withDates(text: string, day: Day, inputs: readonly InputRange[]): string {
  const dates = new Map<string, Day | undefined>([['game_date', day]]);
  inputs.forEach(({ range }, index) => dates.set(`from_${index}`, range?.from).set(`to_${index}`, range?.to));
  return text.replace(STRING_NAME_COMMENT_OR_DATE, (found, name: string | undefined) => {
    if (name === undefined || !dates.has(name)) return found;
    const value = dates.get(name);
    return value === undefined ? 'CAST(NULL AS DATE)' : dateLiteral(value);
  });
}

/** Which of DuckDB's types a column takes without losing what they say. */
const TAKES: Readonly<Record<ColumnType, RegExp>> = {
  STRING: /^VARCHAR$/,
  INT64: /^U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$/,
  FLOAT64: /^(?:DOUBLE|FLOAT|DECIMAL.*|U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?)$/,
  NUMERIC: /^(?:DOUBLE|FLOAT|DECIMAL.*|U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?)$/,
  BOOL: /^BOOLEAN$/,
  DATE: /^DATE$/,
  TIMESTAMP: /^TIMESTAMP(?: WITH TIME ZONE)?$/,
};

async function checkColumns(session: Session, processor: Processor, query: string): Promise<void> {
  const described = await session.run(`DESCRIBE ${query}`);
  const found = (await described.getRows()).map(([name, type]) => ({ name: String(name), type: String(type) }));
  refuseOtherColumns(processor, found, (declared, there) => TAKES[declared].test(there));
}

/** Of a shared table a query may give its own rows only: the others are another service's. */
async function refuseOthersRows(session: Session, { table }: Stage, processor: Processor, day: Day): Promise<void> {
  const { tableFilter } = processor;
  if (tableFilter === null) return;
  const values = await (await session.run(`SELECT ${quoted(tableFilter.column)} FROM ${quoted(table)}`)).getRows();
  refuseOthersValues(processor, day, values.map(([value]) => fromDuckDb(value)));
}
