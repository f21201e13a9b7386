import assert from 'node:assert/strict';
import { z } from 'zod';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { addDays, type Day } from '../../shared/calendar/day.ts';
import { cloningSql, TIME_TRAVEL_MS } from '../../shared/google/bigquery-kept.ts';
import type { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import type { JobPurpose } from '../../shared/google/bigquery-jobs.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { OldRows, PromoteOutcome, Row, RowSource } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { boxscore, claimOf, named, nov15, nov16 } from '../contract/warehouse-under-test.ts';
import { startParts, stopParts, warehouseOn, type GoogleParts } from './bigquery-under-test.ts';

const listSchema = z.looseObject({ tables: z.array(z.looseObject({ tableReference: z.looseObject({ tableId: z.string() }) })).default([]) });
const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 10, 21, 12);

describe('What BigQuery keeps of dates before they are overwritten', () => {
  const pipeline = warehousePipeline();
  const calendar = new Calendar(pipeline, []);
  const boxscores = named(pipeline, 'Boxscores');
  let now: number;
  let parts: GoogleParts;
  let warehouse: BigQueryWarehouse;
  let begun: JobPurpose[];
  let generation: number;

  beforeEach(async () => {
    [now, begun, generation] = [START, [], 0];
    parts = await startParts({ now: () => now, remembersPast: true });
    warehouse = warehouseOn(parts, pipeline, { now: () => now, onJob: (_, purpose) => { begun.push(purpose); } });
    await warehouse.ensureTables();
  });
  afterEach(() => stopParts(parts));

  const put = async (processor: Processor, at: Day, source: RowSource | OldRows): Promise<PromoteOutcome> => {
    // Metadata tells two versions of a partition apart by the time of their writing.
    now += 1000;
    return (await warehouse.stage(claimOf(processor, at, generation += 1), source, calendar)).promote('{}');
  };
  const write = (processor: Processor, at: Day, rows: readonly Row[]): Promise<PromoteOutcome> => put(processor, at, { kind: 'rows', rows });
  const rowsOf = (processor: Processor, at: Day) => warehouse.rows(processor, { from: at, to: at }, null);
  const keep = async (processor: Processor, at: Day, name = 'season') => {
    const fingerprint = (await warehouse.coverage([processor], at, at)).get(processor.name)?.get(at)?.fingerprint ?? '';
    return warehouse.keep(processor, at, { name, fingerprint, at: now, until: now + 30 * DAY_MS });
  };
  async function staging(): Promise<readonly string[]> {
    const response = await fetch(`${parts.server.endpoint}/bigquery/v2/projects/${parts.server.projectId}/datasets/staging/tables`);
    return listSchema.parse(await response.json()).tables.map(({ tableReference }) => tableReference.tableId);
  }

  it('is one clone a table and backfill, whatever the number of dates (P26)', async () => {
    const dates = [nov15, nov16, addDays(nov16, 1), addDays(nov16, 2)];
    for (const at of dates) await write(boxscores, at, [boxscore(1, {}, at)]);
    assert.deepEqual(await Promise.all(dates.map((at) => keep(boxscores, at))), [true, true, true, true]);
    assert.equal(begun.filter(({ purpose }) => purpose === 'keep').length, 1, 'a table takes few changes of its own in ten seconds: lanes that want the clone at the same time make it once');
    const [clone, ...others] = await staging();
    assert.match(clone ?? '', /^kept_[0-9a-f]{16}_raw_boxscores$/);
    assert.deepEqual(others, []);
    begun = [];
    for (const at of dates) await keep(boxscores, at);
    assert.deepEqual(begun.filter(({ purpose }) => purpose === 'keep'), [], 'it is made once, and nothing is put into it for dates that it holds');
    await keep(boxscores, nov15, 'another');
    assert.equal((await staging()).length, 2);
  });

  it('is gone when its time is over', async () => {
    await write(boxscores, nov15, [boxscore(1)]);
    await keep(boxscores, nov15);
    await write(boxscores, nov15, [boxscore(2)]);
    now += 30 * DAY_MS;
    assert.deepEqual([...await warehouse.kept(boxscores, 'season', nov15, nov15)], []);
    await assert.rejects(put(boxscores, nov15, { kind: 'kept', name: 'season' }), /nothing is kept of it for season/);
    assert.equal(await keep(boxscores, nov15), true, 'a backfill that goes on for longer has another one');
    await write(boxscores, nov15, [boxscore(3)]);
    await put(boxscores, nov15, { kind: 'kept', name: 'season' });
    assert.deepEqual(await rowsOf(boxscores, nov15), [boxscore(2)]);
  });

  it("of a table that two services fill is each one's own rows", async () => {
    const ours: Processor = { ...boxscores, tableFilter: { column: 'game_id', equals: 'A' } };
    const theirs = boxscore(100);
    await write(boxscores, nov15, [boxscore(1), theirs]);
    await keep(ours, nov15);
    await write(ours, nov15, [boxscore(2)]);
    await keep(ours, nov16);
    await parts.server.outside("UPDATE raw.boxscores SET points = 7 WHERE game_id = 'B'");
    assert.deepEqual(await put(ours, nov15, { kind: 'kept', name: 'season' }), { kind: 'promoted' });
    assert.deepEqual(await rowsOf(boxscores, nov15), [boxscore(1), { ...theirs, points: 7 }], 'what the other has written since stays');
  });

  it('keeps columns too that the definition does not name', async () => {
    await parts.server.outside('ALTER TABLE raw.boxscores ADD COLUMN extra STRING');
    await write(boxscores, nov15, [boxscore(1)]);
    await parts.server.outside("UPDATE raw.boxscores SET extra = 'theirs' WHERE player_id = 1");
    await keep(boxscores, nov15);
    await write(boxscores, nov15, [boxscore(2)]);
    await put(boxscores, nov15, { kind: 'kept', name: 'season' });
    const response = await fetch(`${parts.server.endpoint}/bigquery/v2/projects/${parts.server.projectId}/queries`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: 'SELECT player_id, extra FROM raw.boxscores', useLegacySql: false }),
    });
    assert.deepEqual(z.looseObject({ rows: z.unknown() }).parse(await response.json()).rows, [{ f: [{ v: '1' }, { v: 'theirs' }] }]);
  });

  const extras = async (): Promise<unknown> => {
    const response = await fetch(`${parts.server.endpoint}/bigquery/v2/projects/${parts.server.projectId}/queries`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: "SELECT extra FROM raw.boxscores WHERE game_date = '2023-11-16'", useLegacySql: false }),
    });
    return z.looseObject({ rows: z.unknown() }).parse(await response.json()).rows;
  };

  it('has the columns too that its table has gained since it was made', async () => {
    await write(boxscores, nov15, [boxscore(1)]);
    await keep(boxscores, nov15);
    await parts.server.outside('ALTER TABLE raw.boxscores ADD COLUMN extra STRING');
    now += 1000;
    await write(boxscores, nov16, [boxscore(2, {}, nov16)]);
    await parts.server.outside("UPDATE raw.boxscores SET extra = 'theirs' WHERE player_id = 2");
    assert.equal(await keep(boxscores, nov16), true);
    await write(boxscores, nov16, [boxscore(3, {}, nov16)]);
    await put(boxscores, nov16, { kind: 'kept', name: 'season' });
    assert.deepEqual([await rowsOf(boxscores, nov16), await extras()], [[boxscore(2, {}, nov16)], [{ f: [{ v: 'theirs' }] }]]);
  });

  it('goes on where its table has lost a column since it was made', async () => {
    await parts.server.outside('ALTER TABLE raw.boxscores ADD COLUMN extra STRING');
    now += 1000;
    await write(boxscores, nov15, [boxscore(1)]);
    await keep(boxscores, nov15);
    await parts.server.outside('ALTER TABLE raw.boxscores DROP COLUMN extra');
    now += 1000;
    await write(boxscores, nov16, [boxscore(2, {}, nov16)]);
    assert.equal(await keep(boxscores, nov16), true);
    await write(boxscores, nov16, [boxscore(3, {}, nov16)]);
    await put(boxscores, nov16, { kind: 'kept', name: 'season' });
    assert.deepEqual(await rowsOf(boxscores, nov16), [boxscore(2, {}, nov16)]);
  });

  it('is what the table itself remembers where nothing was kept, by time travel', async () => {
    assert.equal(warehouse.remembersMs(boxscores), TIME_TRAVEL_MS);
    assert.equal(warehouse.remembersMs(named(pipeline, 'Landed')), 0);
    const old = [boxscore(1), boxscore(2)];
    await write(boxscores, nov15, old);
    now += 60_000;
    const at = now;
    now += 60_000;
    await write(boxscores, nov15, [boxscore(3)]);
    await write(boxscores, nov16, [boxscore(4, {}, nov16)]);
    assert.deepEqual(await put(boxscores, nov15, { kind: 'past', at }), { kind: 'promoted' });
    assert.deepEqual(await rowsOf(boxscores, nov15), old);
    assert.deepEqual(await rowsOf(boxscores, nov16), [boxscore(4, {}, nov16)]);
    await assert.rejects(put(boxscores, nov16, { kind: 'past', at }), /this warehouse does not remember what it held at 2026-11-21T12:01:01\.000Z/);
    assert.deepEqual(await rowsOf(boxscores, nov16), [boxscore(4, {}, nov16)], 'a date is not emptied by it');
  });

  it('expires by a literal of its own: the dataset’s expiration is shorter', () => {
    assert.equal(cloningSql('`p.staging.kept`', '`p.raw.boxscores`', START), "CREATE TABLE IF NOT EXISTS `p.staging.kept` CLONE `p.raw.boxscores` OPTIONS (expiration_timestamp = TIMESTAMP '2026-11-21 12:00:00.000+00')");
  });
});
