import assert from 'node:assert/strict';
import { BigQueryApi, type BigQueryClient } from '../../shared/google/bigquery-api.ts';
import { BigQueryJobs } from '../../shared/google/bigquery-jobs.ts';

/** A client that answers with these, one after the other; an Error is thrown. */
function jobsThatAnswer(answers: unknown[], asked: string[] = []): BigQueryJobs {
  const client: BigQueryClient = {
    apiEndpoint: 'http://unused',
    request: ({ uri, qs }, callback) => {
      asked.push(`${uri} ${JSON.stringify(qs ?? {})}`);
      const answer = answers.shift();
      queueMicrotask(() => (answer instanceof Error ? callback(answer) : callback(null, answer)));
    },
  };
  const api = new BigQueryApi({ client: async () => client, project: 'p', location: 'US' });
  return new BigQueryJobs({ api, pipeline: 'contract', maximumBytesBilled: 1, newId: () => '1', pause: async () => undefined });
}

const schema = { fields: [{ name: 'n', type: 'INTEGER' }, { name: 'text', type: 'STRING' }] };
const row = (...values: (string | null)[]) => ({ f: values.map((v) => ({ v })) });

describe("A query's rows", () => {
  it('are asked for until the job is done, and page by page', async () => {
    const asked: string[] = [];
    const jobs = jobsThatAnswer([
      {}, { jobComplete: false },
      { jobComplete: true, schema, rows: [row('1', 'a')], pageToken: 'next', totalBytesProcessed: '123' },
      { jobComplete: true, schema, rows: [row('2', null)] },
    ], asked);
    assert.deepEqual(await jobs.query({ purpose: 'read', sql: 'SELECT 1' }), { fields: schema.fields, rows: [['1', 'a'], ['2', null]] });
    assert.match(asked[3] ?? '', /"pageToken":"next"/);
    assert.deepEqual(jobs.counts(), { jobs: 1, bytes: 123 });
  });

  it('that the service could not give for a moment are asked for again only while the job has not failed', async () => {
    const busy = Object.assign(new Error('backend'), { code: 503, errors: [{ reason: 'backendError' }] });
    const failed = { jobReference: { jobId: 'j' }, configuration: {}, status: { state: 'DONE', errorResult: { reason: 'backendError', message: 'the job broke' } } };
    await assert.rejects(jobsThatAnswer([{}, busy, failed]).query({ purpose: 'read', sql: 'SELECT 1' }), /the job broke \(job j\)/);
    const running = { ...failed, status: { state: 'RUNNING' } };
    assert.equal((await jobsThatAnswer([{}, busy, running, { jobComplete: true, schema, rows: [] }]).query({ purpose: 'read', sql: 'SELECT 1' })).rows.length, 0);
  });

  it('in a form that is not documented are refused, not guessed', async () => {
    await assert.rejects(jobsThatAnswer([{}, { done: 'yes' }]).query({ purpose: 'read', sql: 'SELECT 1' }), /in a form that is not documented/);
  });
});
