import { setTimeout as after } from 'node:timers/promises';

const LOOK_EVERY_MS = 25;

/** Looks until there is something to see, and says what there was none of when time is over. */
export async function until<T>(what: string, look: () => Promise<T | null | undefined | false> | T | null | undefined | false, withinMs = 120_000, story: () => string = () => ''): Promise<T> {
  for (const end = performance.now() + withinMs; ;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`waited ${withinMs / 1000} s in vain: ${what}\n${story()}`);
    await after(LOOK_EVERY_MS);
  }
}
