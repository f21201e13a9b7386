import assert from 'node:assert/strict';
import { describeWithEmulators } from './emulated.ts';
import { post, pushOf, request, sharedPlaces, startSmallCloud, type SmallCloud } from './small-cloud.ts';

/** Pub/Sub events reach a function in three shapes (P10), through the real functions-framework. */
describeWithEmulators('the shapes of an event, at the served functions', () => {
  let cloud: SmallCloud;
  before(async function () {
    cloud = await startSmallCloud(sharedPlaces());
  });
  after(() => cloud.dispose());

  const base64 = (body: object): string => Buffer.from(JSON.stringify(body)).toString('base64');
  const subscription = 'projects/demo/subscriptions/small-worker-sub';

  const shapes: readonly (readonly [string, string, (date: string) => readonly [object, Record<string, string>]])[] = [
    ['a raw push', '2024-01-02', (date) => [pushOf(request('Scores', date), { id: 'raw-1', subscription }), {}]],
    ['a CloudEvent in structured mode', '2024-01-03', (date) => [
      { specversion: '1.0', id: 'event-1', source: '//pubsub.googleapis.com/projects/demo/topics/small-requests', type: 'google.cloud.pubsub.topic.v1.messagePublished', data: pushOf(request('Scores', date), { id: 'structured-1', subscription }) },
      { 'content-type': 'application/cloudevents+json; charset=utf-8' },
    ]],
    ['a CloudEvent in binary mode', '2024-01-04', (date) => [
      pushOf(request('Scores', date), { id: 'binary-1', subscription }),
      { 'ce-specversion': '1.0', 'ce-id': 'event-2', 'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished', 'ce-source': '//pubsub.googleapis.com/projects/demo/topics/small-requests' },
    ]],
    ['the old flat shape', '2024-01-05', (date) => [{ data: base64(request('Scores', date)), attributes: {}, context: { eventId: 'flat-1' } }, {}]],
  ];
  for (const [name, date, make] of shapes) {
    it(`runs what ${name} asks for`, async () => {
      const mark = cloud.lines.mark();
      const [body, headers] = make(date);
      const response = await post(cloud.function('backfill-worker').url, body, headers);
      assert.equal(response.status, 204);
      const record = await cloud.ended('Scores', date);
      assert.equal(record.last?.rows, 2);
      const [id] = cloud.lines.since(mark, { event: 'message_received' }).map((line) => line.message_id);
      assert.match(id ?? '', /^(?:raw|structured|binary)-1$|^sha-|^flat-1$/);
      const ask = await cloud.runtime.store.ask(id ?? '');
      assert.deepEqual(ask?.cells.map((cell) => cell.outcome), ['ran'], 'the ask has the id of the message');
    });
  }

  it('keeps the delivery attempt and the subscription of a raw push, which the framework would drop', async () => {
    const mark = cloud.lines.mark();
    const push = { ...pushOf(request('Scores', '2024-01-06'), { id: 'attempt-1', subscription }), deliveryAttempt: 4 };
    assert.equal((await post(cloud.function('backfill-worker').url, push)).status, 204);
    assert.match((await cloud.lines.seen({ event: 'message_received', message_id: 'attempt-1' }, { since: mark })).message, /delivery 4/);
  });

  it('takes each function’s own messages: a completion at the router, a tick of any body at the detector', async () => {
    await cloud.team.write('2024-01-07', [3, 4]);
    const completion = { phase: 'phase_2_raw', processor_name: 'Scores', game_date: '2024-01-07', status: 'success', run_id: 'theirs-7' };
    assert.equal((await cloud.push('phase-router', completion)).status, 204);
    const { last } = await cloud.record('Scores', '2024-01-07');
    assert.deepEqual([last?.runId, last?.origin], ['theirs-7', 'external']);
    const mark = cloud.lines.mark();
    assert.equal((await cloud.push('gap-detector', 'tick')).status, 204);
    await cloud.lines.seen({ event: 'detection_ended' }, { since: mark });
  });
});
