import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readConfig, type GoogleConfig } from '../../functions/runtime/config.ts';
import { openGoogle, type GoogleRuntime } from '../../functions/runtime/google.ts';
import { jsonLogger } from '../../functions/log/logger.ts';
import { topologyOf, type PushedFunction } from '../../shared/pipeline/topology.ts';
import { SystemClock } from '../../shared/system/clock.ts';
import { startBigQuery, type FakeBigQuery } from './bigquery/server.ts';
import { startEmulators, type Emulator } from './emulators.ts';
import { writeLocalPipeline } from './local-pipeline.ts';
import { ServedFunction } from './served-function.ts';
import { makeTopics } from './topics.ts';

export const FUNCTIONS: readonly PushedFunction[] = ['backfill-worker', 'phase-router', 'gap-detector', 'stage-coordinator'];

export interface LocalCloudOptions {
  /** The root of this project. */
  readonly root: string;
  /** The pipeline's folder, with its `service/` where it has one. */
  readonly pipelineDirectory: string;
  /** Where landed files and the local definition go. */
  readonly folder: string;
  readonly project: string;
  /** RFC 3339: the time that every clock shows at the start. */
  readonly now: string;
  /** Gaps from this date on are filled by themselves. */
  readonly detectFrom: string;
  /** The environment that `gcloud`, `java` and `node` are found by. */
  readonly env: NodeJS.ProcessEnv;
  /** What a function writes, line by line. */
  readonly onLine: (from: string, line: string) => void;
  readonly onStep?: (text: string) => void;
  /** More environment for the functions. */
  readonly functionEnv?: Readonly<Record<string, string>>;
  /** Emulators that run already, by the variables that name them; they are not stopped. A project of its own keeps apart what is on them. */
  readonly places?: EmulatorPlaces;
  /** Services behind `http` targets that are served already, by name; a service of the pipeline's folder is not started then. */
  readonly services?: Readonly<Record<string, string>>;
  /** Stands between the functions and the pipeline's own service: given its address, hands back the one that they are told. */
  readonly inFront?: (service: string) => Promise<string>;
}

export interface EmulatorPlaces {
  readonly PUBSUB_EMULATOR_HOST: string;
  readonly FIRESTORE_EMULATOR_HOST: string;
}

