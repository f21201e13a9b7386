import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { isSettled } from '../../shared/gaps/facts.ts';
import { describeCell, judgeInputs } from '../../shared/gaps/usable.ts';
import { planRecovery } from '../../shared/recovery/planner.ts';
import { accepted, alter, change, lose, openOn, planRequest, ran } from '../core-builders.ts';
import { completeChain, day, whole } from './plans.ts';

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
