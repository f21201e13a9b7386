import assert from 'node:assert/strict';
import { formatDay } from '../../shared/calendar/day.ts';
import { momentAt } from '../../shared/calendar/moment.ts';

const ZONE = 'America/New_York';
const settings = { settle_hours: 6, stuck_after_hours: 36 };

describe('A moment', () => {
  const table: readonly (readonly [string, string, string, string, string])[] = [
    // New York time in words; instant; today; settled through; stuck through.
    ['just before midnight', '2023-11-16T04:59:00Z', '2023-11-15', '2023-11-14', '2023-11-13'],
    ['a minute before six', '2023-11-16T10:59:00Z', '2023-11-16', '2023-11-14', '2023-11-13'],
    ['six in the morning', '2023-11-16T11:00:00Z', '2023-11-16', '2023-11-15', '2023-11-13'],
    ['noon', '2023-11-16T17:00:00Z', '2023-11-16', '2023-11-15', '2023-11-14'],
    ['six on the day that clocks went back', '2023-11-05T10:00:00Z', '2023-11-05', '2023-11-04', '2023-11-02'],
    ['six hours after midnight, when clocks went forward', '2024-03-10T11:00:00Z', '2024-03-10', '2024-03-09', '2024-03-07'],
  ];
  for (const [words, instant, today, settled, stuck] of table) {
    it(`at ${words} (${instant}) is ${today}, settled through ${settled}, stuck through ${stuck}`, () => {
      const moment = momentAt(Date.parse(instant), ZONE, settings);
      assert.deepEqual([moment.today, moment.settledThrough, moment.stuckThrough].map(formatDay), [today, settled, stuck]);
      assert.equal(moment.now, Date.parse(instant));
    });
  }

  it('settles a date at its midnight when no hours are asked for', () => {
    assert.equal(formatDay(momentAt(Date.parse('2023-11-16T05:00:00Z'), ZONE, { settle_hours: 0, stuck_after_hours: 1 }).settledThrough), '2023-11-15');
  });
});
