import type { Day } from '../calendar/day.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { EMPTY_FINGERPRINT } from '../gaps/fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Keep, OldRows } from '../ports/warehouse.ts';
import { keptName } from '../rows/kept-rows.ts';
import { httpStatusOf } from './bigquery-api.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import { measuringRangeSql } from './bigquery-coverage.ts';
import { measured } from './bigquery-measure.ts';
import { dateParameter, type QueryParameter } from './bigquery-parameters.ts';
import { replacingSql } from './bigquery-replacing.ts';
import { addFields, fieldsOfTable, tableOf, unlessThere, type DatasetTable } from './bigquery-tables.ts';
import { andOwnRows, columnList, quoted } from './bigquery-values.ts';

/**
 * What dates held before somebody overwrote them: one clone a table and name, in the staging dataset, with an expiry of its
 * own. A clone costs what differs from its table, and fifty jobs a table and day would not do for a season of dates (P26).
 * It is made at the first overwrite: a date that somebody else wrote between that and its own overwrite is put into it then.
 */
export interface KeptOptions {
  readonly jobs: BigQueryJobs;
  readonly dataset: string;
  /** Rows of one date in the table itself, measured now. */
  readonly measureDay: (processor: Processor, day: Day) => Promise<Coverage>;
}

/** BigQuery's time travel, unless a dataset has less. https://cloud.google.com/bigquery/docs/time-travel (P26) */
export const TIME_TRAVEL_MS = 7 * 86_400_000;

/** Old rows of a date, as a SELECT gives them. */
export interface OldSelect {
  /** Names of the columns that the old rows have and the table still has. */
  readonly columns: readonly string[];
  readonly sql: string;
  readonly parameters: readonly QueryParameter[];
}

export class BigQueryKept {
  readonly #options: KeptOptions;
  /** Columns of clones into which this process keeps. */
  readonly #known = new Map<string, readonly string[]>();
  /** Clones that are being made now. */
  readonly #making = new Map<string, Promise<void>>();

  constructor(options: KeptOptions) {
    this.#options = options;
  }

