import assert from 'node:assert/strict';
import { PubSub } from '@google-cloud/pubsub';
import { pubsubListeners } from '../../shared/google/pubsub-listeners.ts';
import { describeWithPubSub, testProject } from './emulated.ts';

describeWithPubSub('listeners of a topic, on the Pub/Sub emulator', () => {
  const pubsub = new PubSub({ projectId: testProject });
  const topic = `listened-${process.pid}`;
  before(async () => {
    await pubsub.createTopic(topic);
  });
  after(async () => {
    await pubsub.topic(topic).delete();
    await pubsub.close();
  });

  it('are named with where they deliver to', async () => {
    await pubsub.topic(topic).createSubscription(`${topic}-pushed`, { pushConfig: { pushEndpoint: 'http://127.0.0.1:9/start' } });
    await pubsub.topic(topic).createSubscription(`${topic}-pulled`);
    const listeners = await pubsubListeners(pubsub)(topic);
    assert.deepEqual([...listeners ?? []].sort((a, b) => (a.subscription < b.subscription ? -1 : 1)), [
      { subscription: `${topic}-pulled`, deliversTo: null }, { subscription: `${topic}-pushed`, deliversTo: 'http://127.0.0.1:9/start' },
    ]);
  });

  it('are none of a topic that is not there', async () => {
    assert.equal(await pubsubListeners(pubsub)(`${topic}-no`), null);
  });
});
