import assert from 'node:assert/strict';
import type { DeliveredMessage, MessageBus, MessageHandler, Verdict } from '../../shared/ports/message-bus.ts';
import { Cases, type Exceptions } from './exceptions.ts';

/** The subscription that the suite's bus has on `requests`; dead letters go to `dead`, where they are kept. */
export interface SuiteSubscription {
  readonly handler: MessageHandler;
  readonly maxDeliveryAttempts: number;
  readonly minimumBackoffMs: number;
  readonly maximumBackoffMs: number;
  readonly ackDeadlineMs: number;
}

/** A bus under test: topics `requests` (with the subscription `worker`, and `audit` when a second one is given), `dead`, `silent`. */
export interface BusUnderTest {
  readonly bus: MessageBus;
  /** False where deliveries do not say how many there were before. */
  readonly countsDeliveries?: boolean;
  /** Delivers until nothing is due at this time. */
  readonly settle: () => Promise<void>;
  /** Lets time pass for redelivery; delivers nothing by itself. */
  readonly advance: (milliseconds: number) => void;
  /** What the subscription of `dead` keeps. */
  readonly dead: () => Promise<readonly DeliveredMessage[]>;
  /** The process is killed, whatever it is doing, and another opens the same state. */
  readonly crash: (subscription: SuiteSubscription) => Promise<BusUnderTest>;
  readonly dispose: () => Promise<void>;
}

const ack: Verdict = { kind: 'ack' };
const nack: Verdict = { kind: 'nack', reason: 'state could not be reached' };

/** Answers with the verdicts in turn, the last one ever after. */
function answering(seen: DeliveredMessage[], ...verdicts: readonly Verdict[]): SuiteSubscription {
  const handler: MessageHandler = async (message) => {
    seen.push(message);
    return verdicts[Math.min(seen.length, verdicts.length) - 1] ?? ack;
  };
  return { handler, maxDeliveryAttempts: 3, minimumBackoffMs: 10_000, maximumBackoffMs: 15_000, ackDeadlineMs: 60_000 };
}

