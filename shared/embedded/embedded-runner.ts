import { formatDay, type Day } from '../calendar/day.ts';
import { FailureError, InputError, NeverRetryError } from '../failures/errors.ts';
import { firstAbort } from '../flows/first-abort.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { ProcessorFunction, ProcessorInput, SourceCheck } from '../ports/processor.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../ports/processor-runner.ts';
import { answerOf, answerOfText } from './command-runner-answer.ts';
import { runCommand, type CommandEnd } from './command-runner.ts';
import { PipelineModules } from './in-process-runner.ts';

export interface EmbeddedRunnerOptions {
  /** The folder that holds pipeline.yaml. */
  readonly pipelineDirectory: string;
  /** Where stand-ins for outside sources keep what they are to be like now. */
  readonly sourceDirectory: string;
  /** Functions by `./module.ts#name` or by processor, used instead of the modules: for tests. */
  readonly registry?: ReadonlyMap<string, ProcessorFunction>;
  readonly sourceChecks?: ReadonlyMap<string, SourceCheck>;
  /** How long a command that is told to end may take before it is killed. */
  readonly graceMilliseconds?: number;
}

const MOST_OUTPUT = 512 * 1024 * 1024;
const CHECK_ANSWERS = ['has_data', 'no_data', 'unreachable'] as const;

/** Runs the targets that need nothing but this machine: functions of the pipeline's modules, and commands. */
export class EmbeddedRunner implements ProcessorRunner {
  readonly #options: EmbeddedRunnerOptions;
  readonly #modules: PipelineModules;

  constructor(options: EmbeddedRunnerOptions) {
    this.#options = options;
    this.#modules = new PipelineModules(options.pipelineDirectory);
  }

  async run(order: RunOrder): Promise<RunAnswer> {
    const { processor: { name, target, timeoutSeconds } } = order;
    const stop = firstAbort([order.signal], timeoutSeconds * 1000);
    const answer = await this.#answer(order, stop.signal).finally(() => stop.end());
    if (order.signal.aborted) return { kind: 'failed', error: { type: 'Cancelled', message: `${name} for ${formatDay(order.day)} was cancelled while it ran` } };
    // An answer that came in time stands; one that the abort brought about does not.
    if (stop.isLate() && (answer.kind === 'failed' || 'command' in target)) {
      return { kind: 'failed', error: { type: 'Timeout', message: `${name} for ${formatDay(order.day)} timed out: it was stopped after ${timeoutSeconds} s (timeout_seconds)` } };
    }
    return answer;
  }

  /** Nothing runs on here after an answer. */
  async cancel(): Promise<null> {
    return null;
  }

  async sourceHas({ name, sourceCheck }: Processor, day: Day): Promise<'has_data' | 'no_data' | 'unreachable' | 'unknown'> {
    if (sourceCheck === null) return 'unknown';
    const { pipelineDirectory, sourceDirectory } = this.#options;
    const check = this.#options.sourceChecks?.get(sourceCheck) ?? await this.#modules.find(sourceCheck);
    const answer: unknown = await check({ gameDate: formatDay(day), pipelineDirectory, sourceDirectory });
    const known = CHECK_ANSWERS.find((allowed) => allowed === answer);
    if (!known) throw new NeverRetryError(`${sourceCheck} of ${name} answered ${JSON.stringify(answer)}; allowed are ${CHECK_ANSWERS.join(', ')}`);
    return known;
  }

