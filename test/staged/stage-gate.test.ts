import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { evaluateGate, percent } from '../../shared/staged/stage-gate.ts';
import type { CheckResult } from '../../shared/staged/record.ts';
import { skipped } from '../../shared/staged/transitions.ts';
import { change, CHAIN, complete, failureOf, goodRows, makePipeline, makeWorld, never } from '../core-builders.ts';
import { recordOf } from './builders.ts';

const GATE = { coverage_percent: 100, no_unresolved_failures: true, success_rate_percent: 99, max_nulls: 0, checks: ['checks/a.sql'] };
const STAGES = [{ name: 'raw', phases: ['raw'], gate: GATE }];
const RIGHT: readonly CheckResult[] = [{ file: 'checks/a.sql', rows: 0, example: null, error: null }];

describe('staged/stage-gate', () => {
  const pipeline = makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }] });

  it('passes on data that is complete, and tells its figures', () => {
    const result = evaluateGate(complete(makeWorld(pipeline)), recordOf(STAGES), GATE, RIGHT, 7);
    assert.deepEqual(result, { at: 7, passed: true, reasons: [], tables: [{ processor: 'A', critical: true, expected: 5, complete: 5, nulls: 0 }], successRate: 100, unresolved: 0, checks: RIGHT });
  });

  it('holds where a date is missing, and passes when that one is skipped by a person', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-02');
    const record = recordOf(STAGES);
    assert.deepEqual(evaluateGate(world, record, GATE, RIGHT, 7).reasons, ['A: 4 of 5 dates are complete (80 %), and 100 % are wanted']);
    assert.equal(evaluateGate(world, skipped(record, dayOf('2024-01-02'), { by: 'kim', reason: 'no source' }, 6), GATE, RIGHT, 7).passed, true);
  });

  it('takes no table for complete that is not, however little is missing', () => {
    assert.equal(percent(99_999, 100_000), '99.9 %');
    assert.equal(percent(2, 3), '66.6 %');
    assert.equal(percent(3, 3), '100 %');
  });

  it('looks at critical tables only', () => {
    const mild = makePipeline({ processors: { ...CHAIN.processors, A: { critical: false } }, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }] });
    const world = complete(makeWorld(mild));
    never(world, 'A', '2024-01-02');
    assert.equal(evaluateGate(world, recordOf(STAGES), { ...GATE, checks: [] }, [], 7).passed, true);
  });

  it('holds on a failure that nobody has resolved, and on too low a rate of success', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-02');
    change(world, 'A', '2024-01-02', { failure: failureOf() });
    const result = evaluateGate(world, recordOf(STAGES), { no_unresolved_failures: true, success_rate_percent: 99, checks: [] }, [], 7);
    assert.deepEqual(result.reasons, ['1 failure is unresolved', '80 % of 5 cells succeeded, and 99 % are wanted']);
    assert.deepEqual([result.unresolved, result.successRate], [1, 80]);
  });

  it('holds on nulls in required columns', () => {
    const world = complete(makeWorld(pipeline));
    world.setCoverage(world.processor('A'), dayOf('2024-01-02'), goodRows(world, 'A', dayOf('2024-01-02'), 1, { nulls: 3 }));
    assert.match(evaluateGate(world, recordOf(STAGES), { no_unresolved_failures: false, max_nulls: 2, checks: [] }, [], 7).reasons.join(), /3 nulls in required columns, and 2 are allowed/);
  });

  const CHECKS: readonly (readonly [string, readonly CheckResult[], RegExp])[] = [
    ['finds rows', [{ file: 'checks/a.sql', rows: 2, example: '{"n":1}', error: null }], /^the check checks\/a\.sql found 2 rows, such as \{"n":1\}$/],
    ['fails', [{ file: 'checks/a.sql', rows: null, example: null, error: 'no such column' }], /could not be run: no such column$/],
    ['has not been run', [], /could not be run: it is not there$/],
  ];
  for (const [what, checks, message] of CHECKS) it(`holds where a check ${what}`, () => { assert.match(evaluateGate(complete(makeWorld(pipeline)), recordOf(STAGES), GATE, checks, 7).reasons.join(), message); });

  it('holds where nothing is expected: there is nothing to pass it on', () => {
    const result = evaluateGate(complete(makeWorld(pipeline)), recordOf(STAGES, { from: dayOf('2024-01-06'), to: dayOf('2024-01-07') }), { ...GATE, checks: [] }, [], 7);
    assert.match(result.reasons.join('; '), /nothing is expected of any of its tables.*there is no success rate/);
  });
});