/** What every `MessageBus` promises. Adapters that can't run a case wrap it by name, with the reason. */
export function messageBusContract(name: string, factory: (worker: SuiteSubscription, audit?: SuiteSubscription) => Promise<BusUnderTest>, exceptions: Exceptions = {}, timeoutMs: number | null = null): void {
  describe(`MessageBus: ${name}`, () => {
    const cases = new Cases(exceptions, timeoutMs);
    const { must } = cases;
    let subject: BusUnderTest | null = null;
    const start = async (worker: SuiteSubscription, audit?: SuiteSubscription): Promise<BusUnderTest> => (subject = await factory(worker, audit));
    afterEach(async () => {
      await subject?.dispose();
      subject = null;
    });

    must('delivers a message with its attributes, and not again once it is acknowledged', async () => {
      const seen: DeliveredMessage[] = [];
      const { bus, settle, advance } = await start(answering(seen));
      const messageId = await bus.publish('requests', '{"processor_name":"Räw 🏀"}', { origin: 'test' });
      await settle();
      const [message] = seen;
      assert.equal(message?.messageId, messageId);
      assert.equal(message?.body, '{"processor_name":"Räw 🏀"}');
      assert.equal(message?.attributes['origin'], 'test');
      assert.equal(message?.topic, 'requests');
      assert.equal(message?.deliveryAttempt, 1);
      advance(3_600_000);
      await settle();
      assert.equal(seen.length, 1);
    });
    must('gives two publishes of one content two ids', async () => {
      const seen: DeliveredMessage[] = [];
      const { bus, settle } = await start(answering(seen));
      const ids = await Promise.all([bus.publish('requests', '{}'), bus.publish('requests', '{}')]);
      await settle();
      assert.deepEqual(new Set(seen.map(({ messageId }) => messageId)), new Set(ids));
      assert.equal(new Set(ids).size, 2);
    });
    must('delivers to every subscription of a topic, each with its own answer', async () => {
      const worker: DeliveredMessage[] = [];
      const audit: DeliveredMessage[] = [];
      const { bus, settle, advance } = await start(answering(worker), answering(audit, nack, ack));
      await bus.publish('requests', '{}');
      await settle();
      advance(10_000);
      await settle();
      assert.deepEqual([worker.length, audit.length], [1, 2]);
    });
    must('delivers a nacked message again after a growing pause, with the same id', async () => {
      const seen: DeliveredMessage[] = [];
      const { bus, settle, advance } = await start(answering(seen, nack, nack, ack));
      await bus.publish('requests', '{}');
      await settle();
      assert.equal(seen.length, 1);
      advance(9_999);
      await settle();
      assert.equal(seen.length, 1, 'before the backoff is over');
      advance(1);
      await settle();
      assert.equal(seen.length, 2);
      advance(14_999);
      await settle();
      assert.equal(seen.length, 2, 'the second pause is the doubled one, but no longer than the longest');
      advance(1);
      await settle();
      assert.deepEqual(seen.map(({ deliveryAttempt }) => deliveryAttempt), [1, 2, 3]);
      assert.equal(new Set(seen.map(({ messageId }) => messageId)).size, 1);
    });
    must('takes a handler that throws for a nack', async () => {
      const seen: DeliveredMessage[] = [];
      const handler: MessageHandler = async (message) => {
        seen.push(message);
        if (seen.length === 1) throw new Error('lost the database');
        return ack;
      };
      const { bus, settle, advance, dead } = await start({ ...answering(seen), handler });
      await bus.publish('requests', '{}');
      await settle();
      advance(10_000);
      await settle();
      assert.equal(seen.length, 2);
      assert.deepEqual(await dead(), []);
    });
    must('keeps as a dead letter what was delivered too often, with the reason', async () => {
      const seen: DeliveredMessage[] = [];
      const { bus, settle, advance, dead } = await start(answering(seen, nack));
      const id = await bus.publish('requests', '{"a":1}', { origin: 'test' });
      for (let round = 0; round < 6; round += 1) {
        await settle();
        advance(600_000);
      }
      assert.equal(seen.length, 3);
      const [letter, ...others] = await dead();
      assert.deepEqual(others, []);
      assert.equal(letter?.body, '{"a":1}');
      assert.equal(letter?.attributes['origin'], 'test');
      assert.equal(letter?.attributes['dead_letter_source_message_id'], id);
      assert.match(letter?.attributes['dead_letter_reason'] ?? '', /state could not be reached/);
    });
    must('keeps as a dead letter at once what can never be right', async () => {
      const seen: DeliveredMessage[] = [];
      const { bus, settle, advance, dead } = await start(answering(seen, { kind: 'dead_letter', reason: 'unknown processor Raww' }));
      await bus.publish('requests', 'not json');
      await settle();
      advance(600_000);
      await settle();
      assert.equal(seen.length, 1);
      assert.deepEqual((await dead()).map(({ body, attributes }) => [body, attributes['dead_letter_reason']]), [['not json', 'unknown processor Raww']]);
    });
    must('delivers again what is not answered within the ack deadline, and takes the late answer', async () => {
      const seen: DeliveredMessage[] = [];
      let answerLate: (verdict: Verdict) => void = () => undefined;
      const late = new Promise<Verdict>((resolve) => {
        answerLate = resolve;
      });
      const handler: MessageHandler = (message) => {
        seen.push(message);
        return seen.length === 1 ? late : Promise.resolve(ack);
      };
      const { bus, settle, advance } = await start({ ...answering(seen), handler });
      await bus.publish('requests', '{}');
      const first = settle();
      await until(() => seen.length === 1);
      advance(60_000);
      await settle();
      assert.equal(seen.length, 2);
      answerLate(nack);
      await first;
      advance(600_000);
      await settle();
      assert.equal(seen.length, 2, 'the nack of a delivery that another one took over changes nothing');
    });
    must('delivers again after a crash what was published, and what was delivered and not acknowledged', async () => {
      const seen: DeliveredMessage[] = [];
      const before = await start({ ...answering(seen), handler: (message) => { seen.push(message); return new Promise(() => undefined); } });
      await before.bus.publish('requests', '1');
      void before.settle();
      await until(() => seen.length === 1);
      await before.bus.publish('requests', '2');
      const after: DeliveredMessage[] = [];
      subject = await before.crash(answering(after));
      await subject.settle();
      assert.deepEqual(after.map(({ body }) => body).sort(), ['1', '2']);
      assert.equal(after.find(({ body }) => body === '1')?.messageId, seen[0]?.messageId);
      if (subject.countsDeliveries !== false) assert.equal(after.find(({ body }) => body === '1')?.deliveryAttempt, 2);
    });
    must('does not deliver again after a crash what was acknowledged', async () => {
      const seen: DeliveredMessage[] = [];
      const before = await start(answering(seen));
      await before.bus.publish('requests', '1');
      await before.settle();
      subject = await before.crash(answering(seen));
      await subject.settle();
      assert.equal(seen.length, 1);
    });
    must('is no dead letter because the process died a few times', async () => {
      const seen: DeliveredMessage[] = [];
      const hanging = { ...answering(seen), handler: (message: DeliveredMessage) => { seen.push(message); return new Promise<Verdict>(() => undefined); } };
      let current = await start(hanging);
      await current.bus.publish('requests', '1');
      for (let crashes = 1; crashes <= 5; crashes += 1) {
        void current.settle();
        await until(() => seen.length === crashes);
        current = await current.crash(hanging);
        subject = current;
      }
      assert.deepEqual(await current.dead(), []);
    });
    must('refuses a topic that there is not, and a body that is too large', async () => {
      const { bus } = await start(answering([]));
      await assert.rejects(bus.publish('requsts', '{}'), /requsts.*topics are .*requests/);
      await assert.rejects(bus.publish('requests', 'x'.repeat(10_000_001)), /10000001 bytes/);
    });
    must('takes a message for a topic without a subscription, as Pub/Sub does', async () => {
      const { bus, settle } = await start(answering([]));
      assert.ok(await bus.publish('silent', '{}'));
      await settle();
    });
    must('delivers a thousand of the same message', async () => {
      const seen: DeliveredMessage[] = [];
      const { bus, settle } = await start(answering(seen));
      await Promise.all(Array.from({ length: 1000 }, () => bus.publish('requests', '{"same":true}')));
      await settle();
      assert.equal(new Set(seen.map(({ messageId }) => messageId)).size, 1000);
    });
    it('names only cases that there are as exceptions', () => {
      assert.deepEqual(cases.unknown(), []);
    });
  });
}

const WITHIN_MS = 30_000;

/** Waits for a condition that something else in this process, or a server, makes come true. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (let turns = 0; !condition(); turns += 1) {
    assert.ok(performance.now() < deadline, 'the condition never came true');
    await new Promise<void>((resolve) => {
      // Turns first, which is all that work in this process needs; then the processor is left to the others.
      if (turns < 1000) setImmediate(resolve);
      else setTimeout(resolve, 5);
    });
  }
}
