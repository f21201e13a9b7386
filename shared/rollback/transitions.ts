import type { CellRecord, EndedBadly, Lease, OpenRequest, RollbackOrder } from '../requests/cell.ts';
import { overwriteBy, withNotes } from './overwrites.ts';

/** A rollback as a request on its cell: nobody else writes meanwhile, and whoever wrote before is fenced off by its generation. */

export function rollbackBegun(record: CellRecord, order: RollbackOrder, lease: Lease): CellRecord & { readonly request: OpenRequest } {
  const request: OpenRequest = {
    state: 'processing', kind: 'manual', priority: 'high', reason: `rollback: ${order.reason}`, requestedBy: order.by, openedAt: lease.startedAt, asks: [], waitingFor: null, waitingSince: null,
    attempts: 1, notBefore: null, lease, again: false, force: false, rerun: false, skipDownstreamTrigger: true, isBackfill: true, planId: null, backfillId: null, takeovers: 0, rollback: order,
  };
  return { ...record, generation: record.generation + 1, request };
}

/** It did not come to that: the cell is what it was. Somebody who asked for a run meanwhile gets it. */
export function rollbackGivenUp(record: CellRecord): CellRecord {
  return { ...record, ...ended(record) };
}

/** The rows of before are in place, or none: the run of before is the recorded one again, and the cell is held. */
export function rolledBack(record: CellRecord, order: RollbackOrder, failure: EndedBadly): CellRecord {
  const note = overwriteBy(record, order.backfillId);
  const notes = record.overwrites ?? [];
  const from = note === null ? notes.length : notes.indexOf(note);
  const undone = record.last?.runId;
  // What was written after it, and is undone with it by force, is gone too.
  const marked = notes.map((other, index) => (index >= from && !other.rolledBack ? { ...other, rolledBack: { by: order.by, reason: order.reason, at: failure.at, ...(undone === undefined ? {} : { run: undone }) } } : other));
  const back: CellRecord = { ...withNotes(record, marked), last: order.deletes ? null : note?.last ?? null, suspect: note?.suspect ?? null, failure };
  return { ...back, ...ended(back) };
}

/** A person who asked for a run while it was rolled back gets it. */
function ended({ generation, request }: CellRecord): Pick<CellRecord, 'generation' | 'request'> {
  if (!request?.again) return { generation, request: null };
  const { rollback: _done, stop: _stop, ...rest } = request;
  return { generation: generation + 1, request: { ...rest, state: 'queued', reason: 'asked for while it was rolled back', again: false, attempts: 0, lease: null } };
}
