import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SystemClock } from '../../shared/system/clock.ts';
import { ManualClock } from '../manual-clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { SequentialIds } from '../sequential-ids.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '../../shared/embedded/sqlite-message-bus.ts';
import type { MessageBusOptions, Subscription } from '../../shared/embedded/sqlite-subscriptions.ts';
import type { MessageHandler } from '../../shared/ports/message-bus.ts';
import { messageBusContract, until, type BusUnderTest, type SuiteSubscription } from '../contract/message-bus.ts';

const topics = ['requests', 'dead', 'silent'];
const kept: Subscription = { kind: 'kept', name: 'dead-kept', topic: 'dead' };
const start = Date.UTC(2023, 10, 20);

function subscriptions(worker: SuiteSubscription, audit?: SuiteSubscription): readonly Subscription[] {
  const handled = (name: string, settings: SuiteSubscription): Subscription => ({ kind: 'handled', name, topic: 'requests', deadLetterTopic: 'dead', ...settings });
  return [handled('worker', worker), ...(audit ? [handled('audit', audit)] : []), kept];
}

function openedIn(folder: string, given: readonly Subscription[], clock: ManualClock): BusUnderTest {
  const path = join(folder, 'state.sqlite');
  const database = SqliteDatabase.open(path);
  const bus = new SqliteMessageBus(database, clock, new RandomIds(), { topics, subscriptions: given });
  return {
    bus,
    async settle() {
      while ((await bus.pump()).delivered > 0);
    },
    advance: (milliseconds) => clock.advance(milliseconds),
    dead: async () => bus.list('dead-kept', 100).map(({ message }) => message),
    async crash(worker) {
      const left = mkdtempSync(join(tmpdir(), 'sbf-bus-'));
      for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, join(left, `state.sqlite${suffix}`));
      database.close();
      rmSync(folder, { recursive: true });
      return openedIn(left, subscriptions(worker), clock);
    },
    async dispose() {
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

messageBusContract('SQLite', async (worker, audit) =>
  openedIn(mkdtempSync(join(tmpdir(), 'sbf-bus-')), subscriptions(worker, audit), new ManualClock(start)));

describe('SqliteMessageBus', () => {
  let folder: string;
  let database: SqliteDatabase;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sbf-bus-'));
    database = SqliteDatabase.open(join(folder, 'state.sqlite'));
  });
  afterEach(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });
  const worker = (handler: MessageHandler): Subscription => ({ kind: 'handled', name: 'worker', topic: 'requests', deadLetterTopic: 'dead', handler });
  const busWith = (clock: ManualClock | SystemClock, options: Partial<MessageBusOptions>): SqliteMessageBus =>
    new SqliteMessageBus(database, clock, new SequentialIds(), { topics, subscriptions: [kept], ...options });

  it('counts what a pump did', async () => {
    const bus = busWith(new ManualClock(start), {
      subscriptions: [worker(async ({ body }) => {
        if (body === 'ack') return { kind: 'ack' };
        return body === 'nack' ? { kind: 'nack', reason: 'no' } : { kind: 'dead_letter', reason: 'never' };
      }), kept],
    });
    for (const body of ['ack', 'ack', 'nack', 'dead']) await bus.publish('requests', body);
    assert.deepEqual(await bus.pump(), { delivered: 4, acknowledged: 2, delayed: 1, deadLettered: 1 });
    assert.deepEqual(await bus.pump(AbortSignal.abort()), { delivered: 0, acknowledged: 0, delayed: 0, deadLettered: 0 });
    assert.equal(bus.nextDue(), start + 10_000);
    assert.deepEqual(bus.backlog().map(({ subscription, messages }) => [subscription, messages]), [['worker', 1], ['dead-kept', 1]]);
    assert.deepEqual(bus.list('worker', 9).map(({ lastReason }) => lastReason), ['no']);
    assert.equal(bus.acknowledge('dead-kept', bus.list('dead-kept', 9).map(({ message }) => message.messageId)), 1);
    assert.deepEqual(bus.list('dead-kept', 9), []);
  });

  it('runs until it is aborted, waking on a publish and when a redelivery is due', async () => {
    const clock = new ManualClock(start);
    const seen: string[] = [];
    const bus = busWith(clock, {
      subscriptions: [worker(async ({ body, deliveryAttempt }) => {
        seen.push(`${body}${deliveryAttempt}`);
        return body === 'b' && deliveryAttempt === 1 ? { kind: 'nack', reason: 'no' } : { kind: 'ack' };
      }), kept],
    });
    const abort = new AbortController();
    const running = bus.run(abort.signal);
    await bus.publish('requests', 'a');
    await until(() => seen.length === 1);
    await bus.publish('requests', 'b');
    await until(() => clock.nextWake() === start + 10_000);
    clock.advance(10_000);
    await until(() => seen.length === 3);
    abort.abort();
    await running;
    assert.deepEqual(seen, ['a1', 'b1', 'b2']);
    assert.equal(bus.nextDue(), null, 'the last answers were committed');
    assert.equal(clock.nextWake(), null, 'no timer is left');
  });

  it('keeps to its concurrency, and waits at the end for what is at work', async () => {
    let atWork = 0;
    let most = 0;
    const releases: (() => void)[] = [];
    const bus = busWith(new ManualClock(start), {
      concurrency: 3,
      subscriptions: [worker(async () => {
        most = Math.max(most, (atWork += 1));
        await new Promise<void>((resolve) => releases.push(resolve));
        atWork -= 1;
        return { kind: 'ack' };
      }), kept],
    });
    for (let index = 0; index < 7; index += 1) await bus.publish('requests', '{}');
    const abort = new AbortController();
    const running = bus.run(abort.signal);
    for (let index = 0; index < 5; index += 1) {
      await until(() => releases.length > index);
      releases[index]?.();
    }
    await until(() => releases.length === 7);
    abort.abort();
    for (const release of releases) release();
    await running;
    assert.deepEqual([most, atWork, bus.nextDue()], [3, 0, null]);
  });

  it('starts the handler within milliseconds of a publish', async () => {
    const clock = new SystemClock();
    let started = 0;
    const bus = busWith(clock, { subscriptions: [worker(async () => { started = performance.now(); return { kind: 'ack' }; }), kept] });
    const abort = new AbortController();
    const running = bus.run(abort.signal);
    const took: number[] = [];
    for (let index = 0; index < 21; index += 1) {
      const published = performance.now();
      started = 0;
      await bus.publish('requests', '{}');
      await until(() => started > 0);
      took.push(started - published);
    }
    abort.abort();
    await running;
    assert.ok(took.sort((a, b) => a - b)[10]! < 20, `median ${took[10]} ms`);
  });

  it('delivers twice and in another order when told to, the same for the same seed', async () => {
    const orderOf = async (seed: number): Promise<string[]> => {
      const seen: string[] = [];
      let state = seed;
      const bus = busWith(new ManualClock(start), {
        disorder: (choices) => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) % choices,
        subscriptions: [worker(async ({ body }) => { seen.push(body); return { kind: 'ack' }; }), kept],
      });
      await Promise.all(Array.from({ length: 20 }, (_, index) => bus.publish('requests', String(index))));
      await bus.pump();
      assert.equal(bus.nextDue(), null);
      return seen;
    };
    const first = await orderOf(7);
    assert.equal(new Set(first).size, 20);
    assert.ok(first.length > 20);
    assert.notDeepEqual([...new Set(first)], Array.from({ length: 20 }, (_, index) => String(index)));
    assert.deepEqual(await orderOf(7), first);
  });

  it('rejects every publish of a commit that fails', async () => {
    const bus = busWith(new ManualClock(start), {});
    const other = new DatabaseSync(join(folder, 'state.sqlite'));
    other.exec('BEGIN IMMEDIATE');
    const results = await Promise.allSettled([bus.publish('dead', '1'), bus.publish('dead', '2')]);
    assert.deepEqual(results.map(({ status }) => status), ['rejected', 'rejected']);
    other.close();
    await bus.publish('dead', '3');
    assert.deepEqual(bus.list('dead-kept', 9).map(({ message }) => message.body), ['3']);
  });

  it('refuses subscriptions that would lose messages', () => {
    const ack: MessageHandler = async () => ({ kind: 'ack' });
    assert.throws(() => busWith(new ManualClock(0), { subscriptions: [worker(ack)] }), /dead-letter topic 'dead' has no subscription/);
    assert.throws(() => busWith(new ManualClock(0), { subscriptions: [kept, kept] }), /two subscriptions are named 'dead-kept'/);
    assert.throws(() => busWith(new ManualClock(0), { topics: ['requests'], subscriptions: [kept] }), /topic 'dead', which there is not/);
  });

  it('waits no longer than the longest backoff when the clock was set back', async () => {
    const clock = new ManualClock(start);
    const nack = worker(async () => ({ kind: 'nack', reason: 'no' }));
    const bus = busWith(clock, { subscriptions: [nack, kept] });
    await bus.publish('requests', '{}');
    await bus.pump();
    clock.set(start - 86_400_000 * 300);
    assert.equal(busWith(clock, { subscriptions: [nack, kept] }).nextDue(), clock.now() + 600_000);
  });
});
