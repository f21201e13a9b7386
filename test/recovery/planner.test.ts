import assert from 'node:assert/strict';
import { formatDay } from '../../shared/calendar/day.ts';
import { planRecovery } from '../../shared/recovery/planner.ts';
import { accepted, CHAIN, change, complete, LEAGUE, lose, makePipeline, makeWorld, planRequest, ran, type PipelineSketch } from '../core-builders.ts';
import { chain, completeChain, day, league, leftOut, steps, whole } from './plans.ts';

describe('A plan', () => {
  it('of a complete world is empty', () => {
    const plan = planRecovery(completeChain(), whole);
    assert.deepEqual([plan.steps, plan.leftOut, plan.outages, plan.overBounds], [[], [], [], []]);
  });

  it('starts with the root cause, then goes phase by phase, then to the readers on later dates', () => {
    const world = completeChain();
    for (const name of ['C', 'B', 'A']) lose(world, name, day(10));
    assert.deepEqual(steps(planRecovery(world, whole)), [
      'fill A 10 root', 'fill B 10', 'fill C 10', 'check B 11', 'check C 11', 'check B 12', 'check C 12', 'check C 13', 'check C 14', 'check C 15',
    ]);
  });

  it('adds unusable inputs that lie outside the range asked for, and says whose they are', () => {
    const world = completeChain();
    lose(world, 'A', day(8));
    lose(world, 'B', day(10));
    const plan = planRecovery(world, planRequest(day(10), day(10), { processors: ['B'], all: false }));
    assert.deepEqual(steps(plan).slice(0, 2), ['fill A 08 root', 'fill B 10']);
    assert.equal(plan.steps[0]?.reason, 'no rows; input of B 2024-01-10');
  });

  it('adds inputs of inputs', () => {
    const world = completeChain();
    for (const [name, of] of [['A', 5], ['B', 7], ['C', 10]] as const) lose(world, name, day(of));
    assert.deepEqual(steps(planRecovery(world, planRequest(day(10), day(10), { processors: ['C'], all: false }))).slice(0, 1), ['fill A 05 root']);
  });

  it('lists readers outside the range with what they read, and adds them with all', () => {
    const world = completeChain();
    lose(world, 'A', day(10));
    const listed = planRecovery(world, planRequest(day(10), day(10), { all: false }));
    assert.deepEqual(steps(listed), ['fill A 10 root', 'check B 10', 'check C 10']);
    assert.deepEqual(leftOut(listed), ['B 11 reader_outside', 'C 11 reader_outside', 'B 12 reader_outside', 'C 12 reader_outside', 'C 13 reader_outside']);
    assert.equal(listed.leftOut[0]?.reason, 'reads A 2024-01-10, outside the range asked for');
    assert.equal(steps(planRecovery(world, planRequest(day(10), day(10)))).length, 10);
  });

  it('does not add readers that have no rows to correct, that are held, or that are somebody else\'s', () => {
    const world = completeChain();
    lose(world, 'A', day(10));
    lose(world, 'B', day(11));
    change(world, 'B', day(12), { hold: { by: 'ann', reason: 'wait', at: 0 } });
    const plan = planRecovery(world, planRequest(day(10), day(10), { ownedBy: (key) => (key.processor === 'C' ? 'plan-7' : null) }));
    assert.deepEqual(steps(plan), ['fill A 10 root', 'check B 10']);
  });

  it('redoes stale cells', () => {
    const world = completeChain();
    ran(world, 'A', day(10), 2);
    assert.deepEqual(steps(planRecovery(world, whole)).filter((step) => step.startsWith('redo')), ['redo B 10 root', 'redo B 11 root', 'redo B 12 root']);
  });

  it('leaves out what a person accepted, and reads it', () => {
    const world = completeChain();
    lose(world, 'A', day(10));
    accepted(world, 'A', day(10));
    lose(world, 'B', day(10));
    const plan = planRecovery(world, planRequest(day(10), day(10)));
    assert.deepEqual([steps(plan)[0], leftOut(plan)], ['fill B 10 root', []]);
  });

  it('has calendar cells first', () => {
    const world = complete(makeWorld(league), '2024-01-31');
    lose(world, 'Box', '2024-01-02');
    lose(world, 'Schedule', '2024-01-16');
    const [first, second] = steps(planRecovery(world, whole));
    assert.deepEqual([first, second], ['fill Schedule 16 root', 'fill Box 02 root']);
  });

  it('never runs a phase that looks forward, not as a reader either', () => {
    const world = completeChain({ processors: { ...CHAIN.processors, P: { phase: 'predictions', upstream: [{ processor: 'C', window: 'own_date' }] } } });
    lose(world, 'A', day(10));
    lose(world, 'P', day(12));
    const plan = planRecovery(world, whole);
    assert.deepEqual(steps(plan).filter((step) => step.includes(' P ')), []);
    assert.deepEqual(leftOut(plan), ['P 12 not_backfillable']);
  });

  it('fills a warehouse from nothing', () => {
    const plan = planRecovery(makeWorld(chain, { now: '2024-02-10' }), whole);
    assert.equal(plan.steps.length, 31 * 3);
    assert.equal(plan.steps.filter((step) => step.isRootCause).length, 31);
  });
});

