import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { CheckFigures } from '../../shared/staged/gate.ts';
import { gateResultSchema, type BackfillRecord, type GateResult } from '../../shared/staged/record.ts';
import { concernsGate, evaluateGate } from '../../shared/staged/stage-gate.ts';
import { skipped } from '../../shared/staged/transitions.ts';
import { accepted, alter, change, CHAIN, complete, failureOf, goodRows, makePipeline, makeWorld, never, type ProcessorSketch } from '../core-builders.ts';
import { recordOf } from './builders.ts';

const WHOLE = { coverage_percent: 100, no_unresolved_failures: true, success_rate_percent: 99, max_nulls: 0, checks: ['checks/a.sql'] };
const about = { name: 'a', demands: 'nothing is wrong', table: 'data.a' };
const RIGHT: readonly CheckFigures[] = [{ ...about, outcome: { kind: 'passed' } }];

/** The gate of the first stage. */
function judge(world: World, gate: Readonly<Record<string, unknown>>, options: { readonly record?: (record: BackfillRecord) => BackfillRecord; readonly checks?: readonly CheckFigures[]; readonly asked?: Parameters<typeof recordOf>[1] } = {}): GateResult {
  const record = (options.record ?? ((same) => same))(recordOf([{ name: 'raw', phases: ['raw'], gate }, { name: 'computed', phases: ['analytics'] }], options.asked));
  const [stage] = record.definition.stages;
  assert.ok(stage?.gate);
  return evaluateGate(world, record, stage.gate, options.checks ?? [], 7);
}

