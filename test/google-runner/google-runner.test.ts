import assert from 'node:assert/strict';
import { InputError, NeverRetryError } from '../../shared/failures/errors.ts';
import { authorisedFetch, idTokens } from '../../shared/google/google-runner-auth.ts';
import { orderFor } from '../contract/processor-runner.ts';
import { googleRunner, withGoogleTarget } from './runner-under-test.ts';

describe('a trigger target', () => {
  const published: { topic: string; body: string; attributes: Readonly<Record<string, string>> | undefined }[] = [];
  const bus = { publish: async (topic: string, body: string, attributes?: Readonly<Record<string, string>>) => `m${published.push({ topic, body, attributes })}` };
  const processor = withGoogleTarget({ pubsub: 'nba-triggers' });
  beforeEach(() => { published.length = 0; });

  it('is started by one message, whose id is its handle', async () => {
    assert.deepEqual(await googleRunner({ bus }).run(orderFor(processor)), { kind: 'started', handle: 'm1' });
    const [message] = published;
    assert.equal(message?.topic, 'nba-triggers');
    assert.deepEqual(message?.attributes, { processor_name: 'Summary', run_id: 'run-1' });
    assert.deepEqual(JSON.parse(message?.body ?? ''), {
      processor_name: 'Summary', start_date: '2023-11-15', end_date: '2023-11-15', run_id: 'run-1', is_backfill: true, backfill_mode: true, skip_downstream_trigger: true, strict_mode: true,
      trigger_reason: 'auto_backfill', backfill_id: null,
    });
  });
  it('is not published for a run that is cancelled', async () => {
    const answer = await googleRunner({ bus }).run(orderFor(processor, { signal: AbortSignal.abort() }));
    assert.ok(answer.kind === 'failed' && answer.error.type === 'Cancelled');
    assert.deepEqual(published, []);
  });
  it("can't be cancelled once it is published", async () => { assert.equal(await googleRunner({ bus }).cancel(processor, 'm1'), null); });
  it('that could not be published is not started', () =>
    assert.rejects(googleRunner({ bus: { publish: async () => { throw new Error('14 UNAVAILABLE'); } } }).run(orderFor(processor)), /UNAVAILABLE/));
});

describe('GoogleRunner', () => {
  it('refuses a processor without a target on Google', () => assert.rejects(googleRunner().run(orderFor(withGoogleTarget(null))), (thrown) => thrown instanceof InputError && /Summary has only an embedded target/.test(thrown.message)));
  it('leaves SQL to the warehouse', () => assert.rejects(googleRunner().run(orderFor(withGoogleTarget({ bigquery_sql: 'a.sql' }))), (thrown) => thrown instanceof NeverRetryError && /the warehouse runs it/.test(thrown.message)));
  for (const target of [{ in_process: './a.ts#b' }, { command: ['a'] }]) {
    it(`refuses a target of kind ${Object.keys(target)[0]}`, () => assert.rejects(googleRunner().run(orderFor(withGoogleTarget(target))), (thrown) => thrown instanceof InputError && /run in the embedded runtime only/.test(thrown.message)));
  }
  it('knows nothing of outside sources before a run', async () => {
    assert.equal(await googleRunner().sourceHas(), 'unknown');
  });
});

describe('credentials of the runner', () => {
  const clientOf = (header: string | null, made: string[]) => async (audience: string) => {
    made.push(audience);
    return { getRequestHeaders: async () => new Headers(header === null ? {} : { authorization: header }) };
  };

  it('make one client for each audience, which renews its tokens itself', async () => {
    const made: string[] = [];
    const tokenFor = idTokens({ getIdTokenClient: clientOf('Bearer abc', made) });
    assert.deepEqual([await tokenFor('https://a'), await tokenFor('https://a'), await tokenFor('https://b')], ['abc', 'abc', 'abc']);
    assert.deepEqual(made, ['https://a', 'https://b']);
  });
  it('are asked for again after they could not be had', async () => {
    let tries = 0;
    const tokenFor = idTokens({ getIdTokenClient: async (audience: string) => { tries += 1; if (tries === 1) throw new Error('metadata server'); return clientOf('Bearer abc', [])(audience); } });
    await assert.rejects(tokenFor('https://a'), /metadata server/);
    assert.equal(await tokenFor('https://a'), 'abc');
  });
  it('that come without a token are told', () =>
    assert.rejects(idTokens({ getIdTokenClient: clientOf(null, []) })('https://a'), /no token was issued for https:\/\/a/));
  it('are added to what a request has', async () => {
    const sent: [string, Headers][] = [];
    const send: typeof fetch = async (url, init) => { sent.push([new Request(url).url, new Headers(init?.headers)]); return new Response('{}'); };
    await authorisedFetch({ getRequestHeaders: async () => new Headers({ authorization: 'Bearer xyz' }) }, send)('https://run/x', { method: 'POST', headers: { 'content-type': 'application/json' } });
    assert.deepEqual(sent.map(([url, headers]) => [url, headers.get('authorization'), headers.get('content-type')]), [['https://run/x', 'Bearer xyz', 'application/json']]);
  });
});
