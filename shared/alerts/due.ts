/** A burst by hand is over when nothing has failed for this long and nothing is open any more. */
const SETTLE_MS = 60_000;

export interface Situation {
  readonly now: number;
  readonly windowMs: number;
  /** When the last digest went out; null: none yet. */
  readonly sentAt: number | null;
  /** Until when failures are held back for a digest: the lease's. Null: nobody has said so. */
  readonly heldUntil: number | null;
  /** When the first and the last of the failures came that nobody was told of; null: there are none. */
  readonly untold: { readonly firstAt: number; readonly lastAt: number } | null;
  /** Something has happened that is told when it happens. */
  readonly hasNews: boolean;
  /** Nothing of it is open any more. */
  readonly isOver: boolean;
  /** The process that asks is about to end, and nobody may come after it. */
  readonly leaving: boolean;
}

/**
 * Whether a digest goes out now. News do at once, and take what was held with them. Otherwise at most one goes out a
 * window: counted from the last one, or, where there was none within a window, from the first failure. What is over before
 * does not wait for the window's end. Where the lease ran out, whoever held failures back is dead: they are told.
 */
export function digestDue({ now, windowMs, sentAt, heldUntil, untold, hasNews, isOver, leaving }: Situation): boolean {
  if (hasNews) return true;
  if (!untold) return false;
  // An instant to come is of a clock that was set back since.
  const passed = (since: number): number => (since > now ? windowMs : now - since);
  if (heldUntil !== null && heldUntil <= now && (sentAt === null || sentAt < heldUntil)) return true;
  if (sentAt !== null) {
    if (passed(sentAt) < windowMs) return false;
    // Held since the last one by its window, not by one of their own.
    if (untold.firstAt < sentAt + windowMs) return true;
  }
  return leaving || passed(untold.firstAt) >= windowMs || (isOver && passed(untold.lastAt) >= SETTLE_MS);
}
