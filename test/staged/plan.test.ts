import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { hasEnded } from '../../shared/staged/record.ts';
import { overlapping, ownerAmong } from '../../shared/staged/overlap.ts';
import { planAll, planDigest, planStage, type StagePlan } from '../../shared/staged/plan.ts';
import { cancelled, skipped } from '../../shared/staged/transitions.ts';
import { accepted, alter, cell, change, CHAIN, complete, failureOf, LEAGUE, lose, makePipeline, makeWorld, never, openOn } from '../core-builders.ts';
import { recordOf, TWO_STAGES } from './builders.ts';

const cells = (plan: StagePlan): string[] => plan.cells.map((step) => `${step.processor} ${formatDay(step.day)} ${step.action}`);
const left = (plan: StagePlan): string[] => plan.leftOut.map((entry) => `${entry.processor} ${formatDay(entry.day)}: ${entry.reason}`);
const kim = { by: 'kim', reason: 'no source' };

describe('staged/plan', () => {
  const chain = makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }] });

  it('takes what is missing, in order of date and phase, and says of each other cell why not', () => {
    const world = complete(makeWorld(chain));
    never(world, 'A', '2024-01-02');
    accepted(world, 'A', '2024-01-03');
    change(world, 'A', '2024-01-04', { hold: { by: 'ann', reason: 'looking', at: 0 } });
    const plan = planStage(world, recordOf(TWO_STAGES, { exclude: [dayOf('2024-01-05')] }), 0);
    assert.deepEqual(cells(plan), ['A 2024-01-02 fill']);
    assert.deepEqual(left(plan), ['A 2024-01-01: complete', 'A 2024-01-03: accepted by hand', 'A 2024-01-04: held by ann: looking', 'A 2024-01-05: excluded']);
  });

  it('takes what reads a cell that is written to judge it again, and never a date that was excluded or skipped', () => {
    const world = complete(makeWorld(chain));
    never(world, 'B', '2024-01-02');
    const record = skipped(recordOf([{ name: 'computed', phases: ['analytics', 'features'] }]), dayOf('2024-01-03'), kim, 5);
    const plan = planStage(world, record, 0);
    assert.deepEqual(cells(plan), ['B 2024-01-02 fill', 'C 2024-01-02 redo', 'C 2024-01-04 redo', 'C 2024-01-05 redo']);
  });

  it('takes complete cells where that is asked for, and those once only', () => {
    const world = complete(makeWorld(chain));
    const record = recordOf(TWO_STAGES, { reprocess: 'completed' });
    assert.equal(planStage(world, record, 0).cells.every((step) => step.action === 'rerun'), true);
    change(world, 'A', '2024-01-02', { recentAsks: ['backfill:whole-1:raw:0'] });
    assert.deepEqual(left(planStage(world, record, 0)), ['A 2024-01-02: done']);
  });

  it('leaves a cell that was rolled back to rows that are good, unless what failed or all is to be run again', () => {
    const world = complete(makeWorld(chain));
    const { definitionHash } = world.processor('A');
    change(world, 'A', '2024-01-02', { failure: failureOf({ outcome: 'rolled_back', category: 'invalid_request', message: 'rolled back by kim', definitionHash }) });
    const left = planStage(world, recordOf(), 0).leftOut.find((entry) => entry.day === dayOf('2024-01-02'));
    assert.match(left?.reason ?? '', /its last run rolled_back: rolled back by kim; its rows are good/);
    for (const reprocess of ['failed', 'completed'] as const) {
      assert.ok(cells(planStage(world, recordOf(TWO_STAGES, { reprocess }), 0)).includes('A 2024-01-02 rerun'), reprocess);
    }
    lose(world, 'A', '2024-01-02');
    assert.deepEqual(cells(planStage(world, recordOf(), 0)), ['A 2024-01-02 fill'], 'without rows it is what a person wants filled');
  });

  it('takes altered rows by their policy only', () => {
    const world = complete(makeWorld(chain));
    alter(world, 'A', '2024-01-02');
    assert.match(left(planStage(world, recordOf(), 0)).join('\n'), /A 2024-01-02: .*accept them, or recover with --altered reprocess/);
  });

  it('follows a request that is open already', () => {
    const world = makeWorld(chain);
    openOn(world, 'A', '2024-01-01');
    assert.match(planStage(world, recordOf(), 0).cells[0]?.reason ?? '', /a request is open on it/);
  });

  it('runs what fills the calendar alone while there is any of it to run, and one canary date after that', () => {
    const league = makePipeline(LEAGUE);
    const stages = [{ name: 'preflight', phases: ['raw', 'analytics'], calendar_first: true, dates: 'first' }];
    const empty = makeWorld(league, { games: {} });
    const plan = planStage(empty, recordOf(stages), 0);
    assert.deepEqual([...new Set(plan.cells.map((step) => step.processor))], ['Schedule']);
    assert.equal(plan.cells.length, 31);
    const done = complete(makeWorld(league));
    never(done, 'Box', '2024-01-02', '2024-01-04');
    assert.deepEqual(cells(planStage(done, recordOf(stages), 0)).filter((line) => line.startsWith('Box')), ['Box 2024-01-02 fill']);
  });

  it('plans all stages for a dry run: no cell is taken twice, and later stages judge what reads a cell of earlier ones', () => {
    const world = complete(makeWorld(chain));
    never(world, 'A', '2024-01-02');
    const plans = planAll(world, recordOf([...TWO_STAGES, { name: 'again', phases: ['raw'] }]));
    assert.deepEqual(plans.map((plan) => plan.stage), ['raw', 'computed', 'again']);
    assert.deepEqual(plans.map((plan) => plan.cells.length > 0), [true, true, false]);
    assert.match(left(plans[2] ?? { cells: [], leftOut: [], ramp: [] }).join('\n'), /A 2024-01-02: taken by an earlier stage/);
    assert.deepEqual(planDigest(plans), planDigest(planAll(world, recordOf([...TWO_STAGES, { name: 'again', phases: ['raw'] }]))));
    lose(world, 'A', '2024-01-04');
    assert.notDeepEqual(planDigest(plans), planDigest(planAll(world, recordOf([...TWO_STAGES, { name: 'again', phases: ['raw'] }]))));
  });
});

