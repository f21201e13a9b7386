import assert from 'node:assert/strict';
import { load, problemOf, rig, rowsOf, withShots, type Rig } from './fake.ts';

const A = { game_date: '2023-11-15', player: 'a', points: 1 };

describe('the local BigQuery, by Google\'s client: streaming inserts', () => {
  let own: Rig;
  let now = 0;
  beforeEach(async () => {
    now = Date.parse('2024-01-01T00:00:00Z');
    own = await rig({ now: () => now });
    await withShots(own);
  });
  afterEach(() => own.close());

  const shots = () => own.client.dataset('d').table('shots');
  const partitions = () => rowsOf(own.client, "SELECT partition_id AS id, total_rows AS n FROM d.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = 'shots' ORDER BY 1");
  const count = async () => (await rowsOf(own.client, 'SELECT COUNT(*) AS n FROM d.shots'))[0];

  it('shows rows to queries at once, and to PARTITIONS only after the flush', async () => {
    await shots().insert([A]);
    assert.deepEqual(await count(), { n: 1 });
    assert.deepEqual(await partitions(), [{ id: '__UNPARTITIONED__', n: 1 }]);
    assert.equal((await shots().getMetadata())[0].streamingBuffer.estimatedRows, '1');
    await own.fake.flush('d.shots');
    assert.deepEqual(await partitions(), [{ id: '20231115', n: 1 }]);
    assert.deepEqual(await count(), { n: 1 });
  });

  it('flushes by itself after 90 minutes', async () => {
    await shots().insert([A]);
    now += 90 * 60_000;
    assert.deepEqual(await partitions(), [{ id: '20231115', n: 1 }]);
  });

  it('takes an insertId once within a minute', async () => {
    const insert = () => shots().insert([{ insertId: 'same', json: A }], { raw: true });
    await insert();
    await insert();
    assert.deepEqual(await count(), { n: 1 });
    now += 60_000;
    await insert();
    assert.deepEqual(await count(), { n: 2 });
  });

  it('refuses UPDATE, DELETE and MERGE over buffered rows (P18), and takes INSERT', async () => {
    await shots().insert([A]);
    for (const sql of ['UPDATE d.shots SET points = 2 WHERE TRUE', 'DELETE FROM d.shots WHERE TRUE', 'MERGE d.shots t USING (SELECT 1 AS v) s ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE']) {
      const problem = await problemOf(own.client.query(sql));
      assert.deepEqual([problem.errors[0]?.reason, /would affect rows in the streaming buffer/.test(problem.message)], ['invalidQuery', true]);
    }
    await own.client.query("INSERT INTO d.shots (game_date, player, points) VALUES (DATE '2023-11-16', 'b', 2)");
    assert.deepEqual(await partitions(), [{ id: '20231116', n: 1 }, { id: '__UNPARTITIONED__', n: 1 }]);
    await own.fake.flush();
    await own.client.query('DELETE FROM d.shots WHERE TRUE');
    assert.deepEqual(await count(), { n: 0 });
  });

  it('leaves buffered rows out of copies, and there when their partition is replaced', async () => {
    await load(own.client, 'shots', [{ ...A, player: 'old' }]);
    await shots().insert([A]);
    await withShots(own, 'copied');
    const [job] = await shots().createCopyJob(own.client.dataset('d').table('copied'), { writeDisposition: 'WRITE_TRUNCATE' });
    await job.promise();
    assert.deepEqual(await rowsOf(own.client, 'SELECT player FROM d.copied'), [{ player: 'old' }]);
    await load(own.client, 'shots$20231115', [{ ...A, player: 'new' }], { writeDisposition: 'WRITE_TRUNCATE' });
    assert.deepEqual(await rowsOf(own.client, 'SELECT player FROM d.shots ORDER BY 1'), [{ player: 'a' }, { player: 'new' }]);
  });

  it('names each row that cannot be, and takes none of the others', async () => {
    const problem = await problemOf(shots().insert([A, { ...A, points: 'many' }, { ...A, nope: 1 }], { partialRetries: 0 }));
    assert.deepEqual(problem.errors.map((row) => JSON.parse(JSON.stringify(row)).errors[0].reason), ['invalid', 'invalid', 'stopped']);
    assert.deepEqual(await count(), { n: 0 });
  });
});
