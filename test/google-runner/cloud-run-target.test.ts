import assert from 'node:assert/strict';
import { z } from 'zod';
import { ManualClock } from '../manual-clock.ts';
import { classify } from '../../shared/failures/classify.ts';
import { InputError, RetrySoonError } from '../../shared/failures/errors.ts';
import { orderFor } from '../contract/processor-runner.ts';
import { json, serve, type LocalServer } from './local-server.ts';
import { googleRunner, withGoogleTarget } from './runner-under-test.ts';

const JOB = 'projects/demo/locations/us-central1/jobs/box-scores';
const EXECUTION = `${JOB}/executions/box-scores-x7k2p`;

/** The API's part, as its reference documents it; states of the execution are answered in turn, the last one ever after. */
let server: LocalServer;
let states: readonly object[] = [];
let looks = 0;
let refusal: { readonly status: number; readonly body: unknown } | null = null;
let cancelRefusal: { readonly status: number; readonly body: unknown } | null = null;

const runner = () => googleRunner({ fetch: (url, init) => fetch(url, init), endpoint: server.address, clock: impatient() });
const processor = (job = 'box-scores', timeoutSeconds = 1800) => withGoogleTarget({ cloud_run_job: job }, timeoutSeconds);
const paths = () => server.received.map(({ method, path }) => `${method} ${path}`);

/** Sleeps take no time, but the clock moves on by them. */
function impatient(): ManualClock {
  const clock = new ManualClock(0);
  clock.sleep = async (milliseconds: number) => { clock.advance(milliseconds); };
  return clock;
}