describe('staged/overlap', () => {
  const pipeline = makePipeline(CHAIN);
  const first = recordOf(TWO_STAGES, { to: dayOf('2024-01-10') });
  const other = (changes: Parameters<typeof recordOf>[1], stages = TWO_STAGES) => ({ ...recordOf(stages, changes), id: 'other' });

  it('names the open backfill that has a cell in common', () => {
    assert.equal(overlapping(pipeline, other({ from: dayOf('2024-01-10') }), [first])?.id, 'whole-1');
    assert.equal(overlapping(pipeline, other({ from: dayOf('2024-01-11') }), [first]), null);
    assert.equal(overlapping(pipeline, other({ from: dayOf('2024-01-10'), exclude: [dayOf('2024-01-10')] }), [first]), null);
    assert.equal(overlapping(pipeline, other({ processors: ['C'] }), [{ ...first, asked: { ...first.asked, processors: ['A'] } }]), null);
    const ended = cancelled(first, kim, 9);
    assert.ok(hasEnded(ended));
    assert.equal(overlapping(pipeline, other({}), [ended]), null);
  });

  it('owns its cells and what reads them, and no others', () => {
    const record = { ...first, asked: { ...first.asked, processors: ['B'], from: dayOf('2024-01-05') } };
    const owner = ownerAmong(pipeline, [record]);
    assert.equal(owner(cell('B', '2024-01-05')), 'whole-1');
    assert.equal(owner(cell('C', '2024-01-12')), 'whole-1', 'a reader of a later date');
    assert.equal(owner(cell('C', '2024-01-04')), null, 'a date before it');
    assert.equal(owner(cell('A', '2024-01-05')), null, 'an input');
    assert.equal(owner(cell('C', '2024-03-02')), null, 'another season');
    assert.equal(ownerAmong(pipeline, [cancelled(record, kim, 9)])(cell('B', '2024-01-05')), null);
  });
});
