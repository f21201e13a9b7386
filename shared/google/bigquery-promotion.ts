import { formatDay, type Day } from '../calendar/day.ts';
import { RetrySoonError } from '../failures/errors.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { PromoteOutcome, Promotion, WriteClaim } from '../ports/warehouse.ts';
import { refuseFailed, type Job } from './bigquery-job.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import { dateParameter } from './bigquery-parameters.ts';
import { replacingSql } from './bigquery-replacing.ts';
import { attemptName, purposeOf, type FilledStage } from './bigquery-staging.ts';
import { tableOf } from './bigquery-tables.ts';
import { partitionId } from './bigquery-values.ts';
import type { MarkerKey, PromotionMarkers } from './promotion-markers.ts';

/**
 * Which attempt's rows become a date's rows. Every attempt of a generation inserts its job under the same id, and BigQuery
 * takes an id once while it keeps the job, which it does for six months (P21): who is refused attaches to the job that is
 * there. A job that failed changed nothing; the generation goes on with the next id of its row, which nobody uses before the
 * failure is final. What was promoted longer ago is known by its marker.
 */
export interface PromotionOptions {
  readonly jobs: BigQueryJobs;
  readonly markers: PromotionMarkers;
  readonly pipeline: string;
}

/** What a job did under a generation's id; `purpose` is its label. */
type Deed = 'promote' | 'unchanged' | 'fence';

export class BigQueryPromotion {
  readonly #options: PromotionOptions;

  constructor(options: PromotionOptions) {
    this.#options = options;
  }

  /** `isThere`: whether the table holds the staged rows already; asked once the intent is written (P27). */
  async promote(claim: WriteClaim, stage: FilledStage, trace: string, isThere: () => Promise<boolean>): Promise<PromoteOutcome> {
    const { processor, day, generation, token, runId } = claim;
    const { markers } = this.#options;
    const marker: Promotion = { runId, generation, token, fingerprint: stage.coverage.fingerprint, trace };
    const intent = await markers.intend(keyOf(claim), marker);
    if (intent.kind === 'promoted') return isOf(intent.winner, claim) ? { kind: 'unchanged' } : { kind: 'fenced', winner: intent.winner };
    if (intent.kind === 'over') return this.#overtaken(processor, day, generation, intent.by);
    for (const lower of intent.lower) await this.#useUp(claim, lower);
    const deed = await isThere() ? 'unchanged' : 'promote';
    const job = await this.#first(claim, generation, deed, deed === 'promote' ? this.#replacing(claim, stage) : this.#nothing());
    const isOurs = deedOf(job) === deed && job.configuration.labels?.['attempt'] === attemptName(runId);
    const winner = isOurs ? marker : await this.#markerOf(keyOf(claim), generation, job);
    if (winner === null) return this.#overtaken(processor, day, generation, generation + 1);
    await markers.settle(keyOf(claim), winner);
    if (!isOf(winner, claim)) return { kind: 'fenced', winner };
    return { kind: deedOf(job) === 'unchanged' ? 'unchanged' : 'promoted' };
  }

  /** The newest marker whose job succeeded. */
  async newest(key: MarkerKey): Promise<Promotion | null> {
    const { jobs, markers } = this.#options;
    const { promoted, intents } = await markers.read(key);
    const open = [...new Set(intents.map(({ generation }) => generation))].sort((a, b) => b - a);
    for (const generation of open) {
      const job = await this.#last(key, generation);
      const winner = job === null ? null : await this.#markerOf(key, generation, await jobs.wait(job.jobReference.jobId));
      if (winner === null) continue;
      await markers.settle(key, winner);
      return winner;
    }
    return promoted;
  }

