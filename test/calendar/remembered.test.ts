import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { rememberCalendar, type MergedCalendar, type RememberedGames } from '../../shared/calendar/remembered.ts';
import { LEAGUE, makePipeline, named, rowsOfGames, type Games } from '../core-builders.ts';

const pipeline = makePipeline(LEAGUE);
const WHOLE = { from: dayOf('2024-01-01'), to: dayOf('2024-03-31') };

function merge(memory: readonly RememberedGames[], games: Games, range = WHOLE): MergedCalendar {
  return rememberCalendar(pipeline, memory, rowsOfGames(games), range);
}

function expectedDates({ games }: MergedCalendar): string[] {
  return new Calendar(pipeline, games).expectedOf(named(pipeline, 'Box')).dates.map(formatDay);
}

const LEARNED = merge([], { '2024-01-02': ['a', 'b'], '2024-01-04': ['c'], '2024-03-02': ['s'] });

describe('The calendar is remembered', () => {
  it('by season, and written once', () => {
    assert.deepEqual(LEARNED.memory.map((season) => [season.season, season.games.map((game) => game.key)]), [['winter', ['a', 'b', 'c']], ['spring', ['s']]]);
    assert.equal(LEARNED.changed.length, 2);
    const again = merge(LEARNED.memory, { '2024-01-02': ['a', 'b'], '2024-01-04': ['c'], '2024-03-02': ['s'] });
    assert.deepEqual([again.changed, again.findings], [[], []]);
  });

  it('when it loses a whole date: the date is still expected, and the games are named', () => {
    const merged = merge(LEARNED.memory, { '2024-01-02': ['a', 'b'], '2024-03-02': ['s'] });
    assert.deepEqual(expectedDates(merged), ['2024-01-02', '2024-01-04', '2024-03-02']);
    assert.deepEqual(merged.findings, [{ kind: 'calendar_shrank', key: 'c', day: dayOf('2024-01-04') }]);
    assert.deepEqual(merged.changed, []);
  });

  it('when it loses all its rows', () => {
    const merged = merge(LEARNED.memory, {});
    assert.equal(merged.games.length, 4);
    assert.equal(merged.findings.filter((finding) => finding.kind === 'calendar_shrank').length, 4);
  });

  it('without a finding about dates that were not read', () => {
    assert.deepEqual(merge(LEARNED.memory, { '2024-01-04': ['c'] }, { from: dayOf('2024-01-03'), to: dayOf('2024-01-31') }).findings, []);
  });

  it('until a game is seen on another date', () => {
    const merged = merge(LEARNED.memory, { '2024-01-02': ['a', 'b'], '2024-01-09': ['c'], '2024-03-02': ['s'] });
    assert.deepEqual(merged.findings, [{ kind: 'moved', key: 'c', from: dayOf('2024-01-04'), to: dayOf('2024-01-09') }]);
    assert.deepEqual(expectedDates(merged), ['2024-01-02', '2024-01-09', '2024-03-02']);
    assert.deepEqual(merge(merged.memory, { '2024-01-02': ['a', 'b'], '2024-01-09': ['c'], '2024-03-02': ['s'] }).findings, []);
  });

  it('until it is postponed or cancelled', () => {
    const merged = merge(LEARNED.memory, { '2024-01-02': ['a', { key: 'b', status: 5 }], '2024-01-04': [{ key: 'c', status: 4 }], '2024-03-02': ['s'] });
    assert.deepEqual([expectedDates(merged), merged.findings], [['2024-01-02', '2024-03-02'], []]);
    assert.deepEqual(expectedDates(merge(merged.memory, {})), ['2024-01-02', '2024-03-02']);
  });

  it('until a person accepts its removal, and from then on again when it comes back', () => {
    const accepted = LEARNED.memory.map((season) => ({ ...season, games: season.games.map((game) => (game.key === 'c' ? { ...game, removed: 'ann: never played' } : game)) }));
    const gone = merge(accepted, { '2024-01-02': ['a', 'b'], '2024-03-02': ['s'] });
    assert.deepEqual([expectedDates(gone), gone.findings], [['2024-01-02', '2024-03-02'], []]);
    assert.deepEqual(expectedDates(merge(gone.memory, { '2024-01-04': ['c'] })), ['2024-01-02', '2024-01-04', '2024-03-02']);
  });

  it('as it is now: a status that changed is written', () => {
    const before = merge([], { '2024-01-02': [{ key: 'a', status: 1 }] });
    const after = merge(before.memory, { '2024-01-02': ['a'] });
    assert.deepEqual(after.changed.map((season) => season.games.map((game) => game.status)), [[3]]);
  });

  it('with a moved game that still stands, called off, on its old date', () => {
    const rows: Games = { '2024-01-04': [{ key: 'c', status: 4 }], '2024-01-09': ['c'] };
    for (const games of [rows, Object.fromEntries(Object.entries(rows).reverse())]) {
      const merged = merge(LEARNED.memory, { '2024-01-02': ['a', 'b'], ...games, '2024-03-02': ['s'] });
      assert.deepEqual(expectedDates(merged), ['2024-01-02', '2024-01-09', '2024-03-02']);
      assert.deepEqual(merge(merged.memory, { '2024-01-02': ['a', 'b'], ...games, '2024-03-02': ['s'] }).findings, [], 'the move is told once');
    }
  });

  it('with a game that moved to another season, of which the first has none left', () => {
    const merged = merge(LEARNED.memory, { '2024-01-02': ['a', 'b', 's'], '2024-01-04': ['c'] });
    assert.deepEqual(new Map(merged.changed.map((season) => [season.season, season.games.length])), new Map([['winter', 4], ['spring', 0]]));
  });

  it('with a row written twice', () => {
    assert.deepEqual(merge([], { '2024-01-02': ['a', 'a'] }).games.length, 1);
  });

  it('and so, whatever rows are lost, never expects less', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 31 }), { minLength: 1 }), fc.array(fc.integer({ min: 1, max: 31 })), (dates, lost) => {
      const games = (list: readonly number[]): Games => Object.fromEntries(list.map((date) => [`2024-01-${String(date).padStart(2, '0')}`, [`g${date}`]]));
      const learned = merge([], games(dates));
      const left = merge(learned.memory, games(dates.filter((date) => !lost.includes(date))));
      assert.deepEqual(expectedDates(left), expectedDates(learned));
      assert.equal(left.findings.length, dates.filter((date) => lost.includes(date)).length);
    }));
  });
});
