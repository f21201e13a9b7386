import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dayOf } from '../../shared/calendar/day.ts';
import { describeCell } from '../../shared/gaps/usable.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { PlanStep } from '../../shared/recovery/plan.ts';
import { planRecovery } from '../../shared/recovery/planner.ts';
import { PlanWalk } from '../../shared/recovery/walk.ts';
import { CHAIN, complete, lose, makePipeline, makeWorld, planRequest, ran } from '../core-builders.ts';

const pipeline = makePipeline(CHAIN);
const STRICT = { strict: true, windowCompleteness: 0.9 };
const day = (of: number): string => `2024-01-${String(of).padStart(2, '0')}`;

function damaged(damage: (world: World) => void): World {
  const world = complete(makeWorld(pipeline, { now: '2024-02-10' }), '2024-01-31');
  damage(world);
  return world;
}
function walkOf(world: World, from = 1, to = 31): PlanWalk {
  return new PlanWalk(world, planRecovery(world, planRequest(day(from), day(to))).steps, STRICT);
}
const named = (step: PlanStep): string => describeCell(step).replace('2024-01-', '');

/** Walks to the end; each started cell is run as `run` says. Returns what was started, and what ended without a run. */
function walkAll(world: World, walk: PlanWalk, run: (step: PlanStep) => void, room = 4): { started: string[]; ended: string[] } {
  const started: string[] = [];
  const ended: string[] = [];
  for (let turn = 0; !walk.finished; turn += 1) {
    assert.ok(turn < 1000, 'the walk goes on');
    const { start, ended: over } = walk.advance(world, room);
    ended.push(...over.map(({ step, outcome }) => `${named(step)} ${outcome}`));
    for (const step of start) {
      started.push(named(step));
      run(step);
      assert.equal(walk.end(world, step.processor, step.day), step);
    }
  }
  return { started, ended };
}

describe('Walking a plan', () => {
  it('runs each cell once, inputs before what reads them, however many of its inputs are mended', () => {
    const world = damaged((one) => lose(one, 'A', day(10), day(11)));
    const { started } = walkAll(world, walkOf(world), (step) => ran(world, step.processor, step.day, 2));
    assert.equal(new Set(started).size, started.length);
    assert.deepEqual(started.filter((step) => step.startsWith('A') || step.startsWith('B')), ['A 10', 'A 11', 'B 10', 'B 11', 'B 12', 'B 13']);
  });

  it('cuts off what reads rows that came back the same', () => {
    const world = damaged((one) => lose(one, 'A', day(10)));
    const { started, ended } = walkAll(world, walkOf(world), (step) => ran(world, step.processor, step.day));
    assert.deepEqual(started, ['A 10']);
    assert.deepEqual(ended.length, 9);
    assert.ok(ended.every((end) => end.endsWith('cut_off')));
  });

  it('cuts off behind the cells whose rows came out the same', () => {
    const world = damaged((one) => ran(one, 'A', day(10), 2));
    const { started, ended } = walkAll(world, walkOf(world), (step) => ran(world, step.processor, step.day));
    assert.deepEqual(started, ['B 10', 'B 11', 'B 12']);
    assert.deepEqual(ended, ['C 10 cut_off', 'C 11 cut_off', 'C 12 cut_off', 'C 13 cut_off', 'C 14 cut_off', 'C 15 cut_off']);
  });

  it('takes a step up when every input of it in the plan has ended, and no sooner', () => {
    const world = damaged((one) => { for (const name of ['A', 'B', 'C']) lose(one, name, day(10)); });
    const walk = walkOf(world);
    assert.deepEqual(walk.advance(world, 4).start.map(named), ['A 10']);
    assert.deepEqual(walk.advance(world, 4), { start: [], ended: [] });
    assert.equal(walk.running, 1);
    ran(world, 'A', day(10), 2);
    walk.end(world, 'A', dayOf(day(10)));
    assert.deepEqual(walk.advance(world, 4).start.map(named), ['B 10', 'B 11', 'B 12']);
  });

  it('starts no more than there is room for', () => {
    const world = damaged((one) => lose(one, 'A', day(2), day(9), day(16), day(23)));
    const walk = walkOf(world);
    assert.deepEqual(walk.advance(world, 2).start.map(named), ['A 02', 'A 09']);
    assert.deepEqual(walk.advance(world, 0).start, []);
    assert.deepEqual(walk.advance(world, 9).start.map(named), ['A 16', 'A 23']);
  });

  it('goes on beside a cell that failed, and is blocked behind it', () => {
    const world = damaged((one) => { for (const name of ['A', 'B', 'C']) lose(one, name, day(5), day(20)); });
    const { started, ended } = walkAll(world, walkOf(world), (step) => { if (named(step) !== 'A 05') ran(world, step.processor, step.day); });
    assert.deepEqual(started, ['A 05', 'A 20', 'B 20', 'C 20']);
    assert.deepEqual(ended.filter((end) => end.endsWith('blocked')), ['B 05 blocked', 'C 05 blocked']);
  });

  it('says by which input a step is blocked', () => {
    const world = damaged((one) => { for (const name of ['A', 'B']) lose(one, name, day(5)); });
    const walk = walkOf(world);
    walk.advance(world, 4);
    walk.end(world, 'A', dayOf(day(5)));
    assert.equal(walk.advance(world, 4).ended[0]?.note, 'A 2024-01-05 is missing');
  });

  it('knows nothing of cells that it did not start', () => {
    const world = damaged((one) => lose(one, 'A', day(5)));
    const walk = walkOf(world);
    assert.equal(walk.end(world, 'A', dayOf(day(5))), null);
  });

  it('ends, each step once, in any order of endings and with any failures', () => {
    const damage = fc.array(fc.record({ name: fc.constantFrom('A', 'B', 'C'), of: fc.integer({ min: 1, max: 31 }) }), { minLength: 1, maxLength: 10 });
    fc.assert(fc.property(damage, fc.integer({ min: 1, max: 5 }), fc.infiniteStream(fc.nat(9)), (list, room, choices) => {
      const world = damaged((one) => { for (const { name, of } of list) lose(one, name, day(of)); });
      const walk = walkOf(world);
      const running: PlanStep[] = [];
      const seen = new Set<string>();
      const choose = (): number => choices.next().value ?? 0;
      const count = (step: PlanStep): void => {
        assert.ok(!seen.has(named(step)), `${named(step)} once`);
        seen.add(named(step));
      };
      while (!walk.finished) {
        const { start, ended } = walk.advance(world, room - running.length);
        for (const { step } of ended) count(step);
        running.push(...start);
        if (running.length === 0) { assert.ok(ended.length > 0 || walk.finished, 'it goes on'); continue; }
        const [step] = running.splice(choose() % running.length, 1);
        if (!step) continue;
        count(step);
        if (choose() < 8) ran(world, step.processor, step.day, choose() % 2);
        walk.end(world, step.processor, step.day);
      }
      assert.equal(seen.size, walk.steps.length);
    }), { numRuns: 100 });
  });
});
