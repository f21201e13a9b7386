import { createHash } from 'node:crypto';
import { formatDay } from '../calendar/day.ts';
import { RetryLaterError } from '../failures/errors.ts';
import type { Coverage } from '../gaps/coverage.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import type { InputRange, OldRows, RowSource, WriteClaim } from '../ports/warehouse.ts';
import { checkedRows } from '../rows/checked-rows.ts';
import { linesOf } from '../rows/json-lines.ts';
import { nothingKept } from '../rows/kept-rows.ts';
import { aboutSql, refuseOtherColumns, refuseOtherDates, refuseOthersValues } from '../rows/staged-rows.ts';
import type { TableReference } from './bigquery-api.ts';
import { fillingSql, queryWithInputs } from './bigquery-inputs.ts';
import type { BigQueryJobs, JobPurpose } from './bigquery-jobs.ts';
import { measured, measuringSql, nothingMeasured } from './bigquery-measure.ts';
import { puttingBackSql, type BigQueryKept } from './bigquery-kept.ts';
import { createTable, describeTable, dropTable, type DatasetTable } from './bigquery-tables.ts';
import { fromAnswer, partitionId, quoted } from './bigquery-values.ts';

/** A date's rows in a staging table of their attempt, with the schema of the table they are for. */
export interface FilledStage extends DatasetTable {
  readonly reference: TableReference;
  readonly coverage: Coverage;
  /**
   * Whether the table takes the date by a copy job: it is partitioned by day on its date column, all its rows are the
   * processor's, and there are rows: without any, the stage has no partition to copy.
   */
  readonly byPartition: boolean;
}

export interface StagingOptions {
  readonly jobs: BigQueryJobs;
  readonly dataset: string;
  readonly kept: BigQueryKept;
  readonly now: () => number;
  readonly newId: () => string;
}

/** An attempt that died leaves its table; it is gone a day later. */
const EXPIRES_AFTER_MS = 86_400_000;

/** Names an attempt where a run's id may not stand, in labels and table names. */
export function attemptName(runId: string): string {
  return createHash('sha256').update(runId).digest('hex').slice(0, 16);
}

export function purposeOf({ processor, runId }: WriteClaim, purpose: string): JobPurpose {
  return { purpose, processor: processor.name, runId, attempt: attemptName(runId) };
}

export class BigQueryStaging {
  readonly #options: StagingOptions;
  /** Queries whose columns were found right. */
  readonly #checked = new Set<string>();

  constructor(options: StagingOptions) {
    this.#options = options;
  }

