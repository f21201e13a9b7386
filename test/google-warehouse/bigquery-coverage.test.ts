import assert from 'node:assert/strict';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { day, type Day } from '../../shared/calendar/day.ts';
import { classify } from '../../shared/failures/classify.ts';
import type { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { boxscore, claimOf, named, nov15, nov16 } from '../contract/warehouse-under-test.ts';
import { noting, openBigQuery, warehouseOn, type GoogleParts } from './bigquery-under-test.ts';

describe('Coverage in BigQuery', () => {
  const pipeline = warehousePipeline();
  const boxscores = named(pipeline, 'Boxscores');
  const schedule = named(pipeline, 'Schedule');
  const summary = named(pipeline, 'Summary');
  const calendar = new Calendar(pipeline, []);
  const until = day(nov15 + 30);
  let parts: GoogleParts;
  let warehouse: BigQueryWarehouse;
  let dispose: () => Promise<void>;

  beforeEach(async () => { ({ parts, warehouse, dispose } = await openBigQuery(pipeline)); });
  afterEach(() => dispose());

  async function write(at: Day, rows: readonly Row[], processor = boxscores, generation = 1): Promise<void> {
    await (await warehouse.stage(claimOf(processor, at, generation), { kind: 'rows', rows }, calendar)).promote('{}');
  }
  /** Purposes of the jobs that a look at coverage begins. */
  async function jobsOf(look: BigQueryWarehouse, processors: readonly Processor[] = [boxscores]): Promise<readonly string[]> {
    const before = new Set(parts.server.jobs().map(({ jobId }) => jobId));
    await look.coverage(processors, nov15, until);
    return parts.server.jobs().filter(({ jobId }) => !before.has(jobId)).map(({ jobId }) => /^smart_backfill_([a-z_]+?)_[0-9a-f-]{36}$/.exec(jobId)?.[1] ?? jobId).sort();
  }
  const rowsAt = async (at: Day): Promise<number | undefined> => (await warehouse.coverage([boxscores], nov15, until)).get('Boxscores')?.get(at)?.rows;
  const damaged = (sql: string) => parts.server.outside(sql);

  it('takes one query a dataset, and one a table that has changed partitions', async () => {
    for (const at of [nov15, nov16]) await write(at, [boxscore(1, {}, at)]);
    await write(nov15, [{ game_date: '2023-11-15', game_id: 'A', game_status: 3, season_type: 'R' }], schedule);
    assert.deepEqual(await jobsOf(warehouse, [boxscores, schedule, summary]), ['measure', 'measure', 'metadata', 'metadata']);
    assert.deepEqual(await jobsOf(warehouse, [boxscores, schedule, summary]), ['metadata', 'metadata']);
  });

  it('measures only the partitions that changed', async () => {
    for (const at of [nov15, nov16]) await write(at, [boxscore(1, {}, at)]);
    await warehouse.coverage([boxscores], nov15, until);
    await write(nov16, [boxscore(1, { points: 99 }, nov16)], boxscores, 2);
    const sent: unknown[] = [];
    const look = warehouseOn({ ...parts, client: noting(parts.client, sent) }, pipeline);
    assert.equal((await look.coverage([boxscores], nov15, until)).get('Boxscores')?.size, 2);
    const measuring = sent.map((request) => JSON.stringify(request) ?? '').filter((request) => request.includes('FARM_FINGERPRINT'));
    assert.equal(measuring.length, 1);
    assert.match(measuring[0]!, /2023-11-16/);
    assert.doesNotMatch(measuring[0]!, /2023-11-15/);
  });

  it('is remembered by other instances, and measured anew under another definition', async () => {
    await write(nov15, [boxscore(1)]);
    await warehouse.coverage([boxscores], nov15, until);
    assert.deepEqual(await jobsOf(warehouseOn(parts, pipeline)), ['metadata']);
    const wider = warehousePipeline({ gained: { plus_minus: 'INT64' } });
    const changed = warehouseOn(parts, wider);
    await changed.ensureTables();
    assert.deepEqual(await jobsOf(changed, [named(wider, 'Boxscores')]), ['measure', 'metadata']);
  });

  it('confirms a partition that is gone by counting, once', async () => {
    await write(nov15, [boxscore(1)]);
    await warehouse.coverage([boxscores], nov15, until);
    await damaged(`DELETE FROM raw.boxscores WHERE game_date = DATE '2023-11-15'`);
    assert.deepEqual(await jobsOf(warehouse), ['measure', 'metadata']);
    assert.equal(await rowsAt(nov15), undefined);
    assert.deepEqual(await jobsOf(warehouse), ['metadata']);
  });

  it('sees rows in the streaming buffer, which no partition counts yet (P19)', async () => {
    await write(nov16, [boxscore(1, {}, nov16)]);
    const rows = [boxscore(1), boxscore(2), boxscore(3, {}, nov16)];
    await new Promise<void>((resolve, reject) => {
      parts.client.request({
        method: 'POST', uri: '/datasets/raw/tables/boxscores/insertAll', projectId: parts.server.projectId, json: { rows: rows.map((json, index) => ({ insertId: `${index}`, json })) },
      }, (error) => (error ? reject(error) : resolve()));
    });
    assert.deepEqual([await rowsAt(nov15), await rowsAt(nov16)], [2, 2]);
    assert.deepEqual(await jobsOf(warehouse), ['count', 'measure', 'metadata'], 'what is buffered is not remembered');
    await parts.server.flush();
    assert.deepEqual([await rowsAt(nov15), await rowsAt(nov16)], [2, 2]);
    assert.deepEqual(await jobsOf(warehouse), ['metadata']);
  });

  it('of a table without partitions is one grouped count', async () => {
    await damaged('CREATE TABLE raw.plain AS SELECT * FROM raw.boxscores');
    await damaged('DROP TABLE raw.boxscores');
    await damaged('CREATE TABLE raw.boxscores AS SELECT * FROM raw.plain');
    await damaged(`INSERT INTO raw.boxscores (game_date, game_id, player_id, points) VALUES (DATE '2023-11-15', 'A', 1, 2), (DATE '2023-11-15', 'A', 1, 3)`);
    const found = (await warehouse.coverage([boxscores], nov15, until)).get('Boxscores')?.get(nov15);
    assert.deepEqual([found?.rows, found?.duplicates], [2, 1]);
    await write(nov15, [boxscore(7)]);
    await write(nov16, [boxscore(8, {}, nov16)]);
    assert.deepEqual([await rowsAt(nov15), await rowsAt(nov16)], [1, 1], 'a date is replaced in one statement (P24)');
  });

  it('of a table that is not there is empty; writing it says so', async () => {
    await damaged('DROP TABLE raw.boxscores');
    assert.equal((await warehouse.coverage([boxscores], nov15, until)).get('Boxscores')?.size, 0);
    assert.deepEqual(await warehouse.rows(boxscores, { from: nov15, to: until }, null), []);
    const thrown: unknown = await warehouse.stage(claimOf(boxscores, nov15), { kind: 'rows', rows: [boxscore(1)] }, calendar).catch((error: unknown) => error);
    const failure = classify(thrown);
    assert.deepEqual([failure.category, failure.action, failure.rule], ['data_availability', 'never', 'google:notFound'], failure.message);
  });

  it('of a table whose column was renamed names table and column, and is not tried again', async () => {
    await damaged('CREATE TABLE raw.plain AS SELECT * EXCEPT (points), points AS pts FROM raw.boxscores');
    await damaged('DROP TABLE raw.boxscores');
    await damaged('CREATE TABLE raw.boxscores AS SELECT * FROM raw.plain');
    for (const attempt of [() => warehouse.coverage([boxscores], nov15, until), () => warehouse.stage(claimOf(boxscores, nov15), { kind: 'rows', rows: [] }, calendar)]) {
      const thrown: unknown = await attempt().catch((error: unknown) => error);
      assert.match(String(thrown), /table raw\.boxscores is not as Boxscores declares it: it lacks 'points'/);
      assert.deepEqual([classify(thrown).category, classify(thrown).action], ['processing', 'never']);
    }
  });
});
