import type { Snapshot } from '../ports/request-store.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';

/** Cells of one staged backfill that have no open request any more. */
export interface EndedCells {
  readonly backfillId: string;
  readonly cells: readonly CellKey[];
}

/** Those that a change ends, by the backfill that had opened them. */
export function endedOf(before: Snapshot, after: readonly CellRecord[]): EndedCells[] {
  const ended = after.flatMap((record) => {
    const backfillId = record.request === null ? before.cell(record).request?.backfillId ?? null : null;
    return backfillId === null ? [] : [{ backfillId, cell: { processor: record.processor, day: record.day } }];
  });
  return [...Map.groupBy(ended, (one) => one.backfillId)].map(([backfillId, all]) => ({ backfillId, cells: all.map(({ cell }) => cell) }));
}