  /** Throws what the SQL threw; nothing is left behind then. */
  async fill(claim: WriteClaim, source: RowSource | OldRows, signal: AbortSignal | undefined): Promise<FilledStage> {
    const { processor, day, runId, generation } = claim;
    const { api } = this.#options.jobs;
    // Rows that cannot be are refused before anything is made.
    const lines = source.kind === 'rows' ? linesOf(checkedRows(processor, day, source.rows)) : null;
    const { fields, daily } = await describeTable(api, processor);
    // Partitions are copied only between tables whose specifications match, which name the clustering too:
    // https://cloud.google.com/bigquery/docs/managing-partitioned-tables#copy_a_single_partition, apache/airflow#8416
    const layout = processor.tableFilter === null ? daily : null;
    const stage = {
      dataset: this.#options.dataset,
      table: `${processor.name}_${partitionId(formatDay(day))}_g${generation}_${attemptName(runId)}_${this.#options.newId().replaceAll('-', '').slice(0, 8)}`,
    };
    const reference = await createTable(api, stage, fields, { ...layout, expirationTime: String(this.#options.now() + EXPIRES_AFTER_MS) });
    try {
      if (source.kind === 'sql') await this.#fromSql(claim, source.inputs, api.named(stage.dataset, stage.table), signal);
      else if (source.kind !== 'rows') await this.#fromOld(claim, source, api.named(stage.dataset, stage.table), fields.map(({ name }) => name), signal);
      else if (lines !== null && lines !== '') await this.#options.jobs.load(reference, lines, { ...purposeOf(claim, 'load'), signal });
      const coverage = await this.#measure(claim, stage, signal);
      if (coverage.rows === 0 && (source.kind === 'kept' || source.kind === 'past')) throw nothingKept(processor, day, source);
      return { ...stage, reference, coverage, byPartition: layout !== null && coverage.rows > 0 };
    } catch (thrown) {
      await dropTable(api, stage);
      throw thrown;
    }
  }

  async drop(stage: DatasetTable): Promise<void> {
    await dropTable(this.#options.jobs.api, stage);
  }

  async #fromSql(claim: WriteClaim, inputs: readonly InputRange[], stage: string, signal: AbortSignal | undefined): Promise<void> {
    const { processor, day } = claim;
    const { jobs } = this.#options;
    const query = queryWithInputs(processor, day, inputs, (dataset, table) => jobs.api.named(dataset, table));
    if (!this.#checked.has(query.sql)) {
      const { fields } = await aboutSql(processor, () => jobs.dryRun({ ...purposeOf(claim, 'check'), ...query }));
      refuseOtherColumns(processor, fields.map(({ name, type }) => ({ name, type: GOOGLESQL_NAMES[type] ?? type })), (declared, there) => TAKES[declared].includes(there));
      this.#checked.add(query.sql);
    }
    await inTime(`${processor.name} for ${formatDay(day)}`, processor.timeoutSeconds, signal, (stopped) => aboutSql(processor, () => jobs.query({
      ...purposeOf(claim, 'fill'), sql: fillingSql(processor, stage, query.sql), parameters: query.parameters, signal: stopped, timeoutMs: processor.timeoutSeconds * 1000 + STOPS_ITSELF_AFTER_MS,
    })));
  }

  /** As they were: all columns, and nothing computed. */
  async #fromOld(claim: WriteClaim, source: OldRows, stage: string, present: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const { processor, day } = claim;
    const old = await this.#options.kept.select(processor, day, source, present);
    if (old === null) throw nothingKept(processor, day, source);
    await this.#options.jobs.query({ ...purposeOf(claim, 'restore'), sql: puttingBackSql(stage, old.columns, old.sql), parameters: old.parameters, signal });
  }

  async #measure({ processor, day, ...claim }: WriteClaim, stage: DatasetTable, signal: AbortSignal | undefined): Promise<Coverage> {
    const { jobs } = this.#options;
    const relation = jobs.api.named(stage.dataset, stage.table);
    const purpose = purposeOf({ processor, day, ...claim }, 'measure_stage');
    const { days, undated } = measured(processor, await jobs.query({ ...purpose, sql: measuringSql(processor, relation, ''), signal }));
    refuseOtherDates(processor, day, undated, days.keys());
    if (processor.tableFilter !== null) await this.#refuseOthersRows({ processor, day, ...claim }, relation, signal);
    return days.get(day) ?? nothingMeasured(processor);
  }

  async #refuseOthersRows(claim: WriteClaim, relation: string, signal: AbortSignal | undefined): Promise<void> {
    const { processor, day } = claim;
    const column = processor.columns.find(({ name }) => name === processor.tableFilter?.column);
    if (!column) return;
    const { rows } = await this.#options.jobs.query({ ...purposeOf(claim, 'measure_stage'), sql: `SELECT DISTINCT ${quoted(column.name)} AS value FROM ${relation}`, signal });
    refuseOthersValues(processor, day, rows.map(([value]) => fromAnswer(column.type, value ?? null)));
  }
}

/** Our own timer comes first; this one is for a query whose worker is gone. */
export const STOPS_ITSELF_AFTER_MS = 30_000;

/** Ends a query that takes longer than the definition allows. */
export async function inTime<T>(what: string, timeoutSeconds: number, signal: AbortSignal | undefined, work: (stopped: AbortSignal) => Promise<T>): Promise<T> {
  const timer = new AbortController();
  const stop = setTimeout(() => timer.abort(new RetryLaterError(`${what} timed out: its SQL was stopped after ${timeoutSeconds} s (timeout_seconds)`)), timeoutSeconds * 1000);
  try {
    return await work(signal ? AbortSignal.any([signal, timer.signal]) : timer.signal);
  } finally {
    clearTimeout(stop);
  }
}

/** Types as the API names them, in GoogleSQL's words. */
const GOOGLESQL_NAMES: Readonly<Record<string, string>> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL' };

/** Which types of a query a column takes without losing what they say. */
const TAKES: Readonly<Record<ColumnType, readonly string[]>> = {
  STRING: ['STRING'], INT64: ['INT64'], FLOAT64: ['FLOAT64', 'NUMERIC', 'BIGNUMERIC', 'INT64'], NUMERIC: ['NUMERIC', 'BIGNUMERIC', 'FLOAT64', 'INT64'],
  BOOL: ['BOOL'], DATE: ['DATE'], TIMESTAMP: ['TIMESTAMP'],
};