describe('staged/stage-gate', () => {
  const seasons = [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }];
  const pipeline = makePipeline({ ...CHAIN, seasons });
  const withA = (sketch: ProcessorSketch) => makePipeline({ processors: { ...CHAIN.processors, A: sketch }, seasons });

  it('passes on data that is complete, and keeps its figures', () => {
    const result = judge(complete(makeWorld(pipeline)), WHOLE, { checks: RIGHT });
    assert.deepEqual(result, {
      at: 7, passed: true, reasons: [], notes: [], successRate: 100, unresolved: 0,
      tables: [{ processor: 'A', table: 'data.a', critical: true, expected: 5, complete: 5, accepted: 0, missing: 0, short: 0, stale: 0, altered: 0, suspect: 0, pending: 0, leftOut: 0, nulls: 0, lacking: [] }],
      checks: [{ file: 'checks/a.sql', demands: 'nothing is wrong', rows: 0, example: null, error: null }],
    });
    assert.deepEqual(gateResultSchema.parse(JSON.parse(JSON.stringify(result))), result);
  });

  it('reads what was stored before there were as many figures', () => {
    const before = { at: 7, passed: false, reasons: ['A: 4 of 5 dates are complete'], tables: [{ processor: 'A', critical: true, expected: 5, complete: 4, nulls: 0 }], successRate: null, unresolved: 1, checks: [{ file: 'checks/a.sql', rows: 0, example: null, error: null }] };
    const read = gateResultSchema.parse(before);
    assert.deepEqual([read.notes, read.tables[0]?.accepted, read.tables[0]?.lacking, read.checks[0]?.demands], [[], 0, [], '']);
  });

  it('holds where a date is missing, and names it; passes when that one is skipped by a person, and says so', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-02');
    const held = judge(world, WHOLE, { checks: RIGHT });
    assert.deepEqual([held.reasons, held.tables[0]?.lacking], [['data.a: 80 % of 5 dates (1 missing); at least 100 % is needed'], [dayOf('2024-01-02')]]);
    const passed = judge(world, WHOLE, { checks: RIGHT, record: (record) => skipped(record, dayOf('2024-01-02'), { by: 'kim', reason: 'no source' }, 6) });
    assert.deepEqual([passed.passed, passed.notes], [true, ['1 left out with a reason: not counted']]);
  });

  it('does not speak of dates that nobody asked for', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-02', '2024-01-04');
    const result = judge(world, WHOLE, { checks: RIGHT, asked: { dates: [1, 3, 4].map((of) => dayOf(`2024-01-0${of}`)), exclude: [dayOf('2024-01-04')] } });
    assert.deepEqual([result.passed, result.notes, result.tables[0]?.expected], [true, [], 2]);
  });

  it('takes accepted rows, and an accepted absence, for complete, and their failure for resolved', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-02');
    change(world, 'A', '2024-01-02', { failure: failureOf() });
    accepted(world, 'A', '2024-01-02');
    const result = judge(world, WHOLE, { checks: RIGHT });
    assert.deepEqual([result.passed, result.unresolved, result.tables[0]?.complete, result.tables[0]?.accepted, result.successRate], [true, 0, 4, 1, 100]);
  });

  it('looks at critical tables only, unless nothing else was asked for', () => {
    const world = complete(makeWorld(makePipeline({ processors: { ...CHAIN.processors, A: { critical: false }, D: {} }, seasons })));
    never(world, 'A', '2024-01-02');
    const gate = { coverage_percent: 100 };
    assert.deepEqual([judge(world, gate).passed, judge(world, gate).notes], [true, ['data.a is not critical: 80 % of 5 dates']]);
    assert.deepEqual(judge(world, gate, { asked: { processors: ['A'] } }).reasons, ['data.a: 80 % of 5 dates (1 missing); at least 100 % is needed']);
  });

  it('is not about a stage of which nothing was asked for', () => {
    const gate = (processors: readonly string[] | null, phases?: readonly string[]): boolean => {
      const record = recordOf([{ name: 'raw', phases: ['raw'], gate: { coverage_percent: 100, ...(phases ? { phases } : {}) } }], { processors: processors && [...processors] });
      return concernsGate({ pipeline }, record, record.definition.stages[0]!.gate!);
    };
    assert.deepEqual([gate(null), gate(['A']), gate(['B']), gate(['B'], ['raw', 'analytics'])], [true, true, false, true]);
  });

  it('holds on a failure that nobody has resolved, and on too low a rate of success', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-02');
    change(world, 'A', '2024-01-02', { failure: failureOf() });
    const result = judge(world, { success_rate_percent: 81 });
    assert.deepEqual(result.reasons, ['1 unresolved failure (A 1); the first: division by zero', '80 % of 5 cells ended well; at least 81 % is needed']);
    assert.deepEqual([result.unresolved, result.successRate], [1, 80]);
    assert.deepEqual(judge(world, { success_rate_percent: 80, no_unresolved_failures: false }).reasons, []);
    assert.deepEqual(judge(world, { phases: ['analytics'], doubtful: 'show' }).reasons, ['1 unresolved failure (A 1); the first: division by zero'], 'what failed in the stage counts whatever its gate is about');
  });

  it('holds on nulls in required columns, by their count', () => {
    const world = complete(makeWorld(pipeline));
    world.setCoverage(world.processor('A'), dayOf('2024-01-02'), goodRows(world, 'A', dayOf('2024-01-02'), 1, { nulls: 3 }));
    assert.deepEqual(judge(world, { max_nulls: 2, doubtful: 'show' }).reasons, ['3 required values are null (data.a 3); at most 2 may be']);
    assert.deepEqual(judge(world, { max_nulls: 3, doubtful: 'show' }).reasons, []);
  });

  it('counts a date whose rows fall short of what is expected of them against coverage', () => {
    const strict = withA({ expectations: { min_rows: 10 } });
    // `row_threshold` is 0.9: nine of ten rows are enough.
    for (const [rows, reasons] of [[10, []], [9, []], [8, ['data.a: 80 % of 5 dates (1 short); at least 100 % is needed']]] as const) {
      const world = complete(makeWorld(strict, { games: {} }));
      world.setCoverage(world.processor('A'), dayOf('2024-01-02'), goodRows(world, 'A', dayOf('2024-01-02'), 1, { rows }));
      assert.deepEqual(judge(world, { coverage_percent: 100, doubtful: 'show' }).reasons, reasons, `${rows} rows`);
    }
  });

  it('holds on dates that are doubtful, unless it only shows them', () => {
    const world = complete(makeWorld(pipeline));
    alter(world, 'A', '2024-01-02');
    assert.deepEqual(judge(world, { coverage_percent: 100 }).reasons, ['data.a: 1 date is altered']);
    const shown = judge(world, { coverage_percent: 100, doubtful: 'show' });
    assert.deepEqual([shown.passed, shown.notes], [true, ['data.a: 1 date is altered: counted as complete']]);
  });

  const CHECKS: readonly (readonly [string, readonly CheckFigures[], RegExp, GateResult['checks'][number]])[] = [
    ['finds rows', [{ ...about, outcome: { kind: 'offended', rows: 2, sample: [{ n: 1 }] } }], /^the check a found 2 rows; it demands: nothing is wrong$/, { file: 'checks/a.sql', demands: 'nothing is wrong', rows: 2, example: '{"n":1}', error: null }],
    ['fails', [{ ...about, outcome: { kind: 'did_not_run', message: 'no such column' } }], /could not be run, so that nothing is known: no such column$/, { file: 'checks/a.sql', demands: 'nothing is wrong', rows: null, example: null, error: 'no such column' }],
    ['has not been run', [], /could not be run, so that nothing is known: it is not there$/, { file: 'checks/a.sql', demands: 'a', rows: null, example: null, error: 'it is not there' }],
  ];
  for (const [what, checks, message, kept] of CHECKS) {
    it(`holds where a check ${what}`, () => {
      const result = judge(complete(makeWorld(pipeline)), WHOLE, { checks });
      assert.match(result.reasons.join(), message);
      assert.deepEqual(result.checks, [kept]);
    });
  }

  it('holds where nothing is expected: there is nothing to pass it on', () => {
    const result = judge(complete(makeWorld(pipeline)), { ...WHOLE, checks: [] }, { asked: { from: dayOf('2024-01-06'), to: dayOf('2024-01-07') } });
    assert.match(result.reasons.join('; '), /no date is expected of any critical table.*no run is known/);
  });
});
