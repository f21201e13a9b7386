import { z } from 'zod';
import { hasEnded, type BackfillRecord } from '../staged/record.ts';
import { alertSchema, type Alert } from './alert.ts';
import { digestByHand, digestOfBackfill, type Told } from './digest.ts';
import { digestDue } from './due.ts';
import { gathered, gatheredSchema, type Gathered } from './gathered.ts';
import { markOf, newsSince } from './news.ts';
import type { UntoldFailure } from './untold.ts';

/** What is durable of the digests of one backfill, or of all that goes by hand: kept with the lease that holds its failures back. */
export const alertWindowSchema = z.object({
  sentAt: z.number().nullable(),
  /** The mark of the last entry of the journal that was told. */
  told: z.string().nullable(),
  /** Failures that a digest has taken so far, where they are more than one commit takes. */
  gathering: gatheredSchema.nullable(),
  /** A digest that is on its way: whoever sends it says when that is done; by then it is sent again if that one has died. */
  sending: z.object({ alert: alertSchema, by: z.string(), at: z.number() }).nullable(),
});
export type AlertWindow = z.infer<typeof alertWindowSchema>;

/** Failures that one commit takes from the state. */
const MOST_TAKEN = 400;
/** How long an alert is on its way before somebody else sends it: the sender hands it over at once, and a commit follows. */
const SENDING_MS = 60_000;

export interface Circumstances {
  readonly now: number;
  readonly windowMs: number;
  /** Names this very sending: two of one process must not take each other's for their own. */
  readonly by: string;
  readonly heldUntil: number | null;
  /** Failures that are to be told, without those that are retried by themselves. */
  readonly untold: readonly UntoldFailure[];
  /** Null: by hand. */
  readonly record: BackfillRecord | null;
  /** By hand: nothing is open any more. */
  readonly isOver: boolean;
  readonly leaving: boolean;
  /** How far the backfill's stage is, for whoever knows; asked for when a digest goes out. */
  readonly progress?: () => Told['progress'];
}

/** A step of a window: what it becomes, which failures leave the state with it, and the digest to send, if it is whole. */
export interface WindowStep {
  readonly window: AlertWindow;
  readonly takes: readonly string[];
  readonly alert: Alert | null;
}

/** For a backfill that nobody was told of yet: all of its journal is news, unless it has ended. */
export function newWindow(record: BackfillRecord | null): AlertWindow {
  const last = record && hasEnded(record) ? record.journal.at(-1) : undefined;
  return { sentAt: null, told: last ? markOf(last) : null, gathering: null, sending: null };
}

/** Null: there is nothing to do now. */
export function nextStep(window: AlertWindow, circumstances: Circumstances): WindowStep | null {
  const { now, untold, record, by } = circumstances;
  if (window.sending) {
    const { sending } = window;
    const isLeft = isLeftUnsent(sending.at, now) || (circumstances.heldUntil !== null && circumstances.heldUntil <= now);
    return isLeft ? { window: { ...window, sending: { ...sending, by, at: now } }, takes: [], alert: { ...sending.alert } } : null;
  }
  if (window.gathering === null && !isDue(window, circumstances)) return null;
  const taken = untold.slice(0, MOST_TAKEN);
  const takes = taken.map(({ id }) => id);
  const sum = gathered(window.gathering, taken);
  if (untold.length > taken.length) return { window: { ...window, gathering: sum }, takes, alert: null };
  const alert = composed(window, circumstances, sum);
  const last = record?.journal.at(-1);
  return { window: { sentAt: now, told: last ? markOf(last) : window.told, gathering: null, sending: alert && { alert, by, at: now } }, takes, alert };
}

/** Whether whoever has had an alert on its way since `at` is taken for dead. An instant to come is of a clock that was set back. */
export function isLeftUnsent(at: number, now: number): boolean {
  return at > now || now - at >= SENDING_MS;
}

function isDue(window: AlertWindow, { now, windowMs, heldUntil, untold, record, isOver, leaving }: Circumstances): boolean {
  const times = untold.map(({ at }) => at);
  return digestDue({
    now, windowMs, sentAt: window.sentAt, heldUntil, isOver, leaving, hasNews: record !== null && newsSince(record, window.told).length > 0,
    untold: times.length === 0 ? null : { firstAt: Math.min(...times), lastAt: Math.max(...times) },
  });
}

function composed(window: AlertWindow, { now, record, heldUntil, progress }: Circumstances, sum: Gathered | null): Alert | null {
  if (!record) return sum && digestByHand(sum, now);
  const leftSince = record.state === 'running' && heldUntil !== null && heldUntil <= now ? heldUntil : null;
  return digestOfBackfill(record, { news: newsSince(record, window.told), gathered: sum, progress: progress?.() ?? null, leftSince }, now);
}

/** The digest has been handed over. */
export function sent(window: AlertWindow): AlertWindow {
  return { ...window, sending: null };
}

/** Nothing is kept any more for what has ended, or has been quiet for a window. */
export function isForgotten(window: AlertWindow, { now, windowMs, record }: Pick<Circumstances, 'now' | 'windowMs'> & { readonly record: BackfillRecord | null }): boolean {
  if (window.sending || window.gathering) return false;
  if (record && !hasEnded(record)) return false;
  const quiet = window.sentAt === null || window.sentAt > now || now - window.sentAt >= windowMs;
  return record !== null && newsSince(record, window.told).length > 0 ? false : quiet;
}
