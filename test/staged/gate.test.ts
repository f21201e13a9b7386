import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { judgeGate, percentOf, percentText, STANDARD_RULES, type CheckFigures, type GateFigures, type GateRules, type TableFigures, type UnresolvedFailure } from '../../shared/staged/gate.ts';

function table(changes: Partial<TableFigures> = {}): TableFigures {
  return {
    processor: 'Box', phase: 'raw', table: 'data.box', critical: true, expected: 10, complete: 10, accepted: 0, lacking: [], missing: 0, short: 0, stale: 0, altered: 0, suspect: 0,
    pending: 0, leftOut: 0, requiredValues: 100, nulls: 0, ...changes,
  };
}
const lacking = table({ complete: 7, missing: 2, short: 1, lacking: ['2024-01-02', '2024-01-04', '2024-01-06'].map(dayOf) });
const failure: UnresolvedFailure = { processor: 'Box', day: dayOf('2024-01-02'), category: 'processing', message: 'division by zero', cooling: false };

function judge(figures: Partial<GateFigures>, rules: Partial<GateRules> = {}) {
  return judgeGate({ tables: [table()], unresolved: [], checks: [], runs: null, ...figures }, { ...STANDARD_RULES, ...rules });
}
const ruled = (figures: Partial<GateFigures>, rules: Partial<GateRules> = {}): string[] => judge(figures, rules).reasons.map(({ rule }) => rule);

