import { copyFileSync, existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { handleBackfillRequest } from '../../functions/backfill-worker/handler.ts';
import { handleDetection } from '../../functions/gap-detector/handler.ts';
import { handlePhaseComplete } from '../../functions/phase-router/handler.ts';
import { formatDay } from '../../shared/calendar/day.ts';
import type { ManualClock } from '../manual-clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '../../shared/embedded/sqlite-message-bus.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import type { Chooser } from '../../shared/embedded/sqlite-subscriptions.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { Worker } from '../../shared/flows/worker.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { MessageHandler } from '../../shared/ports/message-bus.ts';
import type { Alert, Notifier } from '../../shared/ports/notifier.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../../shared/ports/processor-runner.ts';
import type { RequestStore } from '../../shared/ports/request-store.ts';
import type { Row, Warehouse } from '../../shared/ports/warehouse.ts';
import { callsUnderWay, Fuse, FusedStore, FusedWarehouse } from './crash.ts';
import { miniProcessors, type LeagueSource } from './mini-processors.ts';
import { cellName } from './mini-pipeline.ts';

/** What the outside does to runs: sources that are down, processors that fail, and whatever happens meanwhile. */
export class Outside {
  /** Errors that the next runs of a cell end with, by cell name. */
  readonly failures = new Map<string, { type: string; message: string }[]>();
  /** The error that every run of a cell ends with for now, or null; of type `no_data`: the source answers that it has nothing. */
  down: (cell: string) => { type: string; message: string } | null = () => null;
  /** Called while a run is under way: before its function reads, and after. */
  during: (cell: string, when: 'before' | 'after') => Promise<void> | void = () => undefined;
  source: LeagueSource | undefined;
  /** Cells that were run and handed rows back, in order. */
  readonly runs: string[] = [];
  readonly started: string[] = [];

  fail(cell: string, ...errors: { type: string; message: string }[]): void {
    this.failures.set(cell, [...(this.failures.get(cell) ?? []), ...errors]);
  }
}

export class SimulatedRunner implements ProcessorRunner {
  readonly #outside: Outside;
  readonly #fuse: Fuse;

  constructor(outside: Outside, fuse: Fuse) {
    this.#outside = outside;
    this.#fuse = fuse;
  }

  async run(order: RunOrder): Promise<RunAnswer> {
    const outside = this.#outside;
    const cell = cellName({ processor: order.processor.name, day: order.day });
    return this.#fuse.change(async () => {
      outside.started.push(cell);
      await outside.during(cell, 'before');
      const [failure, ...later] = outside.failures.get(cell) ?? [];
      if (failure) outside.failures.set(cell, later);
      const error = failure ?? outside.down(cell);
      if (error?.type === 'no_data') return { kind: 'no_data', message: error.message };
      if (error) return { kind: 'failed', error };
      const run = miniProcessors(outside.source).get(order.processor.name);
      if (!run) throw new RangeError(`received ${order.processor.name}, which has no function`);
      const result = await run({
        processorName: order.processor.name, gameDate: formatDay(order.day), runId: order.runId, isBackfill: order.isBackfill, skipDownstreamTrigger: order.skipDownstreamTrigger,
        strictMode: order.strictMode, triggerReason: order.triggerReason, backfillId: order.backfillId, pipelineDirectory: '', sourceDirectory: '', read: (name) => order.read(name), signal: order.signal,
      });
      await outside.during(cell, 'after');
      if (result.status === 'failed') return { kind: 'failed', error: result.error };
      if (result.status === 'no_data') return { kind: 'no_data', message: result.message };
      return { kind: 'rows', rows: result.rows };
    });
  }

  async cancel(): Promise<null> {
    return null;
  }

  async sourceHas(): Promise<'unknown'> {
    return 'unknown';
  }
}

export interface SiteOptions {
  readonly pipeline: Pipeline;
  readonly databasePath: string;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly outside: Outside;
  readonly runner?: ProcessorRunner;
  /** Instead of the site's list of alerts. */
  readonly notifier?: Notifier;
  readonly fuse?: Fuse;
  readonly disorder?: Chooser;
  readonly lanes?: number;
}

export const TOPICS = { requests: 'mini-requests', detection: 'mini-gap-detection', deadLetters: 'mini-dead-letters' } as const;


let kills = 0;

/** One process at work on a state and a warehouse, put together as `up` does, over ports that can die at any call. */
export class Site {
  readonly engine: Engine;
  readonly bus: SqliteMessageBus;
  readonly store: RequestStore;
  readonly database: SqliteDatabase;
  readonly alerts: Alert[] = [];
  readonly stop = new AbortController();
  readonly #plain: RequestStore;
  readonly worker: Worker;

