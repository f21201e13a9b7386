import type { PendingFault } from '../../scripts/local-cloud/bigquery/faults.ts';
import type { LocalCloud } from '../../scripts/local-cloud/local-cloud.ts';
import type { FailureCategory } from '../../shared/failures/category.ts';
import { ended, type Ended, type Sandbox } from '../cli/harness.ts';
import { NIGHT_MS, runSchema, type Failing, type Following, type HistoryRun, type Operator } from '../e2e/operator.ts';
import type { TroubledService } from './troubled-service.ts';

/** Before or after the rows of a cell are written. */
export interface AtWriting {
  readonly processor: string;
  readonly date: string;
  readonly when: 'before' | 'after';
}

/** More than the 540 s for which the lease over a service's run is believed. */
const FOUND_DEAD_AFTER_MS = 12 * 60_000;
/** What BigQuery ends a job with: its reason, and its words. */
const BIGQUERY: Readonly<Partial<Record<FailureCategory, { readonly reason: string; readonly message: string }>>> = {
  infrastructure: { reason: 'backendError', message: 'The job encountered an error during execution. Retrying the job may solve the problem.' },
  data_availability: { reason: 'notFound', message: 'Not found: Table nba_precompute.player_daily_cache was not found in location US' },
  processing: { reason: 'invalidQuery', message: 'division by zero: 12 / 0' },
  resource_exhausted: { reason: 'resourcesExceeded', message: 'Resources exceeded during query execution: the query could not be executed in the allotted memory.' },
};
/** As often as anybody may run into what nobody has mended. */
const UNTIL_MENDED = 1_000_000;

/** A moment that waits until it is released. */
interface Held {
  readonly moment: AtWriting;
  readonly reached: Promise<void>;
  readonly release: () => void;
}

const NEVER: Omit<Held, 'moment'> = { reached: new Promise(() => undefined), release: () => undefined };

/** Commands with `--runtime google` against a local cloud, in which every instance of a function can die. */
export class GoogleOperator implements Operator<AtWriting> {
  readonly #sandbox: Sandbox;
  readonly #cloud: LocalCloud;
  readonly #service: TroubledService;
  readonly #faults = new Map<string, PendingFault>();
  #held: Held | null = null;

  constructor(sandbox: Sandbox, cloud: LocalCloud, service: TroubledService) {
    this.#sandbox = sandbox;
    this.#cloud = cloud;
    this.#service = service;
  }

  fail(failing: readonly Failing[]): void {
    for (const { processor, date, category, times } of failing) {
      const cell = `${processor} ${date}`;
      if (!this.#isSql(processor)) this.#service.troubles.set(cell, { category, times });
      else {
        const error = BIGQUERY[category];
        if (error === undefined) throw new RangeError(`BigQuery has no words for ${category}: let a service fail with it`);
        this.#faults.set(cell, this.#cloud.bigquery.failNext({ at: 'job', ...error, job: { kind: 'query', sql: fillOf(processor, date) }, times: times ?? UNTIL_MENDED }));
      }
    }
  }

  mend(cells: readonly { readonly processor: string; readonly game_date: string }[]): number {
    return cells.filter(({ processor, game_date: date }) => {
      const cell = `${processor} ${date}`;
      const fault = this.#faults.get(cell);
      fault?.withdraw();
      return this.#faults.delete(cell) || this.#service.troubles.delete(cell);
    }).length;
  }

  get unmended(): readonly string[] {
    return [...this.#service.troubles.keys(), ...[...this.#faults].flatMap(([cell, fault]) => (fault.left() > 0 ? [cell] : []))];
  }

  /** No instance outlives a night in which nothing happens. */
  async sleepOvernight(): Promise<void> {
    await this.#cloud.startAgain(NIGHT_MS);
  }

  run(...words: string[]): Promise<Ended> {
    return this.#start(words).ended;
  }

  /** Orders end at once here, and the functions go on: `watch` looks on. */
  async follow(words: readonly string[], moment: AtWriting | null): Promise<Following> {
    const { reached, release } = moment === null ? NEVER : this.#hold(moment);
    if (words[1] !== 'watch') ended(await this.run(...words), 0);
    const id = words[1] === 'start' ? (await this.#cloud.runtime.store.backfills())[0]?.id ?? '' : words[2] ?? '';
    const watching = this.#start(['backfill', 'watch', id, '--json']);
    return {
      reached, ended: watching.ended,
      letGo: release,
      kill: async () => {
        watching.child.kill('SIGKILL');
        await Promise.all([watching.ended, this.#cloud.startAgain(FOUND_DEAD_AFTER_MS)]);
        release();
      },
    };
  }

  async history(): Promise<readonly HistoryRun[]> {
    const rows = await this.#cloud.runtime.history.runs({ limit: 100_000 });
    return rows.toReversed().map((row) => runSchema.parse(row));
  }

  #start(words: readonly string[]) {
    return this.#sandbox.start([...words, '--runtime', 'google'], { env: this.#cloud.environment });
  }

  #isSql(name: string): boolean {
    const processor = this.#cloud.runtime.pipeline.byName.get(name);
    if (!processor) throw new RangeError(`there is no processor ${name}`);
    return processor.sql !== null;
  }

  /** Once for a moment, however many commands it takes until it comes. What is held goes on without whoever waits for it, once it is released. */
  #hold(moment: AtWriting): Held {
    if (this.#held?.moment === moment) return this.#held;
    this.#held = { moment, ...(this.#isSql(moment.processor) ? this.#holdJob(moment) : this.#holdService(moment)) };
    return this.#held;
  }

  #holdJob({ processor, date, when }: AtWriting): Omit<Held, 'moment'> {
    const { reached, release } = this.#cloud.bigquery.holdJobs(when === 'before' ? { kind: 'query', sql: fillOf(processor, date) } : { kind: 'copy', jobId: new RegExp(`_${processor}_${date.replaceAll('-', '')}_`) });
    return { reached: reached.then(() => undefined), release };
  }

  #holdService({ processor, date, when }: AtWriting): Omit<Held, 'moment'> {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#service.hold = { cell: `${processor} ${date}`, when, reach: reached.resolve, released: released.promise };
    return { reached: reached.promise, release: released.resolve };
  }
}

/** The job that fills an attempt's staging table. */
function fillOf(processor: string, date: string): RegExp {
  return new RegExp(`^INSERT INTO \\S+${processor}_${date.replaceAll('-', '')}_g`);
}