describe('The bounds of automatic work', () => {
  const automatic = planRequest('2024-01-01', '2024-01-31', { by: 'detector', all: false });

  it('count by outage: three dates in a row are filled, four are left to a person', () => {
    const world = completeChain();
    lose(world, 'A', ...[4, 5, 6].map(day), ...[20, 21, 22, 23].map(day));
    const plan = planRecovery(world, automatic);
    assert.deepEqual(steps(plan).filter((step) => step.startsWith('fill')), ['fill A 04 root', 'fill A 05 root', 'fill A 06 root']);
    assert.deepEqual(leftOut(plan), ['A 20 over_threshold', 'A 21 over_threshold', 'A 22 over_threshold', 'A 23 over_threshold']);
    assert.deepEqual(plan.overBounds.map((outage) => [outage.processor, outage.days.map(formatDay), outage.cells]), [['A', [20, 21, 22, 23].map(day), 4]]);
    assert.deepEqual(plan.outages.map((outage) => outage.days.length), [3]);
  });

  it('count two processors, and dates apart, as outages of their own', () => {
    const world = completeChain();
    lose(world, 'A', ...[2, 3, 5, 6, 8, 9].map(day));
    lose(world, 'B', ...[20, 21, 22].map(day));
    assert.deepEqual(planRecovery(world, automatic).overBounds, []);
  });

  it('count game dates: off-days do not part an outage', () => {
    const world = complete(makeWorld(league), '2024-01-31');
    lose(world, 'Box', ...[2, 4, 6, 8].map(day));
    assert.deepEqual(leftOut(planRecovery(world, automatic)).filter((one) => one.endsWith('over_threshold')).length, 4);
  });

  it('block what waits for an outage over them, and fill the rest', () => {
    const world = completeChain();
    for (const name of ['A', 'B', 'C']) lose(world, name, ...[20, 21, 22, 23].map(day));
    lose(world, 'A', day(4));
    const plan = planRecovery(world, automatic);
    assert.deepEqual(steps(plan).filter((step) => step.startsWith('fill')), ['fill A 04 root']);
    assert.equal(plan.leftOut.filter((one) => one.code === 'blocked').length, 8);
    assert.equal(plan.overBounds[0]?.cells, 12);
  });

  it('take outages in date order while their cells fit into one plan', () => {
    const world = completeChain({ ...CHAIN, settings: { max_plan_cells: 5 } });
    for (const name of ['A', 'B', 'C']) lose(world, name, day(4), day(12));
    const plan = planRecovery(world, automatic);
    assert.deepEqual(steps(plan).filter((step) => step.startsWith('fill')), ['fill A 04 root', 'fill B 04', 'fill C 04']);
    assert.deepEqual(leftOut(plan).filter((one) => one.startsWith('A')), ['A 12 over_plan_cells']);
  });

  it('do not hold a person back who asks for all', () => {
    const world = completeChain();
    lose(world, 'A', ...[20, 21, 22, 23].map(day));
    assert.equal(steps(planRecovery(world, whole)).filter((step) => step.startsWith('fill')).length, 4);
    assert.equal(planRecovery(world, planRequest(day(1), day(31), { all: false })).overBounds.length, 1);
  });
});

describe('A plan of a pipeline that is not strict', () => {
  it('is not blocked by an input outside the critical window, where enough of the window is usable', () => {
    const sketch: PipelineSketch = { ...LEAGUE, settings: { strict_mode: false, window_completeness: 0.7 } };
    const world = complete(makeWorld(makePipeline(sketch)), '2024-01-31');
    lose(world, 'Box', day(8));
    change(world, 'Box', day(8), { hold: { by: 'ann', reason: 'wait', at: 0 } });
    lose(world, 'Summary', day(14), day(10));
    const plan = planRecovery(world, planRequest(day(1), day(31)));
    assert.equal(steps(plan)[0], 'fill Summary 14 root');
    assert.deepEqual(leftOut(plan), ['Box 08 held', 'Summary 10 blocked']);
  });
});
