import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { day, formatDay, type Day } from '../../shared/calendar/day.ts';
import { EMPTY_FINGERPRINT } from '../../shared/gaps/fingerprint.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import type { PromoteOutcome, Row, RowSource, WriteClaim } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from './warehouse-pipeline.ts';
import { checksContract } from './warehouse-checks.ts';
import { keepingContract } from './warehouse-kept.ts';
import { sqlContract } from './warehouse-sql.ts';
import { boxscore, claimOf, named, nov15, nov16, type WarehouseCapabilities, type WarehouseUnderTest } from './warehouse-under-test.ts';

export type { WarehouseCapabilities, WarehouseUnderTest };

export function warehouseContract(name: string, open: (pipeline: Pipeline) => Promise<WarehouseUnderTest>, capabilities: WarehouseCapabilities): void {
  describe(`${name} keeps the warehouse's contract`, () => {
    const pipeline = warehousePipeline();
    const boxscores = named(pipeline, 'Boxscores');
    const summary = named(pipeline, 'Summary');
    const landed = named(pipeline, 'Landed');
    const calendar = new Calendar(pipeline, []);
    let under: WarehouseUnderTest;

    beforeEach(async () => { under = await open(pipeline); });
    afterEach(async () => { await under.dispose(); });

    const stage = (claim: WriteClaim, source: RowSource) => under.warehouse.stage(claim, source, calendar);
    async function write(claim: WriteClaim, rows: readonly Row[]): Promise<PromoteOutcome> {
      return (await stage(claim, { kind: 'rows', rows })).promote('{}');
    }
    async function coverageOf(processor: Processor, at: Day) {
      return (await under.warehouse.coverage([processor], at, at)).get(processor.name)?.get(at);
    }
    const rowsOf = (processor: Processor, at: Day) => under.warehouse.rows(processor, { from: at, to: at }, null);
    async function fingerprintOf(rows: readonly Row[]): Promise<string> {
      const staged = await stage(claimOf(boxscores, nov15, 99), { kind: 'rows', rows });
      await staged.discard();
      return staged.coverage.fingerprint;
    }

    for (const processor of [boxscores, landed]) {
      describe(`writing ${processor.output.ref}`, () => {
        const row = (player: number, points = player): Row =>
          (processor === boxscores ? boxscore(player, { points }) : { game_date: formatDay(nov15), game_id: 'A', player_id: player, points });

        it('stages beside the table, and shows rows once they are promoted', async () => {
          const staged = await stage(claimOf(processor, nov15), { kind: 'rows', rows: [row(1), row(2)] });
          assert.equal(staged.coverage.rows, 2);
          assert.equal(await coverageOf(processor, nov15), undefined);
          assert.deepEqual(await staged.promote('{"inputs":[]}'), { kind: 'promoted' });
          assert.deepEqual(await coverageOf(processor, nov15), staged.coverage);
          assert.deepEqual(await rowsOf(processor, nov15), [row(1), row(2)]);
          assert.deepEqual(await under.warehouse.promotion(processor, nov15), {
            runId: 'run-1', generation: 1, token: 1, fingerprint: staged.coverage.fingerprint, trace: '{"inputs":[]}',
          });
        });

        it('replaces the whole date, and only that', async () => {
          await write(claimOf(processor, nov15), [row(1), row(2), row(3)]);
          await write(claimOf(processor, nov16), [{ ...row(9), game_date: formatDay(nov16) }]);
          await write(claimOf(processor, nov15, 2), [row(2, 50)]);
          assert.deepEqual(await rowsOf(processor, nov15), [row(2, 50)]);
          assert.equal((await coverageOf(processor, nov16))?.rows, 1);
        });

        it('leaves old rows when a stage is discarded or its rows are refused (P24)', async () => {
          await write(claimOf(processor, nov15), [row(1)]);
          await (await stage(claimOf(processor, nov15, 2), { kind: 'rows', rows: [row(2)] })).discard();
          await assert.rejects(stage(claimOf(processor, nov15, 2), { kind: 'rows', rows: [{ ...row(2), points: 'many' }] }), /row 1 of 1, column 'points': received "many", which is no INT64/);
          assert.deepEqual(await rowsOf(processor, nov15), [row(1)]);
        });

        it('fences a lower generation, and the same one of another run, and names the winner', async () => {
          await write(claimOf(processor, nov15, 2, 'winner'), [row(1)]);
          for (const late of [claimOf(processor, nov15, 1, 'old'), claimOf(processor, nov15, 2, 'rival')]) {
            const outcome = await write(late, [row(2)]);
            assert.equal(outcome.kind, 'fenced');
            assert.ok(outcome.kind === 'fenced' && outcome.winner.runId === 'winner' && outcome.winner.generation === 2);
          }
          assert.deepEqual(await rowsOf(processor, nov15), [row(1)]);
        });

        it('lets one of two transactions that insert the same missing date commit', async () => {
          for (let round = 0; round < 10; round += 1) {
            const at = day(nov15 + round);
            const dated = (player: number): Row => ({ ...row(player), game_date: formatDay(at) });
            const rivals = await Promise.all(['a', 'b', 'c'].map((runId, index) => stage(claimOf(processor, at, 1, runId), { kind: 'rows', rows: [dated(index + 1)] })));
            const outcomes = await Promise.all(rivals.map((rival) => rival.promote('{}')));
            assert.deepEqual(outcomes.map((outcome) => outcome.kind).sort(), ['fenced', 'fenced', 'promoted']);
            const marker = await under.warehouse.promotion(processor, at);
            assert.deepEqual(await rowsOf(processor, at), [dated('abc'.indexOf(marker?.runId ?? '') + 1)]);
            for (const outcome of outcomes) if (outcome.kind === 'fenced') assert.deepEqual(outcome.winner, marker);
          }
        });

        it('fences alike where it has looked and knows a date to be empty', async () => {
          const dates = [nov15, nov16] as const;
          await under.warehouse.coverage([processor], ...dates);
          assert.deepEqual(await write(claimOf(processor, nov15, 2, 'winner'), []), { kind: 'unchanged' });
          for (const late of [claimOf(processor, nov15, 1, 'old'), claimOf(processor, nov15, 2, 'rival')]) {
            const outcome = await write(late, [row(2)]);
            assert.ok(outcome.kind === 'fenced' && outcome.winner.runId === 'winner' && outcome.winner.generation === 2);
          }
          assert.deepEqual(await rowsOf(processor, nov15), []);
          assert.deepEqual(await write(claimOf(processor, nov15, 3), [row(3)]), { kind: 'promoted' });
          assert.deepEqual([await rowsOf(processor, nov15), (await coverageOf(processor, nov15))?.rows], [[row(3)], 1]);
          const dated = (player: number): Row => ({ ...row(player), game_date: formatDay(nov16) });
          const rivals = await Promise.all(['a', 'b', 'c'].map((runId, index) => stage(claimOf(processor, nov16, 1, runId), { kind: 'rows', rows: [dated(index + 1)] })));
          const outcomes = await Promise.all(rivals.map((rival) => rival.promote('{}')));
          assert.deepEqual(outcomes.map((outcome) => outcome.kind).sort(), ['fenced', 'fenced', 'promoted']);
          assert.deepEqual(await rowsOf(processor, nov16), [dated('abc'.indexOf((await under.warehouse.promotion(processor, nov16))?.runId ?? '') + 1)]);
        });

        it('writes only the marker where the table holds these rows already', async () => {
          await write(claimOf(processor, nov15), [row(1), row(2)]);
          assert.deepEqual(await write(claimOf(processor, nov15, 2), [row(2), row(1)]), { kind: 'unchanged' });
          assert.equal((await under.warehouse.promotion(processor, nov15))?.generation, 2);
          await under.outside(processor, nov15, [row(1)]);
          assert.deepEqual(await write(claimOf(processor, nov15, 3), [row(1), row(2)]), { kind: 'promoted' }, 'it looks at the rows that are there, not at the recorded fingerprint');
        });

        it('promotes nothing to nothing: an empty date is absent, and its marker says it ran', async () => {
          await write(claimOf(processor, nov15), [row(1)]);
          assert.deepEqual(await write(claimOf(processor, nov15, 2), []), { kind: 'promoted' });
          assert.equal(await coverageOf(processor, nov15), undefined);
          assert.equal((await under.warehouse.promotion(processor, nov15))?.fingerprint, EMPTY_FINGERPRINT);
          assert.deepEqual(await write(claimOf(processor, nov15, 3), []), { kind: 'unchanged' });
        });

        it('may promote again for the run that has: it is finished, not repeated', async () => {
          await write(claimOf(processor, nov15, 1, 'mine'), [row(1)]);
          assert.deepEqual(await write(claimOf(processor, nov15, 1, 'mine'), [row(1)]), { kind: 'unchanged' });
        });

        it('sees what somebody else changed', async () => {
          await write(claimOf(processor, nov15), [row(1), row(2)]);
          const before = await coverageOf(processor, nov15);
          await under.outside(processor, nov15, [row(1), row(2, 77)]);
          assert.notEqual((await coverageOf(processor, nov15))?.fingerprint, before?.fingerprint);
          await under.outside(processor, nov15, null);
          assert.equal(await coverageOf(processor, nov15), undefined);
        });
      });
    }

    describe('rows that cannot be', () => {
      const refused = (rows: readonly Row[], message: RegExp) => assert.rejects(stage(claimOf(boxscores, nov15), { kind: 'rows', rows }), message);
      it('of another date', () => refused([boxscore(1), boxscore(2, {}, nov16)], /row 2 of 2 has game_date "2023-11-16"/));
      it('with a column that the table lacks', () => refused([boxscore(1, { pts: 3 })], /a column 'pts' that the table does not have/));
      it('with a text for a number', () => refused([boxscore(1, { rating: '0.5' })], /column 'rating'.*FLOAT64/));
      it('with a number for a text', () => refused([boxscore(1, { game_id: 21 })], /column 'game_id'.*STRING/));
      it('with half a whole number', () => refused([boxscore(1, { points: 1.5 })], /column 'points'.*INT64/));
      it('with a date that does not exist', () => refused([boxscore(1, { tip_off: '2023-02-30T00:00:00Z' })], /column 'tip_off'.*TIMESTAMP/));
    });

    describe('values', () => {
      it('come back in one form', async () => {
        await write(claimOf(boxscores, nov15), [boxscore(1, {
          points: '9007199254740993', minutes: '12345678901234567890.123456789', rating: 0.1, tip_off: '2023-11-15T19:30:00.000001-05:00', remark: 'Ω, "quoted"\n\u001f',
        })]);
        assert.deepEqual(await rowsOf(boxscores, nov15), [boxscore(1, {
          points: '9007199254740993', minutes: '12345678901234567890.123456789', rating: 0.1, tip_off: '2023-11-16T00:30:00.000001Z', remark: 'Ω, "quoted"\n\u001f',
        })]);
      });

      it('are cut to the columns asked for, in the order of date and key', async () => {
        await write(claimOf(boxscores, nov16), [boxscore(3, {}, nov16)]);
        await write(claimOf(boxscores, nov15), [boxscore(200), boxscore(20), boxscore(3)]);
        assert.deepEqual(await under.warehouse.rows(boxscores, { from: nov15, to: nov16 }, ['player_id']), [{ player_id: 3 }, { player_id: 20 }, { player_id: 200 }, { player_id: 3 }]);
      });
    });

    describe('coverage', () => {
      it('counts rows a game, doubled keys, and nulls where there must be none', async () => {
        const staged = await stage(claimOf(boxscores, nov15), { kind: 'rows', rows: [boxscore(1), boxscore(1), boxscore(2, { points: null }), boxscore(100)] });
        const { rows, games, duplicates, nulls } = staged.coverage;
        assert.deepEqual({ rows, games: { ...games }, duplicates, nulls }, { rows: 4, games: { A: 3, B: 1 }, duplicates: 1, nulls: 1 });
      });

      it('answers for a range, and for several processors at once', async () => {
        for (const at of [nov15, nov16, day(nov15 + 5)]) await write(claimOf(boxscores, at), [boxscore(1, {}, at)]);
        const found = await under.warehouse.coverage([boxscores, summary, landed], nov16, day(nov15 + 30));
        assert.deepEqual([...found.get('Boxscores')?.keys() ?? []].sort((a, b) => a - b), [nov16, nov15 + 5]);
        assert.deepEqual([found.get('Summary')?.size, found.get('Landed')?.size], [0, 0]);
      });

      it('is the same from what is known as from a fresh look, after any writes', async () => {
        const writes = fc.array(fc.record({
          at: fc.integer({ min: 0, max: 8 }), rows: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
          how: fc.constantFrom('promote', 'discard', 'fenced', 'outside'), look: fc.option(fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 }))),
        }), { maxLength: 14 });
        let generation = 10;
        await fc.assert(fc.asyncProperty(writes, async (steps) => {
          for (const { at: offset, rows: players, how, look } of steps) {
            const at = day(nov15 + offset);
            const rows = players.map((player) => boxscore(player, {}, at));
            generation += 1;
            const pending = look ? under.warehouse.coverage([boxscores], day(nov15 + Math.min(...look)), day(nov15 + Math.max(...look))) : null;
            if (how === 'outside') await under.outside(boxscores, at, rows);
            else {
              const staged = await stage(claimOf(boxscores, at, how === 'fenced' ? 1 : generation), { kind: 'rows', rows });
              await (how === 'discard' ? staged.discard() : staged.promote('{}'));
            }
            await pending;
          }
          const known = (await under.warehouse.coverage([boxscores], nov15, day(nov15 + 8))).get('Boxscores');
          under = await (capabilities.durable === true ? under.reopen(pipeline) : Promise.resolve(under));
          const fresh = (await under.warehouse.coverage([boxscores], nov15, day(nov15 + 8))).get('Boxscores');
          assert.deepEqual(plain(known), plain(fresh));
          for (let at = nov15; at <= nov15 + 8; at = day(at + 1)) assert.equal(fresh?.get(at)?.rows ?? 0, (await rowsOf(boxscores, at)).length);
        }), { numRuns: 8 });
      });
    });

    describe('fingerprints', () => {
      it('do not depend on the order of rows', async () => {
        assert.equal(await fingerprintOf([boxscore(1), boxscore(2), boxscore(3)]), await fingerprintOf([boxscore(3), boxscore(1), boxscore(2)]));
      });
      it('see a doubled row', async () => {
        const one = await fingerprintOf([boxscore(1)]);
        assert.notEqual(await fingerprintOf([boxscore(1), boxscore(1)]), one);
        assert.notEqual(await fingerprintOf([boxscore(1), boxscore(1), boxscore(1)]), one);
      });
      it('do not tell a null from a column left out', async () => {
        const { remark: _, ...without } = boxscore(1);
        assert.equal(await fingerprintOf([without]), await fingerprintOf([boxscore(1, { remark: null })]));
      });
      it('tell an empty text from a null', async () => {
        assert.notEqual(await fingerprintOf([boxscore(1, { remark: '' })]), await fingerprintOf([boxscore(1)]));
      });
      it('leave volatile columns out', async () => {
        assert.equal(await fingerprintOf([boxscore(1, { processed_at: '2024-01-01T00:00:00Z' })]), await fingerprintOf([boxscore(1)]));
      });
      it('see a change in any other column', async () => {
        const before = await fingerprintOf([boxscore(1)]);
        const changes: Row = { game_id: 'C', player_id: 7, points: 3, minutes: '30.500000001', rating: 0.1428571428571429, starter: true, tip_off: '2023-11-16T00:30:00.000001Z', remark: 'x' };
        for (const [column, value] of Object.entries(changes)) assert.notEqual(await fingerprintOf([boxscore(1, { [column]: value })]), before, column);
      });
      it('cannot be fooled by a text that looks like two', async () => {
        assert.notEqual(
          await fingerprintOf([boxscore(1, { game_id: 'A', remark: 'B\u001fstarter=false' })]),
          await fingerprintOf([boxscore(1, { game_id: 'A\u001fremark=B', remark: null })]),
        );
      });
      it('of a view see its columns only', async () => {
        const view = boxscores.views[0]?.view ?? '';
        const of = async (change: Row): Promise<string | undefined> => (await stage(claimOf(boxscores, nov15, 99), { kind: 'rows', rows: [boxscore(1, change)] })).coverage.views[view];
        const before = await of({});
        assert.ok(before);
        assert.equal(await of({ remark: 'x', minutes: 1 }), before);
        assert.notEqual(await of({ points: 3 }), before);
      });
      it('do not change for a column that was added and is empty', async function addedColumn() {
        if (capabilities.durable !== true) this.skip();
        await write(claimOf(boxscores, nov15), [boxscore(1), boxscore(2)]);
        const before = await coverageOf(boxscores, nov15);
        const wider = warehousePipeline({ gained: { plus_minus: 'INT64' } });
        under = await under.reopen(wider);
        const after = (await under.warehouse.coverage([named(wider, 'Boxscores')], nov15, nov15)).get('Boxscores')?.get(nov15);
        assert.deepEqual(plain(new Map([[nov15, after]])), plain(new Map([[nov15, before]])));
      });
    });

    it('keeps rows and markers when it is closed and opened', async function durable() {
      if (capabilities.durable !== true) this.skip();
      await write(claimOf(boxscores, nov15), [boxscore(1)]);
      const before = { coverage: await coverageOf(boxscores, nov15), marker: await under.warehouse.promotion(boxscores, nov15) };
      under = await under.reopen(pipeline);
      assert.deepEqual(plain(new Map([[nov15, await coverageOf(boxscores, nov15)]])), plain(new Map([[nov15, before.coverage]])));
      assert.deepEqual(await under.warehouse.promotion(boxscores, nov15), before.marker);
    });

    it("gives the schedule's rows as the calendar needs them", async () => {
      const schedule = named(pipeline, 'Schedule');
      assert.deepEqual(await under.warehouse.calendarRows(nov15, nov16), []);
      await write(claimOf(schedule, nov15), [{ game_date: '2023-11-15', game_id: '22300001', game_status: 3, season_type: 'Regular Season' }]);
      assert.deepEqual(await under.warehouse.calendarRows(nov15, nov16), [{ day: nov15, key: '22300001', status: 3, narrow: 'Regular Season' }]);
    });

    sqlContract(() => under, (next) => { under = next; }, capabilities.sql);
    checksContract(() => under, capabilities.sql);
    keepingContract(() => under, (next) => { under = next; }, capabilities.durable);
  });
}

/** Coverage by day as plain objects: games may have no prototype. */
function plain(coverage: ReadonlyMap<Day, unknown> | undefined): unknown {
  return JSON.parse(JSON.stringify([...coverage ?? []].sort(([a], [b]) => a - b)));
}
