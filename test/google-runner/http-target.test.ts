import assert from 'node:assert/strict';
import { z } from 'zod';
import { classify } from '../../shared/failures/classify.ts';
import { InputError, NeverRetryError } from '../../shared/failures/errors.ts';
import { HttpTargetError } from '../../shared/google/http-target-answer.ts';
import { MAX_MESSAGE_BYTES } from '../../shared/requests/decode.ts';
import { targetInputSchema } from '../../shared/requests/messages.ts';
import { orderFor, processorRunnerContract } from '../contract/processor-runner.ts';
import { json, serve, type LocalServer, type Received } from './local-server.ts';
import { googleRunner, withGoogleTarget, type Parts } from './runner-under-test.ts';

let server: LocalServer;
/** What the service answers to the path in the first place: status and body, or nothing at all. */
const answers = new Map<string, { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }>();

const at = (path: string, timeoutSeconds?: number) => withGoogleTarget({ http: `${server.address}/${path}` }, timeoutSeconds);
const run = (path: string, parts: Parts = {}) => googleRunner(parts).run(orderFor(at(path)));

function heardBy(received: readonly Received[]) {
  const told = targetInputSchema.parse(JSON.parse(received.at(-1)?.body ?? 'null'));
  return {
    processor: told.processor_name, date: told.start_date, run: told.run_id, backfill: told.backfill_mode, skip: told.skip_downstream_trigger, strict: told.strict_mode,
    reason: told.trigger_reason, id: told.backfill_id,
  };
}

