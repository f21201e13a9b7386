import assert from 'node:assert/strict';
import { load, problemOf, rig, rowsOf, withShots, type Rig } from './fake.ts';

describe('the local BigQuery, by Google\'s client: queries', () => {
  let own: Rig;
  beforeEach(async () => { own = await rig(); });
  afterEach(() => own.close());

  it('answers a query with named parameters and arrays', async () => {
    assert.deepEqual(await rowsOf(own.client, 'SELECT @a + 1 AS n, @t AS t, @d IN UNNEST(@days) AS there', { a: 41, t: "it's", d: own.client.date('2023-11-15'), days: [own.client.date('2023-11-14'), own.client.date('2023-11-15')] }), [{ n: 42, t: "it's", there: true }]);
  });

  it('gives each type as Google does', async () => {
    const [rows] = await own.client.query(`SELECT 1 AS i, 1.5 AS f, NUMERIC '1.250000001' AS n, TRUE AS b, DATE '2023-11-15' AS d, TIMESTAMP '2023-11-15T01:02:03.000004Z' AS t, [1, 2] AS a, STRUCT(1 AS x, 'y' AS y) AS s, CAST(NULL AS STRING) AS z`);
    const [row] = rows;
    assert.equal(row.i, 1);
    assert.equal(row.f, 1.5);
    assert.equal(row.n.toFixed(), '1.250000001');
    assert.equal(row.b, true);
    assert.equal(row.d.value, '2023-11-15');
    assert.equal(row.t.value, '2023-11-15T01:02:03.000004000Z');
    assert.deepEqual(row.a, [1, 2]);
    assert.deepEqual(row.s, { x: 1, y: 'y' });
    assert.equal(row.z, null);
  });

  it('has the functions that measuring takes', async () => {
    const [row] = await rowsOf(own.client, `SELECT FARM_FINGERPRINT('x') AS h, TO_HEX(MD5('x')) AS m, TO_HEX(SHA256('')) AS s, TO_JSON_STRING(STRUCT(1 AS a)) AS j, FORMAT('%s-%d', 'a', 2) AS f, CAST('12' AS BIGNUMERIC) AS b, UNIX_MICROS(TIMESTAMP '1970-01-01 00:00:01Z') AS u`);
    assert.equal(row?.['m'], '9dd4e461268c8034f5c8564e155c67a6');
    assert.equal(row?.['s'], 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    assert.deepEqual([row?.['j'], row?.['f'], row?.['b'], row?.['u']], ['{"a":1}', 'a-2', '12', 1_000_000]);
    assert.equal(typeof row?.['h'], 'number');
  });

  it('pages by token', async () => {
    const [job] = await own.client.createQueryJob('SELECT v FROM UNNEST([1, 2, 3, 4, 5]) AS v ORDER BY v');
    const [rows, next] = await job.getQueryResults({ maxResults: 2, autoPaginate: false });
    assert.deepEqual(rows, [{ v: 1 }, { v: 2 }]);
    assert.ok(next?.pageToken);
    assert.deepEqual((await job.getQueryResults({ ...next, autoPaginate: false }))[0], [{ v: 3 }, { v: 4 }]);
    assert.equal((await job.getQueryResults())[0].length, 5);
  });

  it('tells the bytes of a dry run and runs nothing', async () => {
    await withShots(own);
    await load(own.client, 'shots', [{ game_date: '2023-11-15', player: 'ab', points: 1 }, { game_date: '2023-11-16', player: 'cd', points: 2 }]);
    const [job] = await own.client.createQueryJob({ query: "SELECT points FROM d.shots WHERE game_date = '2023-11-15'", dryRun: true });
    assert.equal(job.metadata.statistics.totalBytesProcessed, '16');
    assert.equal(own.fake.jobs().filter(({ kind }) => kind === 'query').length, 0);
  });

  it('refuses more bytes than maximumBytesBilled', async () => {
    await withShots(own);
    await load(own.client, 'shots', [{ game_date: '2023-11-15', player: 'ab', points: 1 }]);
    const problem = await problemOf(own.client.query({ query: 'SELECT points FROM d.shots', maximumBytesBilled: '1000000' }));
    assert.equal(problem.errors[0]?.reason, 'bytesBilledLimitExceeded');
    assert.match(problem.message, /10485760 or higher required/);
  });

  it('keeps a job id for ever', async () => {
    await own.client.createQueryJob({ query: 'SELECT 1', jobId: 'once' });
    const problem = await problemOf(own.client.createQueryJob({ query: 'SELECT 1', jobId: 'once' }));
    assert.deepEqual([problem.code, problem.errors[0]?.reason], [409, 'duplicate']);
  });

  it('cancels a job that is held', async () => {
    const hold = own.fake.holdJobs();
    const [job] = await own.client.createQueryJob({ query: 'SELECT 1', jobId: 'slow' });
    assert.equal(await hold.reached, 'slow');
    assert.equal((await job.getMetadata())[0].status.state, 'RUNNING');
    await job.cancel();
    const problem = await problemOf(job.getQueryResults());
    assert.equal(problem.errors[0]?.reason, 'stopped');
    assert.equal((await job.getMetadata())[0].status.errorResult.reason, 'stopped');
    hold.release();
  });

  it('stops a query that is running', async () => {
    const [job] = await own.client.createQueryJob({ query: 'WITH RECURSIVE r AS (SELECT 1 AS v UNION ALL SELECT v + 1 FROM r WHERE v < 100000000) SELECT SUM(v) FROM r', jobId: 'endless' });
    await job.cancel();
    assert.equal((await problemOf(job.getQueryResults())).errors[0]?.reason, 'stopped');
    assert.deepEqual(await rowsOf(own.client, 'SELECT 1 AS v'), [{ v: 1 }]);
  });

  it('forgets the oldest results, not their jobs', async () => {
    const few = await rig({ keptResults: 2 });
    try {
      for (const jobId of ['first', 'second', 'third']) await (await few.client.createQueryJob({ query: 'SELECT 1 AS v', jobId }))[0].promise();
      assert.deepEqual((await few.client.job('second').getQueryResults())[0], [{ v: 1 }]);
      assert.equal((await problemOf(few.client.job('first').getQueryResults())).code, 404);
      assert.equal((await few.client.job('first').getMetadata())[0].status.state, 'DONE');
    } finally {
      await few.close();
    }
  });

  it('answers 501 by name for what is not modelled', async () => {
    const routines = await problemOf(own.client.dataset('d').getRoutines());
    assert.deepEqual([routines.code, /routines/.test(routines.message)], [501, true]);
    assert.equal((await problemOf(own.client.createDataset('main'))).code, 501);
    const script = await problemOf(own.client.query('DECLARE x INT64; SELECT 1'));
    assert.equal(script.code, 501);
    const named = await problemOf(own.client.query('SELECT ST_GEOGPOINT(1, 2)'));
    assert.deepEqual([named.code, /ST_GEOGPOINT/.test(named.message)], [501, true]);
  });
});
