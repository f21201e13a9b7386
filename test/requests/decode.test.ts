import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { DecodedEvent } from '../../shared/requests/decode.ts';
import { asPhaseComplete, decodeEvent, MAX_DEPTH, MAX_MESSAGE_BYTES, parseBackfillRequest, parseMessage } from '../../shared/requests/decode.ts';

const text = '{"processor_name":"PlayerGameSummaryProcessor","start_date":"2023-11-15","end_date":"2023-11-15"}';
const base64 = Buffer.from(text).toString('base64');
const publishTime = '2023-11-16T04:10:00.123Z';
const pubsubMessage = { data: base64, attributes: { origin: 'console' }, messageId: '136969346945', message_id: '136969346945', publishTime, publish_time: publishTime };
const subscription = 'projects/p/subscriptions/backfill-worker-sub';

const pushBody = { message: pubsubMessage, subscription, deliveryAttempt: 3 };
const cloudEvent = {
  specversion: '1.0', id: '136969346945', source: '//pubsub.googleapis.com/projects/p/topics/nba-backfill-requests', type: 'google.cloud.pubsub.topic.v1.messagePublished',
  datacontenttype: 'application/json', time: publishTime, data: pushBody,
};
const flat = { '@type': 'type.googleapis.com/google.pubsub.v1.PubsubMessage', data: base64, attributes: { origin: 'console' } };
const flatContext = { eventId: '136969346945', timestamp: publishTime, eventType: 'google.pubsub.topic.publish', resource: {} };

const expected: DecodedEvent = { messageId: '136969346945', data: text, attributes: { origin: 'console' }, deliveryAttempt: 3, subscription, publishTime };
const withoutTransport: DecodedEvent = { ...expected, deliveryAttempt: 1, subscription: null };
const attributesOnly = { attributes: { origin: 'console' }, messageId: '136969346945', publishTime };

describe('decodeEvent', () => {
  const golden: readonly (readonly [shape: string, event: unknown, context: unknown, expected: DecodedEvent])[] = [
    ['a CloudEvent with data.message.data', cloudEvent, undefined, expected],
    ['a raw push body', pushBody, undefined, expected],
    ['the old flat event with its context beside it', flat, flatContext, withoutTransport],
    ['the old flat event within its context', { context: flatContext, data: flat }, undefined, withoutTransport],
    ['the old flat event without context', flat, undefined, { ...withoutTransport, messageId: null, publishTime: null }],
    ['a CloudEvent of attributes only', { ...cloudEvent, data: { message: attributesOnly, subscription } }, undefined, { ...expected, data: '', deliveryAttempt: 1 }],
    ['a raw push body of attributes only', { message: attributesOnly, subscription, deliveryAttempt: 3 }, undefined, { ...expected, data: '' }],
    ['the old flat event of attributes only', { attributes: { origin: 'console' } }, flatContext, { ...withoutTransport, data: '' }],
    ['a raw push body without attributes', { ...pushBody, message: { ...pubsubMessage, attributes: undefined } }, undefined, { ...expected, attributes: {} }],
    ['a raw push body with the snake_case names only', { ...pushBody, message: { data: base64, attributes: { origin: 'console' }, message_id: '136969346945', publish_time: publishTime } }, undefined, expected],
    ['a CloudEvent whose message has no id of its own', { ...cloudEvent, data: { message: { data: base64, attributes: { origin: 'console' } }, subscription, deliveryAttempt: 3 } }, undefined, expected],
  ];
  for (const [shape, event, context, decoded] of golden) {
    it(`reads ${shape} (P10), parsed, as text and as bytes`, () => {
      for (const form of [event, JSON.stringify(event), Buffer.from(JSON.stringify(event))]) assert.deepEqual(decodeEvent(form, context), { kind: 'ok', value: decoded });
    });
  }

  it('keeps every character of the published text', () => {
    const body = '{"reason":"Dončić – 73 points ✓"}';
    const result = decodeEvent({ message: { data: Buffer.from(body).toString('base64') } });
    assert.equal(result.kind === 'ok' && result.value.data, body);
  });

  const refusedEvents: readonly (readonly [what: string, event: unknown, says: RegExp])[] = [
    ['no object', 7, /received 7, which is no Pub\/Sub event; send a Pub\/Sub push body/],
    ['nothing', undefined, /which is no Pub\/Sub event/],
    ['a list', [pushBody], /which is no Pub\/Sub event/],
    ['an object of another kind', { hello: 'world' }, /received \{"hello":"world"\}, which is no Pub\/Sub event/],
    ['an empty body', '', /received an empty message/],
    ['a form', 'a=1&b=2', /received 'a=1&b=2', which is not JSON/],
    ['data that is not base64', { message: { data: text } }, /which is not base64; Pub\/Sub encodes/],
    ['data that is a number', { message: { data: 5 } }, /message\.data: 5/],
    ['data that is not UTF-8', { message: { data: Buffer.from([0xff, 0xfe, 0x80]).toString('base64') } }, /not UTF-8/],
    ['a message that is a text', { message: 'hello' }, /message: 'hello'/],
    ['attributes that are no texts', { message: { data: base64, attributes: { a: 1 } } }, /message\.attributes\.a: 1/],
    ['a __proto__ in the envelope', '{"message":{"data":"","attributes":{"__proto__":"x"}}}', /'__proto__'/],
    ['10 MB', JSON.stringify({ message: { data: 'A'.repeat(10_000_000) } }), /received \d+ bytes; a message may have/],
    ['a message over 1 MiB in a body that is not', { message: { data: 'A'.repeat(1_500_000) } }, /received 1125000 bytes; a message may have 1048576/],
  ];
  for (const [what, event, says] of refusedEvents) {
    it(`refuses ${what}, and says what is allowed`, () => {
      const result = decodeEvent(event);
      assert.equal(result.kind, 'refused');
      assert.match(result.kind === 'refused' ? result.reason : '', says);
    });
  }

  it('never throws, whatever arrives', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true, withMap: true, withBigInt: true }), fc.anything(), (event, context) => { decodeEvent(event, context); }));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => { decodeEvent(bytes); parseBackfillRequest(bytes); }));
    fc.assert(fc.property(fc.json(), (body) => { decodeEvent(body); parseBackfillRequest(body); asPhaseComplete(JSON.parse(body)); }));
    const ring: Record<string, unknown> = { message: {} };
    ring['self'] = ring;
    assert.equal(decodeEvent(ring).kind, 'ok');
  });

  it('gives back what was published, in every shape', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.dictionary(fc.string().filter((key) => key !== '__proto__'), fc.string()), (data, attributes) => {
      const message = { data: Buffer.from(data).toString('base64'), attributes: { ...attributes }, messageId: '1' };
      for (const event of [{ message }, { data: { message } }, message]) {
        const result = decodeEvent(JSON.stringify(event));
        assert.ok(result.kind === 'ok');
        assert.deepEqual([result.value.data, { ...result.value.attributes }, result.value.messageId], [data, { ...attributes }, '1']);
      }
    }));
  });
});

