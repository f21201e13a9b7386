import { InputError, NeverRetryError } from '../failures/errors.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { MessageBus } from '../ports/message-bus.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../ports/processor-runner.ts';
import type { CloudRunTarget } from './cloud-run-target.ts';
import type { HttpTarget } from './http-target.ts';
import { startByTrigger } from './pubsub-target.ts';

export interface GoogleRunnerOptions {
  readonly http: HttpTarget;
  readonly cloudRun: CloudRunTarget;
  /** Where triggers are published; it has to know the topics that targets name. */
  readonly bus: MessageBus;
}

/** Runs the targets of Google's runtime, each held to the processor contract (design.md section 4). */
export class GoogleRunner implements ProcessorRunner {
  readonly #options: GoogleRunnerOptions;

  constructor(options: GoogleRunnerOptions) {
    this.#options = options;
  }

  async run(order: RunOrder): Promise<RunAnswer> {
    const { name, googleTarget: target } = order.processor;
    if (target === null) throw new InputError(`${name} has only an embedded target; give it a 'google' target (http, cloud_run_job, pubsub or bigquery_sql)`);
    if ('http' in target) return this.#options.http.run(order, target.http);
    if ('cloud_run_job' in target) return this.#options.cloudRun.run(order, target.cloud_run_job);
    if ('pubsub' in target) return startByTrigger(this.#options.bus, order, target.pubsub);
    const [kind] = Object.keys(target);
    if (kind === 'bigquery_sql') throw new NeverRetryError(`${name} is SQL: the warehouse runs it, not a target`);
    throw new InputError(`${name} has a target of kind ${kind}: such targets run in the embedded runtime only; give it a 'google' target (http, cloud_run_job, pubsub or bigquery_sql)`);
  }

  /** Null for a published trigger: only who listens to it could stop what it started. */
  async cancel({ googleTarget }: Processor, handle: string): Promise<string | null> {
    return googleTarget && 'cloud_run_job' in googleTarget ? this.#options.cloudRun.cancel(handle) : null;
  }

  /** Checks are functions of the pipeline's modules, which are not deployed: what the source has shows when it is run. */
  async sourceHas(): Promise<'unknown'> {
    return 'unknown';
  }
}
