import assert from 'node:assert/strict';
import type { PubSub } from '@google-cloud/pubsub';
import { makeTopics } from '../../scripts/local-cloud/topics.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { topologyOf, type PushedFunction, type Topology, type TopologySubscription } from '../../shared/pipeline/topology.ts';
import { nbaPipeline } from '../pipelines/nba/built-season.ts';
import { describeWithPubSub } from './emulated.ts';
import { emulatedPubSub } from './pubsub-bus-under-test.ts';

const endpointOf = (name: PushedFunction): string => `http://127.0.0.1:1/${name}`;
const seconds = (duration: { seconds?: unknown } | null | undefined): number => Number(duration?.seconds ?? 0);

/** The subscriptions that a project has, as a topology would name them. */
async function subscriptionsOf(client: PubSub): Promise<readonly TopologySubscription[]> {
  const [found] = await client.getSubscriptions();
  const short = (name: string | null | undefined): string => name?.split('/').at(-1) ?? '';
  const read = await Promise.all(found.map(async (subscription): Promise<TopologySubscription> => {
    const [{ topic, ackDeadlineSeconds, retryPolicy, pushConfig, deadLetterPolicy }] = await subscription.getMetadata();
    const endpoint = pushConfig?.pushEndpoint ?? '';
    const name = (['backfill-worker', 'phase-router', 'gap-detector', 'stage-coordinator'] as const).find((candidate) => endpoint === endpointOf(candidate));
    if (endpoint !== '' && name === undefined) throw new Error(`${subscription.name} pushes to ${endpoint}`);
    return {
      name: short(subscription.name), topic: short(topic), push: name === undefined ? null : { function: name }, ackDeadlineSeconds: ackDeadlineSeconds ?? 0,
      minBackoffSeconds: seconds(retryPolicy?.minimumBackoff), maxBackoffSeconds: seconds(retryPolicy?.maximumBackoff),
      deadLetterTopic: deadLetterPolicy?.deadLetterTopic ? short(deadLetterPolicy.deadLetterTopic) : null, maxDeliveryAttempts: deadLetterPolicy?.maxDeliveryAttempts ?? 0,
    };
  }));
  return read.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Without a dead-letter policy Pub/Sub keeps no number of attempts. */
function asKept({ subscriptions }: Topology): readonly TopologySubscription[] {
  return subscriptions.map((subscription) => ({ ...subscription, maxDeliveryAttempts: subscription.deadLetterTopic === null ? 0 : subscription.maxDeliveryAttempts })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

describeWithPubSub("makeTopics on Google's Pub/Sub emulator", () => {
  let client: PubSub;
  let topology: Topology;
  before(() => { topology = topologyOf(nbaPipeline()); });
  beforeEach(() => { client = emulatedPubSub(); });
  afterEach(async () => {
    const [subscriptions] = await client.getSubscriptions();
    await Promise.all(subscriptions.map((subscription) => subscription.delete()));
    await client.close();
  });

  it("makes the pipeline's topics and subscriptions, with pauses, ack deadlines, dead letters and the functions that they push to (P5, P13)", async () => {
    const { created, changed } = await makeTopics(client, topology, endpointOf);
    const [topics] = await client.getTopics();
    assert.deepEqual(new Set(topics.map(({ name }) => name.split('/').at(-1))), new Set(topology.topics.map(({ name }) => name)));
    assert.deepEqual(await subscriptionsOf(client), asKept(topology));
    assert.deepEqual([created.length, changed], [topology.topics.length + topology.subscriptions.length, []]);
  });

  it('changes nothing when it is run again', async () => {
    await makeTopics(client, topology, endpointOf);
    assert.deepEqual(await makeTopics(client, topology, endpointOf), { created: [], changed: [] });
    assert.deepEqual(await subscriptionsOf(client), asKept(topology));
  });

  it('sets right what is there with other settings, and adds what is missing', async () => {
    const [first] = topology.subscriptions;
    assert.ok(first);
    await makeTopics(client, { topics: topology.topics, subscriptions: [{ ...first, ackDeadlineSeconds: 10, minBackoffSeconds: 1, maxDeliveryAttempts: 7 }] }, () => 'http://127.0.0.1:2/old');
    const { created, changed } = await makeTopics(client, topology, endpointOf);
    assert.deepEqual([changed, created.length], [[first.name], topology.subscriptions.length - 1]);
    assert.deepEqual(await subscriptionsOf(client), asKept(topology));
  });

  it('does not let a subscription go on reading another topic', async () => {
    const [first] = topology.subscriptions;
    assert.ok(first);
    await makeTopics(client, { topics: [{ name: 'other', kind: 'alerts' }, { name: first.deadLetterTopic ?? '', kind: 'dead_letters' }], subscriptions: [{ ...first, topic: 'other' }] }, endpointOf);
    await assert.rejects(makeTopics(client, topology, endpointOf), (thrown) => thrown instanceof InputError && /reads projects\/.*\/topics\/other, and should read/.test(thrown.message));
  });
});
