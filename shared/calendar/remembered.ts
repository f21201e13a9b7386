import type { Day } from './day.ts';

/** What the calendar has once expected, by season: a game stays expected until there is a reason that it does not. */
export interface RememberedGames {
  readonly season: string;
  readonly games: readonly RememberedGame[];
}

export interface RememberedGame {
  readonly key: string;
  readonly day: Day;
  readonly status: number;
  readonly narrow: string | null;
  /** Why it is expected no more: a person accepted its removal. */
  readonly removed: string | null;
}
