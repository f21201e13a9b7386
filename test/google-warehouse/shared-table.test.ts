import assert from 'node:assert/strict';
import { Calendar } from '../../shared/calendar/calendar.ts';
import type { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { PromoteOutcome, Row } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { boxscore, claimOf, named, nov15, nov16 } from '../contract/warehouse-under-test.ts';
import { openBigQuery, type GoogleParts } from './bigquery-under-test.ts';

describe('A table that two services fill, in BigQuery', () => {
  const pipeline = warehousePipeline();
  const calendar = new Calendar(pipeline, []);
  const ours: Processor = { ...named(pipeline, 'Boxscores'), tableFilter: { column: 'game_id', equals: 'A' } };
  const theirs = boxscore(100);
  let parts: GoogleParts;
  let warehouse: BigQueryWarehouse;
  let dispose: () => Promise<void>;

  beforeEach(async () => {
    const opened = await openBigQuery(pipeline);
    ({ parts, warehouse, dispose } = opened);
    await opened.outside(named(pipeline, 'Boxscores'), nov15, [theirs]);
  });
  afterEach(() => dispose());

  const write = async (generation: number, rows: readonly Row[]): Promise<PromoteOutcome> =>
    (await warehouse.stage(claimOf(ours, nov15, generation), { kind: 'rows', rows }, calendar)).promote('{}');
  const all = () => warehouse.rows(named(pipeline, 'Boxscores'), { from: nov15, to: nov16 }, null);

  it("has its own rows replaced, and the other's left", async () => {
    assert.deepEqual(await write(1, [boxscore(1), boxscore(2)]), { kind: 'promoted' });
    assert.deepEqual(await write(2, [boxscore(3)]), { kind: 'promoted' });
    assert.deepEqual(await all(), [boxscore(3), theirs]);
    assert.deepEqual(await write(3, [boxscore(3)]), { kind: 'unchanged' });
    assert.deepEqual(await write(4, []), { kind: 'promoted' });
    assert.deepEqual(await all(), [theirs]);
  });

  it('is measured and read by its own rows', async () => {
    await write(1, [boxscore(1), boxscore(2)]);
    assert.equal((await warehouse.coverage([ours], nov15, nov16)).get('Boxscores')?.get(nov15)?.rows, 2);
    assert.deepEqual(await warehouse.rows(ours, { from: nov15, to: nov16 }, ['player_id']), [{ player_id: 1 }, { player_id: 2 }]);
    await parts.server.outside(`DELETE FROM raw.boxscores WHERE game_id = 'A'`);
    assert.equal((await warehouse.coverage([ours], nov15, nov16)).get('Boxscores')?.size, 0);
  });

  it("refuses the other's rows", async () => {
    await assert.rejects(write(1, [theirs]), /game_id "B"; allowed is "A", its table_filter/);
  });

  it("refuses the other's rows from SQL too", async () => {
    const summary: Processor = { ...named(pipeline, 'Summary'), tableFilter: { column: 'player_id', equals: 1 } };
    const source = { kind: 'sql', inputs: [{ upstream: named(pipeline, 'Boxscores'), columns: ['player_id', 'points'], range: { from: nov15, to: nov15 } }] } as const;
    await assert.rejects(warehouse.stage(claimOf(summary, nov16), source, calendar), /player_id 100; allowed is 1, its table_filter/);
  });
});
