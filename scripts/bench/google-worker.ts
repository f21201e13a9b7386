import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { handleBackfillRequest } from '../../functions/backfill-worker/handler.ts';
import { pushFunction } from '../../functions/http/serve.ts';
import { jsonLogger } from '../../functions/log/logger.ts';
import { addDays, dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { Worker } from '../../shared/flows/worker.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import { PubSubMessageBus } from '../../shared/google/pubsub-message-bus.ts';
import { compilePipeline } from '../../shared/pipeline/compile.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { pipelineSchema } from '../../shared/pipeline/schema.ts';
import { topologyOf } from '../../shared/pipeline/topology.ts';
import type { ProcessorRunner, RunOrder } from '../../shared/ports/processor-runner.ts';
import { SystemClock } from '../../shared/system/clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { makeTopics } from '../local-cloud/topics.ts';
import { percentile, type Figure } from './figures.ts';
import { listening, startBenchEmulators, urlOf } from './google-emulators.ts';

/**
 * The worker as a served function on Google's Pub/Sub and Firestore emulators. Its processors do nothing and its warehouse
 * is in memory: what is measured is messages, state and the worker itself.
 */
const PROJECT = 'demo-bench';
export const FIRST_DAY = '2023-01-01';
const DAYS = 365;
const BURST = 200;
const IDLE_TURNS = 30;
const AT_ONCE = 50;

export function benchPipeline(): Pipeline {
  const columns = { game_date: 'DATE', k: 'INT64' } as const;
  const source = { phase: 'phase_1', key: ['k'], columns, slots: 16, every_day: true, expectations: { expected_keys: 'none', min_rows: 1 }, target: { http: 'http://127.0.0.1:1' } };
  const definition = pipelineSchema.parse({
    version: 1, name: 'bench', time_zone: 'UTC',
    topics: { backfill_requests: 'bench-requests', dead_letters: 'bench-dead-letters', alerts: 'bench-alerts', gap_detection: 'bench-detection' },
    subscriptions: { backfill_worker: 'bench-worker-sub', phase_router: 'bench-router-sub', gap_detector: 'bench-detector-sub' },
    calendar: { seasons: [{ name: '2023', from: FIRST_DAY, to: formatDay(addDays(dayOf(FIRST_DAY), DAYS - 1)) }] },
    phases: [{ name: 'phase_1', completion_topic: 'bench-phase-1' }, { name: 'phase_2', completion_topic: 'bench-phase-2' }],
    processors: {
      One: { ...source, table: 'bench.one' }, Two: { ...source, table: 'bench.two' },
      Both: { ...source, phase: 'phase_2', table: 'bench.both', upstream: [{ processor: 'One', window: 'own_date' }, { processor: 'Two', window: 'own_date' }] },
    },
  });
  return compilePipeline(definition, { directory: '.', sql: new Map() });
}

/** Rows are handed back at once; who waits for a run is told. */
export class NoOp implements ProcessorRunner {
  readonly begun = new Map<string, (at: number) => void>();
  runs = 0;

  async run({ processor, day }: RunOrder) {
    this.runs += 1;
    this.begun.get(formatDay(day))?.(performance.now());
    return { kind: 'rows', rows: [{ [processor.dateColumn]: formatDay(day), k: this.runs }] } as const;
  }

  async cancel(): Promise<null> {
    return null;
  }

  async sourceHas(): Promise<'unknown'> {
    return 'unknown';
  }
}

export async function googleWorker(): Promise<Figure[]> {
  const { pubsub, firestore, elsewhere, close } = await startBenchEmulators(PROJECT);
  const pipeline = benchPipeline();
  const usage = { reads: 0, writes: 0 };
  const runner = new NoOp();
  const topology = topologyOf(pipeline);
  const store = new FirestoreRequestStore(firestore, {
    rankOf: (name) => pipeline.byName.get(name)?.rank ?? 0, onUsage: ({ reads, writes }) => { usage.reads += reads; usage.writes += writes; },
  });
  const bus = new PubSubMessageBus(pubsub, { topics: topology.topics.map(({ name }) => name) });
  const clock = new SystemClock(null);
  const ids = new RandomIds();
  const engine = new Engine({ pipeline, store, warehouse: new MemoryWarehouse(pipeline), runner, notifier: { notify: async () => undefined }, clock, ids, owner: ids.next('owner'), lanes: 16, shared: true });
  const worker = new Worker(engine, { waitsForRetryMs: 0 });
  const acked: number[] = [];
  http('bench-worker', pushFunction({
    open: async () => ({ bus, deadLetterTopic: pipeline.topics.dead_letters, now: () => clock.now(), settle: async () => { await sendOutbox(engine, bus); } }),
    log: jsonLogger({ project: PROJECT, function: 'backfill-worker', level: 'ERROR', now: Date.now, write: (line) => process.stderr.write(`${line}\n`) }),
    deadline: { timeoutSeconds: 540, reserveSeconds: 20 },
    subscriptions: () => new Map([[pipeline.subscriptions.backfill_worker, pipeline.topics.backfill_requests]]),
    handle: async (_runtime, { signal, budget }, message) => {
      const verdict = await handleBackfillRequest({ engine, worker, bus, detectionTopic: 'bench-detection', signal, time: budget }, message);
      acked.push(performance.now());
      return verdict;
    },
  }));
  const server = await listening(getTestServer('bench-worker'));
  await makeTopics(pubsub, topology, (name) => urlOf(name === 'backfill-worker' ? server : elsewhere));
  const day = (index: number): Day => addDays(dayOf(FIRST_DAY), index);
  const publish = (processor: string, at: Day, more: object = {}): Promise<string> =>
    bus.publish(pipeline.topics.backfill_requests, JSON.stringify({ processor_name: processor, start_date: formatDay(at), end_date: formatDay(at), ...more }));
  const ended = async (runs: number): Promise<void> => {
    while (runner.runs < runs || (await store.openCells()).length > 0) await clock.sleep(5);
  };
  const figures: Figure[] = [];
  try {
    // Warm: clients connected, code compiled.
    await publish('One', day(0));
    await ended(1);

    const idle: number[] = [];
    for (let turn = 1; turn <= IDLE_TURNS; turn += 1) {
      const begun = Promise.withResolvers<number>();
      runner.begun.set(formatDay(day(turn)), begun.resolve);
      const published = performance.now();
      await publish('One', day(turn));
      idle.push(await begun.promise - published);
      await ended(1 + turn);
    }
    idle.sort((a, b) => a - b);
    figures.push({ name: 'publish to the start of the processor, idle worker on the emulators, p50', value: percentile(idle, 0.5), unit: 'ms', atMost: 300 });

    const before = runner.runs;
    await engine.parts.store.transact({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: { by: 'bench', reason: 'queue up', at: 0 } } }, result: null }));
    for (let index = 0; index < BURST; index += 1) await publish('One', day(100 + index));
    while ((await store.openCells()).length < BURST) await clock.sleep(20);
    await engine.parts.store.transact({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: null } }, result: null }));
    const started = performance.now();
    await publish('One', day(IDLE_TURNS + 1));
    await ended(before + BURST + 1);
    const seconds = (performance.now() - started) / 1000;
    figures.push({ name: `${BURST} queued requests worked off by one instance, no-op processors`, value: seconds, unit: 's', atMost: BURST / 50 });
    figures.push({ name: 'which is, each second', value: BURST / seconds, unit: 'cells', atMost: null });

    acked.length = 0;
    const runsBefore = runner.runs;
    const from = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, () => publish('Two', day(1))));
    while (acked.length < AT_ONCE) await clock.sleep(5);
    await ended(runsBefore + 1);
    const taken = acked.map((at) => at - from).sort((a, b) => a - b);
    figures.push({ name: `${AT_ONCE} messages for one cell at once: acknowledged, p99`, value: percentile(taken, 0.99), unit: 'ms', atMost: 2000 });
    figures.push({ name: 'runs that they brought about', value: runner.runs - runsBefore, unit: 'cells', atMost: 1 });

    const cells = 20;
    for (let index = 40; index < 40 + cells; index += 1) for (const processor of ['One', 'Two']) await publish(processor, day(index));
    await ended(runner.runs);
    while ((await store.cells(day(40), day(40 + cells - 1))).filter((record) => record.last).length < 2 * cells) await clock.sleep(20);
    // The worker that those rang for may not have ended yet, and what is opened now is to be taken by the ring that is counted.
    while ((await worker.ring(new AbortController().signal)).joined) await clock.sleep(20);
    for (let index = 40; index < 40 + cells; index += 1) await openOnly(engine, day(index), index);
    await engine.hearOthers();
    usage.reads = 0;
    usage.writes = 0;
    const worked = (await worker.ring(new AbortController().signal)).worked.length;
    await sendOutbox(engine, bus);
    const upstreams = pipeline.byName.get('Both')?.upstreams.length ?? 0;
    figures.push({ name: `Firestore reads a completed cell with ${upstreams} upstreams, claim to outbox`, value: usage.reads / worked, unit: 'reads', atMost: 6 + 2 * upstreams });
    figures.push({ name: 'Firestore writes of it', value: usage.writes / worked, unit: 'writes', atMost: 8 });
    return figures;
  } finally {
    await close([server]);
  }
}

async function openOnly(engine: Engine, day: Day, index: number): Promise<void> {
  const { openAsk } = await import('../../shared/flows/open.ts');
  await engine.look(engine.world.processor('Both'), day, day);
  await openAsk(engine, {
    id: `both-${index}`, asker: 'cascade', by: 'bench', reason: 'live', at: Date.now(), priority: 'high', reprocess: 'none', force: false, skipDownstreamTrigger: false, isBackfill: false,
    planId: null, backfillId: null, summary: '', refused: null,
  }, [{ processor: 'Both', day }]);
}
