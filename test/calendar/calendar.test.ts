import assert from 'node:assert/strict';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { LEAGUE, makePipeline, momentOf, named, rowsOfGames, type Games, type PipelineSketch } from '../core-builders.ts';

const SKETCH: PipelineSketch = {
  ...LEAGUE,
  processors: { ...LEAGUE.processors, Playoffs: { only: ['Playoffs'] }, Both: { only: ['Playoffs', 'Regular Season'] } },
  exclude: [{ date: '2024-01-14', reason: 'All-Star Sunday' }],
};
const pipeline = makePipeline(SKETCH);

function calendarOf(games: Games): Calendar {
  return new Calendar(pipeline, rowsOfGames(games));
}

function expected(games: Games, name: string): string[] {
  return calendarOf(games).expectedOf(named(pipeline, name)).dates.map(formatDay);
}

describe('The calendar', () => {
  it('needs a season', () => {
    assert.throws(() => new Calendar({ ...pipeline, seasons: [] }, []), /without a season/);
  });

  it('finds the season of a date, and none between seasons', () => {
    const calendar = calendarOf({});
    assert.deepEqual(['2024-01-01', '2024-01-31', '2024-02-01', '2024-03-01'].map((date) => calendar.seasonOf(dayOf(date))?.name), ['winter', 'winter', undefined, 'spring']);
    assert.equal(calendar.seasonNamed('spring')?.name, 'spring');
  });

  it('takes the newest season that has begun for the current one, and the first before all', () => {
    const calendar = calendarOf({});
    assert.deepEqual(['2023-05-01', '2024-01-10', '2024-02-10', '2024-03-01', '2030-01-01'].map((date) => calendar.currentSeason(dayOf(date)).name), ['winter', 'winter', 'winter', 'spring', 'spring']);
  });

  it('sorts games by key and leaves excluded dates out', () => {
    const calendar = calendarOf({ '2024-01-02': ['b', 'a'], '2024-01-14': ['all-star'] });
    assert.deepEqual(calendar.games(dayOf('2024-01-02')).map((game) => game.key), ['a', 'b']);
    assert.deepEqual(calendar.gameDates().map(formatDay), ['2024-01-02']);
    assert.equal(calendar.isExcluded(dayOf('2024-01-14')), 'All-Star Sunday');
  });
});

describe('Expected dates', () => {
  it('are all days of all seasons for what is filled every day, excluded ones aside', () => {
    assert.equal(expected({}, 'Schedule').length, 31 + 31 - 1);
  });

  it('are the dates with games for the others', () => {
    assert.deepEqual(expected({ '2024-01-02': ['a'], '2024-01-05': ['b'] }, 'Box'), ['2024-01-02', '2024-01-05']);
  });

  it('are narrowed by season type', () => {
    const games: Games = { '2024-01-02': ['a'], '2024-01-03': [{ key: 'p', narrow: 'Playoffs' }], '2024-01-04': [{ key: 'i', narrow: 'Play-In' }], '2024-01-05': [{ key: 'n', narrow: null }] };
    assert.deepEqual(expected(games, 'Playoffs'), ['2024-01-03']);
    assert.deepEqual(expected(games, 'Both'), ['2024-01-02', '2024-01-03']);
    assert.equal(expected(games, 'Box').length, 4);
  });

  it('know the keys of their narrowing only', () => {
    const calendar = calendarOf({ '2024-01-03': ['r', { key: 'p', narrow: 'Playoffs' }] });
    assert.deepEqual(calendar.expectedOf(named(pipeline, 'Playoffs')).keys(dayOf('2024-01-03')), ['p']);
    assert.deepEqual(calendar.expectedOf(named(pipeline, 'Box')).keys(dayOf('2024-01-03')), ['p', 'r']);
  });

  for (const [word, status] of [['postponed', 4], ['cancelled', 5]] as const) {
    it(`leave a ${word} game out, and its date when it was the only one`, () => {
      const games: Games = { '2024-01-02': ['a', { key: 'x', status }], '2024-01-05': [{ key: 'y', status }] };
      for (const name of ['Box', 'Ahead']) assert.deepEqual(expected(games, name), ['2024-01-02'], name);
      assert.deepEqual(calendarOf(games).expectedOf(named(pipeline, 'Box')).keys(dayOf('2024-01-02')), ['a']);
    });
  }

  it('hold the keys of final games where rows come with the end of a game, and of all that are not called off where they come before', () => {
    const calendar = calendarOf({ '2024-01-02': ['a', { key: 'b', status: 1 }] });
    assert.deepEqual(calendar.expectedOf(named(pipeline, 'Box')).keys(dayOf('2024-01-02')), ['a']);
    assert.deepEqual(calendar.expectedOf(named(pipeline, 'Ahead')).keys(dayOf('2024-01-02')), ['a', 'b']);
  });

  it('are shared by processors of one narrowing', () => {
    const calendar = calendarOf({});
    assert.equal(calendar.expectedOf(named(pipeline, 'Box')), calendar.expectedOf(named(pipeline, 'Summary')));
    assert.notEqual(calendar.expectedOf(named(pipeline, 'Box')), calendar.expectedOf(named(pipeline, 'Ahead')));
  });
});

