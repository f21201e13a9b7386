import assert from 'node:assert/strict';
import { Pace } from '../../scripts/output/pace.ts';

/** A pace after samples of (seconds, how much is done). */
function paceOf(...samples: readonly (readonly [number, number])[]): Pace {
  const pace = new Pace();
  for (const [seconds, done] of samples) pace.at(seconds * 1000, done);
  return pace;
}

describe('output/pace', () => {
  it('knows nothing at first, nor while nothing is done', () => {
    assert.deepEqual([paceOf().text, paceOf([0, 3]).text, paceOf([0, 3], [9, 3]).text, paceOf([0, 3], [9, 3]).left(10)], ['', '', '', '']);
  });

  it('says how many a second, a minute or an hour, and how long more of them take', () => {
    const CASES: readonly (readonly [readonly [number, number], string, string])[] = [
      [[10, 50], '5/s', 'about 20.0 s left'], [[10, 5], '30/min', 'about 3 min 20 s left'], [[600, 1], '6/h', 'about 16 h 40 min left'],
    ];
    for (const [sample, text, left] of CASES) assert.deepEqual([paceOf([0, 0], sample).text, paceOf([0, 0], sample).left(100)], [text, left]);
    assert.equal(paceOf([0, 0], [10, 50]).left(0), '');
  });

  it('goes by the last minute: what was fast an hour ago says nothing of now', () => {
    const fastThenSlow = paceOf([0, 0], ...Array.from({ length: 100 }, (_, at) => [1 + at * 0.1, 100 * at] as const), ...Array.from({ length: 120 }, (_, at) => [20 + at, 10_000 + at] as const));
    assert.ok(Math.abs(fastThenSlow.rate - 1) < 0.05, String(fastThenSlow.rate));
  });

  it('slows down while nothing happens, and is never below nothing', () => {
    assert.equal(paceOf([0, 0], [10, 100], [20, 100]).text, '5/s');
    assert.equal(paceOf([0, 10], [10, 5]).text, '');
  });
});
