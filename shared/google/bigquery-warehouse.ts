import type { Calendar } from '../calendar/calendar.ts';
import type { CalendarRow } from '../calendar/games.ts';
import type { Day } from '../calendar/day.ts';
import type { WindowRange } from '../calendar/window.ts';
import type { Coverage } from '../gaps/coverage.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import type { DataCheck, Keep, OffendingRows, OldRows, Promotion, Row, RowSource, Staged, Warehouse, WriteClaim } from '../ports/warehouse.ts';
import { calendarRowsOf } from '../rows/row-order.ts';
import { BigQueryApi, type BigQueryClient } from './bigquery-api.ts';
import { checkRows } from './bigquery-check-rows.ts';
import { BigQueryCoverage } from './bigquery-coverage.ts';
import { BigQueryJobs, type JobCounts, type JobPurpose } from './bigquery-jobs.ts';
import { BigQueryKept, TIME_TRAVEL_MS } from './bigquery-kept.ts';
import { BigQueryPromotion } from './bigquery-promotion.ts';
import { rowsOf } from './bigquery-rows.ts';
import { BigQueryStaging, type FilledStage } from './bigquery-staging.ts';
import { ensureTables } from './bigquery-tables.ts';
import type { CoverageMemo } from './coverage-memo.ts';
import { ObjectLanding } from './object-landing.ts';
import type { ObjectStore } from './objects-store.ts';
import type { PromotionMarkers } from './promotion-markers.ts';

export interface BigQueryWarehouseOptions {
  readonly pipeline: Pipeline;
  /** Made at the first call: `async () => new BigQuery({ projectId })`. */
  readonly client: () => Promise<BigQueryClient>;
  readonly project: string;
  /** Of datasets and jobs: `US`. */
  readonly location: string;
  /** Where attempts stage their dates; in the same location. */
  readonly stagingDataset: string;
  /** Cap on each query. */
  readonly maximumBytesBilled: number;
  readonly memo: CoverageMemo;
  readonly markers: PromotionMarkers;
  /** Where landed files lie. */
  readonly objects: ObjectStore;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A new random id, such as a UUID. */
  readonly newId: () => string;
  /** Told of each job that was begun. */
  readonly onJob?: (jobId: string, purpose: JobPurpose) => void;
}

/** The warehouse of the Google runtime: tables in BigQuery, landed files in an object store. */
export class BigQueryWarehouse implements Warehouse {
  readonly #options: BigQueryWarehouseOptions;
  readonly #jobs: BigQueryJobs;
  readonly #coverage: BigQueryCoverage;
  readonly #kept: BigQueryKept;
  readonly #staging: BigQueryStaging;
  readonly #promotion: BigQueryPromotion;
  readonly #landing: ObjectLanding;

  constructor(options: BigQueryWarehouseOptions) {
    this.#options = options;
    const { pipeline, maximumBytesBilled, newId, now, onJob, markers } = options;
    this.#jobs = new BigQueryJobs({ api: new BigQueryApi(options), pipeline: pipeline.name, maximumBytesBilled, newId, onJob });
    this.#coverage = new BigQueryCoverage(this.#jobs, options.memo);
    this.#kept = new BigQueryKept({ jobs: this.#jobs, dataset: options.stagingDataset, measureDay: (processor, day) => this.#coverage.measureDay(processor, day) });
    this.#staging = new BigQueryStaging({ jobs: this.#jobs, dataset: options.stagingDataset, kept: this.#kept, now, newId });
    this.#promotion = new BigQueryPromotion({ jobs: this.#jobs, markers, pipeline: pipeline.name });
    this.#landing = new ObjectLanding(options.objects, newId, now);
  }

  async coverage(processors: readonly Processor[], from: Day, to: Day): Promise<ReadonlyMap<string, ReadonlyMap<Day, Coverage>>> {
    const [landings, tables] = [processors.filter(isLanding), processors.filter((processor) => !isLanding(processor))];
    const [landed, held] = await Promise.all([
      Promise.all(landings.map(async (processor) => [processor.name, await this.#landing.coverage(processor, from, to)] as const)),
      this.#coverage.read(tables, from, to),
    ]);
    return new Map([...landed, ...held]);
  }

  /** Tables and files lie open to others. */
  mayHaveChanged(): boolean {
    return true;
  }

  async calendarRows(from: Day, to: Day): Promise<readonly CalendarRow[]> {
    const { schedule, byName } = this.#options.pipeline;
    const processor = schedule && byName.get(schedule.processor);
    if (!schedule || !processor) return [];
    const columns = [processor.dateColumn, schedule.keyColumn, schedule.statusColumn, ...(schedule.narrowBy === null ? [] : [schedule.narrowBy])];
    return calendarRowsOf(processor, schedule, await this.rows(processor, { from, to }, columns));
  }

  async stage(claim: WriteClaim, source: RowSource | OldRows, _calendar: Calendar, signal?: AbortSignal): Promise<Staged> {
    signal?.throwIfAborted();
    if (isLanding(claim.processor)) return this.#landing.stage(claim, source);
    return this.#staged(claim, await this.#staging.fill(claim, source, signal));
  }

  #staged(claim: WriteClaim, stage: FilledStage): Staged {
    const { processor, day, runId } = claim;
    let open = true;
    return {
      coverage: stage.coverage,
      promote: async (trace) => {
        if (!open) throw new Error(`${runId} of ${processor.name} has been promoted or discarded already; stage it again`);
        open = false;
        try {
          return await this.#promotion.promote(claim, stage, trace, async () => (await this.#coverage.measureDay(processor, day)).fingerprint === stage.coverage.fingerprint);
        } finally {
          await this.#staging.drop(stage);
        }
      },
      discard: async () => {
        if (open) await this.#staging.drop(stage);
        open = false;
      },
    };
  }

  async keep(processor: Processor, day: Day, keep: Keep): Promise<boolean> {
    return isLanding(processor) ? this.#landing.keep(processor, day, keep) : this.#kept.keep(processor, day, keep);
  }

  async kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> {
    return isLanding(processor) ? this.#landing.kept(processor, name, from, to) : this.#kept.kept(processor, name, from, to);
  }

  /** Of landed files the bucket may have versions; they are not ours to find. */
  remembersMs(processor: Processor): number {
    return isLanding(processor) ? 0 : TIME_TRAVEL_MS;
  }

  async promotion(processor: Processor, day: Day): Promise<Promotion | null> {
    return isLanding(processor) ? this.#landing.promotion(processor, day) : this.#promotion.newest({ processor: processor.name, day });
  }

  async rows(processor: Processor, range: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]> {
    return isLanding(processor) ? this.#landing.rows(processor, range, columns) : rowsOf(this.#jobs, processor, range, columns);
  }

  check(check: DataCheck, mostShown: number, signal?: AbortSignal): Promise<OffendingRows> {
    return checkRows(this.#jobs, check, mostShown, signal);
  }

  /** Datasets and tables of the definition, for tests and the local cloud; in production Terraform makes them. */
  ensureTables(): Promise<void> {
    return ensureTables(this.#jobs.api, this.#options.pipeline, this.#options.stagingDataset);
  }

  /** Jobs begun by this object and bytes that they read. */
  counts(): JobCounts {
    return this.#jobs.counts();
  }

  /** Nothing is open between calls. */
  async close(): Promise<void> {}
}

function isLanding({ output }: Processor): boolean {
  return output.kind === 'landing';
}