  private constructor(database: SqliteDatabase, options: SiteOptions, other: Site | null) {
    const { pipeline, clock, outside } = options;
    const fuse = options.fuse ?? Fuse.never();
    this.database = database;
    this.#plain = other ? other.#plain : new SqliteRequestStore(database, { rankOf: (name) => pipeline.byName.get(name)?.rank ?? Number.MAX_SAFE_INTEGER });
    this.store = new FusedStore(this.#plain, fuse);
    const ids = new RandomIds();
    const alerts = this.alerts;
    this.engine = new Engine({
      pipeline, clock, ids, store: this.store, warehouse: new FusedWarehouse(options.warehouse, fuse, (cell) => { outside.runs.push(cellName(cell)); }), runner: options.runner ?? new SimulatedRunner(outside, fuse),
      notifier: options.notifier ?? { notify: async (alert) => { alerts.push(alert); } }, owner: ids.next('owner'), lanes: options.lanes ?? 2,
    });
    this.worker = new Worker(this.engine, { waitsForRetryMs: 0 });
    this.bus = other?.bus ?? this.#makeBus(options, clock);
  }

  #makeBus({ pipeline, disorder }: SiteOptions, clock: Clock): SqliteMessageBus {
    const { engine } = this;
    const { signal } = this.stop;
    const deps = () => ({ engine, worker: this.worker, detectionTopic: TOPICS.detection, bus: this.bus, signal });
    const common = { kind: 'handled', deadLetterTopic: TOPICS.deadLetters } as const;
    const completion: MessageHandler = (message) => handlePhaseComplete(deps(), message);
    return new SqliteMessageBus(this.database, clock, new RandomIds(), {
      topics: [TOPICS.requests, TOPICS.detection, TOPICS.deadLetters, ...pipeline.phases.map((phase) => phase.completionTopic)],
      subscriptions: [
        { ...common, name: 'mini-worker-sub', topic: TOPICS.requests, handler: (message) => handleBackfillRequest(deps(), message) },
        { ...common, name: 'mini-detector-sub', topic: TOPICS.detection, handler: (message) => handleDetection(deps(), message) },
        ...pipeline.phases.map((phase) => ({ ...common, name: `mini-router-sub-${phase.name}`, topic: phase.completionTopic, handler: completion })),
        { kind: 'kept', name: 'mini-dead-letters-sub', topic: TOPICS.deadLetters },
      ],
      ...(disorder ? { disorder } : {}),
    });
  }

  /** Opens the state as a process that owns it: whoever else had a lease is dead. */
  static async open(options: SiteOptions): Promise<Site> {
    const site = new Site(SqliteDatabase.open(options.databasePath), options, null);
    await sweep(site.engine, (owner) => owner !== site.engine.parts.owner);
    return site;
  }

  /** Another process on the same state, which knows nothing of the first but what is in state and warehouse. */
  static beside(other: Site, options: SiteOptions): Site {
    return new Site(other.database, options, other);
  }

  get pipeline(): Pipeline {
    return this.engine.pipeline;
  }

  processor(name: string): Processor {
    return this.engine.world.processor(name);
  }

  /** Delivers messages, and what they cause, until there are none that are due. */
  async deliver(): Promise<void> {
    for (let round = 0; round < 1000; round += 1) {
      const sent = await sendOutbox(this.engine, this.bus);
      const { delivered } = await this.bus.pump();
      if (sent === 0 && delivered === 0) return;
    }
    throw new Error('messages go on without end');
  }

  close(): void {
    this.database.close();
  }

  /** The process is killed: what it had decided and not yet written is gone with it. Returns where the state is that it leaves. */
  kill(): string {
    const { path } = this.database;
    const left = `${path.replace(/\.left-\d+$/, '')}.left-${kills += 1}`;
    for (const end of ['', '-wal']) if (existsSync(path + end)) copyFileSync(path + end, left + end);
    this.database.close();
    return left;
  }
}

/** Waits for work on a clock that nobody moves but this: when all is quiet, time goes on to the next sleeper. */
export async function inManualTime<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  work.then(end, end);
  for (let quiet = 0; !ended.signal.aborted; quiet += 1) {
    await nextTurn();
    if (ended.signal.aborted) break;
    if (callsUnderWay() > 0) continue;
    const wake = clock.nextWake();
    if (wake !== null) clock.set(wake);
    if (quiet > 5_000_000) throw new Error('the work under way never ends');
  }
  return work;
}

/** The rows of every cell that has some, by cell name, volatile columns aside. */
export async function rowsOf(pipeline: Pipeline, warehouse: Warehouse): Promise<ReadonlyMap<string, readonly Row[]>> {
  const tables = new Map<string, Row[]>();
  const from = pipeline.seasons[0]?.from;
  const to = pipeline.seasons.at(-1)?.to;
  if (from === undefined || to === undefined) return tables;
  for (const processor of pipeline.processors) {
    for (const row of await warehouse.rows(processor, { from, to }, processor.fingerprintColumns)) {
      const name = `${processor.name} ${String(row[processor.dateColumn])}`;
      const list = tables.get(name);
      if (list) list.push(row);
      else tables.set(name, [row]);
    }
  }
  return tables;
}

/** Says which cells differ between two warehouses; empty when they are equal row for row. */
export function differences(pipeline: Pipeline, actual: ReadonlyMap<string, readonly Row[]>, expected: ReadonlyMap<string, readonly Row[]>): string[] {
  const found: string[] = [];
  for (const name of new Set([...actual.keys(), ...expected.keys()])) {
    const columns = pipeline.byName.get(name.split(' ')[0] ?? '')?.fingerprintColumns ?? [];
    const text = (rows: readonly Row[] | undefined): string => JSON.stringify((rows ?? []).map((row) => columns.map((column) => row[column] ?? null)).map((row) => JSON.stringify(row)).sort());
    if (text(actual.get(name)) !== text(expected.get(name))) found.push(name);
  }
  return found;
}
