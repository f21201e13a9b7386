import assert from 'node:assert/strict';
import { isRetriedByItself, type Detection, type UntoldFailure } from '../../shared/alerts/untold.ts';
import { addDays } from '../../shared/calendar/day.ts';
import { nov15, untoldFailure } from '../contract/request-records.ts';

const from = nov15;
const detection: Detection = { from, fills: (name) => name !== 'Observed' };
const cooling = { cools: true, due: false };

describe('alerts/untold', () => {
  const cases: readonly (readonly [string, Partial<UntoldFailure>, Partial<Detection>, boolean])[] = [
    ['a cell that cools where detection looks', cooling, {}, true],
    ['one that is held until a person does something', { cools: false, due: false }, {}, false],
    ['one that has cooled until its daily step, or whose source is gone', { cools: true, due: true }, {}, false],
    ['one of a staged backfill, whose cells detection leaves alone', { ...cooling, backfillId: 'season-2023-24' }, {}, false],
    ['one older than detection goes', { ...cooling, day: addDays(nov15, -1) }, {}, false],
    ['one of a phase that is only observed', { ...cooling, processor: 'Observed' }, {}, false],
    ['one where nobody has ever detected', cooling, { from: null }, false],
  ];
  for (const [name, change, more, retried] of cases) {
    it(`${name} ${retried ? 'is retried by itself' : 'is told'}`, () => assert.equal(isRetriedByItself(untoldFailure('x', change), { ...detection, ...more }), retried));
  }
});
