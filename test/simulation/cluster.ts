import { handleBackfillRequest } from '../../functions/backfill-worker/handler.ts';
import { handleDetection } from '../../functions/gap-detector/handler.ts';
import { handlePhaseComplete } from '../../functions/phase-router/handler.ts';
import { handleStages } from '../../functions/stage-coordinator/handler.ts';
import { StageBells } from '../../functions/stage-bells.ts';
import type { HandlerDeps } from '../../functions/deps.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { SqliteRunHistory } from '../../shared/embedded/sqlite-run-history.ts';
import type { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { Advancing } from '../../shared/flows/staged/process.ts';
import { advanceBackfill, type AdvanceOptions } from '../../shared/flows/staged/advance.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { TimeBudget } from '../../shared/flows/time-budget.ts';
import { Worker } from '../../shared/flows/worker.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { coordinationTopicOf } from '../../shared/pipeline/topology.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { DeliveredMessage, MessageBus, Verdict } from '../../shared/ports/message-bus.ts';
import type { RequestStore } from '../../shared/ports/request-store.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { AsynchronousRunner, withAsynchronous } from './asynchronous-runner.ts';
import { Fuse, FusedStore, FusedWarehouse } from './crash.ts';
import { cellName } from './mini-pipeline.ts';
import type { Random } from './random.ts';
import { SimulatedRunner, TOPICS, type Outside } from './site.ts';

/** A coordinator has no subscription: `coordinate` keeps it going. */
type FunctionName = 'worker' | 'router' | 'detector' | 'stages' | 'coordinator';

export interface ClusterOptions {
  readonly pipeline: Pipeline;
  readonly databasePath: string;
  readonly warehouse: MemoryWarehouse;
  readonly clock: Clock;
  readonly outside: Outside;
  readonly random: Random;
  /** Instances of each function. */
  readonly instances: number;
  /** Instances that advance staged backfills; none unless given. */
  readonly coordinators?: number;
  /** Instances of the function that advances them by rings; none unless given, and then nobody rings for it. */
  readonly stages?: number;
  /** Of a delivery: that it comes a second time, too. */
  readonly duplicates: number;
  /** Of a new instance: that its power is cut at some call. */
  readonly kills: number;
  /** Processors that run on by themselves and write their tables later. */
  readonly asynchronous: ReadonlySet<string>;
  readonly lanes?: number;
  /** How long a run takes at most; 5 s unless given. */
  readonly longestRunMs?: number;
  /** The time of one invocation; no limit unless given. */
  readonly invocationMs?: number;
  /** Clocks of two instances differ by up to this; not at all unless given. */
  readonly skewMs?: number;
}

/** Pub/Sub waits at least so long before it delivers again (terraform: minimum_backoff). */
const BACKOFF_MS = 10_000;
const MOST_MESSAGES = 3000;

interface Instance {
  readonly name: FunctionName;
  readonly engine: Engine;
  readonly worker: Worker;
  readonly advancing: Advancing;
  readonly bells: StageBells | null;
  readonly fuse: Fuse;
}

/**
 * Functions as Google runs them: several instances of each on one state, that know of each other by state only; messages
 * that come at once, in any order, twice, and again after a nack or a death.
 */
export class Cluster implements MessageBus {
  readonly store: RequestStore;
  readonly history: SqliteRunHistory;
  readonly options: ClusterOptions;
  /** Messages that were published, by topic. */
  readonly published = new Map<string, number>();
  readonly #database: SqliteDatabase;
  readonly #instances: Instance[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #ids = new RandomIds();
  readonly #stop = new AbortController();
  killed = 0;
  /** What a handler threw besides its instance's death. */
  readonly thrown: unknown[] = [];

  constructor({ pipeline, ...more }: ClusterOptions) {
    const options = { ...more, pipeline: withAsynchronous(pipeline, more.asynchronous) };
    this.options = options;
    this.#database = SqliteDatabase.open(options.databasePath);
    this.history = new SqliteRunHistory(this.#database);
    this.store = new SqliteRequestStore(this.#database, { rankOf: (name) => options.pipeline.byName.get(name)?.rank ?? Number.MAX_SAFE_INTEGER });
    for (const name of ['worker', 'router', 'detector'] as const) for (let count = 0; count < options.instances; count += 1) this.#instances.push(this.#start(name));
    for (let count = 0; count < (options.stages ?? 0); count += 1) this.#instances.push(this.#start('stages'));
    for (let count = 0; count < (options.coordinators ?? 0); count += 1) this.#instances.push(this.#start('coordinator'));
  }

  #start(name: FunctionName, kills = this.options.kills): Instance {
    const { pipeline, outside, random, warehouse, lanes = 2, skewMs = 0 } = this.options;
    const skew = random.below(skewMs + 1);
    const clock: Clock = { now: () => this.options.clock.now() + skew, sleep: (milliseconds, signal) => this.options.clock.sleep(milliseconds, signal) };
    const fuse = random.chance(kills) ? new Fuse(1 + random.below(name === 'coordinator' ? 400 : 60), random.chance(0.5), random.chance(0.5) ? 'changes' : 'all calls') : Fuse.never();
    const owner = this.#ids.next(name);
    const engine = new Engine({
      pipeline, clock, ids: this.#ids, owner, lanes, shared: true, store: new FusedStore(this.store, fuse),
      warehouse: new FusedWarehouse(warehouse, fuse, (cell) => { outside.runs.push(cellName(cell)); }),
      runner: new AsynchronousRunner({ ...this.options, bus: this, goesOn: (work) => this.#goes(work()) }, new SimulatedRunner(outside, fuse), fuse), notifier: { notify: async () => undefined },
    });
    // A dead process rings for nobody.
    const bus: MessageBus = { publish: async (topic, body) => fuse.read(() => this.publish(topic, body)) };
    return {
      name, engine, fuse, worker: new Worker(engine, { waitsForRetryMs: 30_000 }), advancing: new Advancing(engine),
      bells: (this.options.stages ?? 0) === 0 ? null : new StageBells(engine, bus, coordinationTopicOf(pipeline), (thrown) => { if (!fuse.blown) this.thrown.push(thrown); }),
    };
  }

  /** An instance of a function by its place: for what a test does in one of them. */
  instance(name: FunctionName, index = 0): Instance {
    const found = this.#instances.filter((instance) => instance.name === name)[index];
    if (!found) throw new RangeError(`received ${name} ${index}`);
    return found;
  }

  /** A person's command line on the same state. */
  person(): Engine {
    return this.#start('router', 0).engine;
  }

  async publish(topic: string, body: string): Promise<string> {
    const messageId = this.#ids.next('message');
    this.published.set(topic, (this.published.get(topic) ?? 0) + 1);
    if ([...this.published.values()].reduce((sum, count) => sum + count, 0) > MOST_MESSAGES) throw new Error('messages go on without end');
    const { random, duplicates } = this.options;
    const name = this.#subscriber(topic);
    if (name === null) return messageId;
    const message = { messageId, topic, subscription: name, body, attributes: {}, deliveryAttempt: 1 };
    this.#goes(this.#deliver(name, message));
    if (random.chance(duplicates)) this.#goes(this.#deliver(name, message));
    return messageId;
  }

  #subscriber(topic: string): FunctionName | null {
    if (topic === TOPICS.requests) return 'worker';
    if (topic === TOPICS.detection) return 'detector';
    if (topic === coordinationTopicOf(this.options.pipeline)) return (this.options.stages ?? 0) > 0 ? 'stages' : null;
    return this.options.pipeline.phases.some(({ completionTopic }) => completionTopic === topic) ? 'router' : null;
  }

  #goes(work: Promise<void>): void {
    const going = work.catch((error: unknown) => { this.thrown.push(error); }).finally(() => this.#underWay.delete(going));
    this.#underWay.add(going);
  }

  async #deliver(name: FunctionName, message: DeliveredMessage): Promise<void> {
    const { random, clock } = this.options;
    // In no order.
    await clock.sleep(1 + random.below(2000));
    const index = random.pick(this.#instances.map((instance, at) => ({ instance, at })).filter(({ instance }) => instance.name === name)).at;
    const instance = this.#instances[index];
    if (!instance) throw new RangeError('no instance');
    try {
      const verdict = await this.#handle(instance, message);
      await instance.bells?.settled();
      await sendOutbox(instance.engine, this);
      if (verdict.kind !== 'nack') return;
    } catch (error) {
      if (instance.fuse.blown) {
        if (this.#instances[index] === instance) {
          this.killed += 1;
          this.#instances[index] = this.#start(name);
        }
      } else if (message.deliveryAttempt >= 20) throw error;
    }
    await clock.sleep(BACKOFF_MS + random.below(5000));
    await this.#deliver(name, { ...message, deliveryAttempt: message.deliveryAttempt + 1 });
  }

  async #handle({ name, engine, worker, advancing, fuse }: Instance, message: DeliveredMessage): Promise<Verdict> {
    const { invocationMs = null, clock } = this.options;
    const ended = new AbortController();
    const late = new AbortController();
    if (invocationMs !== null) void clock.sleep(invocationMs, ended.signal).then(() => late.abort());
    const deps: HandlerDeps = {
      engine, worker, bus: this, detectionTopic: TOPICS.detection, signal: AbortSignal.any([this.#stop.signal, late.signal]),
      ...(invocationMs === null ? {} : { time: new TimeBudget(engine.parts.clock.now() + invocationMs) }),
    };
    try {
      if (name === 'stages') {
        const bus: MessageBus = { publish: (topic, body) => fuse.change(() => this.publish(topic, body)) };
        return await handleStages({ ...deps, bus, advancing, coordinationTopic: coordinationTopicOf(this.options.pipeline), requestsTopic: TOPICS.requests }, message);
      }
      if (name === 'worker') return await handleBackfillRequest(deps, message);
      return await (name === 'router' ? handlePhaseComplete(deps, message) : handleDetection(deps, message));
    } finally {
      ended.abort();
    }
  }

  /** Every coordinator advances a staged backfill, or tries to, until it does not run any more; one that dies comes back after a while. */
  async coordinate(id: string, { signal, on }: Pick<AdvanceOptions, 'signal' | 'on'>): Promise<void> {
    const { random, clock } = this.options;
    await Promise.all(this.#instances.flatMap(({ name }, index) => (name === 'coordinator' ? [index] : [])).map(async (index) => {
      while (!signal.aborted && (await this.store.backfill(id))?.state === 'running') {
        await clock.sleep(random.below(20_000));
        const instance = this.#instances[index];
        if (!instance) return;
        try {
          await sweep(instance.engine);
          await advanceBackfill(instance.engine, id, { signal, on });
          await sendOutbox(instance.engine, this);
        } catch (error) {
          if (instance.fuse.blown) {
            this.killed += 1;
            this.#instances[index] = this.#start('coordinator');
          } else throw error;
        }
      }
    }));
  }

  /** Until nothing is under way: no message, no run. */
  async quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.race(this.#underWay);
  }

  close(): void {
    this.#stop.abort();
    this.#database.close();
  }
}
