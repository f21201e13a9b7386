import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { describeCell } from '../../shared/gaps/usable.ts';
import type { World } from '../../shared/gaps/world.ts';
import { planRecovery } from '../../shared/recovery/planner.ts';
import { alter, CHAIN, change, complete, failureOf, lose, makeWorld, openOn, planRequest, ran, type PipelineSketch } from '../core-builders.ts';
import { chain, completeChain, day, league, leftOut, steps, whole } from './plans.ts';

describe('What a plan leaves out', () => {
  const table: readonly (readonly [string, string, (world: World) => void, Parameters<typeof planRequest>[2]])[] = [
    ['held', 'held by a person', (world) => change(world, 'A', day(10), { hold: { by: 'ann', reason: 'wait', at: 0 } }), {}],
    ['held', 'held by a failure, when nobody asked', (world) => change(world, 'A', day(10), { failure: failureOf({ definitionHash: world.processor('A').definitionHash }) }), { by: 'detector' }],
    ['cooling', 'cooling, when nobody asked', (world) => change(world, 'A', day(10), { failure: failureOf({ category: 'infrastructure', coolsUntil: world.moment.now + 1 }) }), { by: 'detector' }],
    ['open', 'open already', (world) => openOn(world, 'A', day(10)), {}],
    ['owned', 'somebody else\'s', () => undefined, { ownedBy: (key) => (key.processor === 'A' ? 'plan-7' : null) }],
    ['before_detect_from', 'older than adoption', () => undefined, { by: 'detector', detectFrom: dayOf(day(11)) }],
    ['source_empty', 'nothing in the source', () => undefined, { source: () => 'no_data' }],
  ];
  for (const [code, words, edit, request] of table) {
    it(`${code}: ${words}; what waits for it is blocked, and says by what`, () => {
      const world = completeChain();
      for (const name of ['A', 'B', 'C']) lose(world, name, day(10));
      edit(world);
      const plan = planRecovery(world, planRequest(day(10), day(12), request));
      assert.deepEqual(steps(plan), []);
      assert.equal(leftOut(plan)[0], `A 10 ${code}`);
      const blockedOnes = plan.leftOut.filter((one) => one.code === 'blocked');
      if (code !== 'before_detect_from') assert.deepEqual(blockedOnes.map((one) => one.because && describeCell(one.because)), blockedOnes.map(() => 'A 2024-01-10'));
      if (code !== 'before_detect_from') assert.deepEqual(blockedOnes.map((one) => describeCell(one)), ['B 2024-01-10', 'C 2024-01-10']);
    });
  }

  it('a person runs what failed or cools', () => {
    for (const failure of [failureOf({ definitionHash: chain.byName.get('A')?.definitionHash ?? '' }), failureOf({ category: 'infrastructure', coolsUntil: Number.MAX_SAFE_INTEGER })]) {
      const world = completeChain();
      lose(world, 'A', day(10));
      change(world, 'A', day(10), { failure });
      assert.equal(steps(planRecovery(world, planRequest(day(10), day(10))))[0], 'fill A 10 root');
    }
  });

  it('a source that is unreachable or unknown is tried', () => {
    for (const source of ['unreachable', 'unknown', 'has_data'] as const) {
      const world = completeChain();
      lose(world, 'A', day(10));
      assert.equal(steps(planRecovery(world, planRequest(day(10), day(10), { source: () => source })))[0], 'fill A 10 root');
    }
  });

  it('altered rows by policy: reported in a raw phase, redone in a computed one, either way when asked', () => {
    const world = completeChain();
    alter(world, 'A', day(10));
    alter(world, 'C', day(20));
    assert.deepEqual([steps(planRecovery(world, whole)), leftOut(planRecovery(world, whole))], [['redo C 20 root'], ['A 10 altered']]);
    assert.deepEqual(steps(planRecovery(world, planRequest(day(1), day(31), { altered: 'reprocess' }))).filter((step) => step.startsWith('redo')), ['redo A 10 root', 'redo C 20 root']);
    assert.deepEqual(leftOut(planRecovery(world, planRequest(day(1), day(31), { altered: 'report' }))), ['A 10 altered', 'C 20 altered']);
  });

  it('short rows are refilled whatever the policy for altered ones', () => {
    const world = complete(makeWorld(league), '2024-01-31');
    alter(world, 'Box', '2024-01-10', { rows: 2, games: { '10a': 2 } });
    assert.equal(steps(planRecovery(world, planRequest(day(1), day(31), { altered: 'report' })))[0], 'fill Box 10 root');
  });

  it('stale cells where they are only to be reported', () => {
    const world = completeChain({ processors: { ...CHAIN.processors, B: { ...CHAIN.processors['B'], stale_policy: 'report' } } });
    ran(world, 'A', day(10), 2);
    const plan = planRecovery(world, whole);
    assert.deepEqual([steps(plan), leftOut(plan)], [[], ['B 10 stale_report', 'B 11 stale_report', 'B 12 stale_report']]);
  });

  it('everything of a phase in observe mode, when nobody asked', () => {
    const sketch: PipelineSketch = { ...CHAIN, phases: [{ name: 'raw', completion_topic: 'raw-complete' }, { name: 'analytics', completion_topic: 'analytics-complete' }, { name: 'features', completion_topic: 'features-complete' }] };
    const world = completeChain(sketch);
    lose(world, 'A', day(10));
    assert.deepEqual([steps(planRecovery(world, planRequest(day(1), day(31), { by: 'detector' }))), leftOut(planRecovery(world, planRequest(day(1), day(31), { by: 'detector' })))], [[], ['A 10 observe']]);
    assert.equal(steps(planRecovery(world, whole))[0], 'fill A 10 root');
  });

  it('what waits for a date that is not due yet', () => {
    const world = makeWorld(league, { now: '2024-01-04T10:00:00Z', games: { '2024-01-02': ['2a'], '2024-01-03': ['3a'], '2024-01-04': ['4a'] } });
    for (const date of [1, 2, 3, 4]) ran(world, 'Schedule', day(date));
    for (const name of ['Box', 'Summary']) ran(world, name, day(2));
    for (const date of [2, 3]) ran(world, 'Ahead', day(date));
    ran(world, 'Features', day(2));
    const plan = planRecovery(world, planRequest(day(1), day(4), { by: 'detector', all: false }));
    assert.deepEqual([steps(plan), leftOut(plan)], [[], ['Ahead 04 blocked']]);
    assert.equal(plan.leftOut[0]?.reason, 'waits for Summary 2024-01-03: pending: not due yet');
  });
});