describe('over http', () => {
  before(async () => {
    server = await serve((request, response) => {
      const behaviour = request.path.slice(1);
      const said = answers.get(behaviour);
      if (said) {
        response.writeHead(said.status, said.headers);
        response.end(said.body);
      } else if (behaviour === 'copies_input' || behaviour === 'echoes_order') json(response, 200, { status: 'success', rows_processed: 2, code_version: 'abc' });
      else if (behaviour === 'has_no_data') json(response, 200, { status: 'no_data', error: { type: 'NoData', message: 'the page is empty' } });
      else if (behaviour === 'fails') json(response, 200, { status: 'failed', error: { type: 'ValueError', message: 'no column FGM' } });
      else if (behaviour === 'crashes') response.writeHead(500).end('Traceback …\nOSError: cannot read the page');
      else if (behaviour === 'answers_nonsense') response.end('<html>hello</html>');
      else if (behaviour === 'drops') response.destroy();
      // 'hangs' is never answered.
    });
  });
  after(() => server.close());
  beforeEach(() => { server.received.length = 0; answers.clear(); });

  processorRunnerContract('GoogleRunner, over http,', () => ({ runner: googleRunner(), processor: at, heard: () => heardBy(server.received) }), {
    'hands back rows made of the declared inputs': 'a service on Google reads its inputs from BigQuery and writes its table itself; the engine measures what is there',
  });

  describe('an http target', () => {
    it('that wrote its table tells its rows and its code', async () => {
      assert.deepEqual(await run('copies_input'), { kind: 'wrote', rows: 2, codeVersion: 'abc' });
      const [request] = server.received;
      assert.equal(request?.method, 'POST');
      assert.equal(request?.headers['content-type'], 'application/json');
    });

    it('that skipped the date is measured like one that wrote: the rows may be there', async () => {
      answers.set('skips', { status: 200, body: '{"status":"skipped","rows_processed":0}' });
      assert.deepEqual(await run('skips'), { kind: 'wrote', rows: null, codeVersion: null });
    });

    it("is failed by its own answer whatever the status", async () => {
      answers.set('own', { status: 500, body: '{"status":"failed","error":{"type":"DependencyError","message":"gap detected"}}' });
      assert.deepEqual(await run('own'), { kind: 'failed', error: { type: 'DependencyError', message: 'gap detected' } });
    });

    it('that says failed and no more is told so', async () => {
      answers.set('mute', { status: 200, body: '{"status":"failed"}' });
      const answer = await run('mute');
      assert.ok(answer.kind === 'failed' && /failed without saying why/.test(answer.error.message));
    });

    const wrong = [
      ['', /empty message/], ['{"status":', /not JSON/], ['{"status":"done"}', /status: "?'?done/], ['[]', /JSON object/], ['{"status":"success","rows_processed":-1}', /rows_processed/],
      ['{"status":"success","rows_processed":"many"}', /rows_processed/], [`{"status":"success","more":"${'x'.repeat(MAX_MESSAGE_BYTES)}"}`, /more than 1048576 bytes/],
    ] as const;
    for (const [body, expected] of wrong) {
      it(`is refused where it answers ${body.slice(0, 50) || 'nothing'}`, async () => {
        answers.set('wrong', { status: 200, body });
        const answer = await run('wrong');
        assert.ok(answer.kind === 'failed');
        assert.equal(answer.error.type, 'InvalidAnswer');
        assert.match(answer.error.message, expected);
      });
    }

    const statuses = [
      [400, 'missing start_date', 'processing', false], [401, '', 'infrastructure', false],
      [403, '<html><title>403 Forbidden</title>Your client does not have permission to get URL / from this server.</html>', 'infrastructure', false],
      [404, '', 'infrastructure', false], [408, '', 'resource_exhausted', true], [429, 'Rate exceeded.', 'resource_exhausted', true], [500, '', 'infrastructure', true],
      [500, 'ZeroDivisionError: division by zero', 'processing', false], [503, 'Service Unavailable', 'infrastructure', true], [504, '', 'resource_exhausted', true],
    ] as const;
    for (const [status, body, category, retry] of statuses) {
      it(`that answers ${status} ${body.slice(0, 40)} is a failure of kind ${category}, ${retry ? 'tried again' : 'not tried again'}`, async () => {
        answers.set('status', { status, body });
        const thrown: unknown = await run('status').then(() => null, (error: unknown) => error);
        assert.ok(thrown instanceof HttpTargetError && thrown.statusCode === status, String(thrown));
        const failure = classify(thrown);
        assert.deepEqual([failure.category, failure.retry], [category, retry], failure.rule);
      });
    }

    it('that breaks the connection, or is not there, is tried again', async () => {
      for (const url of [`${server.address}/drops`, 'http://127.0.0.1:1/run']) {
        const thrown: unknown = await googleRunner().run(orderFor(withGoogleTarget({ http: url }))).then(() => null, (error: unknown) => error);
        assert.equal(classify(thrown).category, 'infrastructure', String(thrown));
        assert.ok(classify(thrown).retry);
      }
    });

    it('is not followed to where it redirects', async () => {
      answers.set('moved', { status: 302, body: '', headers: { location: `${server.address}/copies_input` } });
      await assert.rejects(run('moved'), (thrown) => thrown instanceof NeverRetryError && /answered 302 to .*copies_input; redirects are not followed/.test(thrown.message));
      assert.equal(server.received.length, 1);
    });

    it('may take no longer than 480 s, whatever the definition says', async () => {
      const timeout = AbortSignal.timeout;
      try {
        AbortSignal.timeout = (milliseconds) => timeout.call(AbortSignal, milliseconds / 2000);
        const answer = await googleRunner().run(orderFor(at('hangs', 3600)));
        assert.ok(answer.kind === 'failed' && /after 480 s \(the longest that an http target may take\)/.test(answer.error.message), JSON.stringify(answer));
      } finally {
        AbortSignal.timeout = timeout;
      }
    });

    it('ends the connection of a run that is cancelled', async () => {
      const cancel = new AbortController();
      let close = (): void => undefined;
      const closed = new Promise<void>((resolve) => { close = resolve; });
      const other = await serve((_request, response) => { response.on('close', () => close()); cancel.abort(); });
      try {
        const answer = await googleRunner().run(orderFor(withGoogleTarget({ http: other.address }), { signal: cancel.signal }));
        assert.ok(answer.kind === 'failed' && answer.error.type === 'Cancelled');
        // Without it the test ends by its time.
        await closed;
      } finally {
        await other.close();
      }
    });

    describe('and its token', () => {
      const asked: string[] = [];
      const tokenFor = async (audience: string) => { asked.push(audience); return 'secret'; };
      beforeEach(() => { asked.length = 0; });

      it('is not asked for on this machine', async () => {
        await run('copies_input', { tokenFor });
        assert.deepEqual([asked, server.received[0]?.headers['authorization']], [[], undefined]);
      });
      it('is made for the service, without the path', async () => {
        // Nothing listens there: only the token is looked at.
        await assert.rejects(googleRunner({ tokenFor }).run(orderFor(withGoogleTarget({ http: 'https://127.0.0.1:1/run?date=1' }))), /POST https:\/\/127\.0\.0\.1:1\/run was not answered/);
        assert.deepEqual(asked, ['https://127.0.0.1:1']);
      });
      it('is never sent unencrypted', async () => {
        await assert.rejects(googleRunner({ tokenFor }).run(orderFor(withGoogleTarget({ http: 'http://scrapers.example/run' }))), (thrown) => thrown instanceof InputError && /unencrypted; write an https address/.test(thrown.message));
        assert.deepEqual(asked, []);
      });
      it('that never comes does not hold the run beyond its time', async () => {
        const answer = await googleRunner({ tokenFor: () => new Promise(() => undefined) }).run(orderFor(withGoogleTarget({ http: 'https://127.0.0.1:1/' }, 0.2)));
        assert.ok(answer.kind === 'failed' && answer.error.type === 'Timeout');
      });
      it('that cannot be had is the failure, and is classified', async () => {
        const denied = async () => { throw Object.assign(new Error('Could not fetch an identity token'), { code: 'ECONNREFUSED' }); };
        const thrown: unknown = await googleRunner({ tokenFor: denied }).run(orderFor(withGoogleTarget({ http: 'https://127.0.0.1:1/' }))).then(() => null, (error: unknown) => error);
        assert.deepEqual([classify(thrown).category, classify(thrown).retry], ['infrastructure', true]);
      });
    });

    describe('named by its service', () => {
      const services = () => new Map([['scrapers', server.address]]);
      const target = (path = '/') => withGoogleTarget({ http: { service: 'scrapers', path } });
      it('is found in the list of services', async () => {
        answers.set('run/box', { status: 200, body: '{"status":"no_data"}' });
        const answer = await googleRunner({ services: services() }).run(orderFor(target('/run/box')));
        assert.ok(answer.kind === 'no_data');
      });
      it('that is not in the list is refused, with those that are', () =>
        assert.rejects(googleRunner({ services: new Map([['raw', 'https://raw']]) }).run(orderFor(target())), (thrown) => thrown instanceof InputError && /'scrapers', whose address is not known; known are raw/.test(thrown.message)));
      it('may not lead to another host', () =>
        assert.rejects(googleRunner({ services: services() }).run(orderFor(target('//evil.example/x'))), /leads away from/));
    });

    for (const text of ['', 'scrapers', 'ftp://x/', 'https://me:pw@x/']) {
      it(`at '${text}' is refused`, () => assert.rejects(googleRunner().run(orderFor(withGoogleTarget({ http: text }))), (thrown) => thrown instanceof InputError && /write an https address/.test(thrown.message)));
    }
  });

  describe("what an http target is sent", () => {
    it('is what the contract documents, and no more', async () => {
      await run('copies_input');
      const sent = z.record(z.string(), z.unknown()).parse(JSON.parse(server.received[0]?.body ?? ''));
      assert.deepEqual(sent, {
        processor_name: 'Summary', start_date: '2023-11-15', end_date: '2023-11-15', run_id: 'run-1', is_backfill: true, backfill_mode: true, skip_downstream_trigger: true, strict_mode: true,
        trigger_reason: 'auto_backfill', backfill_id: null,
      });
    });
  });
});
