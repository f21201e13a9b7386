import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addDays, day, dayAt, dayOf, daysBetween, formatDay, parseDay, startOfDay } from '../../shared/calendar/day.ts';

const NEW_YORK = 'America/New_York';
const days = fc.integer({ min: dayOf('1990-01-01'), max: dayOf('2060-12-31') }).map(day);

describe('Days', () => {
  it('are read and written the same', () => {
    fc.assert(fc.property(days, (at) => dayOf(formatDay(at)) === at));
  });

  for (const text of ['2023-02-30', '2023-02-29', '2023-13-01', '23-1-1', '2023-1-01', '2023-11-15T00:00:00Z', '', ' 2023-11-15', '2023-11-15 ', '20231115', 'null']) {
    it(`refuses '${text}', which is no date`, () => {
      assert.equal(parseDay(text), undefined);
      assert.throws(() => dayOf(text), (error) => error instanceof RangeError && error.message.includes(`'${text}'`) && error.message.includes('YYYY-MM-DD'));
    });
  }

  it('know the leap day', () => {
    assert.equal(formatDay(addDays(dayOf('2024-02-28'), 1)), '2024-02-29');
    assert.equal(formatDay(addDays(dayOf('2023-02-28'), 1)), '2023-03-01');
  });

  it('of a range are both ends and all between; none when it is reversed', () => {
    assert.deepEqual(daysBetween(dayOf('2023-12-30'), dayOf('2024-01-02')).map(formatDay), ['2023-12-30', '2023-12-31', '2024-01-01', '2024-01-02']);
    assert.deepEqual(daysBetween(dayOf('2024-01-02'), dayOf('2024-01-01')), []);
  });
});

describe('The start of a day in a time zone', () => {
  const table: readonly (readonly [string, string, string])[] = [
    [NEW_YORK, '2023-11-15', '2023-11-15T05:00:00.000Z'],
    [NEW_YORK, '2023-07-04', '2023-07-04T04:00:00.000Z'],
    // Clocks go forward at 2 in the morning: the day has 23 hours, its start is still standard time.
    [NEW_YORK, '2024-03-10', '2024-03-10T05:00:00.000Z'],
    [NEW_YORK, '2024-03-11', '2024-03-11T04:00:00.000Z'],
    [NEW_YORK, '2023-11-05', '2023-11-05T04:00:00.000Z'],
    [NEW_YORK, '2023-11-06', '2023-11-06T05:00:00.000Z'],
    // Clocks go from midnight to one in the morning, and from midnight back to eleven in the evening.
    ['America/Santiago', '2005-10-09', '2005-10-09T04:00:00.000Z'],
    ['America/Santiago', '2006-03-12', '2006-03-12T04:00:00.000Z'],
    ['UTC', '2023-11-06', '2023-11-06T00:00:00.000Z'],
    ['Asia/Tokyo', '2023-11-06', '2023-11-05T15:00:00.000Z'],
    ['Asia/Kathmandu', '2023-11-06', '2023-11-05T18:15:00.000Z'],
    ['Pacific/Kiritimati', '2023-11-06', '2023-11-05T10:00:00.000Z'],
  ];
  for (const [zone, date, instant] of table) {
    it(`is ${instant} for ${date} in ${zone}`, () => assert.equal(new Date(startOfDay(dayOf(date), zone)).toISOString(), instant));
  }

  it('is the first instant of that date, also where clocks change at midnight', () => {
    const zones = fc.constantFrom(NEW_YORK, 'UTC', 'Asia/Tokyo', 'Europe/Berlin', 'America/Santiago', 'Asia/Beirut', 'Africa/Cairo');
    fc.assert(fc.property(days, zones, (at, zone) => {
      const start = startOfDay(at, zone);
      return dayAt(start, zone) === at && dayAt(start - 1, zone) === addDays(at, -1);
    }), { numRuns: 500 });
  });
});

describe('The date at an instant', () => {
  const table: readonly (readonly [string, string])[] = [
    ['2023-11-16T04:59:59.999Z', '2023-11-15'],
    ['2023-11-16T05:00:00.000Z', '2023-11-16'],
    ['2024-03-10T04:59:59.999Z', '2024-03-09'],
    ['2024-03-11T03:59:59.999Z', '2024-03-10'],
    ['2024-03-11T04:00:00.000Z', '2024-03-11'],
  ];
  for (const [instant, date] of table) it(`is ${date} in New York at ${instant}`, () => assert.equal(formatDay(dayAt(Date.parse(instant), NEW_YORK)), date));
});
