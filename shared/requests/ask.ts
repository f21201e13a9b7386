import type { Day } from '../calendar/day.ts';
import type { Priority, RetryRule } from './cell.ts';

/** Who wants something: decides, with the cell's facts, what an ask does (`ask-policy.ts`). */
export const askers = ['person', 'detector', 'cascade', 'plan', 'backfill'] as const;
export type Asker = (typeof askers)[number];

export const reprocessModes = ['none', 'failed', 'completed'] as const;
export type Reprocess = (typeof reprocessModes)[number];

/** What became of one cell of an ask. `open` until its request ends. */
export const askOutcomes = ['open', 'ran', 'joined', 'already_complete', 'cut_off', 'held', 'blocked', 'failed', 'cancelled', 'refused'] as const;
export type AskOutcome = (typeof askOutcomes)[number];

/** What a person, a detector, a cascade, a recovery plan or a staged backfill wanted. Its cells' outcomes are kept apart. */
export interface Ask {
  /** `request_id`, else the message's id, which a redelivery keeps. */
  readonly id: string;
  readonly asker: Asker;
  readonly by: string;
  readonly reason: string;
  readonly at: number;
  readonly priority: Priority;
  readonly reprocess: Reprocess;
  readonly force: boolean;
  readonly skipDownstreamTrigger: boolean;
  readonly isBackfill: boolean;
  readonly planId: string | null;
  readonly backfillId: string | null;
  /** For people: what was asked for, in one line; for a refused ask, with the reason. */
  readonly summary: string;
  readonly refused: string | null;
  /** The ask that all of this goes back to, where it is not this one: what a person follows through every log. */
  readonly cause?: string;
  readonly retry?: RetryRule;
  /** When its cells were planned, where others run them. */
  readonly plannedAt?: number;
  /** When one of its cells has failed for good, none of the same backfill starts any more. */
  readonly halts?: boolean;
}

export interface AskCell {
  readonly askId: string;
  readonly processor: string;
  readonly day: Day;
  readonly outcome: AskOutcome;
  readonly note: string;
  readonly at: number;
}
