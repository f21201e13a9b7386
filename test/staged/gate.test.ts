import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { judgeGate, percentOf, STANDARD_RULES, type GateFigures, type GateRules, type TableFigures, type UnresolvedFailure } from '../../shared/staged/gate.ts';

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

  it('takes a share in percent to the letter: 99.97 % is not 100 %, and exactly the least is enough', () => {
    assert.deepEqual(ruled({ tables: [table({ expected: 3000, complete: 2999, missing: 1 })] }), ['coverage']);
    assert.deepEqual(ruled({ tables: [lacking] }, { minCoveragePercent: 70 }), []);
    assert.deepEqual(ruled({ tables: [lacking] }, { minCoveragePercent: 70.1 }), ['coverage']);
    assert.equal(percentOf(2999, 3000), 99.9);
    assert.equal(percentOf(0, 0), null);
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

  it('is held by unresolved failures although all rows are there', () => {
    const { passed, reasons } = judge({ unresolved: [failure, { ...failure, day: dayOf('2024-01-04') }] });
    assert.equal(passed, false);
    assert.deepEqual(reasons, [{ rule: 'failures', text: '2 unresolved failures (Box 2); the first: division by zero' }]);
  });

  it('judges nulls and success only where it is told a bound', () => {
    const tables = [table({ nulls: 3 })];
    assert.deepEqual(ruled({ tables }), []);
    assert.deepEqual(ruled({ tables }, { maxNullPercent: 3 }), []);
    assert.deepEqual(ruled({ tables }, { maxNullPercent: 2.9 }), ['nulls']);
    assert.deepEqual(ruled({ runs: { ended: 100, succeeded: 99 } }, { minSuccessPercent: 99 }), []);
    assert.deepEqual(ruled({ runs: { ended: 100, succeeded: 98 } }, { minSuccessPercent: 99 }), ['success']);
    assert.deepEqual(ruled({ runs: null }, { minSuccessPercent: 99 }), ['success'], 'nothing is known');
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
