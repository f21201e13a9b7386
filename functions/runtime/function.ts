import { SystemClock } from '../../shared/system/clock.ts';
import type { PushedFunction } from '../../shared/pipeline/topology.ts';
import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';
import type { HandlerDeps } from '../deps.ts';
import { pushFunction, type HttpFunction } from '../http/serve.ts';
import { jsonLogger, type Logger } from '../log/logger.ts';
import { readConfig, type Environment } from './config.ts';
import type { GoogleRuntime } from './google.ts';

/** What a handler is called with, besides the message. */
export interface Invocation {
  readonly deps: HandlerDeps;
  readonly runtime: GoogleRuntime;
  readonly log: Logger;
}

export interface GoogleFunction {
  readonly name: PushedFunction;
  /** The folder of the bundle: its pipeline.json lies there. */
  readonly folder: string;
  readonly environment: Environment;
  readonly handle: (invocation: Invocation, message: DeliveredMessage) => Promise<Verdict>;
}

/**
 * One deployable function. Throws an InputError for an environment that can't be right: then the container does not start,
 * and the revision that is running keeps the traffic. Definition and clients wait for the first message.
 */
export function googleFunction({ name, folder, environment, handle }: GoogleFunction): HttpFunction {
  const config = readConfig(environment);
  // Shown at the start of the process, so that all that are started together show the same: the modules were loaded meanwhile,
  // and the runtime is opened by the first message, whenever that comes.
  const clock = new SystemClock(config.startAt === null ? null : config.startAt + performance.now());
  const log = jsonLogger({ project: config.project, function: name, level: config.logLevel, now: Date.now, write: (line) => process.stdout.write(`${line}\n`) });
  return pushFunction<GoogleRuntime>({
    log,
    deadline: { timeoutSeconds: config.functionTimeoutSeconds, reserveSeconds: config.reserveSeconds },
    open: async () => {
      const { openGoogle } = await import('./google.ts');
      return openGoogle({ config, log, bundleFolder: folder, clock });
    },
    subscriptions: (runtime) => runtime.subscriptionsOf(name),
    handle: (runtime, { signal, budget }, message) => {
      const { engine, worker, bus, detectionTopic } = runtime;
      return handle({ deps: { engine, worker, bus, detectionTopic, signal, time: budget }, runtime, log }, message);
    },
  });
}
