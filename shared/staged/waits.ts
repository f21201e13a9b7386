import type { CellKey, CellRecord } from '../requests/cell.ts';
import type { BackfillRecord } from './record.ts';

/** What a running backfill waits for by itself: a quota, another backfill, its turn beside daily work. All of record and time. */

const HOUR_MS = 3_600_000;

/** Milliseconds until a backfill that a quota has paused goes on; 0: now. */
export function untilGoesOn({ goesOn }: Pick<BackfillRecord, 'goesOn'>, now: number): number {
  // A clock that shows an earlier time than the pause began with was set back: better tried too soon than a day late.
  return !goesOn || now < goesOn.since ? 0 : Math.max(0, goesOn.at - now);
}

/** The used-up quota that one of these cells met: with the latest time at which it is tried again. */
export function quotaMet(cells: readonly CellRecord[], now: number): { readonly cell: CellKey; readonly message: string; readonly at: number } | null {
  let met: { readonly cell: CellKey; readonly message: string; readonly at: number } | null = null;
  for (const cell of cells) {
    const { request } = cell;
    if (request?.state !== 'queued' || request.quota === undefined || request.notBefore === null || request.notBefore <= now) continue;
    if (met === null || request.notBefore > met.at) met = { cell, message: request.quota, at: request.notBefore };
  }
  return met;
}

/** The backfill that one has joined, the one that this has, and so on: a third one over the same cells joins the second. */
export function joinedBy({ asked }: Pick<BackfillRecord, 'asked'>, known: ReadonlyMap<string, BackfillRecord>): readonly BackfillRecord[] {
  const chain: BackfillRecord[] = [];
  for (let next = asked.join; next !== undefined;) {
    const other = known.get(next);
    // Whoever joins is younger than whom it joins: a chain has an end.
    if (!other || chain.includes(other)) break;
    chain.push(other);
    next = other.asked.join;
  }
  return chain;
}

/**
 * The request of a backfill that is put before daily work now: none of them has run for an hour although some could.
 * `servedAt`: when one of its cells last ended, as far as is known.
 */
export function turnDue({ turnGivenAt }: Pick<BackfillRecord, 'turnGivenAt'>, open: readonly CellRecord[], servedAt: number, now: number): CellKey | null {
  if (open.some(({ request }) => request?.state === 'processing' || request?.priority === 'high')) return null;
  const queued = open.flatMap((cell) => (cell.request?.state === 'queued' && (cell.request.notBefore ?? 0) <= now ? [{ cell, openedAt: cell.request.openedAt }] : []));
  const [first] = queued;
  if (!first) return null;
  const since = Math.max(servedAt, turnGivenAt ?? 0, Math.min(...queued.map(({ openedAt }) => openedAt)));
  // Of a clock that was set back nothing can be said: a turn too many costs little.
  return now - since >= HOUR_MS || since - now >= HOUR_MS ? first.cell : null;
}
