import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { BigQuery } from '@google-cloud/bigquery';
import { PassThroughClient } from 'google-auth-library';
import { z } from 'zod';
import { load, problemOf, rig, rowsOf, withShots, type Rig } from './fake.ts';

const googlesError = z.object({ error: z.object({ code: z.number(), message: z.string(), status: z.string(), errors: z.array(z.object({ reason: z.string(), message: z.string(), domain: z.string() })) }) });

describe('the local BigQuery: errors on demand and bad input', () => {
  let own: Rig;
  let once: BigQuery;
  beforeEach(async () => {
    own = await rig({ maximumRequestBytes: 100_000 });
    once = new BigQuery({ projectId: 'p', apiEndpoint: own.fake.endpoint, authClient: new PassThroughClient(), autoRetry: false });
  });
  afterEach(() => own.close());

  for (const [reason, code] of [['accessDenied', 403], ['rateLimitExceeded', 403], ['quotaExceeded', 403], ['backendError', 503], ['notFound', 404], ['jobRateLimitExceeded', 400], ['resourcesExceeded', 400]] as const) {
    it(`refuses a request with ${reason}, once`, async () => {
      own.fake.failNext({ at: 'request', reason, path: /\/jobs$/ });
      const problem = await problemOf(once.createQueryJob('SELECT 1'));
      assert.deepEqual([problem.code, problem.errors[0]?.reason], [code, reason]);
      assert.equal(own.fake.jobs().length, 0);
      await once.createQueryJob('SELECT 1');
    });

    it(`ends a job with ${reason} under HTTP 200 (P22)`, async () => {
      own.fake.failNext({ at: 'job', reason, job: { kind: 'query' } });
      const [job] = await once.createQueryJob({ query: 'SELECT 1', jobId: `ends_${reason}` });
      await problemOf(job.promise());
      const [metadata] = await job.getMetadata();
      assert.deepEqual([metadata.status.state, metadata.status.errorResult.reason, own.fake.jobs()[0]?.error], ['DONE', reason, reason]);
      assert.equal((await problemOf(once.createQueryJob({ query: 'SELECT 1', jobId: `ends_${reason}` }))).code, 409);
    });
  }

  it('is tried again by the client after a backendError', async () => {
    own.fake.failNext({ at: 'request', reason: 'backendError', method: 'POST' });
    assert.deepEqual(await rowsOf(own.client, 'SELECT 1 AS v'), [{ v: 1 }]);
  });

  it('says how often a fault has still to be met, and takes it back', async () => {
    const [met, withdrawn] = ['backendError', 'accessDenied'].map((reason) => own.fake.failNext({ at: 'job', reason, times: 2 }));
    assert.deepEqual([met?.left(), withdrawn?.left()], [2, 2]);
    await problemOf((await once.createQueryJob('SELECT 1'))[0].promise());
    assert.deepEqual([met?.left(), withdrawn?.left()], [1, 2]);
    withdrawn?.withdraw();
    await problemOf((await once.createQueryJob('SELECT 1'))[0].promise());
    assert.deepEqual([met?.left(), withdrawn?.left()], [0, 0]);
    assert.deepEqual(await rowsOf(once, 'SELECT 1 AS v'), [{ v: 1 }]);
  });

  it('begins a job whose answer is lost (P21)', async () => {
    own.fake.failNext({ at: 'answer', job: { jobId: /^lost$/ } });
    await problemOf(once.createQueryJob({ query: 'SELECT 1 AS v', jobId: 'lost' }));
    assert.equal((await problemOf(once.createQueryJob({ query: 'SELECT 1 AS v', jobId: 'lost' }))).code, 409);
    assert.deepEqual((await once.job('lost').getQueryResults())[0], [{ v: 1 }]);
  });

  it('stops a job that is over its time', async () => {
    const hold = own.fake.holdJobs({ kind: 'query' });
    const [job] = await once.createQueryJob({ query: 'SELECT 1', jobTimeoutMs: 20 });
    assert.match((await problemOf(job.getQueryResults())).message, /Job timed out/);
    hold.release();
  });

  it('holds only the jobs that match, until released', async () => {
    const hold = own.fake.holdJobs({ sql: /held/ });
    const [held] = await once.createQueryJob("SELECT 'held' AS v");
    assert.deepEqual(await rowsOf(own.client, 'SELECT 2 AS v'), [{ v: 2 }]);
    await hold.reached;
    hold.release();
    assert.deepEqual((await held.getQueryResults())[0], [{ v: 'held' }]);
  });

  it('counts jobs, their labels, and what they read', async () => {
    await withShots(own);
    await load(own.client, 'shots$20231115', [{ game_date: '2023-11-15', player: 'a', points: 1 }]);
    await own.client.query({ query: 'SELECT points FROM d.shots', labels: { purpose: 'measure' }, maximumBytesBilled: '20000000' });
    assert.deepEqual(own.fake.jobs().map(({ kind, destination, labels, bytesProcessed, bytesBilled, maximumBytesBilled }) => ({ kind, destination, labels, bytesProcessed, bytesBilled, maximumBytesBilled })), [
      { kind: 'load', destination: 'd.shots$20231115', labels: {}, bytesProcessed: 0, bytesBilled: 0, maximumBytesBilled: null },
      { kind: 'query', destination: null, labels: { purpose: 'measure' }, bytesProcessed: 8, bytesBilled: 10_485_760, maximumBytesBilled: 20_000_000 },
    ]);
  });

  it('answers Google\'s JSON to whatever it is sent', async () => {
    const at = `${own.fake.endpoint}/bigquery/v2/projects/p`;
    const post = async (path: string, body: string | Uint8Array<ArrayBuffer>) => {
      const answer = await fetch(`${at}${path}`, { method: 'POST', body });
      return [answer.status, googlesError.parse(await answer.json()).error.errors[0]?.reason];
    };
    assert.deepEqual(await post('/jobs', 'no json'), [400, 'parseError']);
    assert.deepEqual(await post('/jobs', '[]'), [400, 'invalid']);
    assert.deepEqual(await post('/jobs', '{"configuration":{}}'), [400, 'invalid']);
    assert.deepEqual(await post('/jobs', '{"configuration":{"extract":{}}}'), [501, 'notImplemented']);
    assert.deepEqual(await post('/jobs', '{"configuration":{"query":{"query":"SELECT 1"}}}'), [501, 'notImplemented']);
    assert.deepEqual(await post('/jobs', '{"configuration":{"query":{"query":"SELECT 1","useLegacySql":false,"rangePartitioning":{}}}}'), [501, 'notImplemented']);
    assert.deepEqual(await post('/jobs', '{"jobReference":{"jobId":"no good"},"configuration":{"query":{"query":"SELECT 1","useLegacySql":false}}}'), [400, 'invalid']);
    assert.deepEqual(await post('/queries', new Uint8Array([0xff, 0x00])), [400, 'parseError']);
    assert.deepEqual(await post('/datasets/%E0%A4%A/tables', '{}'), [400, 'invalid']);
    assert.deepEqual(await post('/jobs', 'x'.repeat(200_000)), [413, 'uploadTooLarge']);
    const upload = await fetch(`${own.fake.endpoint}/upload/bigquery/v2/projects/p/jobs?uploadType=multipart`, { method: 'POST', body: 'x', headers: { 'content-type': 'multipart/related; boundary=b' } });
    assert.equal(upload.status, 400);
    assert.equal((await fetch(`${own.fake.endpoint}/other`)).status, 501);
    assert.equal((await fetch(`${own.fake.endpoint}/bigquery/v2/projects/another/jobs`)).status, 404);
  });

  it('lives on after a connection that speaks no HTTP', async () => {
    const socket = connect(Number(new URL(own.fake.endpoint).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => { socket.once('close', () => resolve()).resume().end('\x00\x01nonsense\r\n\r\n'); });
    assert.deepEqual(await rowsOf(own.client, 'SELECT 1 AS v'), [{ v: 1 }]);
  });

  it('listens on this machine only', () => {
    assert.equal(new URL(own.fake.endpoint).hostname, '127.0.0.1');
  });
});
