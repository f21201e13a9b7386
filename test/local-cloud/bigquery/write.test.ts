import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { load, problemOf, rig, rowsOf, SHOTS, withShots, type Rig } from './fake.ts';

const A = { game_date: '2023-11-15', player: 'a', points: 1 };
const B = { game_date: '2023-11-16', player: 'b', points: 2 };

describe('the local BigQuery, by Google\'s client: rows into tables', () => {
  let own: Rig;
  let now = 0;
  beforeEach(async () => {
    now = Date.parse('2024-01-01T00:00:00Z');
    own = await rig({ now: () => now });
    await withShots(own);
  });
  afterEach(() => own.close());

  const table = (id: string) => own.client.dataset('d').table(id);
  const all = () => rowsOf(own.client, 'SELECT CAST(game_date AS STRING) AS game_date, player, points FROM d.shots ORDER BY game_date, player');
  const partitions = () => rowsOf(own.client, 'SELECT partition_id AS id, total_rows AS n, total_logical_bytes AS bytes, UNIX_MILLIS(last_modified_time) AS at FROM `p.d.INFORMATION_SCHEMA.PARTITIONS` WHERE table_name = \'shots\' ORDER BY 1');

  for (const disposition of ['WRITE_TRUNCATE', 'WRITE_APPEND', 'WRITE_EMPTY']) {
    it(`loads into one partition with ${disposition}`, async () => {
      await load(own.client, 'shots', [A, B]);
      now += 1000;
      const work = load(own.client, 'shots$20231115', [{ ...A, player: 'new' }], { writeDisposition: disposition });
      if (disposition === 'WRITE_EMPTY') {
        assert.equal((await problemOf(work)).errors[0]?.reason, 'duplicate');
        assert.deepEqual(await all(), [A, B]);
        return;
      }
      await work;
      assert.deepEqual(await all(), disposition === 'WRITE_APPEND' ? [A, { ...A, player: 'new' }, B] : [{ ...A, player: 'new' }, B]);
      assert.deepEqual((await partitions()).map(({ id, at }) => [id, at]), [['20231115', now], ['20231116', now - 1000]]);
    });

    it(`copies into one partition with ${disposition}`, async () => {
      await withShots(own, 'stage');
      await load(own.client, 'shots', [A, B]);
      await load(own.client, 'stage', [{ ...A, player: 'staged' }]);
      now += 1000;
      const [job] = await table('stage$20231115').createCopyJob(table('shots$20231115'), { writeDisposition: disposition });
      const work = job.promise();
      if (disposition === 'WRITE_EMPTY') {
        assert.equal((await problemOf(work)).errors[0]?.reason, 'duplicate');
        assert.equal((await job.getMetadata())[0].status.errorResult.reason, 'duplicate');
        return;
      }
      await work;
      assert.deepEqual(await all(), disposition === 'WRITE_APPEND' ? [A, { ...A, player: 'staged' }, B] : [{ ...A, player: 'staged' }, B]);
      assert.deepEqual((await partitions()).map(({ at }) => at), [now, now - 1000]);
    });

    it(`writes a query into one partition with ${disposition}`, async () => {
      await load(own.client, 'shots', [A, B]);
      const [job] = await own.client.createQueryJob({ query: "SELECT DATE '2023-11-15' AS game_date, 'q' AS player, 9 AS points", destination: table('shots$20231115'), writeDisposition: disposition });
      if (disposition === 'WRITE_EMPTY') {
        assert.equal((await problemOf(job.getQueryResults())).errors[0]?.reason, 'duplicate');
        return;
      }
      assert.equal((await job.getQueryResults())[0].length, 1);
      assert.deepEqual(await all(), disposition === 'WRITE_APPEND' ? [A, { ...A, player: 'q', points: 9 }, B] : [{ ...A, player: 'q', points: 9 }, B]);
    });
  }

  it('keeps a partition that was emptied, with no rows', async () => {
    await load(own.client, 'shots', [A, B]);
    await own.client.query("DELETE FROM d.shots WHERE game_date = '2023-11-15'");
    assert.deepEqual((await partitions()).map(({ id, n }) => [id, n]), [['20231115', 0], ['20231116', 1]]);
  });

  it('counts logical bytes and says when each partition changed', async () => {
    await load(own.client, 'shots', [A, { ...B, player: null }]);
    assert.deepEqual(await partitions(), [{ id: '20231115', n: 1, bytes: 19, at: now }, { id: '20231116', n: 1, bytes: 16, at: now }]);
    now += 5000;
    await own.fake.outside("UPDATE d.shots SET points = 7 WHERE player = 'a'");
    assert.deepEqual((await partitions()).map(({ at }) => at), [now, now - 5000]);
  });

  it('refuses rows of another partition and leaves the table as it was', async () => {
    await load(own.client, 'shots', [A]);
    const problem = await problemOf(load(own.client, 'shots$20231115', [B], { writeDisposition: 'WRITE_TRUNCATE' }));
    assert.match(problem.message, /Some rows belong to different partitions/);
    assert.deepEqual(await all(), [A]);
  });

  it('refuses a decorator where there are no partitions', async () => {
    await own.client.dataset('d').createTable('flat', { schema: SHOTS.schema });
    const problem = await problemOf(load(own.client, 'flat$20231115', [A]));
    assert.match(problem.message, /non-partitioned table with a partition reference/);
    assert.equal(problem.errors[0]?.reason, 'invalid');
  });

  it('refuses to copy a table without partitions onto one that has them', async () => {
    await own.client.dataset('d').createTable('flat', { schema: SHOTS.schema });
    const [job] = await table('flat').createCopyJob(table('shots'), { writeDisposition: 'WRITE_APPEND' });
    assert.match((await problemOf(job.promise())).message, /Failed to copy Non partitioned table to Column partitioned table/);
  });

  it('refuses columns that the table has otherwise', async () => {
    const into = async (query: string) => {
      const [job] = await own.client.createQueryJob({ query, destination: table('shots'), writeDisposition: 'WRITE_APPEND' });
      return (await problemOf(job.getQueryResults())).message;
    };
    assert.match(await into("SELECT DATE '2023-11-15' AS game_date, 'q' AS player, '9' AS points"), /Field points has changed type from INTEGER to STRING/);
    assert.match(await into("SELECT DATE '2023-11-15' AS game_date, 'q' AS player, 9 AS points, 1 AS more"), /Cannot add fields \(field: more\)/);
    assert.match(await into("SELECT DATE '2023-11-15' AS game_date, 'q' AS player"), /Field points is missing in new schema/);
  });

  it('names what is wrong with each row of a load', async () => {
    const problem = await problemOf(load(own.client, 'shots', [A, { ...A, points: 'many' }, { ...A, other: 1 }]));
    assert.match(JSON.stringify(problem.errors), /Row 2.*points.*Row 3.*no such field: other/);
    assert.deepEqual(await all(), []);
  });

  it('loads packed lines, and objects of a bucket', async () => {
    const more = await rig({ readObject: async (uri) => (uri === 'gs://bucket/a.json' ? gzipSync(JSON.stringify(A)) : null) });
    try {
      await withShots(more);
      const loadFrom = (uri: string) => more.client.createJob({ configuration: { load: { sourceUris: [uri], sourceFormat: 'NEWLINE_DELIMITED_JSON', destinationTable: { projectId: 'p', datasetId: 'd', tableId: 'shots' } } } });
      const [missing] = await loadFrom('gs://bucket/b.json');
      assert.equal((await problemOf(missing.promise())).errors[0]?.reason, 'notFound');
      const [read] = await loadFrom('gs://bucket/a.json');
      await read.promise();
      assert.deepEqual(await rowsOf(more.client, 'SELECT COUNT(*) AS n FROM d.shots'), [{ n: 1 }]);
    } finally {
      await more.close();
    }
  });

  it('takes a resumable upload in several requests', async () => {
    const at = `${own.fake.endpoint}/upload/bigquery/v2/projects/p/jobs`;
    const job = { jobReference: { projectId: 'p', jobId: 'in-parts' }, configuration: { load: { sourceFormat: 'NEWLINE_DELIMITED_JSON', destinationTable: { datasetId: 'd', tableId: 'shots' } } } };
    const begun = await fetch(`${at}?uploadType=resumable`, { method: 'POST', body: JSON.stringify(job) });
    const session = begun.headers.get('location') ?? '';
    const data = Buffer.from(`${JSON.stringify(A)}\n${JSON.stringify(B)}`);
    const first = await fetch(session, { method: 'PUT', headers: { 'content-range': `bytes 0-9/${data.length}` }, body: data.subarray(0, 10), redirect: 'manual' });
    assert.deepEqual([first.status, first.headers.get('range')], [308, 'bytes=0-9']);
    const last = await fetch(session, { method: 'PUT', headers: { 'content-range': `bytes 10-${data.length - 1}/${data.length}` }, body: data.subarray(10) });
    assert.equal(last.status, 200);
    await own.client.job('in-parts').promise();
    assert.deepEqual(await all(), [A, B]);
  });

  it('round-trips every type of column', async () => {
    await own.client.query(`CREATE TABLE d.kinds (i INT64 NOT NULL, f FLOAT64, n NUMERIC, b BOOL, d DATE, t TIMESTAMP, s STRING, a ARRAY<INT64>, r STRUCT<x INT64, y ARRAY<STRING>>, y BYTES)`);
    await load(own.client, 'kinds', [{ i: '9007199254740991', f: 1.5, n: '12.5', b: true, d: '2023-11-15', t: '2023-11-15T01:02:03.5Z', s: 'é', a: [1, 2], r: { x: 1, y: ['k'] }, y: 'AAE=' }, { i: 1 }]);
    const [rows] = await own.client.dataset('d').table('kinds').getRows();
    const [full, empty] = rows;
    assert.deepEqual(JSON.parse(JSON.stringify({ ...full, y: full.y.toString('hex') })), {
      i: 9007199254740991, f: 1.5, n: '12.5', b: true, d: { value: '2023-11-15' }, t: { value: '2023-11-15T01:02:03.500Z' }, s: 'é', a: [1, 2], r: { x: 1, y: ['k'] }, y: '0001',
    });
    assert.deepEqual([empty.f, empty.a, empty.r], [null, [], null]);
    const [metadata] = await own.client.dataset('d').table('kinds').getMetadata();
    assert.deepEqual(metadata.schema.fields.map((field: { type: string; mode: string }) => `${field.type} ${field.mode}`), ['INTEGER REQUIRED', 'FLOAT NULLABLE', 'NUMERIC NULLABLE', 'BOOLEAN NULLABLE', 'DATE NULLABLE', 'TIMESTAMP NULLABLE', 'STRING NULLABLE', 'INTEGER REPEATED', 'RECORD NULLABLE', 'BYTES NULLABLE']);
  });
});
