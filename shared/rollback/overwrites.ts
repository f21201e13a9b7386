import { EMPTY_FINGERPRINT } from '../gaps/fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellRecord, Overwrite } from '../requests/cell.ts';

/**
 * What a cell's record says of the staged backfills that wrote it. A note is made in the transaction of the claim, before
 * anything can be overwritten, so that no crash leaves rows of a backfill without one; what the run wrote is added in the
 * transaction that records the run.
 */

/** Of more backfills than these the oldest are forgotten: they can't be rolled back any more. */
export const MOST_OVERWRITES = 5;

/** How long what a backfill overwrote is kept, from its first overwrite of a table on. */
export const KEPT_DAYS = 30;

/** The note of a backfill's work on this cell that has not been rolled back. */
export function overwriteBy(record: CellRecord, backfillId: string | null): Overwrite | null {
  return record.overwrites?.findLast((note) => note.backfillId === backfillId && !note.rolledBack) ?? null;
}

/** A backfill's run is about to begin on what is there now, by `held`, its fingerprint. What was noted before stays, unless somebody else's run was recorded since. */
export function claimNoted(record: CellRecord, backfillId: string, now: { readonly at: number; readonly held: string }): CellRecord {
  const known = overwriteBy(record, backfillId);
  const { last } = record;
  const isOthers = known?.wrote === null && known.held !== now.held && last?.fingerprint === now.held && last.runId !== known.last?.runId;
  return known && !isOthers ? record : renoted(record, backfillId, now);
}

/** Nothing of the backfill is there yet, and somebody else has written since it was noted: these rows are the ones that it overwrites. */
export function renoted(record: CellRecord, backfillId: string, now: { readonly at: number; readonly held: string }): CellRecord {
  const known = overwriteBy(record, backfillId);
  const note: Overwrite = { backfillId, at: now.at, held: now.held, last: record.last, suspect: record.suspect, wrote: null };
  return withNotes(record, [...(record.overwrites ?? []).filter((other) => other !== known), note]);
}

/** A backfill's run has put these rows there. Where it found these very rows it has overwritten nothing. */
export function wroteNoted(record: CellRecord, backfillId: string, fingerprint: string): CellRecord {
  const known = overwriteBy(record, backfillId);
  if (!known) return record;
  const others = (record.overwrites ?? []).filter((other) => other !== known);
  if (known.wrote === null && known.held === fingerprint) return withNotes(record, others);
  return withNotes(record, [...others, { ...known, wrote: fingerprint }]);
}

/** Whether rows that are there are going to be lost, that are to be kept first. */
export function isToBeKept(note: Overwrite | null, fingerprint: string): note is Overwrite {
  return note !== null && note.wrote === null && note.held !== EMPTY_FINGERPRINT && note.held !== fingerprint;
}

/** Whether a target writes its table by itself: what it wrote is there whatever became of the run. */
export function writesItself({ target }: Pick<Processor, 'target'>): boolean {
  return 'http' in target || 'cloud_run_job' in target || 'pubsub' in target;
}

/** Whether the rows of this run were rolled back, and those of before are there: a message of it that comes late, or again, tells of rows that are gone. */
export function isUndone({ overwrites = [] }: CellRecord, runId: string, fingerprint: string): boolean {
  return overwrites.some(({ rolledBack, held }) => rolledBack?.run === runId && held === fingerprint);
}

export function withNotes(record: CellRecord, notes: readonly Overwrite[]): CellRecord {
  if (notes.length > 0) return { ...record, overwrites: notes.slice(-MOST_OVERWRITES) };
  const { overwrites: _none, ...rest } = record;
  return rest;
}
