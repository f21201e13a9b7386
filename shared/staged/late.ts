import { formatDay } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { keyOf } from '../gaps/detect.ts';
import type { World } from '../gaps/world.ts';
import type { CellKey } from '../requests/cell.ts';
import { planStage, processorsOf } from './plan.ts';
import { roundAsked, takesDate, type BackfillRecord } from './record.ts';

/**
 * The calendar may gain a date while a backfill runs: a corrected schedule, a game that was moved. Stages that are over did not
 * know of it, and what reads it has to wait for them. The backfill goes back to the first of these, whose error policy and
 * gate are about the date then as about any other.
 */

/** A cell that a stage has neither filled nor tried, and the stage. */
export interface LateCell {
  readonly stage: number;
  readonly cell: CellKey;
}

/**
 * Of what stands in the way of some cells: the first that a stage up to the current one would have filled, had it been
 * expected then. `isPlanned`: whether a cell is in the plan of this round. What was tried and failed, or was found blocked, is
 * none: a stage is not gone back to twice for the same cell.
 */
export function lateCell(world: World, record: BackfillRecord, inTheWay: readonly CellKey[], isPlanned: (cell: CellKey) => boolean): LateCell | null {
  // What found no room in the record may have been tried.
  if (record.failuresLeftOut > 0) return null;
  const noted = new Set(record.failures.filter(({ became }) => became !== 'retried').map(keyOf));
  for (const day of new Set(inTheWay.filter((cell) => takesDate(record, cell.day)).map((cell) => cell.day))) {
    for (let stage = 0; stage <= record.stage; stage += 1) {
      if (record.definition.stages[stage]?.dates !== 'all') continue;
      for (const { name } of processorsOf(world, record, stage)) {
        const cell = { processor: name, day };
        if (isUntried(world, record, stage, cell) && !noted.has(keyOf(cell)) && !(stage === record.stage && isPlanned(cell)) && wouldFill(world, record, stage, cell)) return { stage, cell };
      }
    }
  }
  return null;
}

function isUntried(world: World, record: BackfillRecord, stage: number, { processor, day }: CellKey): boolean {
  const found = world.processor(processor);
  if (!world.expectedDates(found).has(day)) return false;
  const { request, failure, recentAsks } = world.record(found, day);
  const { data, activity } = factsOf(world, found, day);
  return data === 'missing' && activity === 'idle' && request === null && failure === null && roundAsked(record, stage, recentAsks) < 0;
}

/** What a stage leaves alone, such as what is not backfillable, it would leave alone however often it was gone back to. */
function wouldFill(world: World, record: BackfillRecord, stage: number, { processor, day }: CellKey): boolean {
  return planStage(world, record, stage).cells.some((cell) => cell.processor === processor && cell.day === day);
}

/** The command that fills what no stage of the backfill does; empty where one would. A recovery leaves readers of its cells alone. */
export function wayOut(world: World, record: BackfillRecord, cell: CellKey): string {
  const isOwn = takesDate(record, cell.day) && record.definition.stages.some((_, stage) => processorsOf(world, record, stage).some(({ name }) => name === cell.processor));
  return isOwn ? '' : `; this backfill does not fill it: smart-backfill request ${cell.processor} ${formatDay(cell.day)}`;
}