  /** A later generation took this one's right to promote: its rows, if there are any yet. */
  async #overtaken(processor: Processor, day: Day, generation: number, by: number): Promise<PromoteOutcome> {
    const winner = await this.newest({ processor: processor.name, day });
    if (winner && winner.generation >= generation) return { kind: 'fenced', winner };
    throw new RetrySoonError(`generation ${generation} of ${processor.name} for ${formatDay(day)} is over: generation ${by} has begun to promote; this attempt's rows are left out`);
  }

  /** The first job of a generation that succeeds: ours, or the one that was there before. */
  async #first(claim: WriteClaim, generation: number, deed: Deed, configuration: object): Promise<Job> {
    const { jobs } = this.#options;
    const purpose = purposeOf(claim, deed);
    for (let turn = 0; ; turn += 1) {
      const jobId = await this.#jobId(keyOf(claim), generation, turn);
      await jobs.begin(jobId, purpose, configuration);
      const job = await jobs.wait(jobId);
      if (!job.status.errorResult) return job;
      // Our own failure is for the caller to judge; another's only means that its id is used.
      if (job.configuration.labels?.['attempt'] === purpose.attempt) refuseFailed(job);
    }
  }

  /** The job that decided a generation, or runs now; null where there is none. */
  async #last(key: MarkerKey, generation: number): Promise<Job | null> {
    for (let turn = 0; ; turn += 1) {
      const job = await this.#options.jobs.find(await this.#jobId(key, generation, turn));
      if (job === null || !job.status.errorResult) return job;
    }
  }

  /** Whatever an attempt of that generation still inserts is refused from now on. */
  async #useUp(claim: WriteClaim, generation: number): Promise<void> {
    await this.#first(claim, generation, 'fence', this.#nothing());
  }

  /** The marker whose attempt a job was; null where the job only used the id up. */
  async #markerOf(key: MarkerKey, generation: number, job: Job): Promise<Promotion | null> {
    if (job.status.errorResult || deedOf(job) === 'fence') return null;
    const { promoted, intents } = await this.#options.markers.read(key);
    const attempt = job.configuration.labels?.['attempt'];
    const known = [...intents, ...(promoted ? [promoted] : [])].find((marker) => marker.generation === generation && attemptName(marker.runId) === attempt);
    // State older than the warehouse, from a backup: the job is all that is left of that run.
    return known ?? { runId: job.configuration.labels?.['run_id'] ?? job.jobReference.jobId, generation, token: 0, fingerprint: '', trace: '{}' };
  }

  #nothing(): object {
    return this.#options.jobs.queryConfiguration({ purpose: 'fence', sql: 'SELECT 1' });
  }

  #replacing({ processor, day }: WriteClaim, stage: FilledStage): object {
    const { dataset, table } = tableOf(processor);
    const { api } = this.#options.jobs;
    if (stage.byPartition) {
      const partition = partitionId(formatDay(day));
      const [sourceTable, destinationTable] = [api.table(stage.dataset, `${stage.table}$${partition}`), api.table(dataset, `${table}$${partition}`)];
      return { copy: { sourceTable, destinationTable, writeDisposition: 'WRITE_TRUNCATE', createDisposition: 'CREATE_NEVER' } };
    }
    return this.#options.jobs.queryConfiguration({
      purpose: 'promote', sql: replacingSql(processor, api.named(dataset, table), api.named(stage.dataset, stage.table)), parameters: [dateParameter('game_date', day)],
    });
  }

  async #jobId({ processor, day }: MarkerKey, generation: number, turn: number): Promise<string> {
    const { pipeline, markers } = this.#options;
    return `smart_backfill_promote_${await markers.epoch()}_${pipeline}_${processor}_${partitionId(formatDay(day))}_g${generation}_${turn}`;
  }
}

function deedOf(job: Job): string {
  return job.configuration.labels?.['purpose'] ?? '';
}

function keyOf({ processor, day }: WriteClaim): MarkerKey {
  return { processor: processor.name, day };
}

function isOf(marker: Promotion, { runId, generation }: WriteClaim): boolean {
  return marker.runId === runId && marker.generation === generation;
}
