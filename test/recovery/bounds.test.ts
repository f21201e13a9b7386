import assert from 'node:assert/strict';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import { boundOutages } from '../../shared/recovery/bounds.ts';
import type { Outage } from '../../shared/recovery/plan.ts';

function outage(dates: number, cells = dates): Outage {
  return { processor: 'A', days: Array.from({ length: dates }, (_, index) => addDays(dayOf('2024-01-01'), index)), cells };
}

describe('The bounds of automatic work', () => {
  const settings = { auto_backfill_threshold: 3, max_plan_cells: 50 };
  const table: readonly (readonly [string, readonly Outage[], readonly number[], readonly string[]])[] = [
    ['nothing', [], [], []],
    ['three dates', [outage(3)], [0], []],
    ['four dates', [outage(4)], [], ['over_threshold']],
    ['a long one between short ones', [outage(1), outage(9), outage(2)], [0, 2], ['over_threshold']],
    ['fifty cells', [outage(3, 50)], [0], []],
    ['fifty-one cells', [outage(1, 51)], [], ['over_plan_cells']],
    ['cells that add up, with a small one after that still fits', [outage(1, 30), outage(1, 30), outage(1, 20)], [0, 2], ['over_plan_cells']],
  ];
  for (const [words, outages, within, over] of table) {
    it(`take ${words}: ${within.length} within, ${over.length} over`, () => {
      const bounded = boundOutages(outages, settings);
      assert.deepEqual(bounded.within.map((one) => outages.indexOf(one)), within);
      assert.deepEqual(bounded.over.map((one) => one.code), over);
    });
  }

  it('say which number is over which', () => {
    assert.equal(boundOutages([outage(4)], settings).over[0]?.reason, '4 dates in a row, over the threshold of 3');
    assert.equal(boundOutages([outage(1, 30), outage(1, 21)], settings).over[0]?.reason, 'explains 21 cells, with 30 before it over the 50 of one plan');
  });
});
