import assert from 'node:assert/strict';
import { IdempotencyStrategy, Storage } from '@google-cloud/storage';
import { BucketObjects } from '../../shared/google/objects-bucket.ts';
import { objectStoreContract } from './contract.ts';
import { startFakeGcs, type FakeGcs } from './fake-gcs.ts';

/** The real client. With an endpoint of its own it asks nobody for a token. */
function storageOf(fake: FakeGcs): Storage {
  return new Storage({ apiEndpoint: fake.endpoint, projectId: 'test', retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways } });
}

objectStoreContract("a bucket, on a stand-in for Google's API", async () => {
  const fake = await startFakeGcs();
  const bucket = storageOf(fake).bucket('landing');
  return { store: new BucketObjects({ bucket: async () => bucket, prefix: 'nba/landed' }), dispose: () => fake.close() };
});

describe('BucketObjects', () => {
  let fake: FakeGcs;
  beforeEach(async () => { fake = await startFakeGcs(); });
  afterEach(() => fake.close());
  const store = (prefix = ''): BucketObjects => {
    const bucket = storageOf(fake).bucket('landing');
    return new BucketObjects({ bucket: async () => bucket, prefix });
  };

  it('keeps its objects below its prefix', async () => {
    await store('nba/landed').write('a', Buffer.from('x'), 'any');
    assert.deepEqual([...fake.objects.keys()], ['nba/landed/a']);
    assert.deepEqual(await store('nba/land').list(''), []);
    assert.deepEqual((await store().list('nba/')).map(({ name }) => name), ['nba/landed/a']);
  });

  it('sends the generation it was told, zero for none, and no condition for any', async () => {
    const objects = store();
    await objects.write('a', Buffer.from('x'), null);
    const { version } = (await objects.read('a'))!;
    await objects.write('a', Buffer.from('y'), version);
    await objects.write('a', Buffer.from('z'), 'any');
    const conditions = fake.requests.filter((line) => line.startsWith('POST')).map((line) => /ifGenerationMatch=(\d+)/.exec(line)?.[1]);
    assert.deepEqual(conditions, ['0', version, undefined]);
  });

  it('reads bytes and generation in one request', async () => {
    const objects = store();
    await objects.write('a', Buffer.from('x'), 'any');
    fake.requests.length = 0;
    await objects.read('a');
    assert.equal(fake.requests.length, 1);
  });

  it('knows its own write when the answer was lost and the client sent it again', async () => {
    let lost = 0;
    fake.loseAnswer = (method) => method === 'POST' && (lost += 1) === 1;
    const written = await store().write('a', Buffer.from('x'), null);
    assert.equal(fake.requests.filter((line) => line.startsWith('POST')).length, 2, 'the client sent it twice');
    assert.deepEqual(written, { version: String(fake.objects.get('a')!.generation) });
  });

  it('passes on what it is refused for', async () => {
    const objects = new BucketObjects({ bucket: async () => storageOf(fake).bucket('other'), prefix: '' });
    await assert.rejects(objects.list(''), /not modelled/);
  });
});
