import { day, type Day } from '../calendar/day.ts';
import type { Coverage } from '../gaps/coverage.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import { measured, measuringRule, measuringSql, nothingMeasured } from './bigquery-measure.ts';
import { readMetadata, type TableMetadata } from './bigquery-metadata.ts';
import { dateArrayParameter, dateParameter } from './bigquery-parameters.ts';
import { refuseOtherTable, tableOf } from './bigquery-tables.ts';
import { andOwnRows, dayOfText, quoted } from './bigquery-values.ts';
import { blockOf, blocksBetween, type CoverageMemo, type Remembered } from './coverage-memo.ts';

type Days = ReadonlyMap<Day, Coverage>;

/**
 * Coverage of tables: metadata says which partitions changed since they were measured, and only those are measured again,
 * in one query a table. Where metadata may mislead, rows are counted by their date (P19).
 */
export class BigQueryCoverage {
  readonly #jobs: BigQueryJobs;
  readonly #memo: CoverageMemo;
  /** Blocks read before, by `processor~block`: what they say holds while the partitions' marks do. */
  readonly #known = new Map<string, Map<Day, Remembered>>();

  constructor(jobs: BigQueryJobs, memo: CoverageMemo) {
    this.#jobs = jobs;
    this.#memo = memo;
  }

  async read(processors: readonly Processor[], from: Day, to: Day): Promise<ReadonlyMap<string, Days>> {
    const datasets = Map.groupBy(processors, (processor) => tableOf(processor).dataset);
    const found = await Promise.all([...datasets].map(async ([dataset, members]) => {
      const metadata = await readMetadata(this.#jobs, dataset, [...new Set(members.map((member) => tableOf(member).table))], from, to);
      return Promise.all(members.map(async (processor) => [processor.name, await this.#of(processor, metadata.get(tableOf(processor).table), from, to)] as const));
    }));
    return new Map(found.flat());
  }

  /** Rows of one date, measured now. */
  async measureDay(processor: Processor, at: Day): Promise<Coverage> {
    return (await this.#measure(processor, [at])).get(at) ?? nothingMeasured(processor);
  }

  async #of(processor: Processor, table: TableMetadata | undefined, from: Day, to: Day): Promise<Days> {
    if (table === undefined) return new Map();
    refuseOtherTable(processor, new Map([...table.columns].map((name) => [name, null])));
    if (!table.daily || table.partitionedBy !== processor.dateColumn) return this.#measureRange(processor, from, to);
    return this.#ofPartitions(processor, table, from, to);
  }

  async #ofPartitions(processor: Processor, table: TableMetadata, from: Day, to: Day): Promise<Days> {
    const rule = measuringRule(processor);
    const marks = new Map([...table.partitions].filter(([, { rows }]) => rows > 0).map(([at, { mark }]) => [at, `${rule}:${mark}`]));
    const known = await this.#remembered(processor, from, to, marks);
    const changed = [...marks].filter(([at, mark]) => known.get(at)?.mark !== mark).map(([at]) => at);
    const gone = [...known].filter(([at, { coverage }]) => coverage.rows > 0 && !marks.has(at)).map(([at]) => at);
    const buffered = table.buffered > 0 ? await this.#countedOtherwise(processor, table, from, to) : [];
    const days = [...new Set([...changed, ...gone, ...buffered])].sort((a, b) => a - b);
    const anew = days.length > 0 ? await this.#measure(processor, days) : new Map<Day, Coverage>();
    await this.#remember(processor, marks, anew, [...changed, ...gone].filter((at) => !buffered.includes(at)));
    const present = new Map<Day, Coverage>();
    for (const at of new Set([...marks.keys(), ...days])) {
      const coverage = anew.get(at) ?? (days.includes(at) ? undefined : known.get(at)?.coverage);
      if (coverage && coverage.rows > 0) present.set(at, coverage);
    }
    return present;
  }

  /** Blocks are read once, and again where a partition has another mark: another instance may have measured it. */
  async #remembered(processor: Processor, from: Day, to: Day, marks: ReadonlyMap<Day, string>): Promise<ReadonlyMap<Day, Remembered>> {
    const known = new Map<Day, Remembered>();
    await Promise.all(blocksBetween(from, to).map(async (block) => {
      const name = `${processor.name}~${block}`;
      let days = this.#known.get(name);
      const holds = (kept: ReadonlyMap<Day, Remembered>): boolean => [...marks].every(([at, mark]) => blockOf(at) !== block || kept.get(at)?.mark === mark);
      if (!days || !holds(days)) this.#known.set(name, days = new Map(await this.#memo.read(processor.name, block)));
      for (const [at, remembered] of days) if (at >= from && at <= to) known.set(at, remembered);
    }));
    return known;
  }

  async #remember(processor: Processor, marks: ReadonlyMap<Day, string>, anew: Days, days: readonly Day[]): Promise<void> {
    const blocks = Map.groupBy(days, blockOf);
    await Promise.all([...blocks].map(async ([block, members]) => {
      const changes = new Map<Day, Remembered | null>(members.map((at) => {
        const mark = marks.get(at);
        return [at, mark === undefined ? null : { mark, coverage: anew.get(at) ?? nothingMeasured(processor) }];
      }));
      const known = this.#known.get(`${processor.name}~${block}`);
      for (const [at, remembered] of changes) {
        if (remembered) known?.set(at, remembered);
        else known?.delete(at);
      }
      await this.#memo.write(processor.name, block, changes);
    }));
  }

  /** Days of which the table has more or fewer rows than their partitions: the rest is in the streaming buffer. */
  async #countedOtherwise(processor: Processor, table: TableMetadata, from: Day, to: Day): Promise<readonly Day[]> {
    const { rows } = await this.#jobs.query({
      purpose: 'count', processor: processor.name, sql: countingSql(processor, this.#relation(processor)), parameters: [dateParameter('from_date', from), dateParameter('to_date', to)],
    });
    const counted = new Map(rows.flatMap(([date, count]) => {
      const at = dayOfText(date);
      return at === undefined ? [] : [[at, Number(count)] as const];
    }));
    return [...new Set([...counted.keys(), ...table.partitions.keys()])].filter((at) => (counted.get(at) ?? 0) !== (table.partitions.get(at)?.rows ?? 0));
  }

  async #measure(processor: Processor, days: readonly Day[]): Promise<Days> {
    const result = await this.#jobs.query({
      purpose: 'measure', processor: processor.name, sql: measuringDaysSql(processor, this.#relation(processor)),
      parameters: [dateParameter('from_date', day(Math.min(...days))), dateParameter('to_date', day(Math.max(...days))), dateArrayParameter('days', days)],
    });
    return measured(processor, result).days;
  }

  /** A table without daily partitions has no marks: the range is measured each time. */
  async #measureRange(processor: Processor, from: Day, to: Day): Promise<Days> {
    const result = await this.#jobs.query({
      purpose: 'measure', processor: processor.name, sql: measuringRangeSql(processor, this.#relation(processor)), parameters: [dateParameter('from_date', from), dateParameter('to_date', to)],
    });
    return measured(processor, result).days;
  }

  #relation(processor: Processor): string {
    const { dataset, table } = tableOf(processor);
    return this.#jobs.api.named(dataset, table);
  }
}

export function countingSql({ dateColumn }: Processor, relation: string): string {
  const date = quoted(dateColumn);
  return `SELECT ${date} AS day, COUNT(*) AS row_count FROM ${relation} WHERE ${date} BETWEEN @from_date AND @to_date GROUP BY day`;
}

export function measuringRangeSql(processor: Processor, relation: string): string {
  return measuringSql(processor, relation, `WHERE ${quoted(processor.dateColumn)} BETWEEN @from_date AND @to_date${andOwnRows(processor)}`);
}

/** The range beside the list: it is what partitions are pruned by in any case. */
export function measuringDaysSql(processor: Processor, relation: string): string {
  const date = quoted(processor.dateColumn);
  return measuringSql(processor, relation, `WHERE ${date} BETWEEN @from_date AND @to_date AND ${date} IN UNNEST(@days)${andOwnRows(processor)}`);
}
