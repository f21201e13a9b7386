/** The thresholds of source document 003 ("Is This Needed? (Check First!)"). */

export type Band = 'not_needed' | 'borderline' | 'justified';

export interface Thresholds {
  /** Below it: not needed. */
  readonly low: number;
  /** Above it: justified. Between the two, both included: borderline. */
  readonly high: number;
}

export const BANDS = {
  /** 0 to 2: manual backfill is fine; 3 to 5: borderline; over 5: implement. Of a rate, 2 and a part is still no third gap. */
  gapsPer30Days: { low: 3, high: 5 },
  /** Below 5 %: not needed; 5 to 10 %: consider it; over 10 %: implement. */
  dependencyFailurePercent: { low: 5, high: 10 },
  /** Below 30 minutes: manual is fine; 30 to 60: consider it; over 1 hour: implement. */
  manualMinutesPerWeek: { low: 30, high: 60 },
} as const satisfies Readonly<Record<string, Thresholds>>;

export function bandOf({ low, high }: Thresholds, value: number): Band {
  if (value < low) return 'not_needed';
  return value > high ? 'justified' : 'borderline';
}