describe('parseMessage', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  it(`takes ${MAX_DEPTH} levels and refuses one more`, () => {
    assert.equal(parseMessage(nested(MAX_DEPTH)).kind, 'ok');
    assert.equal(parseMessage(nested(MAX_DEPTH + 1)).kind, 'refused');
  });
  it('refuses a message nested half a million levels deep without falling over', () => {
    const result = parseMessage(nested(500_000));
    assert.match(result.kind === 'refused' ? result.reason : '', /nested more than 32 levels/);
  });
  it('takes 1 MiB and refuses one byte more', () => {
    assert.equal(parseMessage(`"${'a'.repeat(MAX_MESSAGE_BYTES - 2)}"`).kind, 'ok');
    assert.equal(parseMessage(`"${'a'.repeat(MAX_MESSAGE_BYTES - 1)}"`).kind, 'refused');
  });
  it('counts bytes, not characters', () => assert.equal(parseMessage(`"${'č'.repeat(MAX_MESSAGE_BYTES / 2)}"`).kind, 'refused'));
  it('refuses __proto__ at any depth and leaves every object as it was', () => {
    for (const body of ['{"__proto__":{"polluted":1}}', '{"a":[{"b":{"__proto__":null}}]}']) {
      const result = parseMessage(body);
      assert.match(result.kind === 'refused' ? result.reason : '', /received a field named '__proto__'/);
    }
    assert.equal('polluted' in {}, false);
  });
  it('refuses what is not JSON, with an excerpt', () => {
    for (const body of ['{', 'NaN', "{'a':1}", '{"a":1}}', 'x'.repeat(5000)]) {
      const result = parseMessage(body);
      assert.match(result.kind === 'refused' ? result.reason : '', /which is not JSON .*send a JSON object/s);
      assert.ok(result.kind === 'refused' && result.reason.length < 500);
    }
  });
  it('refuses an empty message: attributes alone ask for nothing', () => {
    for (const body of ['', '  \n', new Uint8Array()]) assert.match(JSON.stringify(parseBackfillRequest(body)), /received an empty message/);
  });
});
