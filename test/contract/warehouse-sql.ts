import assert from 'node:assert/strict';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { day, type Day } from '../../shared/calendar/day.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { InputRange, Row, WriteClaim } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from './warehouse-pipeline.ts';
import { boxscore, claimOf, named, nov15, nov16, type WarehouseCapabilities, type WarehouseUnderTest } from './warehouse-under-test.ts';

/** A query that no warehouse ends within a second. */
const SLOW = `WITH pairs AS (SELECT a.points FROM boxscores AS a CROSS JOIN boxscores AS b)
  SELECT @game_date AS game_date, a.points AS player_id, COUNT(*) AS games, SUM(b.points) AS points, CAST(NULL AS STRING) AS note
  FROM pairs AS a CROSS JOIN pairs AS b CROSS JOIN pairs AS c CROSS JOIN pairs AS d CROSS JOIN pairs AS e CROSS JOIN pairs AS f CROSS JOIN pairs AS g CROSS JOIN pairs AS h
  WHERE a.points + b.points + c.points + d.points + e.points + f.points + g.points + h.points > 1000 GROUP BY player_id`;

/** What a warehouse promises of SQL processors. `use` takes the warehouse that was opened again with another definition. */
export function sqlContract(current: () => WarehouseUnderTest, use: (next: WarehouseUnderTest) => void, sql: WarehouseCapabilities['sql']): void {
  const pipeline = warehousePipeline();
  const boxscores = named(pipeline, 'Boxscores');
  const summary = named(pipeline, 'Summary');
  const calendar = new Calendar(pipeline, []);
  async function write(claim: WriteClaim, rows: readonly Row[]): Promise<void> {
    await (await current().warehouse.stage(claim, { kind: 'rows', rows }, calendar)).promote('{}');
  }
  const rowsOf = (processor: Processor, at: Day) => current().warehouse.rows(processor, { from: at, to: at }, null);

  describe('SQL', () => {
    const inputs = (from: Day, to: Day): readonly InputRange[] => [{ upstream: boxscores, columns: ['player_id', 'points'], range: { from, to } }];
    const run = (processor: Processor, source: readonly InputRange[]) => current().warehouse.stage(claimOf(processor, nov16), { kind: 'sql', inputs: source }, calendar);
    async function withSql(query: string): Promise<Processor> {
      const other = warehousePipeline({ sql: query });
      use(await current().reopen(other));
      return named(other, 'Summary');
    }

    if (sql !== true) {
      it(`is refused by name: ${sql}`, () => assert.rejects(run(summary, inputs(nov15, nov16)), /Summary is SQL/));
      return;
    }

    beforeEach(async () => {
      for (const at of [day(nov15 - 1), nov15, nov16]) await write(claimOf(boxscores, at), [boxscore(1, {}, at), boxscore(2, {}, at)]);
    });

    it('fills a date from its inputs', async () => {
      assert.deepEqual(await (await run(summary, inputs(nov15, nov16))).promote('{}'), { kind: 'promoted' });
      assert.deepEqual(await rowsOf(summary, nov16), [1, 2].map((player) => ({ game_date: '2023-11-16', player_id: player, games: 2, points: player * 4, note: null })));
    });
    it('sees no row outside the window, and none where there is no window', async () => {
      assert.equal((await run(summary, inputs(nov16, nov16))).coverage.rows, 2);
      const [only] = inputs(nov16, nov16);
      assert.ok(only);
      assert.equal((await run(summary, [{ ...only, range: null }])).coverage.rows, 0);
    });
    it('sees no column that its edge does not name', async () => {
      const nosy = await withSql('SELECT @game_date AS game_date, player_id, COUNT(*) AS games, SUM(points) AS points, MAX(remark) AS note FROM boxscores GROUP BY player_id');
      await assert.rejects(run(nosy, inputs(nov15, nov16)), /remark/);
    });
    it('sees no volatile column: no fingerprint would tell that it changed', async () => {
      const nosy = await withSql('SELECT @game_date AS game_date, player_id, COUNT(processed_at) AS games, SUM(points) AS points, CAST(NULL AS STRING) AS note FROM boxscores GROUP BY player_id');
      const [only] = inputs(nov15, nov16);
      assert.ok(only);
      await assert.rejects(run(nosy, [{ ...only, columns: null }]), /processed_at/);
    });
    it('that returns other columns is refused, naming them', async () => {
      const other = await withSql('SELECT @game_date AS game_date, player_id, COUNT(*) AS game_count, SUM(points) AS points FROM boxscores GROUP BY player_id');
      await assert.rejects(run(other, inputs(nov15, nov16)), /lacks 'games', 'note'.*does not have 'game_count'/);
    });
    it('that returns another type is refused', async () => {
      const other = await withSql("SELECT @game_date AS game_date, player_id, 'two' AS games, SUM(points) AS points, CAST(NULL AS STRING) AS note FROM boxscores GROUP BY player_id");
      await assert.rejects(run(other, inputs(nov15, nov16)), /'games' is (?:VARCHAR|STRING), declared is INT64/);
    });
    it('that returns another date is refused', async () => {
      const other = await withSql("SELECT DATE '2023-11-14' AS game_date, player_id, COUNT(*) AS games, SUM(points) AS points, CAST(NULL AS STRING) AS note FROM boxscores GROUP BY player_id");
      await assert.rejects(run(other, inputs(nov15, nov16)), /returned rows of 2023-11-14/);
    });
    it('that takes too long is stopped', async () => {
      const slow = await withSql(SLOW);
      await assert.rejects(run({ ...slow, timeoutSeconds: 0.3 }, inputs(nov15, nov16)), /timed out: its SQL was stopped after 0\.3 s/);
    });
    it('that is wanted no more is stopped, with the reason of the one who wanted it', async () => {
      const slow = await withSql(SLOW);
      const stop = new AbortController();
      const staged = current().warehouse.stage(claimOf(slow, nov16), { kind: 'sql', inputs: inputs(nov15, nov16) }, calendar, stop.signal);
      setTimeout(() => stop.abort(new Error('cancelled by kim')), 100).unref();
      await assert.rejects(staged, /cancelled by kim/);
    });
    it('that fails leaves the old rows, and says what the engine said', async () => {
      await (await run(summary, inputs(nov15, nov16))).promote('{}');
      const failing = await withSql("SELECT @game_date AS game_date, player_id, CAST('x' || CAST(player_id AS STRING) AS INT64) AS games, SUM(points) AS points, CAST(NULL AS STRING) AS note FROM boxscores GROUP BY player_id");
      await assert.rejects(run(failing, inputs(nov15, nov16)), /(?:Conversion|Invalid Input) Error: |Bad int64 value/);
      assert.equal((await rowsOf(failing, nov16)).length, 2);
    });
  });
}
