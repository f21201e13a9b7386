import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addDays, dayOf, formatDay } from '../../shared/calendar/day.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { isSettled } from '../../shared/gaps/facts.ts';
import { describeCell, judgeInputs } from '../../shared/gaps/usable.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { RecoveryPlan } from '../../shared/recovery/plan.ts';
import { planRecovery } from '../../shared/recovery/planner.ts';
import { accepted, alter, CHAIN, change, complete, failureOf, LEAGUE, lose, makePipeline, makeWorld, openOn, planRequest, ran, type PipelineSketch } from '../core-builders.ts';

const chain = makePipeline(CHAIN);
const league = makePipeline(LEAGUE);

function completeChain(sketch: PipelineSketch = CHAIN): World {
  return complete(makeWorld(sketch === CHAIN ? chain : makePipeline(sketch), { now: '2024-02-10' }), '2024-01-31');
}
const steps = (plan: RecoveryPlan): string[] => plan.steps.map((step) => `${step.action} ${describeCell(step).replace('2024-01-', '')}${step.isRootCause ? ' root' : ''}`);
const leftOut = (plan: RecoveryPlan): string[] => plan.leftOut.map((one) => `${describeCell(one).replace('2024-01-', '')} ${one.code}`);
const whole = planRequest('2024-01-01', '2024-01-31');
const day = (of: number): string => `2024-01-${String(of).padStart(2, '0')}`;

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

describe('Every plan, of any damage', () => {
  const damage = fc.array(fc.record({ name: fc.constantFrom('A', 'B', 'C'), of: fc.integer({ min: 1, max: 31 }), kind: fc.constantFrom('lost', 'altered', 'stale', 'held', 'accepted', 'open') }), { minLength: 1, maxLength: 14 });
  const requests = fc.record({ from: fc.integer({ min: 1, max: 31 }), to: fc.integer({ min: 1, max: 31 }), all: fc.boolean(), by: fc.constantFrom('person', 'detector'), altered: fc.constantFrom('policy', 'report', 'reprocess') });

  it('is in topological order, names no cell twice, and has every unusable input of a step as an earlier step', () => {
    fc.assert(fc.property(damage, requests, fc.boolean(), (list, { from, to, all, by, altered }, narrowed) => {
      const world = completeChain();
      for (const { name, of, kind } of list) {
        if (kind === 'lost') lose(world, name, day(of));
        else if (kind === 'altered') alter(world, name, day(of));
        else if (kind === 'stale') ran(world, name, day(of), of);
        else if (kind === 'accepted') accepted(world, name, day(of));
        else if (kind === 'held') { lose(world, name, day(of)); change(world, name, day(of), { hold: { by: 'ann', reason: 'wait', at: 0 } }); }
        else if (!world.record(world.processor(name), dayOf(day(of))).request) openOn(world, name, day(of));
      }
      const plan = planRecovery(world, planRequest(day(Math.min(from, to)), day(Math.max(from, to)), { all, by, altered, ...(narrowed ? { processors: ['B', 'C'] } : {}) }));
      const before = new Set<string>();
      let last = -1;
      for (const step of plan.steps) {
        const processor = world.processor(step.processor);
        const id = world.cellId(processor, step.day);
        assert.ok(id > last, 'date, then phase');
        last = id;
        for (const input of judgeInputs(world, processor, step.day, { strict: true, windowCompleteness: 1 }).blocking) {
          assert.ok(step.action === 'check' || before.has(describeCell(input)), `${describeCell(input)} before ${describeCell(step)}`);
        }
        before.add(describeCell(step));
      }
      assert.ok(plan.leftOut.every((one) => !before.has(describeCell(one))), 'nothing is both planned and left out');
      const named = new Set([...before, ...plan.leftOut.map(describeCell)]);
      for (const processor of world.pipeline.processors) {
        if (narrowed && processor.name === 'A') continue;
        for (let of = dayOf(day(Math.min(from, to))); of <= dayOf(day(Math.max(from, to))); of = addDays(of, 1)) {
          const key = describeCell({ processor: processor.name, day: of });
          assert.ok(isSettled(factsOf(world, processor, of)) || named.has(key), `${key} is planned or left out with a reason`);
        }
      }
    }), { numRuns: 200 });
  });

  it('is the same for the same world and request', () => {
    const world = completeChain();
    lose(world, 'A', ...[3, 9, 10, 22].map(day));
    assert.deepEqual(planRecovery(world, whole), planRecovery(world, whole));
  });
});
