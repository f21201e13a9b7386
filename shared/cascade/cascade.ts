import type { Day } from '../calendar/day.ts';

/** The record of one cascade: a live (phase, date) from the moment it is due. Its key is both. */
export interface CascadeKey {
  readonly phase: string;
  readonly day: Day;
}

export interface CascadeReason {
  /** Number of the condition of `decideCascade` that does not hold. */
  readonly condition: number;
  readonly text: string;
}

export interface CascadeRecord extends CascadeKey {
  /** `expected`: due, nothing heard yet; `waiting`: siblings not complete; `parked`: kept with its reasons; `would_hold`: observe mode. */
  readonly state: 'expected' | 'waiting' | 'parked' | 'released' | 'not_cascading';
  /** All conditions that do not hold, the first is shown. */
  readonly reasons: readonly CascadeReason[];
  /** Observe and assist: for what enforce would have held it, when it last would have; kept when that is gone. */
  readonly wouldHave: readonly CascadeReason[];
  /** Digest of the phase's fingerprints that was decided on. */
  readonly digest: string | null;
  readonly releasedDigests: readonly string[];
  readonly openedAt: number;
  readonly decidedAt: number;
  readonly releasedAt: number | null;
  readonly backfillId: string | null;
  /** A person released it although it is older than `cascade_ttl`. */
  readonly releasedBy: string | null;
}
