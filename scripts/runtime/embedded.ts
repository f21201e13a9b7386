import { join, resolve } from 'node:path';
import { handleBackfillRequest, type WorkerDeps } from '../../functions/backfill-worker/handler.ts';
import { handleDetection, type DetectorDeps } from '../../functions/gap-detector/handler.ts';
import { handlePhaseComplete } from '../../functions/phase-router/handler.ts';
import { SystemClock } from '../../shared/embedded/clock.ts';
import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { EmbeddedRunner } from '../../shared/embedded/embedded-runner.ts';
import { translateWithInputs } from '../../shared/embedded/googlesql.ts';
import { RandomIds } from '../../shared/embedded/ids.ts';
import type { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '../../shared/embedded/sqlite-message-bus.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { SqliteRunHistory } from '../../shared/embedded/sqlite-run-history.ts';
import type { Subscription } from '../../shared/embedded/sqlite-subscriptions.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';
import type { Notifier } from '../../shared/ports/notifier.ts';

export interface EmbeddedOptions {
  readonly pipeline: Pipeline;
  readonly stateDirectory: string;
  readonly database: SqliteDatabase;
  readonly notifier: Notifier;
  /** Epoch milliseconds that the clock shows at the start (`--now`); null is the machine's time. */
  readonly startAt: number | null;
  readonly clock?: Clock;
  readonly lanes?: number;
  readonly onTrouble?: (message: DeliveredMessage, reason: string) => void;
  readonly onDetection?: Pick<DetectorDeps, 'on' | 'onDetected'>;
  /** Told of each cell that a handler's worker starts and ends. */
  readonly onWork?: WorkerDeps['on'];
}

/** Everything of one state folder, open: what the commands and `up` work with. */
export interface EmbeddedRuntime {
  readonly pipeline: Pipeline;
  readonly engine: Engine;
  readonly bus: SqliteMessageBus;
  readonly history: SqliteRunHistory;
  readonly warehouse: DuckDbWarehouse;
  readonly store: SqliteRequestStore;
  readonly topics: EmbeddedTopics;
  /** Aborts handlers of the bus. */
  readonly stop: AbortController;
  close(): Promise<void>;
}

export interface EmbeddedTopics {
  readonly requests: string;
  readonly detection: string;
  readonly deadLetters: string;
  readonly deadLetterSubscription: string;
}

/** Twice the cores of a small machine: a lane waits for commits as long as it computes. Measured: 4 lanes take 0.8 of the time of 2. */
const LANES = 4;

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
  const engine = new Engine({ pipeline, store, warehouse, runner, notifier: options.notifier, clock, ids, owner, lanes });
  const topics = topicsOf(pipeline);
  const stop = new AbortController();
  const bus: SqliteMessageBus = new SqliteMessageBus(database, clock, ids, {
    topics: [topics.requests, topics.detection, topics.deadLetters, pipeline.topics.alerts, ...pipeline.phases.map((phase) => phase.completionTopic)],
    subscriptions: subscriptionsOf(pipeline, topics, {
      request: (message) => handleBackfillRequest({ engine, signal: stop.signal, on: options.onWork }, message),
      completion: (message) => handlePhaseComplete({ engine, bus, detectionTopic: topics.detection, signal: stop.signal, on: options.onWork }, message),
      detection: (message) => handleDetection({ engine, signal: stop.signal, ...options.onDetection }, message),
    }),
    onTrouble: options.onTrouble,
  });
  // This process owns the folder: whoever else has a lease on a cell is dead, and what it committed is finished.
  await sweep(engine, (other) => other !== owner);
  return {
    pipeline, engine, bus, history: new SqliteRunHistory(database), warehouse, store, topics, stop,
    close: async () => {
      await warehouse.close();
      await store.close();
    },
  };
}

function topicsOf(pipeline: Pipeline): EmbeddedTopics {
  return {
    requests: pipeline.topics.backfill_requests,
    detection: pipeline.topics.gap_detection ?? `${pipeline.name}-gap-detection`,
    deadLetters: pipeline.topics.dead_letters,
    deadLetterSubscription: `${pipeline.topics.dead_letters}-sub`,
  };
}

interface Handlers {
  readonly request: (message: DeliveredMessage) => Promise<Verdict>;
  readonly completion: (message: DeliveredMessage) => Promise<Verdict>;
  readonly detection: (message: DeliveredMessage) => Promise<Verdict>;
}

function subscriptionsOf(pipeline: Pipeline, topics: EmbeddedTopics, handlers: Handlers): Subscription[] {
  const { subscriptions } = pipeline;
  const common = { kind: 'handled', deadLetterTopic: topics.deadLetters, ackDeadlineMs: subscriptions.ack_deadline_seconds * 1000 } as const;
  return [
    { ...common, name: subscriptions.backfill_worker, topic: topics.requests, handler: handlers.request },
    { ...common, name: subscriptions.gap_detector ?? 'gap-detector-sub', topic: topics.detection, handler: handlers.detection },
    ...pipeline.phases.map((phase) => ({ ...common, name: `${subscriptions.phase_router}-${phase.name}`, topic: phase.completionTopic, handler: handlers.completion })),
    { kind: 'kept', name: topics.deadLetterSubscription, topic: topics.deadLetters },
    { kind: 'kept', name: `${pipeline.topics.alerts}-sub`, topic: pipeline.topics.alerts },
  ];
}
