import assert from 'node:assert/strict';
import { lateCell, wayOut } from '../../shared/staged/late.ts';
import type { BackfillRecord } from '../../shared/staged/record.ts';
import { askIdOf } from '../../shared/staged/record.ts';
import { skipped, stageEnded, wentBack, withFailures } from '../../shared/staged/transitions.ts';
import { cell, change, CHAIN, complete, failureOf, makePipeline, makeWorld, never, openOn } from '../core-builders.ts';
import type { World } from '../../shared/gaps/world.ts';
import { recordOf } from './builders.ts';

const DATE = '2024-01-05';
const BLOCKING = [cell('A', DATE)];
const PASSED = { at: 5, passed: true, reasons: [], notes: [], tables: [], successRate: 100, unresolved: 0, checks: [] };
const kim = { by: 'kim', reason: 'no such game' };

/** In its second stage, on a world in which nothing of one date was ever run. */
function late(more: object = {}): { world: World; record: BackfillRecord } {
  const processors = Object.fromEntries(Object.entries(CHAIN.processors).map(([name, sketch]) => [name, { ...sketch, ...more }]));
  const world = complete(makeWorld(makePipeline({ processors, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-31' }] })));
  for (const { name } of world.pipeline.processors) never(world, name, DATE);
  return { world, record: stageEnded(recordOf(), PASSED, 10) };
}
const nothing = (): boolean => false;

describe('staged/late', () => {
  it('is what an earlier stage would have filled, had it been expected then: the first of these', () => {
    const { world, record } = late();
    assert.deepEqual(lateCell(world, record, BLOCKING, nothing), { stage: 0, cell: cell('A', DATE) });
  });

  it('is what the stage itself did not know of when it was planned, where no earlier one lacks it', () => {
    const { world, record } = late();
    change(world, 'A', DATE, { recentAsks: [askIdOf(record, 0, 0)] });
    const own = lateCell(world, record, BLOCKING, nothing);
    assert.equal(own?.stage, 1);
    assert.equal(lateCell(world, record, BLOCKING, () => true), null, 'it is in the plan');
  });

  const NONE: readonly (readonly [string, (world: World, record: BackfillRecord) => BackfillRecord | void])[] = [
    ['was tried and failed', (world) => { change(world, 'A', DATE, { failure: failureOf() }); }],
    ['was asked for by that stage, and is gone since', (world, record) => { change(world, 'A', DATE, { recentAsks: [askIdOf(record, 0, 0)] }); }],
    ['is held', (world) => { change(world, 'A', DATE, { hold: { by: 'kim', reason: 'wrong page', at: 1 } }); }],
    ['is worked on', (world) => { openOn(world, 'A', DATE); }],
    ['was found blocked before', (_, record) => withFailures({ ...record, stage: 0 }, [{ processor: 'A', day: cell('A', DATE).day, category: 'defensive_block', message: 'reads what is missing', runId: null, skipped: true }], 9)],
    ['is of a date that was skipped', (_, record) => skipped(record, cell('A', DATE).day, kim, 9)],
    ['may be among failures that found no room', (_, record) => ({ ...record, failuresLeftOut: 1 })],
  ];
  for (const [what, arrange] of NONE) {
    it(`is none where it ${what}`, () => {
      const { world, record } = late();
      const changed = arrange(world, record) ?? record;
      assert.equal(lateCell(world, { ...changed, stage: 1 }, BLOCKING, () => true), null);
    });
  }

  it('is none where no stage fills it, however often it is gone back to', () => {
    const { world, record } = late({ backfillable: false });
    assert.equal(lateCell(world, record, BLOCKING, nothing), null);
  });

  it('is gone back to with everything that is decided there, and what comes after is entered again without another approval', () => {
    const { world, record } = late();
    const found = lateCell(world, record, BLOCKING, nothing);
    assert.ok(found);
    const back = wentBack(record, found, 20);
    assert.deepEqual([back.state, back.stage, back.stages[0]?.round, back.stages[0]?.endedAt, back.stages[0]?.gate], ['running', 0, 1, null, null]);
    assert.match(back.journal.at(-1)?.text ?? '', /^back to stage raw: A 2024-01-05 was not expected when that had its end/);
    const again = stageEnded(back, PASSED, 30);
    assert.deepEqual([again.stage, again.stages[1]?.startedAt, again.stages[0]?.endedAt], [1, 10, 30]);
    assert.equal(again.stages[1]?.round, 1, 'what was asked for in the round before can be asked for again');
    const past = { ...record, stage: 1, stages: record.stages.map((progress) => ({ ...progress, endedAt: 15, gate: PASSED })) };
    assert.deepEqual(wentBack(past, found, 20).stages.map(({ endedAt, gate }) => [endedAt, gate]), [[null, null], [null, null]], 'what came after it comes again');
  });

  it('has a way out where no stage fills it: the command that does', () => {
    const { world, record } = late();
    assert.equal(wayOut(world, record, cell('A', DATE)), '');
    const other = { ...record, asked: { ...record.asked, exclude: [cell('A', DATE).day] } };
    assert.equal(wayOut(world, other, cell('A', DATE)), '; this backfill does not fill it: smart-backfill request A 2024-01-05');
  });
});
