import { dayAt, startOfDay, addDays, type Day } from './day.ts';

const HOUR = 3_600_000;

/** One reading of the clock, turned into dates of the pipeline's zone. "Now" is read once for each decision. */
export interface Moment {
  /** Epoch milliseconds. */
  readonly now: number;
  /** The date it is now: what looks forward is due up to it. */
  readonly today: Day;
  /** The newest date whose games have had their `settle_hours` after midnight: what looks back is due up to it. */
  readonly settledThrough: Day;
  /** The newest date that is so old that a game of it without a final status is stuck, not still to be played. */
  readonly stuckThrough: Day;
}

export function momentAt(now: number, timeZone: string, settings: { readonly settle_hours: number; readonly stuck_after_hours: number }): Moment {
  const today = dayAt(now, timeZone);
  return {
    now,
    today,
    settledThrough: newestEndedBefore(now - settings.settle_hours * HOUR, today, timeZone),
    stuckThrough: newestEndedBefore(now - settings.stuck_after_hours * HOUR, today, timeZone),
  };
}

/** The newest day whose end (the next midnight) is not after `instant`. */
function newestEndedBefore(instant: number, today: Day, timeZone: string): Day {
  let candidate = today;
  while (startOfDay(addDays(candidate, 1), timeZone) > instant) candidate = addDays(candidate, -1);
  return candidate;
}