  async keep(processor: Processor, day: Day, keep: Keep): Promise<boolean> {
    const clone = this.#cloneOf(processor, keep.name);
    try {
      return await this.#keepIn(clone, processor, day, keep);
    } catch (thrown) {
      // It was there when this process looked last: its time is over, and it is made anew.
      if (httpStatusOf(thrown) !== 404 || !this.#known.delete(clone.table)) throw thrown;
      return this.#keepIn(clone, processor, day, keep);
    }
  }

  async #keepIn(clone: DatasetTable, processor: Processor, day: Day, keep: Keep): Promise<boolean> {
    const { jobs, measureDay } = this.#options;
    const { dataset, table } = tableOf(processor);
    if (!this.#known.has(clone.table)) await this.#made(clone, processor, keep.until);
    const columns = this.#known.get(clone.table) ?? await this.#columns(clone) ?? [];
    this.#known.set(clone.table, columns);
    const kept = (await this.#measure(processor, clone, columns, day, day)).get(day);
    if ((kept?.fingerprint ?? EMPTY_FINGERPRINT) === keep.fingerprint) return true;
    // The clone is older than these rows.
    if ((await measureDay(processor, day)).fingerprint !== keep.fingerprint) return false;
    // Its table may have gained columns since it was made, and lost others.
    const held = await fieldsOfTable(jobs.api, { dataset, table });
    const all = (await addFields(jobs.api, clone, held)).map(({ name }) => name);
    this.#known.set(clone.table, all);
    const shared = all.filter((name) => held.some((field) => field.name === name));
    await jobs.query({
      purpose: 'keep', processor: processor.name, parameters: [dateParameter('game_date', day)],
      sql: replacingSql(processor, jobs.api.named(clone.dataset, clone.table), `(${ofDaySql(processor, shared, jobs.api.named(dataset, table))})`, shared),
    });
    return true;
  }

  /** Lanes of one process make it once; of two processes one makes it, and the other finds it made. */
  #made(clone: DatasetTable, processor: Processor, until: number): Promise<void> {
    const known = this.#making.get(clone.table);
    if (known) return known;
    const made = this.#make(clone, processor, until).finally(() => this.#making.delete(clone.table));
    this.#making.set(clone.table, made);
    return made;
  }

  async #make(clone: DatasetTable, processor: Processor, until: number): Promise<void> {
    if (await this.#columns(clone) !== null) return;
    const { jobs } = this.#options;
    const { dataset, table } = tableOf(processor);
    const sql = cloningSql(jobs.api.named(clone.dataset, clone.table), jobs.api.named(dataset, table), until);
    await unlessThere(() => jobs.query({ purpose: 'keep', processor: processor.name, sql }));
  }

  async kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> {
    const clone = this.#cloneOf(processor, name);
    const columns = await this.#columns(clone);
    if (columns === null) return new Map();
    const found = await this.#measure(processor, clone, columns, from, to);
    return new Map([...found].map(([day, { fingerprint }]) => [day, fingerprint]));
  }

  /** The SELECT behind a restore; null where nothing is kept. `present`: the columns that the table has now. */
  async select(processor: Processor, day: Day, source: OldRows, present: readonly string[]): Promise<OldSelect | null> {
    const { api } = this.#options.jobs;
    const parameters = [dateParameter('game_date', day)];
    if (source.kind === 'past') {
      const { dataset, table } = tableOf(processor);
      return { columns: present, sql: pastSql(processor, present, api.named(dataset, table), source.at), parameters };
    }
    const clone = this.#cloneOf(processor, source.name);
    const columns = (await this.#columns(clone))?.filter((name) => present.includes(name));
    return columns === undefined ? null : { columns, sql: ofDaySql(processor, columns, api.named(clone.dataset, clone.table)), parameters };
  }

  async #measure(processor: Processor, clone: DatasetTable, columns: readonly string[], from: Day, to: Day): Promise<ReadonlyMap<Day, Coverage>> {
    const { jobs } = this.#options;
    const relation = withGained(processor, columns, jobs.api.named(clone.dataset, clone.table));
    const result = await jobs.query({ purpose: 'measure_kept', processor: processor.name, sql: measuringRangeSql(processor, relation), parameters: [dateParameter('from_date', from), dateParameter('to_date', to)] });
    return measured(processor, result).days;
  }

  /** Null where there is no such table. */
  async #columns(clone: DatasetTable): Promise<readonly string[] | null> {
    try {
      return (await fieldsOfTable(this.#options.jobs.api, clone)).map(({ name }) => name);
    } catch (thrown) {
      if (httpStatusOf(thrown) === 404) return null;
      throw thrown;
    }
  }

  #cloneOf(processor: Processor, name: string): DatasetTable {
    const { dataset, table } = tableOf(processor);
    return { dataset: this.#options.dataset, table: `kept_${keptName(name)}_${dataset}_${table}` };
  }
}

/** `until`: epoch milliseconds. The dataset's own expiration, of a day, would be too short. */
export function cloningSql(clone: string, table: string, until: number): string {
  return `CREATE TABLE IF NOT EXISTS ${clone} CLONE ${table} OPTIONS (expiration_timestamp = ${timestampLiteral(until)})`;
}

export function ofDaySql(processor: Processor, columns: readonly string[], relation: string): string {
  return `SELECT ${columnList(columns)} FROM ${relation} WHERE ${quoted(processor.dateColumn)} = @game_date${andOwnRows(processor)}`;
}

/** `rows`: the SELECT of old rows. */
export function puttingBackSql(stage: string, columns: readonly string[], rows: string): string {
  return `INSERT INTO ${stage} (${columnList(columns)}) ${rows}`;
}

/** `at`: epoch milliseconds. */
function pastSql(processor: Processor, columns: readonly string[], relation: string, at: number): string {
  return ofDaySql(processor, columns, `${relation} FOR SYSTEM_TIME AS OF ${timestampLiteral(at)}`);
}

function timestampLiteral(at: number): string {
  return `TIMESTAMP '${new Date(at).toISOString().replace('T', ' ').replace('Z', '+00')}'`;
}

/** Of a clone that is older than a column of the definition: the column, empty. */
function withGained({ columns: declared }: Processor, columns: readonly string[], relation: string): string {
  const gained = declared.filter(({ name }) => !columns.includes(name));
  return gained.length === 0 ? relation : `(SELECT *, ${gained.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoted(name)}`).join(', ')} FROM ${relation})`;
}
