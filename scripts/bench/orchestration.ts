import { setImmediate as nextTurn } from 'node:timers/promises';
import { handleBackfillRequest } from '../../functions/backfill-worker/handler.ts';
import { addDays, formatDay } from '../../shared/calendar/day.ts';
import { SqliteMessageBus } from '../../shared/embedded/sqlite-message-bus.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../shared/system/clock.ts';
import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { EmbeddedRunner } from '../../shared/embedded/embedded-runner.ts';
import { translateWithInputs } from '../../shared/embedded/googlesql.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { recover } from '../../shared/flows/recover.ts';
import { Worker } from '../../shared/flows/worker.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { ProcessorFunction } from '../../shared/ports/processor.ts';
import type { Warehouse } from '../../shared/ports/warehouse.ts';
import { chainPipeline } from './chain-pipeline.ts';
import { percentile, type Figure } from './figures.ts';

export const DATES = 633;
const CELLS = DATES * 3;
const NOW = Date.UTC(2023, 6, 1);

export const ten: ProcessorFunction = async ({ gameDate }) => ({ status: 'success', rows: Array.from({ length: 10 }, (_, k) => ({ game_date: gameDate, k, v: k })) });

/** 633 dates × a chain of three no-op processors, state on disk, a durable commit a claim: on memory, and on DuckDB with SQL. */
export async function orchestration(): Promise<Figure[]> {
  const memory = await timeChain('in_process', async (pipeline) => new MemoryWarehouse(pipeline));
  const duckdb = await timeChain('bigquery_sql', (pipeline, directory) => DuckDbWarehouse.open({ pipeline, stateDirectory: directory, translate: translateWithInputs }));
  return [
    { name: `orchestration, ${CELLS} cells, in-memory warehouse, durable state: whole run`, value: memory, unit: 'ms', atMost: 2000 },
    { name: 'the same, a cell', value: memory / CELLS, unit: 'ms a cell', atMost: 1 },
    { name: `orchestration, ${CELLS} cells on DuckDB: staged, checked, fingerprinted, promoted`, value: duckdb, unit: 'ms', atMost: null },
    { name: 'the same, a cell', value: duckdb / CELLS, unit: 'ms a cell', atMost: 5 },
  ];
}

export type OpenWarehouse = (pipeline: Pipeline, directory: string) => Promise<Warehouse>;

export async function withEngine<T>(pipeline: Pipeline, open: OpenWarehouse, use: (engine: Engine, database: SqliteDatabase) => Promise<T>, processor: ProcessorFunction = ten): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'smart-backfill-bench-'));
  const database = SqliteDatabase.open(join(directory, 'state.sqlite'));
  const store = new SqliteRequestStore(database, { rankOf: (name) => pipeline.byName.get(name)?.rank ?? 0 });
  const warehouse = await open(pipeline, directory);
  const runner = new EmbeddedRunner({ pipelineDirectory: directory, sourceDirectory: directory, registry: new Map([['./chain.ts#ten', processor]]) });
  const engine = new Engine({ pipeline, store, warehouse, runner, notifier: { notify: async () => undefined }, clock: new SystemClock(NOW), ids: new RandomIds(), owner: 'bench', lanes: 2 });
  try {
    return await use(engine, database);
  } finally {
    await warehouse.close();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function timeChain(target: 'in_process' | 'bigquery_sql', open: OpenWarehouse): Promise<number> {
  const pipeline = chainPipeline(DATES, target);
  return withEngine(pipeline, open, async (engine) => {
    const { first, last } = engine.world.calendar;
    const started = performance.now();
    const recovered = await recover(engine, {
      scope: { from: first, to: last, processors: null }, by: 'person', all: true, altered: 'policy', requestedBy: 'bench', reason: 'bench', signal: new AbortController().signal, budget: null,
    });
    const elapsed = performance.now() - started;
    const ran = recovered.runs.filter((run) => run.outcome === 'ran').length;
    if (ran !== CELLS) throw new Error(`${ran} of ${CELLS} cells ran`);
    return elapsed;
  });
}

/** From a message published on the bus to the start of its processor, on an idle system. */
export async function latency(): Promise<Figure[]> {
  const pipeline = chainPipeline(DATES, 'in_process');
  const stop = new AbortController();
  let begun = Promise.withResolvers<number>();
  const noting: ProcessorFunction = async (input) => {
    begun.resolve(performance.now());
    return ten(input);
  };
  const times = await withEngine(pipeline, async (p) => new MemoryWarehouse(p), async (engine, database) => {
    const { backfill_requests: requests, dead_letters: deadLetters } = pipeline.topics;
    const detection = 'gap-detection';
    const worker = new Worker(engine, { waitsForRetryMs: 0 });
    const bus: SqliteMessageBus = new SqliteMessageBus(database, engine.parts.clock, engine.parts.ids, {
      topics: [requests, detection, deadLetters],
      subscriptions: [
        { kind: 'handled', name: 'worker', topic: requests, deadLetterTopic: deadLetters, handler: (message) => handleBackfillRequest({ engine, worker, bus, detectionTopic: detection, signal: stop.signal }, message) },
        { kind: 'kept', name: 'dead', topic: deadLetters },
        { kind: 'kept', name: 'detection', topic: detection },
      ],
    });
    const running = bus.run(stop.signal);
    const taken: number[] = [];
    const { first } = engine.world.calendar;
    for (let turn = 0; turn < 200; turn += 1) {
      begun = Promise.withResolvers();
      const date = formatDay(addDays(first, turn));
      const published = performance.now();
      await bus.publish(requests, JSON.stringify({ processor_name: 'First', start_date: date, end_date: date }));
      taken.push(await begun.promise - published);
      while ((await engine.parts.store.openCells()).length > 0) await nextTurn();
    }
    stop.abort();
    await running;
    return taken.sort((a, b) => a - b);
  }, noting);
  return [
    { name: 'publish to the start of the processor, idle system, p50', value: percentile(times, 0.5), unit: 'ms', atMost: 20 },
    { name: 'the same, p99', value: percentile(times, 0.99), unit: 'ms', atMost: null },
  ];
}

/** How long a durable commit takes on this disk: what the figures above are to be read beside. */
export function commitTime(): Figure[] {
  const directory = mkdtempSync(join(tmpdir(), 'smart-backfill-bench-'));
  const database = SqliteDatabase.open(join(directory, 'state.sqlite'));
  try {
    const insert = database.prepare("INSERT INTO traces (run_id, trace) VALUES (?, ?)");
    const taken: number[] = [];
    for (let turn = 0; turn < 500; turn += 1) {
      const started = performance.now();
      database.write(() => insert.run(`run-${turn}`, 'x'.repeat(600)));
      taken.push(performance.now() - started);
    }
    taken.sort((a, b) => a - b);
    return [
      { name: 'a durable SQLite commit (WAL, FULL), p50', value: percentile(taken, 0.5), unit: 'ms', atMost: null },
      { name: 'the same, p99', value: percentile(taken, 0.99), unit: 'ms', atMost: null },
    ];
  } finally {
    database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
