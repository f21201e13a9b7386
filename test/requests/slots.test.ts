import assert from 'node:assert/strict';
import { slotsAt, SLOW_MS } from '../../shared/requests/slots.ts';

const MINUTE = 60_000;

describe('The slots of a processor that has met a limit', () => {
  const now = 1_700_000_000_000;

  it('are all of them where it has met none', () => {
    assert.equal(slotsAt(6, null, now), 6);
  });

  it('are one at first, then one more each five minutes, until it has them all', () => {
    const until = now + SLOW_MS;
    const minutes = [0, 9, 10, 14, 15, 19, 20, 25, 30, 90].map((minute) => slotsAt(5, until, now + minute * MINUTE));
    assert.deepEqual(minutes, [1, 1, 2, 2, 3, 3, 4, 5, 5, 5]);
  });

  it('are never more than it has', () => {
    assert.deepEqual([0, 10, 90].map((minute) => slotsAt(1, now + SLOW_MS, now + minute * MINUTE)), [1, 1, 1]);
  });

  it('do not stay at one where the clock was set back', () => {
    assert.equal(slotsAt(5, now + SLOW_MS, now - 24 * 60 * MINUTE), 2);
  });
});
