import assert from 'node:assert/strict';
import fc from 'fast-check';
import { day } from '../../shared/calendar/day.ts';
import { HeldBackError } from '../../shared/failures/errors.ts';
import { keyOf } from '../../shared/gaps/detect.ts';
import { decodeOwned, encodeOwned } from '../../shared/recovery/owned-cells.ts';

const FIRST = 18_993;
const cellsOf = (processors: number, days: number, step: number) => Array.from({ length: processors }, (_, processor) => Array.from({ length: days }, (_none, at) => ({ processor: `TeamDefenseGameSummaryProcessor${processor}`, day: day(FIRST + at * step) }))).flat();

describe('recovery/owned-cells', () => {
  it('names exactly the cells that it was given, in whatever order, of dates before 1970 too', () => {
    const cells = fc.uniqueArray(fc.record({ processor: fc.constantFrom('A', 'B', 'C'), day: fc.oneof(fc.integer({ min: FIRST, max: FIRST + 40 }), fc.integer({ min: -20, max: 20 })).map(day) }), { selector: keyOf });
    fc.assert(fc.property(cells, (given) => {
      const owned = decodeOwned(encodeOwned('plan-7', given, ''));
      assert.equal(owned?.planId, 'plan-7');
      assert.deepEqual([...owned.keys].sort(), given.map(keyOf).sort());
    }));
  });

  it('has room for 100,000 cells in one document, also where no two of their dates follow each other', () => {
    const cells = cellsOf(100, 1000, 2);
    assert.ok(encodeOwned('the rollback of season-2023-24', cells, '').length < 600_000);
    assert.ok(encodeOwned('the rollback of season-2023-24', cellsOf(100, 1000, 1), '').length < 10_000, 'whole seasons are ranges');
  });

  it('refuses more than a document holds, and says what to do instead', () => {
    assert.throws(() => encodeOwned('the rollback of huge', cellsOf(300, 1000, 2), 'roll it back phase by phase (--phase)'),
      (error) => error instanceof HeldBackError && /^the rollback of huge has 300000 cells, more than can belong to it at once .*; nothing was changed; roll it back phase by phase \(--phase\)$/.test(error.message));
  });

  it('reads what programs of before have written', () => {
    assert.deepEqual(decodeOwned(JSON.stringify({ planId: 'old', cells: ['Box/19728'] })), { planId: 'old', keys: ['Box/19728'] });
    assert.equal(decodeOwned('{}'), null);
  });
});
