import { describeCell } from '../gaps/usable.ts';
import type { CellKey } from '../requests/cell.ts';
import { currentStage, type BackfillRecord, type NewFailure } from './record.ts';
import type { ErrorPolicy } from './schema.ts';

/** What failures mean for a backfill. */

export function policyOf(record: BackfillRecord): ErrorPolicy {
  return record.asked.errorPolicy ?? currentStage(record).definition.error_policy;
}

/** Why it stops after these failures, which are in its record already; null: it goes on. */
export function whyStop(record: BackfillRecord, fresh: readonly NewFailure[]): string | null {
  const [first] = fresh;
  if (!first) return null;
  // What was run and failed: one lost page is one failure, however many cells wait for it.
  const open = record.failures.filter((entry) => entry.became === 'open' && entry.runId !== null).length + (record.openLeftOut ?? 0);
  const { maxFailures } = record.asked;
  if (maxFailures !== null && open >= maxFailures) return `${open} ${open === 1 ? 'cell' : 'cells'} failed, and at ${maxFailures} it stops; the last: ${describeCell(first)}: ${first.message}`;
  return policyOf(record) === 'stop' && !first.skipped ? `${describeCell(first)} failed (${first.category}): ${first.message}` : null;
}

/** A cell that is not opened for want of what it reads: a failure, or skipped where that is the policy. */
export function blockedFailure({ cell, note }: { readonly cell: CellKey; readonly note: string }, policy: ErrorPolicy): NewFailure {
  return { processor: cell.processor, day: cell.day, category: 'defensive_block', message: note, runId: null, skipped: policy === 'skip-deps' };
}

/** Whether a decision that was made of `before` still fits: the backfill runs, in the same round of the same stage. */
export function isSameRound(current: BackfillRecord, before: BackfillRecord): boolean {
  return current.state === 'running' && current.stage === before.stage && currentStage(current).progress.round === currentStage(before).progress.round;
}
