import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import type { Scope } from '../../shared/gaps/detect.ts';
import type { World } from '../../shared/gaps/world.ts';
import { figuresOf } from '../../shared/staged/gate-figures.ts';
import type { Coverage } from '../../shared/gaps/coverage.ts';
import { judgeGate, STANDARD_RULES, type TableFigures } from '../../shared/staged/gate.ts';
import { accepted, alter, change, complete, failureOf, goodRows, LEAGUE, lose, makePipeline, makeWorld, never, ran } from '../core-builders.ts';

const league = makePipeline(LEAGUE);
const JANUARY: Scope = { from: dayOf('2024-01-01'), to: dayOf('2024-01-31'), processors: null };

function of(world: World, name: string, scope: Scope = JANUARY): TableFigures {
  const found = figuresOf(world, scope).tables.find(({ processor }) => processor === name);
  assert.ok(found);
  return found;
}

describe("A gate's figures", () => {
  it('have the denominator of each table by its own calendar', () => {
    const world = complete(makeWorld(league));
    // The schedule is expected every day, the look ahead and the box scores on the ten dates with games.
    assert.deepEqual(figuresOf(world, JANUARY).tables.map(({ processor, expected, complete: done }) => [processor, expected, done]), [
      ['Box', 10, 10], ['Schedule', 31, 31], ['Summary', 10, 10], ['Ahead', 10, 10], ['Features', 10, 10],
    ]);
  });

  it('are of the dates and processors of the scope only', () => {
    const world = complete(makeWorld(league));
    const { tables } = figuresOf(world, { from: dayOf('2024-01-03'), to: dayOf('2024-01-08'), processors: new Set(['Box']) });
    assert.deepEqual(tables.map(({ processor, expected }) => [processor, expected]), [['Box', 3]]);
  });

  it('name dates without a schedule, on which nobody knows what is expected, where the schedule is not judged itself', () => {
    const world = complete(makeWorld(league));
    never(world, 'Schedule', '2024-01-07', '2024-01-30', '2024-01-31');
    accepted(world, 'Schedule', '2024-01-07');
    const judged = (...names: readonly string[]) => figuresOf(world, { ...JANUARY, processors: new Set(names) });
    assert.deepEqual(judged('Box').unscheduled.map(formatDay), ['2024-01-30', '2024-01-31']);
    assert.deepEqual(figuresOf(world, JANUARY).unscheduled, [], 'it lacks in a table then');
    assert.deepEqual(judged('Schedule').unscheduled, []);
    const leftOut = figuresOf(world, { ...JANUARY, processors: new Set(['Box']) }, (day) => (formatDay(day) === '2024-01-30' ? 'left_out' : 'judged'));
    assert.deepEqual(leftOut.unscheduled.map(formatDay), ['2024-01-31']);
  });

  it('hold a gate by dates without a schedule, unless it would be passed whatever is expected then', () => {
    const world = complete(makeWorld(league));
    never(world, 'Schedule', '2024-01-30', '2024-01-31');
    const box = { ...figuresOf(world, { ...JANUARY, processors: new Set(['Box']) }), checks: [], runs: null };
    const judge = (minCoveragePercent: number | null) => judgeGate(box, { ...STANDARD_RULES, minCoveragePercent });
    assert.deepEqual(judge(100).reasons, [{ rule: 'schedule', text: 'no schedule is there of 2 dates from 2024-01-30 to 2024-01-31: what is expected then is not known; were it to lack, data.box would have 83.3 %; at least 100 % is needed; fill the schedule first' }]);
    assert.deepEqual(judge(100).notes, [], 'it is told once');
    assert.equal(judge(84).passed, false);
    const told = ['no schedule is there of 2 dates from 2024-01-30 to 2024-01-31: what is expected then is not known, and not counted'];
    for (const least of [83, 0, null]) assert.deepEqual([judge(least).passed, judge(least).notes], [true, told], String(least));
    assert.match(judgeGate({ ...box, unscheduled: [dayOf('2024-01-30')] }, STANDARD_RULES).reasons[0]?.text ?? '', /^no schedule is there of 2024-01-30: .*would have 90\.9 %/);
  });

  it('tell missing from short, and name the dates', () => {
    const world = complete(makeWorld(league));
    lose(world, 'Box', '2024-01-04');
    world.setCoverage(world.processor('Box'), dayOf('2024-01-06'), goodRows(world, 'Box', dayOf('2024-01-06'), 1, { nulls: 2 }));
    const { complete: done, missing, short, lacking, nulls, requiredValues } = of(world, 'Box');
    assert.deepEqual([done, missing, short, lacking.map(formatDay), nulls], [8, 1, 1, ['2024-01-04', '2024-01-06'], 2]);
    // `value` is required: one value a row, four rows a date, nine dates with rows.
    assert.equal(requiredValues, 36);
  });

  it('count what a person accepted by itself, whether rows or their absence', () => {
    const world = complete(makeWorld(league));
    lose(world, 'Box', '2024-01-04');
    accepted(world, 'Box', '2024-01-04');
    alter(world, 'Box', '2024-01-06');
    accepted(world, 'Box', '2024-01-06');
    const { complete: done, accepted: taken, missing, altered } = of(world, 'Box');
    assert.deepEqual([done, taken, missing, altered], [8, 2, 0, 0]);
  });

  it('count altered and stale dates among the complete ones', () => {
    const world = complete(makeWorld(league));
    ran(world, 'Box', '2024-01-20', 'corrected');
    alter(world, 'Box', '2024-01-02');
    assert.deepEqual([of(world, 'Box').altered, of(world, 'Box').complete], [1, 10]);
    assert.deepEqual([of(world, 'Summary').stale, of(world, 'Summary').complete], [1, 10], 'the summary of the corrected date; that of an altered input follows it later');
  });

  it('leave out of the count what is not due yet, and what a person left out', () => {
    const world = complete(makeWorld(league, { now: '2024-01-11' }), '2024-01-10');
    never(world, 'Box', '2024-01-04');
    const [skipped, notAskedFor] = [dayOf('2024-01-04'), dayOf('2024-01-06')];
    const { tables } = figuresOf(world, JANUARY, (day) => (day === skipped ? 'left_out' : day === notAskedFor ? 'outside' : 'judged'));
    const box = tables.find(({ processor }) => processor === 'Box');
    assert.deepEqual([box?.expected, box?.leftOut, box?.missing], [3, 1, 0]);
    assert.equal(box?.pending, 5);
  });

  it('leave the nulls of accepted rows out: a person said that they are right', () => {
    const world = complete(makeWorld(league));
    world.setCoverage(world.processor('Box'), dayOf('2024-01-06'), goodRows(world, 'Box', dayOf('2024-01-06'), 1, { nulls: 2 }));
    assert.deepEqual([of(world, 'Box').nulls, of(world, 'Box').requiredValues], [2, 40]);
    accepted(world, 'Box', '2024-01-06');
    assert.deepEqual([of(world, 'Box').nulls, of(world, 'Box').requiredValues], [0, 36]);
  });

  // `min_rows_per_game: 2`, two games a date.
  const ROWS: readonly (readonly [string, Partial<Coverage>, number])[] = [
    ['exactly the rows that are expected', { rows: 4, games: { '6a': 2, '6b': 2 } }, 0],
    ['one row more', { rows: 5, games: { '6a': 2, '6b': 3 } }, 0],
    ['one row of a game less, although the sum is right', { rows: 4, games: { '6a': 1, '6b': 3 } }, 1],
    ['a game without rows', { rows: 4, games: { '6a': 4 } }, 1],
    ['a key that repeats', { duplicates: 1 }, 1],
    ['a null in a required column', { nulls: 1 }, 1],
  ];
  for (const [what, changes, short] of ROWS) {
    it(`count a date with ${what} as ${short === 1 ? 'short, which is not covered' : 'complete'}`, () => {
      const world = complete(makeWorld(league));
      const rows = goodRows(world, 'Box', dayOf('2024-01-06'), 1, changes);
      world.setCoverage(world.processor('Box'), dayOf('2024-01-06'), rows);
      const figures = figuresOf(world, { ...JANUARY, processors: new Set(['Box']) });
      assert.deepEqual([of(world, 'Box').short, of(world, 'Box').complete], [short, 10 - short]);
      const { reasons } = judgeGate({ ...figures, checks: [], runs: null }, STANDARD_RULES);
      assert.deepEqual(reasons, short === 0 ? [] : [{ rule: 'coverage', text: 'data.box: 90 % of 10 dates (1 short); at least 100 % is needed' }]);
    });
  }

  it('name failures that nobody resolved, oldest first; not those that were accepted, cancelled, skipped or rolled back, or whose rows are complete', () => {
    const world = complete(makeWorld(league));
    lose(world, 'Box', ...['04', '10', '12', '14', '16'].map((day) => `2024-01-${day}`));
    change(world, 'Box', '2024-01-14', { failure: failureOf({ outcome: 'skipped' }) });
    change(world, 'Box', '2024-01-16', { failure: failureOf({ outcome: 'rolled_back' }) });
    change(world, 'Box', '2024-01-18', { failure: failureOf({ category: 'infrastructure', coolsUntil: 1 }) });
    lose(world, 'Summary', '2024-01-08');
    change(world, 'Summary', '2024-01-08', { failure: failureOf() });
    change(world, 'Box', '2024-01-04', { failure: failureOf({ category: 'infrastructure', message: 'away', coolsUntil: 1 }) });
    change(world, 'Box', '2024-01-10', { failure: failureOf({ outcome: 'cancelled' }) });
    change(world, 'Box', '2024-01-12', { failure: failureOf() });
    accepted(world, 'Box', '2024-01-12');
    assert.deepEqual(figuresOf(world, JANUARY).unresolved.map(({ processor, day, message, cooling }) => [processor, formatDay(day), message, cooling]), [
      ['Box', '2024-01-04', 'away', true], ['Summary', '2024-01-08', 'division by zero', false],
    ]);
  });
});
