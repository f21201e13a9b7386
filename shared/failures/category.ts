/**
 * The six kinds of failure, and what is done about each. Everything that depends on the kind of a failure stands in this
 * table; `classify.ts` finds the kind.
 */
export const failureCategories = ['infrastructure', 'data_availability', 'processing', 'resource_exhausted', 'defensive_block', 'invalid_request'] as const;
export type FailureCategory = (typeof failureCategories)[number];

/**
 * What becomes of the request: `retry_soon` and `retry_later` queue it again after its backoff while attempts are left;
 * `park` puts it back to waiting for its inputs and gives the attempt back, or, when no input is missing, ends it;
 * `never` ends it.
 */
export type FailureAction = 'retry_soon' | 'retry_later' | 'park' | 'never';

/** What a cell does of itself after its request ended: tried again at growing distances, or left until its inputs change. */
export type Afterwards = 'cools' | 'held';

/**
 * Whom it wakes. `if_it_lasts`: once, when cooling has come to its daily step; `if_source_gone`: when the outside source
 * has nothing; `none`: it is shown where it is looked for (the gap that blocks, the dead letters), and alerted there.
 */
export type AlertRule = 'at_once' | 'if_it_lasts' | 'if_source_gone' | 'none';

export interface CategoryPolicy {
  readonly action: FailureAction;
  readonly backoffMs: number;
  readonly afterwards: Afterwards;
  readonly alert: AlertRule;
  /** Fewer runs of this processor at a time, for a while. */
  readonly slowsProcessor: boolean;
  /** For people: what the system does, in one sentence. */
  readonly does: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const categoryPolicies: Readonly<Record<FailureCategory, CategoryPolicy>> = {
  infrastructure: {
    action: 'retry_soon', backoffMs: 5 * SECOND, afterwards: 'cools', alert: 'if_it_lasts', slowsProcessor: false,
    does: 'tried again after a few seconds, then at growing distances',
  },
  data_availability: {
    action: 'park', backoffMs: 30 * SECOND, afterwards: 'cools', alert: 'if_source_gone', slowsProcessor: false,
    does: 'waits while what it reads is backfilled, then runs again',
  },
  processing: {
    action: 'never', backoffMs: 0, afterwards: 'held', alert: 'at_once', slowsProcessor: false,
    does: 'not tried again until its inputs or its definition change, or a person asks',
  },
  resource_exhausted: {
    action: 'retry_later', backoffMs: 30 * SECOND, afterwards: 'cools', alert: 'if_it_lasts', slowsProcessor: true,
    does: 'tried again later, with fewer runs of this processor at a time',
  },
  // Held, not cooling: a block ends when an input changes, which is just what ends a hold.
  defensive_block: {
    action: 'park', backoffMs: 30 * SECOND, afterwards: 'held', alert: 'none', slowsProcessor: false,
    does: 'parked until the gaps it names are filled, then runs again',
  },
  invalid_request: {
    action: 'never', backoffMs: 0, afterwards: 'held', alert: 'none', slowsProcessor: false,
    does: 'never tried: it cannot become right; kept with its reason and dead-lettered',
  },
};

const MAX_BACKOFF_MS = 10 * MINUTE;

/** How long a request waits after its `attempt`-th attempt (the first is 1) failed: the base, doubled each time. */
export function backoffMs(category: FailureCategory, attempt: number): number {
  const doublings = Math.min(30, wholeFromZero(attempt - 1));
  return Math.min(MAX_BACKOFF_MS, categoryPolicies[category].backoffMs * 2 ** doublings);
}

const COOLING_MS: readonly number[] = [15 * MINUTE, HOUR, 6 * HOUR];
const DAILY_MS = 24 * HOUR;

/** How long a cell cools after it has already cooled down `step` times in a row: 15 minutes, 1 hour, 6 hours, then daily. */
export function coolingMs(step: number): number {
  return COOLING_MS[wholeFromZero(step)] ?? DAILY_MS;
}

/** Whether a failure that ended its request is alerted now. `step` is what `coolingMs` is asked with. */
export function alertDue(rule: AlertRule, step: number, sourceGone: boolean): boolean {
  if (rule === 'at_once') return true;
  if (rule === 'if_it_lasts') return wholeFromZero(step) === COOLING_MS.length;
  return rule === 'if_source_gone' && sourceGone;
}

function wholeFromZero(value: number): number {
  if (value === Infinity) return Number.MAX_SAFE_INTEGER;
  return Number.isFinite(value) ? Math.max(0, Math.trunc(value)) : 0;
}