describe('A cell is due', () => {
  const games: Games = { '2024-01-10': ['a', 'b'], '2024-01-12': ['c', { key: 'd', status: 2 }], '2024-01-14': [] };
  const calendar = calendarOf(games);
  const due = (name: string, date: string, time: string): boolean => calendar.isDue(named(pipeline, name), dayOf(date), momentOf(pipeline, time));

  it('once its date has settled, when it looks back', () => {
    assert.equal(due('Box', '2024-01-10', '2024-01-11T10:59:00Z'), false);
    assert.equal(due('Box', '2024-01-10', '2024-01-11T11:00:00Z'), true);
  });

  it('when its date begins, when it looks forward', () => {
    assert.equal(due('Ahead', '2024-01-10', '2024-01-10T04:59:00Z'), false);
    assert.equal(due('Ahead', '2024-01-10', '2024-01-10T05:00:00Z'), true);
  });

  it('not while a game of it is still to be played, until that game is stuck', () => {
    assert.equal(due('Box', '2024-01-12', '2024-01-14T16:59:00Z'), false);
    assert.equal(due('Box', '2024-01-12', '2024-01-14T17:00:00Z'), true);
  });

  it('whatever games that it does not cover are still to be played', () => {
    const playoffs = calendarOf({ '2024-01-12': ['c', { key: 'd', status: 2, narrow: 'Playoffs' }] });
    assert.equal(playoffs.isDue({ ...named(pipeline, 'Box'), only: ['Regular Season'] }, dayOf('2024-01-12'), momentOf(pipeline, '2024-01-13T12:00:00Z')), true);
  });
});

describe('A stuck game', () => {
  const calendar = calendarOf({ '2024-01-10': [{ key: 'd', status: 2 }], '2024-01-12': ['c', { key: 'e', status: 2 }], '2024-01-13': [{ key: 'f', status: 4 }] });

  it('is found 36 hours after its date, a called-off one never', () => {
    const stuck = (time: string): string[] => calendar.stuckGames(dayOf('2024-01-01'), dayOf('2024-01-31'), momentOf(pipeline, time)).map((game) => game.key);
    assert.deepEqual(stuck('2024-01-12T16:59:00Z'), []);
    assert.deepEqual(stuck('2024-01-12T17:00:00Z'), ['d']);
    assert.deepEqual(stuck('2024-01-20'), ['d', 'e']);
  });

  it('leaves nothing to judge where it was the only one of its date, and the rest elsewhere', () => {
    const moment = momentOf(pipeline, '2024-01-20');
    assert.equal(calendar.isStuckWhole(named(pipeline, 'Box'), dayOf('2024-01-10'), moment), true);
    assert.equal(calendar.isStuckWhole(named(pipeline, 'Box'), dayOf('2024-01-12'), moment), false);
    assert.equal(calendar.isStuckWhole(named(pipeline, 'Schedule'), dayOf('2024-01-10'), moment), false);
    assert.deepEqual(calendar.expectedOf(named(pipeline, 'Box')).keys(dayOf('2024-01-12')), ['c']);
  });
});
