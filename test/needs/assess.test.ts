import assert from 'node:assert/strict';
import { addDays, dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import { assessNeeds, type NeedsFacts, type RequestFact, type RunFact } from '../../shared/needs/assess.ts';
import { BANDS, bandOf } from '../../shared/needs/bands.ts';

const FIRST = dayOf('2024-01-01');
const dates = (count: number): Day[] => Array.from({ length: count }, (_, index) => addDays(FIRST, index));
const MINUTE = 60_000;

function request(changes: Partial<RequestFact> = {}): RequestFact {
  return { processor: 'Box', day: FIRST, kind: 'auto', openedAt: 0, endedAt: 10 * MINUTE, outcome: 'completed', byItself: true, fills: true, ...changes };
}
function runs(count: number, changes: Partial<RunFact> = {}): RunFact[] {
  return Array.from({ length: count }, () => ({ processor: 'Box', day: FIRST, succeeded: true, category: null, error: null, ...changes }));
}
function assess(changes: Partial<NeedsFacts> = {}) {
  return assessNeeds({ days: 30, lacking: [], runs: runs(100), requests: [], byHand: 0, minutesPerManual: 60, ...changes });
}

describe("The bands of source document 003", () => {
  const table = [
    { name: 'gapsPer30Days', rows: [[0, 'not_needed'], [2, 'not_needed'], [3, 'borderline'], [5, 'borderline'], [6, 'justified']] },
    { name: 'dependencyFailurePercent', rows: [[0, 'not_needed'], [4.9, 'not_needed'], [5, 'borderline'], [10, 'borderline'], [10.1, 'justified']] },
    { name: 'manualMinutesPerWeek', rows: [[0, 'not_needed'], [29, 'not_needed'], [30, 'borderline'], [60, 'borderline'], [61, 'justified']] },
  ] as const;
  for (const { name, rows } of table) {
    for (const [value, band] of rows) it(`${name} of ${value}: ${band}`, () => assert.equal(bandOf(BANDS[name], value), band));
  }
});

describe('The bands of what has happened', () => {
  const lacking = (count: number) => ({ lacking: dates(count).map((day) => ({ processor: 'Box', day })) });
  const failing = (failures: number, of: number) => ({ runs: [...runs(of - failures), ...runs(failures, { succeeded: false, category: 'defensive_block' } as const)] });
  const byHand = (minutesPerManual: number, requests: number, days = 28) => ({ days, byHand: requests, minutesPerManual });
  type Case = readonly [what: string, facts: Partial<NeedsFacts>, band: string];
  const table: Readonly<Record<'gaps' | 'dependencies' | 'manual', readonly Case[]>> = {
    gaps: [
      ['none in 30 days', {}, 'not_needed'], ['2 in 30 days', lacking(2), 'not_needed'], ['3 in 30 days', lacking(3), 'borderline'], ['5 in 30 days', lacking(5), 'borderline'], ['6 in 30 days', lacking(6), 'justified'],
      ['29 in 174 days, 5 a month', { days: 174, ...lacking(29) }, 'borderline'], ['30 in 174 days', { days: 174, ...lacking(30) }, 'justified'], ['7 in 70 days, 3 a month', { days: 70, ...lacking(7) }, 'borderline'], ['6 in 70 days', { days: 70, ...lacking(6) }, 'not_needed'],
    ],
    dependencies: [
      ['no run at all', { runs: [] }, 'not_needed'], ['49 of 1,000 runs', failing(49, 1000), 'not_needed'], ['5 of 100 runs', failing(5, 100), 'borderline'], ['10 of 100 runs', failing(10, 100), 'borderline'],
      ['101 of 1,000 runs', failing(101, 1000), 'justified'], ['1,001 of 10,000 runs, told as 10 %', failing(1001, 10_000), 'justified'], ['4,999 of 100,000 runs, told as 5 %', failing(4999, 100_000), 'not_needed'],
    ],
    manual: [
      ['nothing by hand', byHand(60, 0), 'not_needed'], ['an hour in two weeks and a day', byHand(60, 1, 15), 'not_needed'], ['an hour in two weeks', byHand(60, 1, 14), 'borderline'], ['an hour in a week', byHand(60, 1, 7), 'borderline'],
      ['an hour in six days', byHand(60, 1, 6), 'justified'], ['four times 60 minutes in four weeks', byHand(60, 4), 'borderline'], ['four times 61 minutes', byHand(61, 4), 'justified'], ['four times 29 minutes', byHand(29, 4), 'not_needed'],
    ],
  };
  for (const figure of ['gaps', 'dependencies', 'manual'] as const) {
    for (const [what, facts, band] of table[figure]) it(`${figure}: ${what}: ${band}`, () => assert.equal(assess(facts)[figure].band, band));
  }

  it('the checklist is judged by the figures as they are, not as they are told', () => {
    const over = assess({ ...lacking(13), ...failing(504, 10_000), byHand: 1, minutesPerManual: 128.7 });
    assert.deepEqual([over.gaps.perWeek, over.dependencies.percent, over.manual.minutesPerWeek], [3, 5, 30], 'as they are told');
    assert.deepEqual(over.checklist.map(({ met }) => met), [true, true, true, false]);
    assert.deepEqual(assess({ byHand: 1, minutesPerManual: 257.3 }).checklist.map(({ met }) => met), [false, true, false, true]);
    const at = assess({ days: 7, ...lacking(3), ...failing(5, 100), byHand: 1, minutesPerManual: 30 });
    assert.deepEqual(at.checklist.map(({ met }) => met), [false, false, false, false], 'over is more than at least');
  });
});

describe('The assessment of needs', () => {
  it('where nothing has happened: not needed', () => {
    const needs = assess({ runs: [] });
    assert.equal(needs.verdict, 'not_needed');
    assert.deepEqual([needs.dependencies.percent, needs.recovered.medianMinutes], [0, null]);
  });

  it('counts dates with a gap, as the document does: lacking now, or filled since, each once', () => {
    const { gaps } = assess({
      lacking: [{ processor: 'Box', day: FIRST }, { processor: 'Form', day: FIRST }, { processor: 'Form', day: addDays(FIRST, 1) }],
      requests: [request({ day: addDays(FIRST, 1) }), request({ day: addDays(FIRST, 2), kind: 'manual', byItself: false }), request({ day: addDays(FIRST, 3), outcome: 'failed' })],
    });
    assert.deepEqual(gaps.dates.map(formatDay), ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04']);
    assert.deepEqual([gaps.lackingNow, gaps.per30Days, gaps.perWeek, gaps.band], [2, 4, 0.9, 'borderline']);
  });

  it("takes neither cascades nor staged backfills, nor what was done again, for gaps", () => {
    const { gaps } = assess({ requests: [request({ kind: 'cascade' }), request({ kind: 'staged' }), request({ fills: false })] });
    assert.deepEqual(gaps.dates, []);
  });

  it('brings other ranges to 30 days', () => {
    const lacking = dates(2).map((day) => ({ processor: 'Box', day }));
    assert.deepEqual([assess({ days: 7, lacking }).gaps.per30Days, assess({ days: 7, lacking }).gaps.band], [8.6, 'justified']);
    assert.equal(assess({ days: 60, lacking }).gaps.band, 'not_needed');
    assert.equal(assess({ days: 0, lacking }).gaps.per30Days, 60, 'a range that has not begun counts as one day');
  });

  it('counts as dependency failures what lacked its inputs, by category or by what its error says', () => {
    const { dependencies } = assess({
      runs: [
        ...runs(88), ...runs(4, { succeeded: false, category: 'defensive_block' }), ...runs(3, { succeeded: false, category: 'data_availability', processor: 'Form' }),
        ...runs(2, { succeeded: false, error: 'Missing dependency for Nov 15', processor: 'Form' }), ...runs(2, { succeeded: false, category: 'processing', error: 'a dependency on zero' }), ...runs(1, { succeeded: false, error: 'boom' }),
      ],
    });
    assert.deepEqual([dependencies.runs, dependencies.failures, dependencies.dependencyFailures, dependencies.percent, dependencies.band], [100, 12, 9, 9, 'borderline']);
    assert.deepEqual(dependencies.byProcessor.map(({ processor, runs: all, dependencyFailures }) => [processor, all, dependencyFailures]), [['Form', 5, 5], ['Box', 95, 4]]);
  });

  it('estimates manual time by what was asked for by hand', () => {
    const { manual } = assess({ days: 28, byHand: 5, minutesPerManual: 45 });
    assert.deepEqual(manual, { requests: 5, minutes: 225, minutesPerWeek: 56.3, band: 'borderline' });
  });

  it('tells what recovered by itself, and in what time', () => {
    const { recovered } = assess({
      days: 28,
      requests: [
        request({ endedAt: 2 * MINUTE }), request({ processor: 'Form', endedAt: 4 * MINUTE }), request({ day: addDays(FIRST, 1), endedAt: 9 * MINUTE }),
        request({ day: addDays(FIRST, 2), byItself: false, kind: 'manual', endedAt: 100 * MINUTE }), request({ day: addDays(FIRST, 3), outcome: 'failed' }),
        request({ day: addDays(FIRST, 4), outcome: 'open', endedAt: null }), request({ fills: false, endedAt: 1000 * MINUTE }),
      ],
    });
    assert.deepEqual(recovered, { completed: 3, failed: 1, open: 1, dates: 2, minutesSavedPerWeek: 30, medianMinutes: 6.5, medianMinutesByItself: 4 });
  });

  it('is justified only where all of the checklist is met', () => {
    const much: Partial<NeedsFacts> = { lacking: dates(20).map((day) => ({ processor: 'Box', day })), runs: [...runs(80), ...runs(20, { succeeded: false, category: 'defensive_block' })], byHand: 10 };
    assert.equal(assess(much).verdict, 'justified');
    assert.ok(assess(much).checklist.every(({ met }) => met));
    assert.equal(assess({ ...much, byHand: 0 }).verdict, 'borderline');
    assert.equal(assess({ ...much, runs: runs(100) }).verdict, 'borderline');
    assert.equal(assess({ ...much, lacking: [] }).verdict, 'borderline');
  });

  it('counts the time that automatic recovery saves for the checklist', () => {
    const saved = assess({ requests: dates(15).map((day) => request({ day })) });
    assert.equal(saved.recovered.minutesSavedPerWeek, 210);
    assert.deepEqual(saved.checklist.map(({ met }) => met), [true, false, false, true]);
  });
});