describe('A quality gate', () => {
  it('is passed where nothing lacks', () => {
    assert.deepEqual(judge({}), { passed: true, reasons: [], notes: [] });
  });

  it('is held by a critical table that lacks dates, with the figures', () => {
    const verdict = judge({ tables: [table(), lacking] });
    assert.equal(verdict.passed, false);
    assert.deepEqual(verdict.reasons, [{ rule: 'coverage', text: 'data.box: 70 % of 10 dates (2 missing, 1 short); at least 100 % is needed' }]);
  });

  const failures = (count: number): UnresolvedFailure[] => Array.from({ length: count }, () => failure);
  const offended = (rows: number): CheckFigures => ({ name: 'in_range', demands: 'all in range', table: 'data.box', outcome: rows === 0 ? { kind: 'passed' } : { kind: 'offended', rows, sample: [] } });
  const covering = (complete: number, accepted = 0): Partial<GateFigures> => ({ tables: [table({ expected: 1000, complete, accepted, missing: 1000 - complete - accepted })] });
  const nulls = (...counts: readonly number[]): Partial<GateFigures> => ({ tables: counts.map((count) => table({ nulls: count })) });
  // Each rule at its bound, just under and just over it.
  const BOUNDS: readonly (readonly [rule: string, at: string, figures: Partial<GateFigures>, rules: Partial<GateRules>, passed: boolean])[] = [
    ['coverage', 'at 100 %', covering(1000), {}, true],
    ['coverage', 'one date under 100 %', covering(999), {}, false],
    ['coverage', 'at 95 %', covering(950), { minCoveragePercent: 95 }, true],
    ['coverage', 'one date under 95 %', covering(949), { minCoveragePercent: 95 }, false],
    ['coverage', 'one date over 95 %', covering(951), { minCoveragePercent: 95 }, true],
    ['coverage', 'at 95 % by an accepted date', covering(949, 1), { minCoveragePercent: 95 }, true],
    ['coverage', 'just under a bound with decimals', covering(701), { minCoveragePercent: 70.2 }, false],
    ['coverage', 'nothing, and 0 % is wanted', covering(0), { minCoveragePercent: 0 }, true],
    ['coverage', 'nothing, and it is not judged', covering(0), { minCoveragePercent: null }, true],
    ['failures', 'none', { unresolved: failures(0) }, {}, true],
    ['failures', 'one', { unresolved: failures(1) }, {}, false],
    ['failures', 'one, and they are only shown', { unresolved: failures(1) }, { failures: 'show' }, true],
    ['nulls', 'one under the most', nulls(2), { maxNulls: 3 }, true],
    ['nulls', 'the most', nulls(3), { maxNulls: 3 }, true],
    ['nulls', 'one over the most', nulls(4), { maxNulls: 3 }, false],
    ['nulls', 'one over the most in two tables together', nulls(2, 2), { maxNulls: 3 }, false],
    ['nulls', 'one where none may be', nulls(1), { maxNulls: 0 }, false],
    ['nulls', 'none where none may be', nulls(0), { maxNulls: 0 }, true],
    ['nulls', 'many, and they are not judged', nulls(90), {}, true],
    ['success', 'at 99 %', { runs: { ended: 1000, succeeded: 990 } }, { minSuccessPercent: 99 }, true],
    ['success', 'one run under 99 %', { runs: { ended: 1000, succeeded: 989 } }, { minSuccessPercent: 99 }, false],
    ['success', 'one run over 99 %', { runs: { ended: 1000, succeeded: 991 } }, { minSuccessPercent: 99 }, true],
    ['success', 'no run at all', { runs: { ended: 0, succeeded: 0 } }, { minSuccessPercent: 0 }, false],
    ['success', 'runs that nothing is known of', { runs: null }, { minSuccessPercent: 99 }, false],
    ['success', 'none, and it is not judged', { runs: { ended: 10, succeeded: 0 } }, {}, true],
    ['doubtful', 'no doubtful date', { tables: [table()] }, { doubtful: 'hold' }, true],
    ['doubtful', 'one stale date', { tables: [table({ stale: 1 })] }, { doubtful: 'hold' }, false],
    ['doubtful', 'one altered date', { tables: [table({ altered: 1 })] }, { doubtful: 'hold' }, false],
    ['doubtful', 'one suspect date', { tables: [table({ suspect: 1 })] }, { doubtful: 'hold' }, false],
    ['doubtful', 'one stale date, and they are only shown', { tables: [table({ stale: 1 })] }, {}, true],
    ['checks', 'a check that finds no row', { checks: [offended(0)] }, {}, true],
    ['checks', 'a check that finds one', { checks: [offended(1)] }, {}, false],
    ['expectation', 'one date is expected', { tables: [table({ expected: 1, complete: 1 })] }, {}, true],
    ['expectation', 'none is', { tables: [table({ expected: 0, complete: 0 })] }, {}, false],
  ];
  for (const [rule, at, figures, rules, passed] of BOUNDS) {
    it(`judges ${rule} with ${at}: ${passed ? 'passed' : 'held'}`, () => assert.deepEqual(ruled(figures, rules), passed ? [] : [rule]));
  }

  it('takes a share in percent to the letter: 99.97 % is not 100 %, and is not written so', () => {
    assert.deepEqual(ruled({ tables: [table({ expected: 3000, complete: 2999, missing: 1 })] }), ['coverage']);
    assert.deepEqual([percentOf(2999, 3000), percentOf(0, 0), percentText(99_999, 100_000), percentText(2, 3), percentText(3, 3), percentText(0, 0)], [99.9, null, '99.9 %', '66.6 %', '100 %', '– %']);
  });

  it('counts accepted dates as complete, and says so', () => {
    const verdict = judge({ tables: [table({ complete: 8, accepted: 2 })] });
    assert.deepEqual([verdict.passed, verdict.notes], [true, ['2 accepted by a person: counted as complete']]);
  });

  it('is not held by a table that is not critical, and names it', () => {
    const verdict = judge({ tables: [table(), { ...lacking, table: 'data.extra', critical: false }] });
    assert.deepEqual([verdict.passed, verdict.notes], [true, ['data.extra is not critical: 70 % of 10 dates']]);
  });

  for (const { words, tables, says } of [
    { words: 'no table at all', tables: [], says: /no critical table/ },
    { words: 'none that is critical', tables: [table({ critical: false })], says: /no critical table/ },
    { words: 'an empty calendar', tables: [table({ expected: 0, complete: 0 })], says: /is the schedule filled/ },
    { words: 'dates that all lie ahead', tables: [table({ expected: 0, complete: 0, pending: 3 })], says: /nothing is due yet/ },
    { words: 'dates that were all left out', tables: [table({ expected: 0, complete: 0, leftOut: 3 })], says: /left out/ },
  ]) {
    it(`is held over ${words}: it does not pass for want of figures`, () => {
      const { passed, reasons } = judge({ tables });
      assert.equal(passed, false);
      assert.deepEqual(reasons.map(({ rule }) => rule), ['expectation']);
      assert.match(reasons[0]?.text ?? '', says);
    });
  }

  it('tells how many failures are unresolved, whose, and the first', () => {
    const unresolved = [failure, { ...failure, day: dayOf('2024-01-04') }];
    const text = '2 unresolved failures (Box 2); the first: division by zero';
    assert.deepEqual(judge({ unresolved }).reasons, [{ rule: 'failures', text }]);
    assert.deepEqual(judge({ unresolved }, { failures: 'show' }).notes, [text]);
  });

  it('tells of nulls in which tables they are; those of a table that is not critical are not counted', () => {
    const tables = [table({ nulls: 1 }), table({ table: 'data.other', nulls: 2 }), table({ table: 'data.extra', critical: false, nulls: 9 })];
    assert.deepEqual(judge({ tables }, { maxNulls: 2 }).reasons, [{ rule: 'nulls', text: '3 required values are null (data.box 1, data.other 2); at most 2 may be' }]);
  });

  it('shows stale, altered and suspect dates, or is held by them when told so', () => {
    const tables = [table({ stale: 2, altered: 1, suspect: 3 })];
    const shown = judge({ tables });
    assert.equal(shown.passed, true);
    assert.deepEqual(shown.notes, ['2 dates are stale', '1 date is altered', '3 dates are suspect'].map((doubt) => `data.box: ${doubt}: counted as complete`));
    assert.deepEqual(ruled({ tables }, { doubtful: 'hold' }), ['doubtful', 'doubtful', 'doubtful']);
    assert.deepEqual(judge({ tables }, { doubtful: 'hold' }).notes, []);
  });

  it('is held by a check that found rows, and by one that could not be run', () => {
    const about = { name: 'in_range', demands: 'all in range', table: 'data.box' };
    assert.deepEqual(judge({ checks: [{ ...about, outcome: { kind: 'passed' } }] }).reasons, []);
    assert.match(judge({ checks: [{ ...about, outcome: { kind: 'offended', rows: 2, sample: [] } }] }).reasons[0]?.text ?? '', /in_range found 2 rows; it demands: all in range/);
    assert.match(judge({ checks: [{ ...about, outcome: { kind: 'did_not_run', message: 'no such table' } }] }).reasons[0]?.text ?? '', /could not be run, so that nothing is known: no such table/);
  });
});
