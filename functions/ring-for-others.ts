import { seasonAt } from '../shared/calendar/season.ts';
import type { Worked } from '../shared/flows/work.ts';
import type { CellKey } from '../shared/requests/cell.ts';
import type { HandlerDeps } from './deps.ts';
import { ring } from './doorbell.ts';

/**
 * Rows that have changed make their readers stale, what ended may let a plan go on, and what there was no time for has to
 * be taken up by somebody: the detector looks, in a run of its own, at each season that they are of.
 */
export async function ringForOthers({ engine, bus, detectionTopic, signal, time }: HandlerDeps, worked: readonly Worked[], doneBefore: readonly CellKey[] = []): Promise<void> {
  // Cells of a staged backfill, and their readers, belong to it: its coordinator is rung for them.
  const ended = worked.filter(({ outcome, backfillId }) => backfillId === null && (outcome === 'ran' || outcome === 'failed' || outcome === 'cut_off'));
  const seasonOf = ({ day }: CellKey): string => seasonAt(engine.pipeline.seasons, day)?.name ?? '';
  const seasons = new Map([...doneBefore.map((cell) => ({ day: cell.day, cause: null, season: seasonOf(cell) })), ...ended.toReversed().map((cell) => ({ day: cell.day, cause: cell.cause, season: seasonOf(cell) }))]
    .map((about) => [about.season, about]));
  for (const { day, cause } of seasons.values()) await ring(bus, detectionTopic, { trigger: 'repaired', day, cause });
  if (seasons.size === 0 && time && (time.ranOut || signal.aborted)) await ring(bus, detectionTopic, { trigger: 'goes_on', day: null, cause: null });
}
