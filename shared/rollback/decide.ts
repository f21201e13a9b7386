import { EMPTY_FINGERPRINT } from '../gaps/fingerprint.ts';
import type { CellRecord, OpenRequest, Overwrite } from '../requests/cell.ts';
import { KEPT_DAYS } from './overwrites.ts';

/** What a rollback does with one cell, and why. Decides in values; whatever it decides is decided again under the cell's lease. */

export interface RollbackWish {
  /** Null: of each cell whatever backfill wrote it last. */
  readonly backfillId: string | null;
  /** Also where the rows are not those that the backfill wrote. */
  readonly force: boolean;
  /** Takes rows away where nothing is kept of what was there before. */
  readonly deletes: boolean;
}

/** What is known of a cell at this moment. */
export interface CellNow {
  readonly record: CellRecord;
  /** Fingerprint of its rows (EMPTY_FINGERPRINT for none). */
  readonly fingerprint: string;
  /** Fingerprint of what is kept for the backfill; null: nothing. */
  readonly kept: string | null;
  /** The instant from which the warehouse remembers what its table held; null: it has no time travel. */
  readonly pastFrom: number | null;
  /** Its target writes its table by itself. */
  readonly writesItself: boolean;
}

export type RefusalCode = 'open' | 'changed' | 'unverified' | 'newer' | 'nothing_kept';

export type RollbackDecision =
  /** Its rows of before are put back. */
  | { readonly kind: 'restore'; readonly from: 'kept' | 'past'; readonly note: Overwrite; readonly reason: string }
  /** It had no rows, or nothing is kept of them and they are wanted gone. `note` null: no backfill is known to have written it. */
  | { readonly kind: 'empty'; readonly note: Overwrite | null; readonly isDeleted: boolean; readonly reason: string }
  /** It has been rolled back already. */
  | { readonly kind: 'done'; readonly reason: string }
  /** Nothing of it was overwritten. */
  | { readonly kind: 'nothing'; readonly reason: string }
  | { readonly kind: 'refuse'; readonly code: RefusalCode; readonly reason: string };

/** Decisions by which a cell gets other rows. */
export type TakenDecision = Extract<RollbackDecision, { readonly kind: 'restore' | 'empty' }>;

export function isTaken(decision: RollbackDecision): decision is TakenDecision {
  return decision.kind === 'restore' || decision.kind === 'empty';
}

export function decideRollback(now: CellNow, wish: RollbackWish): RollbackDecision {
  const { request } = now.record;
  // What it has not written yet it is going to write.
  if (wish.backfillId !== null && request?.backfillId === wish.backfillId) return openOn(request);
  const note = noteMeant(now, wish);
  if (note === null || isWrittenSince(now, note, wish)) return withoutNote(now, wish);
  if (note.rolledBack) return { kind: 'done', reason: `rolled back already, by ${note.rolledBack.by} at ${new Date(note.rolledBack.at).toISOString()}: ${note.rolledBack.reason}` };
  const { record, fingerprint } = now;
  const isBackAlready = fingerprint === note.held;
  if (note.wrote === null && (isBackAlready || !now.writesItself)) return { kind: 'nothing', reason: `${note.backfillId} has not overwritten it` };
  if (record.request) return openOn(record.request);
  if (!wish.force && !isBackAlready) {
    const newer = newerThan(record, note);
    if (newer) return { kind: 'refuse', code: 'newer', reason: `${newer.backfillId} wrote it after ${note.backfillId}: roll that one back first (smart-backfill rollback --backfill ${newer.backfillId}), or give --force` };
    if (note.wrote === null) return { kind: 'refuse', code: 'unverified', reason: `no run of ${note.backfillId} on it ended well, and its target writes by itself: its rows may be half written; --force restores all the same` };
    if (fingerprint !== note.wrote) return { kind: 'refuse', code: 'changed', reason: `its rows are not those that ${note.backfillId} wrote: somebody has changed them since; --force restores all the same` };
  }
  if (note.held === EMPTY_FINGERPRINT) return { kind: 'empty', note, isDeleted: false, reason: 'it had no rows' };
  return back(now, wish, note);
}

function back(now: CellNow, wish: RollbackWish, note: Overwrite): RollbackDecision {
  const { kept, pastFrom } = now;
  const isKept: RollbackDecision = { kind: 'restore', from: 'kept', note, reason: 'its rows of before are kept' };
  if (kept === note.held) return isKept;
  if (pastFrom !== null && note.at >= pastFrom) return { kind: 'restore', from: 'past', note, reason: `its rows of ${new Date(note.at).toISOString()}, by time travel` };
  // A clone that was made anew when the first one's time was over has the backfill's own rows.
  if (wish.force && kept !== null && kept !== note.wrote && kept !== now.fingerprint) return isKept;
  if (wish.deletes) return { kind: 'empty', note, isDeleted: true, reason: 'nothing is kept of its rows of before' };
  const travel = pastFrom === null ? 'this warehouse has no time travel' : `time travel reaches back to ${new Date(pastFrom).toISOString()}`;
  return { kind: 'refuse', code: 'nothing_kept', reason: `nothing is kept of its rows of before (kept for ${KEPT_DAYS} days), and ${travel}; --delete takes its rows away` };
}

function withoutNote({ record, fingerprint }: CellNow, wish: RollbackWish): RollbackDecision {
  if (wish.backfillId !== null) return { kind: 'nothing', reason: `${wish.backfillId} has not overwritten it` };
  if (fingerprint === EMPTY_FINGERPRINT) return { kind: 'nothing', reason: 'it has no rows' };
  if (record.request) return openOn(record.request);
  if (wish.deletes) return { kind: 'empty', note: null, isDeleted: true, reason: 'no backfill is known to have written it' };
  return { kind: 'refuse', code: 'nothing_kept', reason: 'no backfill is known to have written it, so that nothing was kept of what was there before; --delete takes its rows away' };
}

function openOn({ state, reason }: OpenRequest): RollbackDecision {
  return { kind: 'refuse', code: 'open', reason: `a request is open on it (${state}): ${reason}` };
}

/** Of a date: it was rolled back, and no backfill has put the rows there that it has now. */
function isWrittenSince({ record, fingerprint }: CellNow, { rolledBack, held }: Overwrite, { backfillId }: RollbackWish): boolean {
  return backfillId === null && rolledBack !== undefined && record.failure?.outcome !== 'rolled_back' && fingerprint !== held && fingerprint !== EMPTY_FINGERPRINT;
}

/**
 * Which overwrite is meant: the backfill's that stands, else the one that was rolled back. Of a date the newest of all: once
 * that is rolled back, the one before it is not next, or a rollback that is run again would go back twice.
 */
export function noteMeant({ record, writesItself }: Pick<CellNow, 'record' | 'writesItself'>, { backfillId }: Pick<RollbackWish, 'backfillId'>): Overwrite | null {
  const notes = (record.overwrites ?? []).filter((note) => backfillId === null || note.backfillId === backfillId);
  const stands = (note: Overwrite): boolean => !note.rolledBack && (note.wrote !== null || writesItself);
  if (backfillId === null) return notes.findLast((note) => note.rolledBack || stands(note)) ?? null;
  return notes.findLast(stands) ?? notes.findLast((note) => note.rolledBack) ?? null;
}

function newerThan(record: CellRecord, note: Overwrite): Overwrite | null {
  const notes = record.overwrites ?? [];
  return notes.slice(notes.indexOf(note) + 1).findLast((other) => !other.rolledBack && other.wrote !== null) ?? null;
}
