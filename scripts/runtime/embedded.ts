import { join, resolve } from 'node:path';
import { handleBackfillRequest } from '../../functions/backfill-worker/handler.ts';
import { handleDetection, type DetectorDeps } from '../../functions/gap-detector/handler.ts';
import { handlePhaseComplete } from '../../functions/phase-router/handler.ts';
import { alertFile } from '../../shared/system/alert-file.ts';
import { alertTopic } from '../../shared/system/alert-topic.ts';
import { alertWebhook } from '../../shared/system/alert-webhook.ts';
import { Channels } from '../../shared/system/channels.ts';
import { SystemClock } from '../../shared/system/clock.ts';
import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { EmbeddedRunner } from '../../shared/embedded/embedded-runner.ts';
import { translateWithInputs } from '../../shared/embedded/googlesql.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import type { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '../../shared/embedded/sqlite-message-bus.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { SqliteRunHistory } from '../../shared/embedded/sqlite-run-history.ts';
import type { Subscription } from '../../shared/embedded/sqlite-subscriptions.ts';
import { tellDigests } from '../../shared/flows/digests.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { withdrawLeft } from '../../shared/flows/staged/orders.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { work } from '../../shared/flows/work.ts';
import { Worker, type WorkerOptions } from '../../shared/flows/worker.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { topologyOf, type PushedFunction, type Topology } from '../../shared/pipeline/topology.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { DeliveredMessage, MessageHandler } from '../../shared/ports/message-bus.ts';
import type { Alert, Notifier } from '../../shared/ports/notifier.ts';
import type { CommonRuntime, DeadLetters } from './runtime.ts';
import { topicsOf } from './runtime-topics.ts';

export interface EmbeddedOptions {
  readonly pipeline: Pipeline;
  readonly stateDirectory: string;
  readonly database: SqliteDatabase;
  /** Told of every alert at once; other channels are this runtime's own. */
  readonly notifier: Pick<Notifier, 'notify'>;
  /** An incoming webhook for alerts. */
  readonly webhook?: URL | null;
  /** Told of an alert that a channel was not able to deliver. */
  readonly onUndelivered?: (channel: string, alert: Alert, reason: string) => void;
  /** Epoch milliseconds that the clock shows at the start (`--now`); null is the machine's time. */
  readonly startAt: number | null;
  readonly clock?: Clock;
  readonly lanes?: number;
  readonly onTrouble?: (message: DeliveredMessage, reason: string) => void;
  readonly onDetection?: Pick<DetectorDeps, 'on' | 'onDetected'>;
  /** Told of each cell that a handler's worker starts and ends. */
  readonly onWork?: Pick<WorkerOptions, 'onStart' | 'onEnd'>;
}

/** Everything of one state folder, open: what the commands and `up` work with. */
export interface EmbeddedRuntime extends CommonRuntime {
  readonly kind: 'embedded';
  readonly stateDirectory: string;
  readonly bus: SqliteMessageBus;
  readonly history: SqliteRunHistory;
  readonly warehouse: DuckDbWarehouse;
  readonly store: SqliteRequestStore;
  readonly deadLetters: DeadLetters;
  /** Aborts handlers of the bus. */
  readonly stop: AbortController;
}

/** Twice the cores of a small machine: a lane waits for commits as long as it computes. Measured: 4 lanes take 0.8 of the time of 2. */
const LANES = 4;
/** In the state folder: every alert, one JSON object a line. */
export const ALERTS_FILE = 'alerts.jsonl';
/** Between two looks whether a digest is due. */
const TELL_EVERY_MS = 60_000;
/** Time that alerts get on their way when the state folder is closed. */
const ALERTS_MS = 5000;

