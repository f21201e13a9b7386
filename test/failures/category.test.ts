import assert from 'node:assert/strict';
import { alertDue, backoffMs, categoryPolicies, coolingMs, failureCategories } from '../../shared/failures/category.ts';
import { pausedUntil } from '../../shared/failures/quota.ts';

const MINUTE = 60_000;

describe('the failure categories', () => {
  const rows = [
    ['infrastructure', 'retry_soon', 5000, 'cools', false],
    ['data_availability', 'park', 30_000, 'cools', false],
    ['processing', 'never', 0, 'held', false],
    ['resource_exhausted', 'retry_later', 30_000, 'cools', true],
    ['defensive_block', 'park', 30_000, 'held', false],
    ['invalid_request', 'never', 0, 'held', false],
  ] as const;
  for (const [category, action, base, afterwards, slows] of rows) {
    it(`treats ${category} as ${action}, then ${afterwards}`, () => {
      const policy = categoryPolicies[category];
      assert.deepEqual([policy.action, policy.backoffMs, policy.afterwards, policy.slowsProcessor], [action, base, afterwards, slows]);
      assert.equal(backoffMs(category, 1), base);
    });
  }
  it('has a row of tests for each category', () => assert.deepEqual(rows.map(([category]) => category), [...failureCategories]));

  it('doubles the backoff with each attempt, up to ten minutes', () => {
    assert.deepEqual([1, 2, 3, 4].map((attempt) => backoffMs('infrastructure', attempt)), [5000, 10_000, 20_000, 40_000]);
    assert.equal(backoffMs('resource_exhausted', 1000), 10 * MINUTE);
    assert.equal(backoffMs('infrastructure', -3), 5000);
    assert.equal(backoffMs('infrastructure', Number.NaN), 5000);
  });

  it('cools for 15 minutes, 1 hour, 6 hours, then daily for ever', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 1000, Infinity, -1].map((step) => coolingMs(step) / MINUTE), [15, 60, 360, 1440, 1440, 1440, 1440, 15]);
  });

  it('wakes nobody for what mends itself, once for what lasts, and at once for what needs a person', () => {
    assert.deepEqual([0, 1, 2, 3, 4].map((step) => alertDue('if_it_lasts', step, false)), [false, false, false, true, false]);
    assert.equal(alertDue('at_once', 0, false), true);
    assert.equal(alertDue('if_source_gone', 0, false), false);
    assert.equal(alertDue('if_source_gone', 0, true), true);
    assert.equal(alertDue('none', 3, true), false);
  });

  it('pauses for a concurrency quota for five minutes and for a daily one until midnight in California', () => {
    const now = Date.parse('2023-11-16T05:00:00Z');
    assert.equal(pausedUntil('minutes', now) - now, 5 * MINUTE);
    assert.equal(new Date(pausedUntil('next_day', now)).toISOString(), '2023-11-16T08:00:00.000Z');
    assert.equal(new Date(pausedUntil('next_day', Date.parse('2024-03-10T09:30:00Z'))).toISOString(), '2024-03-11T07:00:00.000Z');
  });
});
