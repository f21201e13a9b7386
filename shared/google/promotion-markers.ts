import { z } from 'zod';
import type { Day } from '../calendar/day.ts';
import type { Promotion } from '../ports/warehouse.ts';

/**
 * Who promoted a cell's rows. BigQuery has no transaction over a copy job and a record of it, so the record comes in two
 * steps: an intent before the job is inserted, and `promoted` once the job is known to have succeeded. Between the two the
 * job itself says what became of the intent, since its id is the generation's and a label names the attempt.
 */
export interface MarkerState {
  readonly promoted: Promotion | null;
  /** Attempts that may have inserted their job; none of a generation that is settled. */
  readonly intents: readonly Promotion[];
}

export type Intent =
  /** `lower`: generations whose jobs may still be inserted by attempts that are over: their ids are to be used up first. */
  | { readonly kind: 'intended'; readonly lower: readonly number[] }
  /** This or a later generation has promoted. */
  | { readonly kind: 'promoted'; readonly winner: Promotion }
  /** A later generation has begun to promote: this one is over. */
  | { readonly kind: 'over'; readonly by: number };

export interface MarkerKey {
  readonly processor: string;
  readonly day: Day;
}

export interface PromotionMarkers {
  /** Part of every promotion's job id: a state that was wiped begins its generations anew, but BigQuery keeps job ids. */
  epoch(): Promise<string>;
  /** In one transaction: refused, or written down. */
  intend(key: MarkerKey, marker: Promotion): Promise<Intent>;
  read(key: MarkerKey): Promise<MarkerState>;
  /** The job of this marker has succeeded. */
  settle(key: MarkerKey, marker: Promotion): Promise<void>;
}

const promotionSchema: z.ZodType<Promotion> = z.object({
  runId: z.string(), generation: z.number().int(), token: z.number().int(), fingerprint: z.string(), trace: z.string(),
});

export const markerStateSchema: z.ZodType<MarkerState> = z.object({ promoted: promotionSchema.nullable(), intents: z.array(promotionSchema) });

export const NO_MARKERS: MarkerState = { promoted: null, intents: [] };

/** What an intent meets; the state with it where it may go on. */
export function withIntent(state: MarkerState, marker: Promotion): { readonly intent: Intent; readonly state: MarkerState } {
  const { promoted, intents } = state;
  const { generation, runId } = marker;
  if (promoted && promoted.generation >= generation) return { intent: { kind: 'promoted', winner: promoted }, state };
  const newest = Math.max(generation, ...intents.map((other) => other.generation));
  if (newest > generation) return { intent: { kind: 'over', by: newest }, state };
  const lower = [...new Set(intents.map((other) => other.generation))].filter((other) => other < generation).sort((a, b) => a - b);
  const others = intents.filter((other) => other.generation !== generation || other.runId !== runId);
  return { intent: { kind: 'intended', lower }, state: { promoted, intents: [...others, marker] } };
}

/** Intents up to the promoted generation are over: their job ids are used. */
export function withPromoted({ promoted, intents }: MarkerState, marker: Promotion): MarkerState {
  const newest = promoted && promoted.generation >= marker.generation ? promoted : marker;
  return { promoted: newest, intents: intents.filter(({ generation }) => generation > newest.generation) };
}
