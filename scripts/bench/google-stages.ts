import type { Server } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { handleBackfillRequest } from '../../functions/backfill-worker/handler.ts';
import { pushFunction } from '../../functions/http/serve.ts';
import { jsonLogger } from '../../functions/log/logger.ts';
import { StageBells } from '../../functions/stage-bells.ts';
import { handleStages } from '../../functions/stage-coordinator/handler.ts';
import { ringForStages } from '../../functions/stage-doorbell.ts';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { startBackfill } from '../../shared/flows/staged/orders.ts';
import { Advancing } from '../../shared/flows/staged/process.ts';
import { Worker } from '../../shared/flows/worker.ts';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import { PubSubMessageBus } from '../../shared/google/pubsub-message-bus.ts';
import { coordinationTopicOf, topologyOf, type PushedFunction } from '../../shared/pipeline/topology.ts';
import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';
import { backfillDefinitionSchema } from '../../shared/staged/schema.ts';
import { SystemClock } from '../../shared/system/clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { makeTopics } from '../local-cloud/topics.ts';
import { percentile, type Figure } from './figures.ts';
import { listening, startBenchEmulators, urlOf } from './google-emulators.ts';
import { benchPipeline, FIRST_DAY, NoOp } from './google-worker.ts';
import { askedFor } from './staged-scale.ts';

/**
 * Coordinator and worker as served functions on Google's Pub/Sub and Firestore emulators, each with an engine of its own:
 * the time between a cell's completion and the start of the next one in a sequential stage. Processors do nothing and the
 * warehouse is in memory, so that it is messages and state that are measured.
 */
const PROJECT = 'demo-bench-stages';
/** Not counted: clients connect, code is compiled. */
const WARM = 10;
const DATES = 60;
const PARALLEL = 10;

export async function googleStages(): Promise<Figure[]> {
  const { pubsub, firestore, elsewhere, close } = await startBenchEmulators(PROJECT);
  const pipeline = benchPipeline();
  const topology = topologyOf(pipeline);
  const coordinationTopic = coordinationTopicOf(pipeline);
  const { backfill_requests: requestsTopic, dead_letters: deadLetterTopic } = pipeline.topics;
  const bus = new PubSubMessageBus(pubsub, { topics: topology.topics.map(({ name }) => name) });
  const clock = new SystemClock(null);
  const ids = new RandomIds();
  const warehouse = new MemoryWarehouse(pipeline);
  const started: number[] = [];
  const ended: number[] = [];
  const noOp = new NoOp();
  const engineOf = (name: string): Engine => new Engine({
    pipeline, warehouse, clock, ids, owner: ids.next(name), lanes: 16, shared: true, notifier: { notify: async () => undefined },
    store: new FirestoreRequestStore(firestore, { rankOf: (processor) => pipeline.byName.get(processor)?.rank ?? 0 }),
    runner: { run: (order) => { started.push(performance.now()); return noOp.run(order); }, cancel: () => noOp.cancel(), sourceHas: () => noOp.sourceHas() },
  });
  const [worked, coordinated] = [engineOf('worker'), engineOf('coordinator')];
  const worker = new Worker(worked, { waitsForRetryMs: 30_000, onEnd: () => ended.push(performance.now()) });
  const advancing = new Advancing(coordinated);
  const bells = [worked, coordinated].map((engine) => new StageBells(engine, bus, coordinationTopic, (thrown) => console.error(thrown)));
  const serve = async (name: PushedFunction, engine: Engine, handle: (message: DeliveredMessage, signal: AbortSignal) => Promise<Verdict>): Promise<Server> => {
    http(name, pushFunction({
      open: async () => ({ bus, deadLetterTopic, now: () => clock.now(), settle: async () => { await sendOutbox(engine, bus); } }),
      log: jsonLogger({ project: PROJECT, function: name, level: 'ERROR', now: Date.now, write: (line) => process.stderr.write(`${line}\n`) }),
      deadline: { timeoutSeconds: 540, reserveSeconds: 20 },
      subscriptions: () => new Map(topology.subscriptions.filter(({ push }) => push?.function === name).map((subscription) => [subscription.name, subscription.topic])),
      handle: (_runtime, { signal }, message) => handle(message, signal),
    }));
    return listening(getTestServer(name));
  };
  const detectionTopic = 'bench-detection';
  const workers = await serve('backfill-worker', worked, (message, signal) => handleBackfillRequest({ engine: worked, worker, bus, detectionTopic, signal }, message));
  const coordinators = await serve('stage-coordinator', coordinated, (message, signal) => handleStages({ engine: coordinated, advancing, bus, detectionTopic, coordinationTopic, requestsTopic, signal }, message));
  await makeTopics(pubsub, topology, (name) => urlOf(name === 'backfill-worker' ? workers : name === 'stage-coordinator' ? coordinators : elsewhere));
  /** Runs one stage over so many dates, and hands its wall time back, in milliseconds. */
  const stage = async (first: number, dates: number, more: object): Promise<number> => {
    const definition = backfillDefinitionSchema.parse({ name: `from_${first}`, hash: 'bench', checks: [], stages: [{ name: 'only', phases: ['phase_1'], ...more }] });
    const from = addDays(dayOf(FIRST_DAY), first);
    started.length = 0;
    ended.length = 0;
    const { id } = await startBackfill(coordinated, definition, { ...askedFor(from, addDays(from, dates - 1), clock.now()), processors: ['One'] }, 'bench');
    const begun = performance.now();
    await ringForStages(bus, coordinationTopic, { trigger: 'ordered', backfillId: id, cell: null });
    while ((await coordinated.parts.store.backfill(id))?.state !== 'finished') await clock.sleep(50);
    if (ended.length !== dates) throw new Error(`${ended.length} of ${dates} cells have run`);
    return performance.now() - begun;
  };
  try {
    await stage(0, WARM, { order: 'by_date' });
    await stage(WARM, DATES, { order: 'by_date' });
    const between = started.slice(1).map((at, index) => at - (ended[index] ?? at)).sort((a, b) => a - b);
    const parallel = await stage(WARM + DATES, DATES, { concurrency: PARALLEL });
    return [
      { name: 'completion of a cell to the start of the next, sequential stage on the emulators, p50', value: percentile(between, 0.5), unit: 'ms', atMost: 1000 },
      { name: 'the same, p95', value: percentile(between, 0.95), unit: 'ms', atMost: null },
      { name: `a stage of ${DATES} dates, ${PARALLEL} at a time, no-op processors`, value: parallel / DATES, unit: 'ms a cell', atMost: null },
    ];
  } finally {
    for (const bell of bells) await bell.settled();
    await close([workers, coordinators]);
  }
}
