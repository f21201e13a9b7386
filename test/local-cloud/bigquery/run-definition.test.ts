import assert from 'node:assert/strict';
import { load, problemOf, rig, rowsOf, withShots, type Rig } from './fake.ts';

const A = { game_date: '2023-11-15', player: 'a', points: 1 };
const DAY_MS = 86_400_000;

describe('the local BigQuery, by Google\'s client: definitions and metadata', () => {
  let own: Rig;
  let now = 0;
  beforeEach(async () => {
    now = Date.parse('2024-01-01T00:00:00Z');
    own = await rig({ now: () => now });
    await withShots(own);
  });
  afterEach(() => own.close());

  it('tells a table as it was created by SQL', async () => {
    await own.client.query("CREATE TABLE `p.d.made` (game_date DATE NOT NULL, k STRING) PARTITION BY game_date CLUSTER BY k OPTIONS (description = 'of a test', expiration_timestamp = TIMESTAMP '2024-01-02 00:00:00Z')");
    const [metadata] = await own.client.dataset('d').table('made').getMetadata();
    assert.deepEqual([metadata.timePartitioning, metadata.clustering, metadata.description, metadata.expirationTime, metadata.location, metadata.numRows], [{ type: 'DAY', field: 'game_date' }, { fields: ['k'] }, 'of a test', String(now + DAY_MS), 'US', '0']);
  });

  it('forgets a table past its expiration', async () => {
    await own.client.query('CREATE TABLE d.kept CLONE d.shots OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY))');
    assert.deepEqual(await own.client.dataset('d').table('kept').exists(), [true]);
    now += DAY_MS;
    assert.deepEqual(await own.client.dataset('d').table('kept').exists(), [false]);
    assert.equal((await problemOf(own.client.query('SELECT * FROM d.kept'))).errors[0]?.reason, 'notFound');
  });

  it('clones rows that stay when the table changes', async () => {
    await load(own.client, 'shots', [A]);
    await own.client.query('CREATE TABLE d.kept CLONE d.shots');
    await own.client.query('DELETE FROM d.shots WHERE TRUE');
    assert.deepEqual(await rowsOf(own.client, 'SELECT player FROM d.kept'), [{ player: 'a' }]);
    assert.deepEqual((await own.client.dataset('d').table('kept').getMetadata())[0].timePartitioning, { type: 'DAY', field: 'game_date' });
  });

  it('has views by SQL and by the API, and counts what is read through them', async () => {
    await load(own.client, 'shots', [A]);
    await own.client.query('CREATE VIEW d.scored AS SELECT player, points FROM d.shots WHERE points > 0');
    await own.client.dataset('d').createTable('named', { view: { query: 'SELECT player FROM `p.d.scored`', useLegacySql: false } });
    assert.deepEqual(await rowsOf(own.client, 'SELECT * FROM d.named'), [{ player: 'a' }]);
    assert.equal((await own.client.dataset('d').table('scored').getMetadata())[0].type, 'VIEW');
    const [job] = await own.client.createQueryJob({ query: 'SELECT player FROM d.scored', dryRun: true });
    assert.equal(job.metadata.statistics.totalBytesProcessed, '11');
    assert.match((await problemOf(load(own.client, 'scored', [{ player: 'x' }]))).message, /currently a VIEW/);
  });

  it('lists columns, and partitions of the month of a table', async () => {
    await own.client.query('CREATE TABLE d.months (d DATE, n ARRAY<INT64>) PARTITION BY DATE_TRUNC(d, MONTH)');
    await own.client.query("INSERT INTO d.months (d, n) VALUES (DATE '2023-11-15', [1]), (NULL, [])");
    assert.deepEqual(await rowsOf(own.client, "SELECT column_name AS c, data_type AS t, is_partitioning_column AS p, ordinal_position AS o FROM d.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'months' ORDER BY o"), [{ c: 'd', t: 'DATE', p: 'YES', o: 1 }, { c: 'n', t: 'ARRAY<INT64>', p: 'NO', o: 2 }]);
    assert.deepEqual(await rowsOf(own.client, "SELECT partition_id AS id, total_rows AS n FROM `p`.d.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = 'months' ORDER BY id"), [{ id: '202311', n: 1 }, { id: '__NULL__', n: 1 }]);
  });

  it('gives an unpartitioned table one row without an id', async () => {
    await own.client.query('CREATE TABLE d.flat AS SELECT 1 AS v');
    assert.deepEqual(await rowsOf(own.client, "SELECT partition_id AS id, total_rows AS n FROM d.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = 'flat'"), [{ id: null, n: 1 }]);
  });

  it('deletes one partition by its decorator', async () => {
    await load(own.client, 'shots', [A, { ...A, game_date: '2023-11-16' }]);
    await own.client.dataset('d').table('shots$20231115').delete();
    assert.deepEqual(await rowsOf(own.client, "SELECT partition_id AS id FROM d.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = 'shots'"), [{ id: '20231116' }]);
  });

  it('changes rows by MERGE and tells how many', async () => {
    await load(own.client, 'shots', [A]);
    const [job] = await own.client.createQueryJob("MERGE INTO `p.d.shots` AS held USING (SELECT DATE '2023-11-15' AS game_date, 'b' AS player, 2 AS points) AS staged ON FALSE WHEN NOT MATCHED BY TARGET THEN INSERT (game_date, player, points) VALUES (game_date, player, points) WHEN NOT MATCHED BY SOURCE AND held.game_date = '2023-11-15' THEN DELETE");
    await job.getQueryResults();
    assert.equal((await job.getMetadata())[0].statistics.query.numDmlAffectedRows, '2');
    assert.deepEqual(await rowsOf(own.client, 'SELECT player FROM d.shots'), [{ player: 'b' }]);
  });

  it('renames a column, as another program might', async () => {
    await own.fake.outside('ALTER TABLE d.shots RENAME COLUMN points TO score');
    assert.match((await problemOf(own.client.query('SELECT points FROM d.shots'))).message, /Unrecognized name: points/);
    assert.deepEqual(await own.fake.outside('SELECT score FROM d.shots'), []);
  });

  it('insists on a filter where the table does', async () => {
    await own.client.query('CREATE TABLE d.strict (d DATE, n INT64) PARTITION BY d OPTIONS (require_partition_filter = TRUE)');
    assert.match((await problemOf(own.client.query('SELECT n FROM d.strict'))).message, /without a filter over column\(s\) 'd'/);
    assert.deepEqual(await rowsOf(own.client, "SELECT n FROM d.strict WHERE d = '2023-11-15'"), []);
  });

  it('reads only the partitions that the conditions leave', async () => {
    await load(own.client, 'shots', [A, { ...A, game_date: '2023-11-16' }, { ...A, game_date: '2023-11-17' }]);
    const bytes = async (where: string, params: Record<string, unknown> = {}) => Number((await own.client.createQueryJob({ query: `WITH held AS (SELECT points FROM d.shots WHERE ${where}) SELECT points FROM held`, dryRun: true, params }))[0].metadata.statistics.totalBytesProcessed);
    const date = (text: string) => own.client.date(text);
    assert.deepEqual([await bytes('TRUE'), await bytes('game_date BETWEEN @a AND @b', { a: date('2023-11-15'), b: date('2023-11-16') }), await bytes('game_date IN UNNEST(@days)', { days: [date('2023-11-17')] }), await bytes("game_date = '2023-11-15' OR TRUE")], [24, 32, 16, 48]);
  });
});

describe('the local BigQuery in a file', () => {
  it('keeps tables and used job ids when it starts again', async () => {
    const { mkdtemp, rm } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const folder = await mkdtemp(`${tmpdir()}/bigquery-`);
    try {
      const first = await rig({ file: `${folder}/data.duckdb` });
      await withShots(first);
      await load(first.client, 'shots', [A], { jobId: 'once' });
      await first.close();
      const second = await rig({ file: `${folder}/data.duckdb` });
      try {
        assert.deepEqual(await rowsOf(second.client, 'SELECT player FROM d.shots'), [{ player: 'a' }]);
        assert.equal((await problemOf(second.client.createQueryJob({ query: 'SELECT 1', jobId: 'once' }))).code, 409);
      } finally {
        await second.close();
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
