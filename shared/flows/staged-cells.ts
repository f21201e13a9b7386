import type { CellKey, CellRecord } from '../requests/cell.ts';
import type { LeftOutCell } from '../staged/plan.ts';
import { askPrefix, type BackfillRecord } from '../staged/record.ts';
import type { NewFailure } from '../staged/transitions.ts';
import type { Engine } from './engine.ts';

/** What this process knows of a staged backfill's cells. */

export function recordOf({ world }: Engine, { processor, day }: CellKey): CellRecord {
  return world.record(world.processor(processor), day);
}

/** The failure that a cell ended with, as the backfill's record has it; none where it did not. */
export function failureOf(engine: Engine, cell: CellKey): NewFailure[] {
  const { failure } = recordOf(engine, cell);
  return failure ? [{ processor: cell.processor, day: cell.day, category: failure.category, message: failure.message, runId: failure.runId, skipped: false }] : [];
}

/** What failed and was not noted: whoever advanced the backfill before died in between. */
export function unnoted(engine: Engine, record: BackfillRecord, leftOut: readonly LeftOutCell[]): NewFailure[] {
  const isNoted = (cell: CellKey): boolean => record.failures.some((known) => known.runId === (recordOf(engine, cell).failure?.runId ?? null) && known.processor === cell.processor && known.day === cell.day);
  return leftOut.filter((cell) => cell.failed && !isNoted(cell)).flatMap((cell) => failureOf(engine, cell));
}

/** When one of these cells last ended for the stage that the backfill is in; 0: never. */
export function lastServed(engine: Engine, record: BackfillRecord, cells: readonly CellKey[]): number {
  const own = askPrefix(record, record.stage);
  let servedAt = 0;
  for (const cell of cells) {
    const { last, failure, recentAsks } = recordOf(engine, cell);
    if (recentAsks.some((ask) => ask.startsWith(own))) servedAt = Math.max(servedAt, last?.at ?? 0, failure?.at ?? 0);
  }
  return servedAt;
}

/** Whether requests of the backfill are open that another process has opened before it left: their ends are to be noted, too. */
export async function runsElsewhere({ parts: { store, shared } }: Engine, id: string): Promise<boolean> {
  return shared === true && (await store.openCells()).some(({ request }) => request?.backfillId === id && !request.rollback);
}
