import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { addDays, day, dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import type { ExpectedDates } from '../../shared/calendar/expected-dates.ts';
import { LEAGUE, makePipeline, named, rowsOfGames } from '../core-builders.ts';

const pipeline = makePipeline(LEAGUE);

function datesOf(dates: readonly string[]): ExpectedDates {
  return new Calendar(pipeline, rowsOfGames(Object.fromEntries(dates.map((date) => [date, [`${date}-game`]])))).expectedOf(named(pipeline, 'Box'));
}

const dates = datesOf(['2024-01-02', '2024-01-03', '2024-01-07', '2024-03-04', '2024-03-06', '2024-02-10']);
const text = (at: Day | undefined): string | undefined => (at === undefined ? undefined : formatDay(at));

describe('Expected dates of two seasons', () => {
  it('leave out what lies between seasons', () => {
    assert.deepEqual(dates.dates.map(formatDay), ['2024-01-02', '2024-01-03', '2024-01-07', '2024-03-04', '2024-03-06']);
    assert.equal(dates.has(dayOf('2024-02-10')), false);
  });

  it('say no of days far outside the calendar', () => {
    for (const date of ['1999-01-01', '2099-01-01']) {
      assert.equal(dates.has(dayOf(date)), false);
      assert.equal(dates.seasonStart(dayOf(date)), undefined);
    }
  });

  it('count how far into its season a date is: none on an opening night, which starts again each season', () => {
    assert.deepEqual(['2024-01-02', '2024-01-03', '2024-01-07', '2024-01-31', '2024-03-01', '2024-03-04', '2024-03-06', '2024-02-10'].map((date) => dates.ordinalInSeason(dayOf(date))), [0, 1, 2, 3, 0, 0, 1, 0]);
  });

  it('find the next and the previous', () => {
    assert.equal(text(dates.next(dayOf('2024-01-03'))), '2024-01-07');
    assert.equal(text(dates.next(dayOf('2024-01-07'))), '2024-03-04');
    assert.equal(text(dates.next(dayOf('2024-03-06'))), undefined);
    assert.equal(text(dates.previous(dayOf('2024-01-03'))), '2024-01-02');
    assert.equal(text(dates.previous(dayOf('2024-01-02'))), undefined);
    assert.equal(text(dates.previous(dayOf('2024-03-04'))), '2024-01-07');
  });

  it('find where the last n before a date start, and stop at a limit', () => {
    assert.equal(text(dates.startOfLast(2, dayOf('2024-01-07'), dayOf('2024-01-01'))), '2024-01-02');
    assert.equal(text(dates.startOfLast(1, dayOf('2024-01-07'), dayOf('2024-01-01'))), '2024-01-03');
    assert.equal(text(dates.startOfLast(9, dayOf('2024-03-06'), dayOf('2024-03-01'))), '2024-03-04');
    assert.equal(dates.startOfLast(9, dayOf('2024-03-04'), dayOf('2024-03-01')), undefined);
  });

  it('answer as a plain list would', () => {
    const offsets = fc.uniqueArray(fc.integer({ min: 0, max: 90 }), { maxLength: 40 });
    fc.assert(fc.property(offsets, fc.integer({ min: -5, max: 95 }), fc.integer({ min: -5, max: 95 }), (chosen, from, to) => {
      const at = (offset: number): Day => day(dayOf('2024-01-01') + offset);
      const list = chosen.map(at).filter((one) => (one <= dayOf('2024-01-31') || one >= dayOf('2024-03-01')) && one <= dayOf('2024-03-31')).sort((a, b) => a - b);
      const found = datesOf(list.map(formatDay));
      assert.deepEqual(found.dates, list);
      assert.equal(found.countBefore(at(from)), list.filter((one) => one < at(from)).length);
      assert.deepEqual(found.within(at(from), at(to)), list.filter((one) => one >= at(from) && one <= at(to)));
      assert.equal(found.next(at(from)), list.find((one) => one > at(from)));
      assert.equal(found.previous(at(from)), list.findLast((one) => one < at(from)));
      assert.equal(found.has(at(from)), list.includes(at(from)));
      assert.equal(addDays(at(from), 0), at(from));
    }));
  });
});
