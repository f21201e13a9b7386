import assert from 'node:assert/strict';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { day } from '../../shared/calendar/day.ts';
import type { DataCheck, OffendingRows, Row } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from './warehouse-pipeline.ts';
import { boxscore, claimOf, named, nov15, nov16, type WarehouseCapabilities, type WarehouseUnderTest } from './warehouse-under-test.ts';

/** A query that no warehouse ends within a second. */
const SLOW = `WITH pairs AS (SELECT a.points FROM boxscores AS a CROSS JOIN boxscores AS b)
  SELECT a.points, COUNT(*) AS many
  FROM pairs AS a CROSS JOIN pairs AS b CROSS JOIN pairs AS c CROSS JOIN pairs AS d CROSS JOIN pairs AS e CROSS JOIN pairs AS f CROSS JOIN pairs AS g CROSS JOIN pairs AS h
  WHERE a.points + b.points + c.points + d.points + e.points + f.points + g.points + h.points > 1000 GROUP BY a.points`;

/** What a warehouse promises of checks: queries that return the rows that are wrong. */
export function checksContract(current: () => WarehouseUnderTest, sql: WarehouseCapabilities['sql']): void {
  const pipeline = warehousePipeline();
  const boxscores = named(pipeline, 'Boxscores');
  const check = (query: string, changes: Partial<DataCheck> = {}): DataCheck => ({
    name: 'points_in_range', sql: query, inputs: [{ upstream: boxscores, columns: null, range: { from: nov15, to: nov16 } }], timeoutSeconds: 60, ...changes,
  });
  const run = (query: string, changes: Partial<DataCheck> = {}, signal?: AbortSignal): Promise<OffendingRows> => current().warehouse.check(check(query, changes), 2, signal);

  describe('Checks', () => {
    if (sql !== true) {
      it(`are refused by name: ${sql}`, () => assert.rejects(run('SELECT player_id FROM boxscores'), /points_in_range is SQL/));
      return;
    }

    beforeEach(async () => {
      const calendar = new Calendar(pipeline, []);
      for (const at of [day(nov15 - 1), nov15, nov16]) {
        const rows: readonly Row[] = [1, 2, 3].map((player) => boxscore(player, {}, at));
        await (await current().warehouse.stage(claimOf(boxscores, at), { kind: 'rows', rows }, calendar)).promote('{}');
      }
    });

    it('pass where their query returns nothing', async () => {
      assert.deepEqual(await run('SELECT player_id FROM boxscores WHERE points > 6'), { rows: 0, sample: [] });
    });
    it('count all rows that it returns, and show the first of them, with values as rows have them', async () => {
      const found = await run('SELECT game_date, player_id, points, minutes, rating, starter, remark, tip_off FROM boxscores WHERE points = 4');
      assert.deepEqual(found, {
        rows: 2,
        sample: ['2023-11-15', '2023-11-16'].map((date) => ({ game_date: date, player_id: 2, points: 4, minutes: 30.5, rating: 2 / 7, starter: true, remark: null, tip_off: '2023-11-16T00:30:00.000Z' })),
      });
      assert.equal((await run('SELECT player_id FROM boxscores')).rows, 6);
      assert.deepEqual((await run('SELECT player_id FROM boxscores')).sample, [{ player_id: 1 }, { player_id: 1 }]);
    });
    it('see no row outside their range, and none where there is no range', async () => {
      assert.equal((await run('SELECT player_id FROM boxscores WHERE game_date < DATE \'2023-11-15\'')).rows, 0);
      assert.equal((await run('SELECT player_id FROM boxscores', { inputs: [{ upstream: boxscores, columns: null, range: null }] })).rows, 0);
    });
    it('have clauses of their own, comments and a semicolon', async () => {
      const found = await run('-- what is wrong\nWITH sums AS (SELECT player_id, SUM(points) AS points FROM boxscores GROUP BY player_id)\nSELECT player_id FROM sums WHERE points = 12 -- two dates\n;\n');
      assert.deepEqual(found, { rows: 1, sample: [{ player_id: 3 }] });
    });
    it('whose query fails do not pass: they throw, naming the check', async () => {
      await assert.rejects(run('SELECT no_such_column FROM boxscores'), /the check points_in_range: .*no_such_column/s);
      await assert.rejects(run("SELECT CAST('x' || CAST(player_id AS STRING) AS INT64) AS n FROM boxscores"), /the check points_in_range/);
      await assert.rejects(run('SELECT processed_at FROM boxscores'), /processed_at/, 'a volatile column is no input');
    });
    it('that take too long are stopped', async () => {
      await assert.rejects(run(SLOW, { timeoutSeconds: 0.3 }), /the check points_in_range timed out: its SQL was stopped after 0\.3 s/);
    });
    it('that are wanted no more are stopped, with the reason of the one who wanted them', async () => {
      const stop = new AbortController();
      const running = run(SLOW, {}, stop.signal);
      setTimeout(() => stop.abort(new Error('cancelled by kim')), 100).unref();
      await assert.rejects(running, { message: 'cancelled by kim' });
    });
  });
}