/** Opens the embedded runtime in a state folder that this process owns. Leases of processes that are gone are void. */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedRuntime> {
  const { pipeline, database } = options;
  const clock = options.clock ?? new SystemClock(options.startAt);
  const ids = new RandomIds();
  const lanes = options.lanes ?? LANES;
  const store = new SqliteRequestStore(database, { rankOf: (name) => pipeline.byName.get(name)?.rank ?? Number.MAX_SAFE_INTEGER });
  const warehouse = await DuckDbWarehouse.open({ pipeline, stateDirectory: options.stateDirectory, translate: translateWithInputs, connections: lanes });
  const runner = new EmbeddedRunner({ pipelineDirectory: resolve(pipeline.directory), sourceDirectory: join(resolve(options.stateDirectory), 'source') });
  const owner = ids.next('owner');
  const notifier = new Channels({
    // The machine's: what goes over the network takes real time, whatever the pipeline's clock shows.
    clock: new SystemClock(),
    tell: (alert) => options.notifier.notify(alert),
    channels: [
      alertFile(join(options.stateDirectory, ALERTS_FILE)), alertTopic({ publish: (...message) => bus.publish(...message) }, pipeline.topics.alerts),
      ...(options.webhook ? [alertWebhook(options.webhook)] : []),
    ],
    onUndelivered: options.onUndelivered ?? (() => undefined),
  });
  const engine = new Engine({ pipeline, store, warehouse, runner, notifier, clock, ids, owner, lanes });
  const topics = topicsOf(pipeline);
  const topology = topologyOf(pipeline);
  const stop = new AbortController();
  // What backs off is come back to by `up` itself, and by the commands that wait for it.
  const worker = new Worker(engine, { ...options.onWork, waitsForRetryMs: 0 });
  const deps = () => ({ engine, worker, bus, detectionTopic: topics.detection });
  const bus: SqliteMessageBus = new SqliteMessageBus(database, clock, ids, {
    topics: topology.topics.map(({ name }) => name),
    subscriptions: subscriptionsOf(topology, {
      'backfill-worker': (message) => handleBackfillRequest({ ...deps(), signal: stop.signal }, message),
      'phase-router': (message) => handlePhaseComplete({ ...deps(), signal: stop.signal }, message),
      'gap-detector': (message) => handleDetection({ ...deps(), signal: stop.signal, ...options.onDetection }, message),
      // Nobody has to be rung for: `up` and the commands that wait for a backfill advance it, and hear of its cells within the process.
      'stage-coordinator': async () => ({ kind: 'ack' }),
    }),
    onTrouble: options.onTrouble,
  });
  // This process owns the folder: whoever else has a lease on a cell is dead, and what it committed is finished.
  await sweep(engine, (other) => other !== owner);
  await withdrawLeft(engine);
  const telling = new AbortController();
  void tellAgainAndAgain(engine, telling.signal);
  return {
    kind: 'embedded', pipeline, engine, bus, history: new SqliteRunHistory(database), warehouse, store, topics, stop, stateDirectory: options.stateDirectory,
    listeners: async (topic) => bus.subscriptionsOn(topic)?.map((subscription) => ({ subscription, deliversTo: 'this program' })) ?? null,
    deadLetters: deadLettersOf(bus, topics.deadLetterSubscription),
    backlog: () => bus.backlog(),
    deliver: async (signal) => {
      await sendOutbox(engine, bus);
      const { delivered } = await bus.pump(signal);
      return delivered + await work(engine, { signal });
    },
    workOff: async (signal) => void await work(engine, { signal }),
    ringStages: async () => undefined,
    // What was committed stays with the folder: \`up\`, and the next command that delivers, send it.
    settle: async () => undefined,
    close: async () => {
      telling.abort();
      await tellDigests(engine, { leaving: true }).catch(() => undefined);
      await notifier.close(ALERTS_MS);
      await warehouse.close();
      await store.close();
    },
  };
}

/** What could not be told is told the next time: it stands in state. */
async function tellAgainAndAgain(engine: Engine, signal: AbortSignal): Promise<void> {
  for (;;) {
    await engine.parts.clock.sleep(TELL_EVERY_MS, signal);
    if (signal.aborted) return;
    await tellDigests(engine).catch(() => undefined);
  }
}

function deadLettersOf(bus: SqliteMessageBus, subscription: string): DeadLetters {
  return {
    list: (limit) => bus.list(subscription, limit).map(({ message: { messageId, body, attributes } }) => ({
      messageId, body, sourceMessageId: attributes['dead_letter_source_message_id'] ?? '', reason: attributes['dead_letter_reason'] ?? '',
    })),
    drop: (messageIds) => void bus.acknowledge(subscription, messageIds),
  };
}

function subscriptionsOf({ subscriptions }: Topology, handlers: Readonly<Record<PushedFunction, MessageHandler>>): Subscription[] {
  return subscriptions.map(({ name, topic, push, deadLetterTopic, ...settings }) => {
    if (push === null || deadLetterTopic === null) return { kind: 'kept', name, topic };
    return {
      kind: 'handled', name, topic, deadLetterTopic, handler: handlers[push.function],
      ackDeadlineMs: settings.ackDeadlineSeconds * 1000,
      minimumBackoffMs: settings.minBackoffSeconds * 1000,
      maximumBackoffMs: settings.maxBackoffSeconds * 1000,
      maxDeliveryAttempts: settings.maxDeliveryAttempts,
    };
  });
}