describe('on Cloud Run', () => {
  before(async () => {
    server = await serve((request, response) => {
      if (request.path.endsWith(':run')) {
        if (refusal) json(response, refusal.status, refusal.body);
        else json(response, 200, { name: 'projects/demo/locations/us-central1/operations/op-1', metadata: { '@type': 'type.googleapis.com/google.cloud.run.v2.Execution', name: EXECUTION, uid: 'u' }, done: false });
      } else if (request.path.endsWith(':cancel')) {
        if (cancelRefusal) json(response, cancelRefusal.status, cancelRefusal.body);
        else json(response, 200, { name: 'projects/demo/locations/us-central1/operations/op-2' });
      } else {
        const state = states[Math.min(looks, states.length - 1)];
        looks += 1;
        if (state) json(response, 200, { name: EXECUTION, ...state });
        else json(response, 404, { error: { code: 404, message: "Resource 'box-scores-x7k2p' of kind 'EXECUTION' does not exist.", status: 'NOT_FOUND' } });
      }
    });
  });
  after(() => server.close());
  beforeEach(() => { server.received.length = 0; states = []; looks = 0; refusal = null; cancelRefusal = null; });

  describe('a Cloud Run job', () => {
    it('is started with the order as its argument and in its variable, and named by its execution', async () => {
      assert.deepEqual(await runner().run(orderFor(processor())), { kind: 'started', handle: EXECUTION });
      assert.deepEqual(paths(), [`POST /v2/${JOB}:run`]);
      const sent = z.object({
        overrides: z.strictObject({ timeout: z.string(), containerOverrides: z.tuple([z.strictObject({ args: z.tuple([z.string()]), env: z.tuple([z.object({ name: z.string(), value: z.string() })]) })]) }),
      }).parse(JSON.parse(server.received[0]?.body ?? ''));
      const [{ args: [argument], env: [variable] }] = sent.overrides.containerOverrides;
      assert.equal(sent.overrides.timeout, '1800s');
      assert.deepEqual(variable, { name: 'SMART_BACKFILL_ORDER', value: argument });
      const order = z.object({ processor_name: z.string(), start_date: z.string(), run_id: z.string() }).parse(JSON.parse(argument));
      assert.deepEqual(order, { processor_name: 'Summary', start_date: '2023-11-15', run_id: 'run-1' });
    });

    it('may be named in full, in another project', async () => {
      await runner().run(orderFor(processor('projects/other/locations/europe-west1/jobs/j')));
      assert.deepEqual(paths(), ['POST /v2/projects/other/locations/europe-west1/jobs/j:run']);
    });

    it('is not looked for under a name that is none', async () => {
      await assert.rejects(runner().run(orderFor(processor('../services/x'))), (thrown) => thrown instanceof InputError && /'..\/services\/x' as the Cloud Run job of Summary/.test(thrown.message));
      assert.deepEqual(paths(), []);
    });

    it('is not started by a run that is cancelled', async () => {
      const answer = await runner().run(orderFor(processor(), { signal: AbortSignal.abort() }));
      assert.ok(answer.kind === 'failed' && answer.error.type === 'Cancelled');
      assert.deepEqual(paths(), []);
    });

    it('that the API refuses to start is a failure by what the API says', async () => {
      refusal = { status: 403, body: { error: { code: 403, message: `Permission 'run.jobs.run' denied on resource '${JOB}' (or resource may not exist).`, status: 'PERMISSION_DENIED' } } };
      const thrown: unknown = await runner().run(orderFor(processor())).then(() => null, (error: unknown) => error);
      const failure = classify(thrown);
      assert.deepEqual([failure.category, failure.retry, failure.rule], ['infrastructure', false, 'google:PERMISSION_DENIED']);
      assert.match(failure.message, /Cloud Run answered 403 to POST projects\/demo\/.*:run: Permission 'run\.jobs\.run' denied/);
    });

    it('is tried again where the answer names no execution', async () => {
      refusal = { status: 200, body: { name: 'operations/op-1' } };
      await assert.rejects(runner().run(orderFor(processor())), RetrySoonError);
    });
  });

  describe('cancelling a Cloud Run job', () => {
    const running = { createTime: '2023-11-16T04:00:00Z' };
    const cancelled = { completionTime: '2023-11-16T04:10:00Z', cancelledCount: 1 };
    const cancel = () => runner().cancel(processor(), EXECUTION);

    it('stops its execution, waits for its end and says so', async () => {
      states = [running, running, cancelled];
      assert.equal(await cancel(), 'Cloud Run execution box-scores-x7k2p of job box-scores was cancelled; it ended at 2023-11-16T04:10:00Z');
      assert.deepEqual(paths(), [`GET /v2/${EXECUTION}`, `POST /v2/${EXECUTION}:cancel`, `GET /v2/${EXECUTION}`, `GET /v2/${EXECUTION}`]);
    });
    it('leaves one that has ended', async () => {
      states = [{ completionTime: '2023-11-16T04:05:00Z', succeededCount: 1 }];
      assert.match(await cancel() ?? '', /had ended already, at 2023-11-16T04:05:00Z$/);
      assert.deepEqual(paths(), [`GET /v2/${EXECUTION}`]);
    });
    it('tells one that ended by itself meanwhile', async () => {
      states = [running, { completionTime: '2023-11-16T04:05:00Z', succeededCount: 1 }];
      cancelRefusal = { status: 400, body: { error: { code: 400, message: 'the execution is done', status: 'FAILED_PRECONDITION' } } };
      assert.match(await cancel() ?? '', /ended by itself before it could be cancelled/);
    });
    it('says what the API said where it refuses although the execution runs', async () => {
      states = [running];
      cancelRefusal = { status: 403, body: { error: { code: 403, message: 'denied', status: 'PERMISSION_DENIED' } } };
      await assert.rejects(cancel(), /Cloud Run answered 403 .*:cancel: denied/);
    });
    it('says that one which does not end in 30 s was told to stop', async () => {
      states = [running];
      assert.match(await cancel() ?? '', /was told to stop, and was still stopping after 30 s$/);
    });
    it('says that there is none', async () => {
      assert.match(await cancel() ?? '', /is not there any more: nothing ran$/);
    });
    it('refuses what names no execution', () => assert.rejects(runner().cancel(processor(), 'msg-1'), (thrown) => thrown instanceof InputError && /a Cloud Run execution is named/.test(thrown.message)));
  });
});
