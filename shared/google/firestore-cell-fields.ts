import { formatDay } from '../calendar/day.ts';
import { priorities, type CellRecord, type OpenRequest } from '../requests/cell.ts';
import { cellId } from './firestore-paths.ts';

/**
 * What queries need of a cell, beside its record. Each field is there only while it means something: an index then has
 * entries for the cells that a query asks for, and for no other.
 */
export interface CellFields {
  /** While a request is open: the cell's day. */
  readonly openDay?: number;
  /** While queued: its place, a text that sorts by priority, day, and rank at the time of writing. */
  readonly queueOrder?: string;
  /** While queued: the instant from which it may be taken; 0 at once. */
  readonly dueAt?: number;
  /** While queued: when it was opened. */
  readonly queuedAt?: number;
  /** While waiting or blocked: the id of the cell that has to become usable. */
  readonly waitingFor?: string;
}

export const cellFieldNames = ['openDay', 'queueOrder', 'dueAt', 'queuedAt', 'waitingFor'] as const satisfies readonly (keyof CellFields)[];

export function fieldsOf(record: CellRecord, rankOf: (processor: string) => number): CellFields {
  const { request } = record;
  if (!request) return {};
  const open = { openDay: record.day };
  switch (request.state) {
    case 'queued':
      return { ...open, queueOrder: queueOrder(record, request, rankOf), dueAt: request.notBefore ?? 0, queuedAt: request.openedAt };
    case 'waiting':
    case 'blocked':
      return request.waitingFor ? { ...open, waitingFor: cellId(request.waitingFor) } : open;
    case 'processing':
      return open;
  }
}

function queueOrder(record: CellRecord, request: OpenRequest, rankOf: (processor: string) => number): string {
  // A processor that the definition no longer has may have any rank; it goes first or last, and never out of the text's order.
  const rank = Math.min(Math.max(Math.trunc(rankOf(record.processor)) + 1, 0), 99_999);
  return `${priorities.indexOf(request.priority)}~${formatDay(record.day)}~${String(rank).padStart(5, '0')}~${record.processor}`;
}
