import assert from 'node:assert/strict';
import type { Emulator } from '../../scripts/local-cloud/emulators.ts';
import { makeTopics } from '../../scripts/local-cloud/topics.ts';
import { topologyOf } from '../../shared/pipeline/topology.ts';
import { describeWithEmulators } from './emulated.ts';
import { request, startSmallCloud, type SmallCloud } from './small-cloud.ts';
import { until } from './until.ts';

describeWithEmulators('an emulator that goes away under the served functions, and comes back', () => {
  let cloud: SmallCloud;
  before(async function () {
    cloud = await startSmallCloud(null);
  });
  after(async function () {
    await cloud.dispose();
  });
  const emulator = (kind: 'pubsub' | 'firestore'): Emulator => {
    const found = cloud.emulators.find((one) => one.kind === kind);
    if (!found) throw new Error(`no ${kind} emulator`);
    return found;
  };

  it('Pub/Sub: a completion stays in the outbox, and is sent once when it is back', async () => {
    const date = '2024-06-01';
    await emulator('pubsub').stop();
    const answer = cloud.push('backfill-worker', request('Scores', date, { skip_downstream_trigger: false }), { id: 'outbox-1' }).catch(() => null);
    assert.equal((await cloud.ended('Scores', date)).last?.rows, 2, 'the run needs no messages');
    const [left, ...others] = await cloud.runtime.store.unsent(10);
    assert.deepEqual([left?.topic, others], ['small-raw-complete', []]);
    // Its instance goes away too: nobody who knows of the message is left but state.
    await cloud.function('backfill-worker').kill();
    await answer;
    await emulator('pubsub').start();
    const pubsub = await cloud.runtime.clients.pubsub();
    // An emulator's topics are gone with it.
    await makeTopics(pubsub, topologyOf(cloud.runtime.pipeline), (name) => cloud.function(name).url);
    await cloud.function('backfill-worker').start();
    const [watch] = await pubsub.topic('small-raw-complete').createSubscription('watch');
    const heard: string[] = [];
    watch.on('message', (message) => {
      heard.push(message.attributes['outbox_id'] ?? '');
      message.ack();
    });
    try {
      const mark = cloud.lines.mark();
      assert.equal((await cloud.push('gap-detector', 'tick')).status, 204);
      await until('the completion is heard', () => heard.length > 0);
      assert.deepEqual(await cloud.runtime.store.unsent(10), []);
      await cloud.lines.seen({ event: 'message_acknowledged', from: 'phase-router', cause: 'outbox-1' }, { since: mark });
      assert.equal((await cloud.push('gap-detector', 'tick')).status, 204);
      assert.deepEqual(heard, [left?.id], 'once');
    } finally {
      await watch.close();
    }
  });

  it('Firestore: what comes meanwhile is not acknowledged, and is taken when it comes again', async () => {
    const date = '2024-06-02';
    await emulator('firestore').stop();
    const mark = cloud.lines.mark();
    const started = performance.now();
    const refused = await cloud.push('backfill-worker', request('Scores', date), { id: 'away-1' });
    console.log(`      (without Firestore a message is answered after ${((performance.now() - started) / 1000).toFixed(1)} s)`);
    assert.equal(refused.status, 503);
    assert.match((await cloud.lines.seen({ event: 'message_nacked', message_id: 'away-1' }, { since: mark })).message, /^infrastructure: /);
    assert.equal(cloud.team.runsOf(date), 0);
    await emulator('firestore').start();
    await until('the same message is taken', async () => (await cloud.push('backfill-worker', request('Scores', date), { id: 'away-1' })).status === 204);
    assert.equal((await cloud.ended('Scores', date)).last?.rows, 2);
    assert.equal(cloud.team.runsOf(date), 1);
  });
});
