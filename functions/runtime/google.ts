import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { classify } from '../../shared/failures/classify.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { Advancing } from '../../shared/flows/staged/process.ts';
import { runsOnByItself } from '../../shared/flows/time-budget.ts';
import { Worker, type WorkerOptions } from '../../shared/flows/worker.ts';
import { BigQueryApi } from '../../shared/google/bigquery-api.ts';
import { BigQueryJobs } from '../../shared/google/bigquery-jobs.ts';
import { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import { CloudRunApi } from '../../shared/google/cloud-run-api.ts';
import { CloudRunTarget } from '../../shared/google/cloud-run-target.ts';
import { FirestoreCoverageMemo } from '../../shared/google/coverage-memo-firestore.ts';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import { GoogleRunner } from '../../shared/google/google-runner.ts';
import { authorisedFetch, idTokens } from '../../shared/google/google-runner-auth.ts';
import { HttpTarget } from '../../shared/google/http-target.ts';
import { openObjects } from '../../shared/google/objects.ts';
import { FirestorePromotionMarkers } from '../../shared/google/promotion-markers-firestore.ts';
import { GoogleRunHistory } from '../../shared/google/run-history.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { coordinationTopicOf, detectionTopicOf, topologyOf, type PushedFunction } from '../../shared/pipeline/topology.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { MessageBus } from '../../shared/ports/message-bus.ts';
import type { Alert, Notifier } from '../../shared/ports/notifier.ts';
import { SystemClock } from '../../shared/system/clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import type { Deadline } from '../http/deadline.ts';
import type { Subscriptions } from '../http/received.ts';
import type { ServedRuntime } from '../http/serve.ts';
import type { Logger } from '../log/logger.ts';
import { googleChannels } from '../log/notifier.ts';
import { workLog } from '../log/work-log.ts';
import { StageBells } from '../stage-bells.ts';
import { googleClients, type GoogleClients } from './clients.ts';
import type { GoogleConfig } from './config.ts';
import { LazyMessageBus } from './lazy-bus.ts';
import { readPipeline } from './pipeline-source.ts';

export interface GoogleOptions {
  readonly config: GoogleConfig;
  readonly log: Logger;
  /** Where `pipeline.json` lies, unless the configuration names a definition's folder. */
  readonly bundleFolder: string;
  /** The log, the alerts topic and the webhook unless given. */
  readonly notifier?: Notifier;
  /** Told of alerts as well, at once. */
  readonly onAlert?: (alert: Alert) => void;
  /** Told of each cell that the worker starts and ends; the log unless given. */
  readonly onWork?: Pick<WorkerOptions, 'onStart' | 'onEnd'>;
  readonly clients?: GoogleClients;
  /** One that shows what the configuration says from now on, unless given. */
  readonly clock?: Clock;
}

/** Everything of one pipeline on Google, for functions and for the CLI. Nothing has been connected yet when it is opened. */
export interface GoogleRuntime extends ServedRuntime {
  /** With the targets of Google's runtime. */
  readonly pipeline: Pipeline;
  readonly engine: Engine;
  readonly worker: Worker;
  readonly bus: MessageBus;
  readonly store: FirestoreRequestStore;
  readonly warehouse: BigQueryWarehouse;
  readonly history: GoogleRunHistory;
  readonly clients: GoogleClients;
  readonly detectionTopic: string;
  readonly coordinationTopic: string;
  /** The staged backfills that this process advances. */
  readonly advancing: Advancing;
  subscriptionsOf(name: PushedFunction): Subscriptions;
  close(): Promise<void>;
}

/** A request that backs off for less is waited for, within the invocation's time: the next tick may be five minutes away. */
const WAITS_FOR_RETRY_MS = 30_000;
/** Between two looks at what is to be published while cells run. */
const SEND_EVERY_MS = 2000;
/** Time that has to be left for writing run history at the end of an invocation. */
const HISTORY_MS = 10_000;
/** Entries of the run history that one invocation writes at most: what is left goes with the next. */
const HISTORY_ENTRIES = 1000;
/** Time that alerts get on their way before an answer: an instance that has answered gets no processor time (P11). */
const ALERTS_MS = 5000;

export async function openGoogle({ config, log, bundleFolder, ...options }: GoogleOptions): Promise<GoogleRuntime> {
  const pipeline = await readPipeline(config.pipelineDirectory, bundleFolder);
  refuseTooLong(pipeline, config);
  const clients = options.clients ?? googleClients(config);
  const clock = options.clock ?? new SystemClock(config.startAt);
  const ids = new RandomIds();
  const topology = topologyOf(pipeline);
  const bus = new LazyMessageBus(async () => {
    const { PubSubMessageBus } = await import('../../shared/google/pubsub-message-bus.ts');
    return new PubSubMessageBus(await clients.pubsub(), { topics: topology.topics.map(({ name }) => name) });
  });
  const store = new FirestoreRequestStore(await clients.firestore(), { rankOf: (name) => pipeline.byName.get(name)?.rank ?? Number.MAX_SAFE_INTEGER });
  const collection = (name: string) => async () => (await clients.firestore()).collection(name);
  const bigquery = { client: clients.bigquery, project: config.project, location: config.bigqueryLocation };
  const warehouse = new BigQueryWarehouse({
    ...bigquery, pipeline, stagingDataset: config.stagingDataset ?? pipeline.tables.staging_dataset, maximumBytesBilled: config.maxBytesBilled,
    memo: new FirestoreCoverageMemo(collection('coverage_memo')), markers: new FirestorePromotionMarkers(collection('promotions')),
    objects: openObjects(landingOf(config, pipeline)), now: () => clock.now(), newId: randomUUID,
  });
  const jobs = new BigQueryJobs({ api: new BigQueryApi(bigquery), pipeline: pipeline.name, maximumBytesBilled: config.maxBytesBilled, newId: randomUUID });
  const history = new GoogleRunHistory({ jobs, outbox: store.history, tables: pipeline.tables });
  const runner = new GoogleRunner({
    bus,
    http: new HttpTarget({ services: config.serviceUrls, tokenFor: async (audience) => (await tokens())(audience) }),
    cloudRun: new CloudRunTarget({ api: new CloudRunApi(async (url, init) => authorisedFetch(await clients.auth())(url, init)), clock, project: config.project, region: config.region }),
  });
  // One for all audiences: it keeps the tokens that it was given.
  let issuer: Promise<(audience: string) => Promise<string>> | null = null;
  const tokens = (): Promise<(audience: string) => Promise<string>> => (issuer ??= clients.auth().then((auth) => idTokens(auth)));
  const notifier = options.notifier ?? googleChannels({ log, bus, topic: pipeline.topics.alerts, webhook: config.webhook, onAlert: options.onAlert });
  const engine = new Engine({ pipeline, store, warehouse, runner, notifier, clock, ids, owner: ids.next('owner'), lanes: config.lanes, shared: true, sendCommitted: () => sendNow() });
  const sendNow = everySoOften(() => sendOutbox(engine, bus), () => clock.now(), log);
  const worker = new Worker(engine, { ...(options.onWork ?? workLog(log)), waitsForRetryMs: WAITS_FOR_RETRY_MS });
  const coordinationTopic = coordinationTopicOf(pipeline);
  const bells = new StageBells(engine, bus, coordinationTopic, (thrown) => {
    const { message, category } = classify(thrown);
    log.log('ring_lost', message, { category });
  });
  return {
    pipeline, engine, worker, bus, store, warehouse, history, clients,
    detectionTopic: detectionTopicOf(pipeline), coordinationTopic, advancing: new Advancing(engine),
    deadLetterTopic: pipeline.topics.dead_letters,
    now: () => clock.now(),
    settle: (deadline) => settle({ engine, bus, history, bells, log }, deadline),
    subscriptionsOf: (name) => new Map(topology.subscriptions.filter(({ push }) => push?.function === name).map((subscription) => [subscription.name, subscription.topic])),
    close: async () => {
      await bells.settled();
      await notifier.close?.(ALERTS_MS);
      await warehouse.close();
      await store.close();
      await (await clients.firestore()).terminate();
    },
  };
}

/** What a live cascade waits for goes out while other cells still run; a send that fails is made up for at the end. */
function everySoOften(send: () => Promise<unknown>, now: () => number, log: Logger): () => Promise<void> {
  let last = now();
  return async () => {
    if (now() - last < SEND_EVERY_MS) return;
    last = now();
    await send().catch((thrown: unknown) => log.log('outbox_left', classify(thrown).message, { category: classify(thrown).category }));
  };
}

/** A run that takes longer than an invocation would be begun, given back and begun again for ever. */
function refuseTooLong({ processors }: Pipeline, { functionTimeoutSeconds, reserveSeconds }: GoogleConfig): void {
  const available = functionTimeoutSeconds - reserveSeconds;
  const tooLong = processors.filter((processor) => !runsOnByItself(processor) && processor.timeoutSeconds > available);
  if (tooLong.length === 0) return;
  throw new InputError(`${tooLong.map(({ name, timeoutSeconds }) => `${name} may take ${timeoutSeconds} s`).join(', ')}, and an invocation has ${available} s (FUNCTION_TIMEOUT_SECONDS less RESERVE_SECONDS); lower timeout_seconds in pipeline.yaml, or give them a target that runs on by itself (cloud_run_job, pubsub)`);
}

/** A folder of an instance goes away with it: landed files need a place of their own. */
function landingOf({ landing }: GoogleConfig, { processors }: Pipeline): string {
  if (landing !== null) return landing;
  const landed = processors.find(({ output }) => output.kind === 'landing');
  if (landed) throw new InputError(`LANDING: received nothing, and ${landed.name} lands files; allowed is 'gs://bucket/prefix'`);
  return tmpdir();
}

interface Settled extends Pick<GoogleRuntime, 'engine' | 'bus' | 'history'> {
  readonly bells: StageBells;
  readonly log: Logger;
}

/** Messages go out first: others wait for them. Nobody waits for the run history, which people read. */
async function settle({ engine, bus, history, bells, log }: Settled, { signal, budget }: Deadline): Promise<void> {
  if (budget.ranOut || signal.aborted) log.log('time_used_up', 'what is left is in state, and somebody has been rung for');
  await bells.settled();
  await sendOutbox(engine, bus);
  await engine.parts.notifier.flush?.(ALERTS_MS);
  if (signal.aborted || !budget.hasRoom(HISTORY_MS, engine.parts.clock.now())) return;
  try {
    await history.flush(HISTORY_ENTRIES);
  } catch (thrown) {
    const { message, category } = classify(thrown);
    log.log('rows_unwritten', message, { category });
  }
}
