/** How many runs of a processor there may be at a time, after it has met a limit of what it runs on. */

/** A resource_exhausted failure leaves a processor one slot for this long. */
export const SLOW_MS = 10 * 60_000;
/** Then it gets one more, and another one each time that so long has passed. */
const STEP_MS = 5 * 60_000;

export function slotsAt(limit: number, slowUntil: number | null, now: number): number {
  if (slowUntil === null) return limit;
  // So late a time is of a clock that was set back since.
  if (slowUntil - now > SLOW_MS) return Math.min(2, limit);
  if (now < slowUntil) return 1;
  return Math.min(limit, 2 + Math.floor((now - slowUntil) / STEP_MS));
}