  async #answer(order: RunOrder, signal: AbortSignal): Promise<RunAnswer> {
    const { processor: { name, target } } = order;
    const registered = this.#options.registry?.get('in_process' in target ? target.in_process : name) ?? this.#options.registry?.get(name);
    if (registered) return this.#call(registered, order, signal);
    if ('in_process' in target) return this.#call(await this.#modules.find(target.in_process), order, signal);
    if ('command' in target) return this.#command(target.command, order, signal);
    const [kind] = Object.keys(target);
    if (kind === 'bigquery_sql') throw new NeverRetryError(`${name} is SQL: the warehouse runs it, not a target`);
    throw new InputError(`${name} has a target of kind ${kind}: such targets run on Google only; give it an 'embedded' target (in_process, command or bigquery_sql)`);
  }

  async #call(target: (input: ProcessorInput) => unknown, order: RunOrder, signal: AbortSignal): Promise<RunAnswer> {
    const { processor, day, runId, isBackfill, skipDownstreamTrigger, strictMode, triggerReason, backfillId } = order;
    const { pipelineDirectory, sourceDirectory } = this.#options;
    const stopped = whenAborted(signal);
    try {
      const work = Promise.resolve(target({
        processorName: processor.name, gameDate: formatDay(day), runId, isBackfill, skipDownstreamTrigger, strictMode, triggerReason, backfillId,
        pipelineDirectory, sourceDirectory, read: (upstream) => order.read(upstream), signal,
      }));
      // A function that does not listen to the signal goes on in vain: whatever it answers later, nobody takes it.
      const answer: unknown = await Promise.race([work, stopped.promise]);
      return answerOf(answer, processor.name);
    } catch (thrown) {
      if (thrown instanceof FailureError) throw thrown;
      return { kind: 'failed', error: errorOf(thrown) };
    } finally {
      stopped.end();
    }
  }

  async #command(command: readonly string[], order: RunOrder, signal: AbortSignal): Promise<RunAnswer> {
    const { pipelineDirectory, graceMilliseconds = 5_000 } = this.#options;
    const input = JSON.stringify(await orderText(order));
    try {
      const end = await runCommand({ command, directory: pipelineDirectory, input, signal, graceMilliseconds, maxBytes: MOST_OUTPUT });
      return commandAnswer(end, `${order.processor.name} (${command.join(' ')})`);
    } catch (thrown) {
      if (thrown instanceof NeverRetryError) throw thrown;
      return { kind: 'failed', error: errorOf(thrown) };
    }
  }
}

function commandAnswer({ stdout, stderr, exitCode, signal }: CommandEnd, who: string): RunAnswer {
  const said = stderr === '' ? '' : `: ${stderr}`;
  if (signal !== null) return { kind: 'failed', error: { type: 'Killed', message: `${who} was killed by signal ${signal}${said}` } };
  if (exitCode !== 0) return { kind: 'failed', error: { type: 'CommandFailed', message: `${who} exited with code ${exitCode}${said}` } };
  return answerOfText(stdout, who);
}

/** The design's order for a target, in snake_case, with the rows of its declared inputs. */
async function orderText(order: RunOrder): Promise<Readonly<Record<string, unknown>>> {
  const date = formatDay(order.day);
  const inputs: Record<string, unknown> = {};
  for (const { upstream } of order.inputs) inputs[upstream] = await order.read(upstream);
  return {
    processor_name: order.processor.name, start_date: date, end_date: date, run_id: order.runId, is_backfill: order.isBackfill, backfill_mode: order.isBackfill,
    skip_downstream_trigger: order.skipDownstreamTrigger, strict_mode: order.strictMode, trigger_reason: order.triggerReason, backfill_id: order.backfillId, inputs,
  };
}

function whenAborted(signal: AbortSignal): { readonly promise: Promise<never>; end(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  // A function that throws at once leaves nobody who waits for it.
  promise.catch(() => undefined);
  const abort = (): void => reject(new Error('stopped'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return { promise, end: () => signal.removeEventListener('abort', abort) };
}

function errorOf(thrown: unknown): { readonly type: string; readonly message: string } {
  if (!(thrown instanceof Error)) return { type: 'Error', message: String(thrown) };
  const code = 'code' in thrown && typeof thrown.code === 'string' ? `${thrown.code}: ` : '';
  return { type: thrown.name, message: thrown.message.startsWith(code) ? thrown.message : code + thrown.message };
}
