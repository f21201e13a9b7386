import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { day, dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import type { ExpectedDates } from '../../shared/calendar/expected-dates.ts';
import { criticalRange, windowRange, type WindowRange } from '../../shared/calendar/window.ts';
import { WHOLE_ROW, type Edge, type WindowReach } from '../../shared/pipeline/pipeline.ts';
import { LEAGUE, makePipeline, named, rowsOfGames } from '../core-builders.ts';

const pipeline = makePipeline(LEAGUE);

function datesOf(dates: readonly string[]): ExpectedDates {
  return new Calendar(pipeline, rowsOfGames(Object.fromEntries(dates.map((date) => [date, [`${date}-game`]])))).expectedOf(named(pipeline, 'Box'));
}

function edge(reach: WindowReach, ownDate: boolean, critical = 10): Edge {
  return { reader: 'Reader', upstream: 'Box', window: { reach, ownDate, critical }, columns: null, view: WHOLE_ROW, ownHistory: false };
}

const DAYS = (days: number): WindowReach => ({ kind: 'days', days });
const DATES = (gameDates: number): WindowReach => ({ kind: 'game_dates', gameDates });
const shown = (range: WindowRange | null): string | null => range && `${formatDay(range.from)}..${formatDay(range.to)}`;

describe('A window', () => {
  const dates = datesOf(['2024-01-02', '2024-01-05', '2024-01-06', '2024-01-10', '2024-03-04', '2024-03-06']);
  const table: readonly (readonly [string, WindowReach, boolean, string, string | null])[] = [
    ['the own date alone', { kind: 'none' }, true, '2024-01-10', '2024-01-10..2024-01-10'],
    ['three days without the own date', DAYS(3), false, '2024-01-10', '2024-01-07..2024-01-09'],
    ['three days and the own date', DAYS(3), true, '2024-01-10', '2024-01-07..2024-01-10'],
    ['thirty days, cut at the start of the season', DAYS(30), true, '2024-01-10', '2024-01-01..2024-01-10'],
    ['thirty days in the next season, which never reach into the last', DAYS(30), true, '2024-03-04', '2024-03-01..2024-03-04'],
    ['thirty days before the first day of a season: nothing', DAYS(30), false, '2024-01-01', null],
    ['two game dates', DATES(2), false, '2024-01-10', '2024-01-05..2024-01-09'],
    ['two game dates and the own one', DATES(2), true, '2024-01-10', '2024-01-05..2024-01-10'],
    ['more game dates than there are', DATES(9), true, '2024-01-10', '2024-01-02..2024-01-10'],
    ['game dates on an opening night: nothing', DATES(5), false, '2024-01-02', null],
    ['game dates and the own one on an opening night', DATES(5), true, '2024-01-02', '2024-01-02..2024-01-02'],
    ['game dates on the opening night of the next season', DATES(5), false, '2024-03-04', null],
    ['game dates of the next season', DATES(5), false, '2024-03-06', '2024-03-04..2024-03-05'],
    ['the season to date', { kind: 'season_to_date' }, true, '2024-01-10', '2024-01-01..2024-01-10'],
    ['the season to date, without the own date, on its first day: nothing', { kind: 'season_to_date' }, false, '2024-03-01', null],
    ['outside all seasons: the own date', DAYS(30), true, '2024-02-10', '2024-02-10..2024-02-10'],
    ['outside all seasons, without the own date: nothing', DAYS(30), false, '2024-02-10', null],
  ];
  for (const [words, reach, ownDate, date, expected] of table) {
    it(`of ${words}, for ${date}`, () => assert.equal(shown(windowRange(edge(reach, ownDate), dayOf(date), dates)), expected));
  }

  const critical: readonly (readonly [string, WindowReach, boolean, number, string, string | null])[] = [
    ['one day of three', DAYS(3), true, 1, '2024-01-10', '2024-01-09..2024-01-10'],
    ['one game date of three', DATES(3), true, 1, '2024-01-10', '2024-01-06..2024-01-10'],
    ['one game date of three, without the own date', DATES(3), false, 1, '2024-01-10', '2024-01-06..2024-01-09'],
    ['two days of the season to date', { kind: 'season_to_date' }, true, 2, '2024-01-10', '2024-01-08..2024-01-10'],
    ['the own date', { kind: 'none' }, true, 0, '2024-01-10', '2024-01-10..2024-01-10'],
    ['never more than the window', DAYS(3), true, 10, '2024-01-10', '2024-01-07..2024-01-10'],
  ];
  for (const [words, reach, ownDate, part, date, expected] of critical) {
    it(`has a critical part of ${words}`, () => assert.equal(shown(criticalRange(edge(reach, ownDate, part), dayOf(date), dates)), expected));
  }
});

const START = dayOf('2024-01-01');
const at = (offset: number): Day => day(START + offset);
const inSeason = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 60, max: 90 })).map(at);
const reaches = fc.oneof(
  fc.constant<WindowReach>({ kind: 'none' }), fc.constant<WindowReach>({ kind: 'season_to_date' }),
  fc.integer({ min: 1, max: 40 }).map((days): WindowReach => DAYS(days)), fc.integer({ min: 1, max: 12 }).map((count): WindowReach => DATES(count)),
);
const edges = fc.tuple(reaches, fc.boolean()).map(([reach, ownDate]) => edge(reach, reach.kind === 'none' || ownDate));
const games = fc.uniqueArray(inSeason, { maxLength: 30 }).map((list) => datesOf(list.map(formatDay)));

describe('Windows', () => {
  it('never cross the start of a season, nor reach past the date', () => {
    fc.assert(fc.property(edges, inSeason, games, (one, date, dates) => {
      const range = windowRange(one, date, dates);
      assert.ok(range === null || (range.from >= (dates.seasonStart(date) ?? date) && range.from <= range.to && range.to <= date && (one.window.ownDate || range.to < date)));
    }));
  });

  it('hold their critical part', () => {
    fc.assert(fc.property(edges, inSeason, games, fc.integer({ min: 1, max: 10 }), (one, date, dates, part) => {
      const whole = windowRange(one, date, dates);
      const newest = criticalRange({ ...one, window: { ...one.window, critical: part } }, date, dates);
      assert.ok(newest === null || (whole !== null && newest.from >= whole.from && newest.to === whole.to));
    }));
  });
});
