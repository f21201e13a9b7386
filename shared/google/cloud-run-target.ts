import { InputError } from '../failures/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { RunAnswer, RunOrder } from '../ports/processor-runner.ts';
import { CloudRunError, type CloudRunApi, type Execution } from './cloud-run-api.ts';
import { cancelled, targetInputOf } from './google-runner-input.ts';

export interface CloudRunTargetOptions {
  readonly api: CloudRunApi;
  readonly clock: Clock;
  /** Where jobs are that the definition names without it. */
  readonly project: string;
  readonly region: string;
}

/** The variable in which a job finds its order, beside its one argument. */
const ORDER_VARIABLE = 'SMART_BACKFILL_ORDER';

const JOB_NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const FULL_JOB_NAME = /^projects\/[^/]+\/locations\/[^/]+\/jobs\/[^/]+$/;
const EXECUTION_NAME = /^projects\/[^/]+\/locations\/[^/]+\/jobs\/[^/]+\/executions\/[^/]+$/;

/** A cancelled execution's tasks get SIGTERM and 10 s: https://cloud.google.com/run/docs/container-contract#jobs */
const STOPS_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 2_000;

/** Runs a target that is a Cloud Run job: started here, ended by a phase-complete message with the run's id, or by its deadline. */
export class CloudRunTarget {
  readonly #options: CloudRunTargetOptions;

  constructor(options: CloudRunTargetOptions) {
    this.#options = options;
  }

  /** `started` with the execution's full name. Throws a CloudRunError where the API did not start it. */
  async run(order: RunOrder, job: string): Promise<RunAnswer> {
    const text = JSON.stringify(targetInputOf(order));
    try {
      const { api } = this.#options;
      const handle = await api.run(this.#fullName(job, order.processor.name), { args: [text], env: { [ORDER_VARIABLE]: text }, timeoutSeconds: order.processor.timeoutSeconds }, order.signal);
      return { kind: 'started', handle };
    } catch (thrown) {
      if (order.signal.aborted) return cancelled(order);
      throw thrown;
    }
  }

  /** Stops an execution and waits until it has ended, at most 30 s. Says what became of it. */
  async cancel(execution: string): Promise<string> {
    if (!EXECUTION_NAME.test(execution)) throw new InputError(`received '${execution}' to cancel; a Cloud Run execution is named projects/…/locations/…/jobs/…/executions/…`);
    const { api, clock } = this.#options;
    const name = `Cloud Run execution ${execution.split('/').at(-1) ?? ''} of job ${execution.split('/').at(-3) ?? ''}`;
    const before = await this.#look(execution);
    if (before === null) return `${name} is not there any more: nothing ran`;
    if (hasEnded(before)) return `${name} had ended already, at ${before.completionTime ?? ''}`;
    try {
      await api.cancel(execution);
    } catch (thrown) {
      // It may have ended in between, which is an error of the call and what was wanted.
      const now = await this.#look(execution);
      if (now && !hasEnded(now)) throw thrown;
    }
    for (const deadline = clock.now() + STOPS_WITHIN_MS; ;) {
      const now = await this.#look(execution);
      if (now === null) return `${name} was cancelled and is not there any more`;
      if (hasEnded(now)) return (now.cancelledCount ?? 0) > 0 ? `${name} was cancelled; it ended at ${now.completionTime ?? ''}` : `${name} ended by itself before it could be cancelled, at ${now.completionTime ?? ''}`;
      if (clock.now() >= deadline) return `${name} was told to stop, and was still stopping after ${STOPS_WITHIN_MS / 1000} s`;
      await clock.sleep(LOOK_EVERY_MS);
    }
  }

  async #look(execution: string): Promise<Execution | null> {
    try {
      return await this.#options.api.execution(execution);
    } catch (thrown) {
      if (thrown instanceof CloudRunError && thrown.statusCode === 404) return null;
      throw thrown;
    }
  }

  #fullName(job: string, processor: string): string {
    if (FULL_JOB_NAME.test(job)) return job;
    const { project, region } = this.#options;
    if (!JOB_NAME.test(job)) throw new InputError(`received '${job}' as the Cloud Run job of ${processor}; write its name (lower-case letters, digits and -), or projects/…/locations/…/jobs/…`);
    return `projects/${project}/locations/${region}/jobs/${job}`;
  }
}

function hasEnded({ completionTime }: Execution): boolean {
  return typeof completionTime === 'string' && completionTime !== '';
}
