import assert from 'node:assert/strict';
import { base64, push, REQUEST, serve, SUBSCRIPTION, type Served } from '../served.ts';

/** The shapes in which a Pub/Sub event can arrive (P10), through the framework's own server, each as its bytes. */
describe('the shapes of a Pub/Sub event, over HTTP', () => {
  let served: Served;
  beforeEach(async () => { served = await serve(); });
  afterEach(() => served.close());

  const expected = { messageId: '17', topic: 'requests', subscription: 'worker-sub', body: JSON.stringify(REQUEST), attributes: { origin: 'console' }, deliveryAttempt: 3 };
  const data = base64(REQUEST);
  const attributes = { origin: 'console' };
  const cloudEvent = {
    specversion: '1.0', id: '17', source: '//pubsub.googleapis.com/projects/small/topics/requests', type: 'google.cloud.pubsub.topic.v1.messagePublished',
    time: '2024-01-15T12:00:00Z', datacontenttype: 'application/json', data: push({ data, attributes }),
  };

  it('a raw push keeps its subscription and its delivery attempt', async () => {
    assert.equal((await served.post(push({ data, attributes }))).status, 204);
    assert.deepEqual(served.seen, [expected]);
  });
  it('a raw push of attributes only is a message with an empty body', async () => {
    assert.equal((await served.post(push({ attributes }))).status, 204);
    assert.deepEqual(served.seen, [{ ...expected, body: '' }]);
  });
  it('a CloudEvent in structured mode is the push that it wraps', async () => {
    assert.equal((await served.post(cloudEvent, { 'content-type': 'application/cloudevents+json; charset=utf-8' })).status, 204);
    assert.deepEqual(served.seen, [expected]);
  });
  it('a CloudEvent in binary mode is the push in its body', async () => {
    const { id, source, type, time, specversion } = cloudEvent;
    const headers = { 'ce-id': id, 'ce-source': source, 'ce-type': type, 'ce-time': time, 'ce-specversion': specversion };
    assert.equal((await served.post(cloudEvent.data, headers)).status, 204);
    assert.deepEqual(served.seen, [expected]);
  });
  it('a CloudEvent of attributes only is a message with an empty body', async () => {
    assert.equal((await served.post({ ...cloudEvent, data: push({ attributes }) })).status, 204);
    assert.deepEqual(served.seen, [{ ...expected, body: '' }]);
  });
  it('the old flat shape takes its id from its context, and names no subscription', async () => {
    assert.equal((await served.post({ context: { eventId: '17', timestamp: '2024-01-15T12:00:00Z' }, data: { '@type': 'type.googleapis.com/google.pubsub.v1.PubsubMessage', data, attributes } })).status, 204);
    assert.deepEqual(served.seen, [{ ...expected, deliveryAttempt: 1 }]);
  });
  it('the old flat shape of attributes only is a message with an empty body', async () => {
    assert.equal((await served.post({ context: { eventId: '17' }, data: { attributes } })).status, 204);
    assert.deepEqual(served.seen, [{ ...expected, body: '', deliveryAttempt: 1 }]);
  });
  it('a flat event without its context has the same id at each delivery, and another has another', async () => {
    await served.post({ data, attributes });
    await served.post({ data, attributes });
    await served.post({ data: base64({ ...REQUEST, force: true }), attributes });
    const [first, again, other] = served.seen.map(({ messageId }) => messageId);
    assert.equal(again, first);
    assert.notEqual(other, first);
    assert.match(first!, /^sha-[0-9a-f]{32}$/);
  });
  it('the framework does not rewrite a raw push: the handler gets the bytes that came', async () => {
    // Told from a rewritten one by what the framework's conversion drops: the subscription, the attempt.
    await served.post(push({ data, attributes }), { 'ce-id': 'x' });
    assert.deepEqual(served.seen.map(({ subscription, deliveryAttempt }) => [subscription, deliveryAttempt]), [[SUBSCRIPTION.split('/').at(-1), 3]]);
  });
});
