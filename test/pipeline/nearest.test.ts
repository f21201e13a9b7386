import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { editDistance, nearestName, suggestion } from '../../shared/pipeline/nearest.ts';

describe('pipeline/nearest', () => {
  for (const [a, b, distance] of [['', '', 0], ['abc', 'abc', 0], ['abc', 'ab', 1], ['abc', 'xabc', 1], ['abc', 'axc', 1], ['abc', 'acb', 1], ['ca', 'abc', 3]] as const) {
    it(`${a} is ${distance} away from ${b}`, () => { assert.equal(editDistance(a, b), distance); });
  }

  it('is a distance', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(fc.property(word, word, (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
    }));
  });

  it('finds the name that was meant', () => {
    assert.equal(nearestName('PlayerGameSumaryProcessor', ['TeamGameSummaryProcessor', 'PlayerGameSummaryProcessor']), 'PlayerGameSummaryProcessor');
    assert.equal(nearestName('schedule', ['Boxscore', 'Schedule']), 'Schedule');
  });

  it('finds none where none is near', () => {
    assert.equal(nearestName('Odds', ['Schedule', 'Boxscore']), undefined);
    assert.equal(suggestion('Odds', ['Schedule'], 'add it'), 'add it');
    assert.equal(suggestion('Schedul', ['Schedule'], 'add it'), 'did you mean Schedule?');
  });
});
