import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { day, formatDay, type Day } from '../../shared/calendar/day.ts';
import { EMPTY_FINGERPRINT } from '../../shared/gaps/fingerprint.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { Keep, OldRows, Row, RowSource } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from './warehouse-pipeline.ts';
import { boxscore, claimOf, named, nov15, nov16, type WarehouseCapabilities, type WarehouseUnderTest } from './warehouse-under-test.ts';

const NOW = Date.UTC(2026, 10, 21);
const DAY_MS = 86_400_000;

/** What a warehouse promises of rows that are kept before they are overwritten, and put back. */
export function keepingContract(current: () => WarehouseUnderTest, replace: (next: WarehouseUnderTest) => void, durable: WarehouseCapabilities['durable']): void {
  const pipeline = warehousePipeline();
  const calendar = new Calendar(pipeline, []);
  let generation = 0;

  const stage = async (processor: Processor, at: Day, source: RowSource | OldRows) => current().warehouse.stage(claimOf(processor, at, generation += 1), source, calendar);
  const put = async (processor: Processor, at: Day, source: RowSource | OldRows) => (await stage(processor, at, source)).promote('{}');
  const write = (processor: Processor, at: Day, rows: readonly Row[]) => put(processor, at, { kind: 'rows', rows });
  const rowsOf = (processor: Processor, at: Day) => current().warehouse.rows(processor, { from: at, to: at }, null);
  const held = async (processor: Processor, at: Day) => (await current().warehouse.coverage([processor], at, at)).get(processor.name)?.get(at)?.fingerprint ?? EMPTY_FINGERPRINT;
  const keep = async (processor: Processor, at: Day, changes: Partial<Keep> = {}) => current().warehouse.keep(processor, at, {
    name: 'season-2023-24', fingerprint: await held(processor, at), at: NOW, until: Date.now() + 30 * DAY_MS, ...changes,
  });
  const restore = (processor: Processor, at: Day, name = 'season-2023-24') => put(processor, at, { kind: 'kept', name });

  beforeEach(() => { generation = 0; });

  for (const name of ['Boxscores', 'Landed']) {
    describe(`Keeping what ${name} holds`, () => {
      const processor = named(pipeline, name);
      const row = (player: number, points = player, at: Day = nov15): Row =>
        (name === 'Boxscores' ? boxscore(player, { points, processed_at: `2023-11-1${points % 10}T08:00:00.000Z` }, at) : { game_date: formatDay(at), game_id: 'A', player_id: player, points });

      it('brings back exactly those rows, volatile columns too, by a promotion like any other', async () => {
        const old = [row(1), row(2)];
        await write(processor, nov15, old);
        assert.equal(await keep(processor, nov15), true);
        await write(processor, nov15, [row(2, 50), row(3), row(4)]);
        const staged = await stage(processor, nov15, { kind: 'kept', name: 'season-2023-24' });
        assert.equal(staged.coverage.rows, 2);
        assert.deepEqual(await rowsOf(processor, nov15), [row(2, 50), row(3), row(4)], 'nothing of the table has changed yet');
        assert.deepEqual(await staged.promote('{"back":true}'), { kind: 'promoted' });
        assert.deepEqual(await rowsOf(processor, nov15), old);
        assert.equal((await current().warehouse.promotion(processor, nov15))?.trace, '{"back":true}');
        assert.equal((await write(processor, nov15, [row(9)])).kind, 'promoted');
        await restore(processor, nov15);
        assert.deepEqual(await rowsOf(processor, nov15), old, 'twice, since what is kept stays kept');
      });

      it('is fenced like any other', async () => {
        await write(processor, nov15, [row(1)]);
        await keep(processor, nov15);
        const zombie = await current().warehouse.stage(claimOf(processor, nov15, 1, 'zombie'), { kind: 'kept', name: 'season-2023-24' }, calendar);
        await write(processor, nov15, [row(2)]);
        assert.equal((await zombie.promote('{}')).kind, 'fenced');
        assert.deepEqual(await rowsOf(processor, nov15), [row(2)]);
      });

      it('keeps once: rows that are kept already stay, and a crash between keeping and overwriting leaves no harm', async () => {
        await write(processor, nov15, [row(1)]);
        const fingerprint = await held(processor, nov15);
        assert.deepEqual(await Promise.all([keep(processor, nov15), keep(processor, nov15), keep(processor, nov15)]), [true, true, true], 'by several workers at once');
        await write(processor, nov15, [row(1, 7)]);
        assert.equal(await keep(processor, nov15, { fingerprint }), true, 'asked again after the overwrite');
        await restore(processor, nov15);
        assert.deepEqual(await rowsOf(processor, nov15), [row(1)]);
      });

      it('keeps none where the date holds other rows than are meant', async () => {
        await write(processor, nov15, [row(1)]);
        assert.equal(await keep(processor, nov15, { fingerprint: '1:0000000000000000' }), false);
        await assert.rejects(restore(processor, nov16), /the old rows of \w+ 2023-11-16 can't be put back: nothing is kept of it for season-2023-24/);
      });

      it('keeps each date as it was when that was asked for, whoever wrote since the first of them was kept', async () => {
        await write(processor, nov15, [row(1)]);
        await write(processor, nov16, [row(1, 1, nov16)]);
        await keep(processor, nov15);
        await write(processor, nov15, [row(1, 5)]);
        await write(processor, nov16, [row(1, 2, nov16), row(2, 3, nov16)]);
        await keep(processor, nov16);
        await write(processor, nov16, [row(1, 6, nov16)]);
        await restore(processor, nov15);
        await restore(processor, nov16);
        assert.deepEqual([await rowsOf(processor, nov15), await rowsOf(processor, nov16)], [[row(1)], [row(1, 2, nov16), row(2, 3, nov16)]]);
      });

      it('keeps apart what different names keep, and tells the fingerprints of each', async () => {
        await write(processor, nov15, [row(1)]);
        const first = await held(processor, nov15);
        await keep(processor, nov15, { name: 'one' });
        await write(processor, nov15, [row(2)]);
        const second = await held(processor, nov15);
        await keep(processor, nov15, { name: "two's" });
        await write(processor, nov15, [row(3)]);
        const { warehouse } = current();
        assert.deepEqual([...await warehouse.kept(processor, 'one', nov15, nov15)], [[nov15, first]]);
        assert.deepEqual([...await warehouse.kept(processor, "two's", nov15, nov16)], [[nov15, second]]);
        assert.deepEqual([...await warehouse.kept(processor, 'one', nov16, nov16)], []);
        assert.deepEqual([...await warehouse.kept(processor, 'three', nov15, nov16)], []);
        await restore(processor, nov15, "two's");
        assert.deepEqual(await rowsOf(processor, nov15), [row(2)]);
        await restore(processor, nov15, 'one');
        assert.deepEqual(await rowsOf(processor, nov15), [row(1)]);
      });

      it('says so where it does not remember the past, instead of emptying the date', async function forgets() {
        if (current().warehouse.remembersMs(processor) > 0) this.skip();
        await write(processor, nov15, [row(1)]);
        await assert.rejects(put(processor, nov15, { kind: 'past', at: NOW }), /can't be put back: this warehouse does not remember what it held at 2026-11-21T00:00:00.000Z/);
        assert.deepEqual(await rowsOf(processor, nov15), [row(1)]);
      });

      it('keeps over closing and opening', async function durably() {
        if (durable !== true) this.skip();
        await write(processor, nov15, [row(1)]);
        await keep(processor, nov15);
        await write(processor, nov15, [row(2)]);
        replace(await current().reopen(pipeline));
        await restore(processor, nov15);
        assert.deepEqual(await rowsOf(processor, nov15), [row(1)]);
      });
    });
  }

  it('puts rows back into a table that has gained a column since, which is empty in them', async function gained() {
    if (durable !== true) this.skip();
    const old = named(pipeline, 'Boxscores');
    await write(old, nov15, [boxscore(1)]);
    const fingerprint = await held(old, nov15);
    await keep(old, nov15);
    const wider = warehousePipeline({ gained: { plus_minus: 'INT64' } });
    replace(await current().reopen(wider));
    const boxscores = named(wider, 'Boxscores');
    await write(boxscores, nov15, [boxscore(1, { plus_minus: 3 })]);
    assert.deepEqual([...await current().warehouse.kept(boxscores, 'season-2023-24', nov15, nov15)], [[nov15, fingerprint]]);
    await restore(boxscores, nov15);
    assert.deepEqual(await rowsOf(boxscores, nov15), [boxscore(1, { plus_minus: null })]);
  });

  it('brings back what was there before the first of any sequence of overwrites', async () => {
    const boxscores = named(pipeline, 'Boxscores');
    const { warehouse } = current();
    let at = nov15;
    const rows = fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
    const step = fc.record({ players: rows, kept: fc.boolean() });
    await fc.assert(fc.asyncProperty(rows, fc.array(step, { minLength: 1, maxLength: 4 }), async (first, steps) => {
      at = day(at + 1);
      const dated = (players: readonly number[]) => players.map((player) => boxscore(player, {}, at));
      await write(boxscores, at, dated(first));
      const before = await rowsOf(boxscores, at);
      const fingerprint = await held(boxscores, at);
      if (before.length > 0) await warehouse.keep(boxscores, at, { name: 'any', fingerprint, at: NOW, until: Date.now() + DAY_MS });
      for (const { players, kept } of steps) {
        await write(boxscores, at, dated(players));
        if (kept && before.length > 0) assert.equal(await warehouse.keep(boxscores, at, { name: 'any', fingerprint, at: NOW, until: Date.now() + DAY_MS }), true);
      }
      await (before.length > 0 ? put(boxscores, at, { kind: 'kept', name: 'any' }) : write(boxscores, at, []));
      assert.deepEqual(await rowsOf(boxscores, at), before);
    }), { numRuns: 8 });
  });
}
