import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { base64, push, REQUEST, serve, type Served } from '../served.ts';

/** What must neither be worked on nor come back for ever: real HTTP to the framework's server. */
describe('bad input over HTTP', () => {
  let served: Served;
  beforeEach(async () => { served = await serve(); });
  afterEach(() => served.close());

  /** Afterwards the function still works: nothing that came in has ended it. */
  async function stillServes(): Promise<void> {
    assert.equal((await served.post(push({ data: base64(REQUEST), messageId: 'after' }))).status, 204);
    assert.equal(served.seen.at(-1)?.messageId, 'after');
  }
  const events = (): string[] => served.lines.map(({ event }) => event);

  const notPubSub: Readonly<Record<string, unknown>> = {
    'an empty object': {}, 'an array': [1, 2], 'a text': '"hello"', 'null': 'null', 'a body of something else': { user: { id: 7 } },
    'a message without its envelope': REQUEST, 'an event whose data is a number': { data: 7 }, 'a push without a subscription and without readable data': { message: { data: 7 } },
    'a field named __proto__': '{"__proto__":{"message":{}}}', 'nesting without end': `${'['.repeat(40_000)}${']'.repeat(40_000)}`,
  };
  for (const [what, body] of Object.entries(notPubSub)) {
    it(`${what} is no Pub/Sub event: 400, one line in the log, nothing kept`, async () => {
      const response = await served.post(body);
      assert.equal(response.status, 400);
      assert.deepEqual([served.seen, served.published], [[], []]);
      await stillServes();
    });
  }
  it('says what was received and what is allowed', async () => {
    const response = await served.post({ user: 7 });
    assert.match(await response.text(), /received \{"user":7\}, which is no Pub\/Sub event; send a Pub\/Sub push body/);
    assert.deepEqual(events(), ['not_pubsub']);
  });
  it('JSON that is cut off is refused by the framework before it comes here', async () => {
    assert.equal((await served.post('{"message": {"data": "e30')).status, 400);
    await stillServes();
  });
  it('another method is 405 and says which is allowed', async () => {
    const response = await fetch(served.url);
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST']);
    assert.equal((await fetch(served.url, { method: 'PUT', body: JSON.stringify(push({ data: base64(REQUEST) })), headers: { 'content-type': 'application/json' } })).status, 405);
    assert.deepEqual(served.seen, []);
  });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream', 'multipart/form-data; boundary=x', 'application/jsonish', 'text/json']) {
    it(`content type ${type} is 415`, async () => {
      const response = await served.post(JSON.stringify(push({ data: base64(REQUEST) })), { 'content-type': type });
      assert.equal(response.status, 415);
      assert.deepEqual(served.seen, []);
      await stillServes();
    });
  }
  it('no content type and no body are refused', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      httpRequest(served.url, { method: 'POST' }, (response) => resolve(response.resume().statusCode)).on('error', reject).end();
    });
    assert.equal(status, 415);
    assert.equal((await served.post('')).status, 400);
  });

  it('a push whose data is not base64 goes to the dead letters with the reason, and is acknowledged', async () => {
    const response = await served.post(push({ data: 'not base64!' }));
    assert.equal(response.status, 204);
    const [letter] = served.published;
    assert.equal(letter?.topic, 'dead-letters');
    assert.equal(letter.body, 'not base64!');
    assert.match(letter.attributes['dead_letter_reason']!, /received data 'not base64!', which is not base64/);
    assert.equal(letter.attributes['dead_letter_source_message_id'], '17');
    assert.equal(letter.attributes['dead_letter_source_subscription'], 'worker-sub');
    assert.deepEqual(served.seen, []);
    assert.equal(events().at(-1), 'message_dead_lettered');
  });
  it('so does one in a CloudEvent', async () => {
    const response = await served.post({ specversion: '1.0', id: '17', data: push({ data: '%%%' }) });
    assert.equal(response.status, 204);
    assert.equal(served.published[0]?.body, '%%%');
  });
  it('bytes that are not UTF-8 go to the dead letters', async () => {
    assert.equal((await served.post(push({ data: Buffer.from([0xff, 0xfe, 0x00]).toString('base64') }))).status, 204);
    assert.match(served.published[0]!.attributes['dead_letter_reason']!, /not UTF-8/);
  });
  it('attributes that are not texts go to the dead letters', async () => {
    assert.equal((await served.post(push({ data: base64(REQUEST), attributes: { n: 7 } }))).status, 204);
    assert.match(served.published[0]!.attributes['dead_letter_reason']!, /attributes\.n/);
  });
  it('a message of 10 MB goes to the dead letters, cut, and is acknowledged', async () => {
    const response = await served.post(push({ data: Buffer.alloc(10_000_000, 'a').toString('base64') }));
    assert.equal(response.status, 204);
    const [letter] = served.published;
    assert.ok(letter!.body.length <= 16_000, `${letter!.body.length}`);
    assert.match(letter!.attributes['dead_letter_reason']!, /received \d+ bytes.*kept: the first 16000 of \d+ characters/);
    await stillServes();
  });
  it('10 MB of something else is 400, and more than any push can have is 413', async () => {
    assert.equal((await served.post({ filler: 'a'.repeat(10_000_000) })).status, 400);
    assert.equal((await served.post(push({ data: 'a'.repeat(15_000_000) }))).status, 413);
    assert.deepEqual(served.published, []);
  });

  it('a push of an unknown subscription is not acknowledged, not worked on and not dead-lettered', async () => {
    const response = await served.post(push({ data: base64(REQUEST) }, 'projects/small/subscriptions/dead-letters-sub'));
    assert.equal(response.status, 400);
    assert.match(await response.text(), /subscription 'dead-letters-sub'; this function serves worker-sub/);
    assert.deepEqual([served.seen, served.published], [[], []]);
    assert.equal(events().at(-1), 'unknown_subscription');
  });
  it('no header changes what a message is or whether it is taken', async () => {
    const forged = { 'ce-id': 'forged', 'x-forwarded-for': '10.0.0.1', 'x-goog-authenticated-user-email': 'root', authorization: 'Bearer forged', 'x-http-method-override': 'DELETE', traceparent: 'nonsense', 'x-cloud-trace-context': '../../x' };
    assert.equal((await served.post(push({ data: base64(REQUEST) }), forged)).status, 204);
    assert.deepEqual(served.seen.map(({ messageId, subscription }) => [messageId, subscription]), [['17', 'worker-sub']]);
    assert.ok(served.lines.every((line) => !('logging.googleapis.com/trace' in line)));
  });
});
