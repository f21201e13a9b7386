import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { PubSub } from '@google-cloud/pubsub';
import { classify } from '../../shared/failures/classify.ts';
import { InputError, NeverRetryError } from '../../shared/failures/errors.ts';
import { PubSubMessageBus } from '../../shared/google/pubsub-message-bus.ts';
import type { DeliveredMessage } from '../../shared/ports/message-bus.ts';
import { messageBusContract } from '../contract/message-bus.ts';
import { describeWithPubSub } from './emulated.ts';
import { emulatedPubSub, FEWEST_ATTEMPTS, PushedBus } from './pubsub-bus-under-test.ts';

/** The emulator takes 13 s to dead-letter, and as long for its shortest ack deadline. */
const SLOWEST_MS = 200_000;

describeWithPubSub("PubSubMessageBus on Google's emulator", () => {
  messageBusContract('Pub/Sub, by push', (worker, audit) => PushedBus.start(worker, audit), {
    'delivers a nacked message again after a growing pause, with the same id': "Pub/Sub's clock can't be set, and its emulator keeps pauses of its own; that it is delivered again is tested below, the pauses are read back in pubsub-topics.test.ts",
    'keeps as a dead letter what was delivered too often, with the reason': 'Pub/Sub keeps it itself, after 5 deliveries at least, and knows no reason; what it keeps is tested below',
    'is no dead letter because the process died a few times': 'Pub/Sub counts a push without an answer as a delivery, approximately; attempts are counted in state (P7)',
  }, SLOWEST_MS);

  it('has Pub/Sub deliver what is nacked again with the same id, and keep it as a dead letter after the configured attempts', async () => {
    const seen: DeliveredMessage[] = [];
    const handler = async (message: DeliveredMessage) => { seen.push(message); return { kind: 'nack', reason: 'poison' } as const; };
    const subject = await PushedBus.start({ handler, maxDeliveryAttempts: FEWEST_ATTEMPTS, minimumBackoffMs: 0, maximumBackoffMs: 0, ackDeadlineMs: 10_000 });
    try {
      const id = await subject.bus.publish('requests', '{"poison":true}', { origin: 'test' });
      const [letter, ...others] = await subject.deadLetters(1);
      assert.deepEqual([seen.length, others], [FEWEST_ATTEMPTS, []]);
      assert.deepEqual(new Set(seen.map(({ messageId }) => messageId)), new Set([id]));
      assert.equal(letter?.body, '{"poison":true}');
      assert.equal(letter?.attributes['origin'], 'test');
      assert.equal(letter?.attributes['CloudPubSubDeadLetterSourceSubscription'], 'worker');
      assert.equal(letter?.attributes['CloudPubSubDeadLetterSourceDeliveryCount'], String(FEWEST_ATTEMPTS));
    } finally {
      await subject.dispose();
    }
  }).timeout(SLOWEST_MS);

  it('takes a message of attributes only, which the subscriber gets with an empty body', async () => {
    const seen: DeliveredMessage[] = [];
    const handler = async (message: DeliveredMessage) => { seen.push(message); return { kind: 'ack' } as const; };
    const subject = await PushedBus.start({ handler, maxDeliveryAttempts: 5, minimumBackoffMs: 0, maximumBackoffMs: 0, ackDeadlineMs: 10_000 });
    try {
      await subject.bus.publish('requests', '', { origin: 'test' });
      await subject.settle();
      assert.deepEqual(seen.map(({ body, attributes }) => [body, attributes]), [['', { origin: 'test' }]]);
    } finally {
      await subject.dispose();
    }
  });

  describe('publishing', () => {
    let client: PubSub;
    let bus: PubSubMessageBus;
    beforeEach(async () => {
      client = emulatedPubSub();
      await client.createTopic('requests');
      bus = new PubSubMessageBus(client, { topics: ['requests', 'missing'] });
    });
    afterEach(() => client.close());

    it('to a topic that was never made says so, and that no repetition helps', () =>
      assert.rejects(bus.publish('missing', '{}'), (thrown) => thrown instanceof NeverRetryError && thrown.category === 'infrastructure' && /topic 'missing' does not exist in project 'demo-bus-.*make it/.test(thrown.message)));

    it('goes on at once after a publish that failed (P12)', async () => {
      await assert.rejects(bus.publish('missing', '{}'), NeverRetryError);
      await client.createTopic('missing');
      assert.ok(await bus.publish('missing', '{}'));
    });

    it('holds nothing back: one message is sent without others (P11)', async () => {
      await bus.publish('requests', '{}');
      const took: number[] = [];
      for (let turn = 0; turn < 11; turn += 1) {
        const started = performance.now();
        await bus.publish('requests', '{}');
        took.push(performance.now() - started);
      }
      assert.ok((took.sort((a, b) => a - b)[5] ?? Infinity) < 250, `median ${took[5]} ms`);
    });

    for (const [what, attributes, expected] of [
      ['an attribute that is too long', { origin: 'ä'.repeat(513) }, /1026 bytes in the attribute 'origin'/], ['a reserved name', { googclient: 'x' }, /does not begin with 'goog'/],
      ['too many attributes', Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`a${index}`, 'x'])), /101 attributes/],
    ] as const) {
      it(`refuses ${what}, which Pub/Sub would refuse with all that is sent beside it`, async () => {
        const [, other] = await Promise.allSettled([assert.rejects(bus.publish('requests', '{}', attributes), (thrown) => thrown instanceof InputError && expected.test(thrown.message)), bus.publish('requests', '{}')]);
        assert.equal(other?.status, 'fulfilled');
      });
    }
    it('refuses a message of nothing', () => assert.rejects(bus.publish('requests', ''), InputError));
  });

  it('gives up in time where Pub/Sub is not reached, as a failure that is tried again', async () => {
    const unused = createServer().listen(0, '127.0.0.1');
    await once(unused, 'listening');
    const address = unused.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    unused.close();
    await once(unused, 'close');
    const client = new PubSub({ projectId: 'demo-none', apiEndpoint: `127.0.0.1:${port}`, emulatorMode: true });
    try {
      const started = performance.now();
      const thrown: unknown = await new PubSubMessageBus(client, { topics: ['requests'], timeoutMs: 1_000 }).publish('requests', '{}').then(() => null, (error: unknown) => error);
      assert.ok(performance.now() - started < 20_000, `${performance.now() - started} ms`);
      assert.deepEqual([classify(thrown).category, classify(thrown).retry], ['infrastructure', true], String(thrown));
    } finally {
      await client.close();
    }
  });
});