/** A whole cloud on this machine: Google's own emulators, a stand-in for BigQuery, and every function behind its push subscription. */
export interface LocalCloud {
  readonly bigquery: FakeBigQuery;
  readonly emulators: readonly Emulator[];
  readonly functions: ReadonlyMap<PushedFunction, ServedFunction>;
  /** The pipeline's own, if it brings one. */
  readonly service: ServedFunction | null;
  readonly pipelineDirectory: string;
  /** What a program that starts now needs in its environment to work with this cloud: the CLI with `--runtime google`, `gcloud`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly config: GoogleConfig;
  readonly runtime: GoogleRuntime;
  /** Ends every function at once, and starts it again at a later time, which every clock shows from then on. */
  startAgain(laterByMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts everything, or nothing: what has started is stopped when something does not. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end().catch(() => undefined);
  };
  try {
    return Object.assign(await started(options, stops), { stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function started(options: LocalCloudOptions, stops: (() => Promise<unknown>)[]): Promise<Omit<LocalCloud, 'stop'>> {
  const { root, project, folder, env, onLine } = options;
  const step = options.onStep ?? (() => undefined);
  const pipelineDirectory = join(resolve(folder), 'pipeline');
  writeLocalPipeline(options.pipelineDirectory, pipelineDirectory, options.detectFrom);

  const emulators = options.places ? [] : await startingEmulators(options, stops);
  // One time for all: a staging table would otherwise be made with an expiry that is long past.
  let ahead = Date.parse(options.now) - Date.now();
  const now = (): number => Date.now() + ahead;
  const bigquery = await startBigQuery({ projectId: project, now });
  stops.push(() => bigquery.close());
  const places: Readonly<Record<string, string>> = {
    ...(options.places ?? Object.assign({}, ...emulators.map((emulator) => emulator.env))),
    METADATA_SERVER_DETECTION: 'none',
    GOOGLE_CLOUD_PROJECT: project,
    BIGQUERY_API_ENDPOINT: bigquery.endpoint,
    LANDING: join(resolve(folder), 'landing'),
  };

  const service = await startService(options, places, stops);
  const services = { ...options.services, ...(service ? { [service.target]: await options.inFront?.(service.url) ?? service.url } : {}) };
  const environment = (): Readonly<Record<string, string>> => {
    const machine = Date.now();
    return { ...places, PIPELINE_DIR: pipelineDirectory, SERVICE_URLS: JSON.stringify(services), NOW: `${new Date(machine + ahead).toISOString()}@${new Date(machine).toISOString()}` };
  };

  step('serving the functions');
  const functions = new Map(await Promise.all(FUNCTIONS.map(async (target) => {
    const served = await ServedFunction.start({
      target, source: join(root, 'functions', target, 'index.ts'), onLine: (line) => onLine(target, line),
      // A process that is started again shows the time of the others, not that of the beginning.
      env: () => ({ ...env, ...environment(), NOW: new Date(now()).toISOString(), ...options.functionEnv }),
    });
    stops.push(() => served.stop());
    return [target, served] as const;
  })));

  step('creating tables, topics and push subscriptions');
  stops.push(setVariables(places));
  const config = readConfig(environment());
  const machine = new SystemClock();
  const log = jsonLogger({ project, function: 'local-cloud', level: 'WARNING', now: Date.now, write: (line) => onLine('local-cloud', line) });
  const runtime = await openGoogle({ config, log, bundleFolder: pipelineDirectory, clock: { now, sleep: (milliseconds, signal) => machine.sleep(milliseconds, signal) } });
  stops.push(() => runtime.close());
  await runtime.warehouse.ensureTables();
  await runtime.history.ensureTables();
  await makeTopics(await runtime.clients.pubsub(), topologyOf(runtime.pipeline), (name) => functions.get(name)?.url ?? '');
  return {
    bigquery, emulators, functions, service, pipelineDirectory, config, runtime,
    get environment() { return environment(); },
    startAgain: async (laterByMs) => {
      await Promise.all([...functions.values()].map((served) => served.kill()));
      ahead += laterByMs;
      await Promise.all([...functions.values()].map((served) => served.start()));
    },
  };
}

async function startingEmulators({ env, onStep }: LocalCloudOptions, stops: (() => Promise<unknown>)[]): Promise<readonly Emulator[]> {
  onStep?.("starting Google's Pub/Sub and Firestore emulators");
  const emulators = await startEmulators(['pubsub', 'firestore'], { env });
  stops.push(() => Promise.all(emulators.map((emulator) => emulator.stop())));
  return emulators;
}

/** What the team brings itself: scrapers and loaders, as `service/index.ts` of the pipeline's folder. */
async function startService({ pipelineDirectory, services, folder, env, onLine, onStep }: LocalCloudOptions, places: Readonly<Record<string, string>>, stops: (() => Promise<unknown>)[]): Promise<ServedFunction | null> {
  const source = join(resolve(pipelineDirectory), 'service/index.ts');
  if (services || !existsSync(source)) return null;
  onStep?.("starting the league's scrapers and loaders (pipelines/nba/service)");
  const service = await ServedFunction.start({
    target: 'nba-sources', source, onLine: (line) => onLine('nba-sources', line),
    env: () => ({ ...env, ...places, PIPELINE_DIR: resolve(pipelineDirectory), SOURCE_DIR: join(resolve(folder), 'source'), OUTAGES: 'allowed' }),
  });
  stops.push(() => service.stop());
  return service;
}

/** Google's clients find the emulators by these variables only. Sets them in this process; what is handed back sets them as they were. */
function setVariables(environment: Readonly<Record<string, string>>): () => Promise<void> {
  const names = ['PUBSUB_EMULATOR_HOST', 'FIRESTORE_EMULATOR_HOST', 'METADATA_SERVER_DETECTION'] as const;
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) process.env[name] = environment[name];
  return async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
