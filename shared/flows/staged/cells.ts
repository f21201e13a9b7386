import { describeCell } from '../../gaps/usable.ts';
import type { CellKey, CellRecord } from '../../requests/cell.ts';
import type { LeftOutCell } from '../../staged/plan.ts';
import { askPrefix, currentStage, roundAsked, type BackfillRecord, type NewFailure } from '../../staged/record.ts';
import type { Engine } from '../engine.ts';

/** What this process knows of a staged backfill's cells. */

export function recordOf({ world }: Engine, { processor, day }: CellKey): CellRecord {
  return world.record(world.processor(processor), day);
}

/** The failure that a cell ended with, as the backfill's record has it; none where it did not. */
function failureOf(engine: Engine, cell: CellKey): NewFailure[] {
  const { failure } = recordOf(engine, cell);
  return failure ? [{ processor: cell.processor, day: cell.day, category: failure.category, message: failure.message, runId: failure.runId, skipped: false }] : [];
}

/**
 * What has failed in a stage and is not tried again by itself. It may not have been noted, since whoever advanced the
 * backfill died in between; or was noted while that was paused, and stops it now.
 */
export function failed(engine: Engine, leftOut: readonly LeftOutCell[]): NewFailure[] {
  return leftOut.filter((cell) => cell.failed).flatMap((cell) => failureOf(engine, cell));
}

/**
 * The failure that a cell of the stage has ended with. One that it has from before is none: what is taken back before
 * anybody has run it ends too.
 */
export function endedFailure(engine: Engine, record: BackfillRecord, cell: CellKey): NewFailure[] {
  const { recentAsks, failure } = recordOf(engine, cell);
  const isOld = failure !== null && failure.runId !== null && record.failures.some((known) => known.runId === failure.runId && known.became === 'retried');
  return !isOld && recentAsks.some((ask) => ask.startsWith(askPrefix(record, record.stage))) ? failureOf(engine, cell) : [];
}

/** Whether the stage has asked for a cell since what failed is tried again: how that ended is the backfill's own. */
export function isAsked(engine: Engine, record: BackfillRecord, cell: CellKey): boolean {
  return roundAsked(record, record.stage, recordOf(engine, cell).recentAsks) >= currentStage(record).progress.retriedFrom;
}

/** What of these somebody else runs now, and who. */
export function runByOthers(engine: Engine, record: BackfillRecord, cells: readonly CellKey[]): readonly string[] {
  return cells.flatMap((cell) => {
    const { request } = recordOf(engine, cell);
    return request?.state === 'processing' && !isAsked(engine, record, cell) ? [`${describeCell(cell)} is run by ${request.requestedBy}`] : [];
  });
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
