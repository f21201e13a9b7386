import { addDays, dayOf, startOfDay, type Day } from '../../shared/calendar/day.ts';

/** The stretch of the real season that the demo works on: its first weeks, so that a build takes seconds. */
export const DEMO = {
  season: '2023-24',
  from: dayOf('2023-10-24'),
  /** The last night that was played. */
  lastNight: dayOf('2023-11-15'),
} as const;

const HOUR = 3_600_000;

/** An hour of a day in the pipeline's zone, as an instant. */
export function at(day: Day, hour: number, timeZone: string): number {
  return startOfDay(day, timeZone) + hour * HOUR;
}

/** The morning after the last night: the demo's "now". */
export function theMorningAfter(): Day {
  return addDays(DEMO.lastNight, 1);
}

/** A small seeded generator (mulberry32): the same seed makes the same damage. */
export function seeded(seed: number): (choices: number) => number {
  let state = seed >>> 0;
  return (choices) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * choices);
  };
}
