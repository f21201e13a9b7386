import { day as dayNumber, type Day } from '../calendar/day.ts';
import { seasonAt } from '../calendar/season.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { CellKey } from '../requests/cell.ts';
import { hasEnded, isAskedFor, processorsAsked, takesDate, type BackfillRecord } from './record.ts';

/** Processors that any stage of a backfill runs. */
export function processorNames(pipeline: Pipeline, record: Pick<BackfillRecord, 'definition' | 'asked'>): ReadonlySet<string> {
  return new Set(processorsAsked(pipeline, record, record.definition.stages.flatMap((stage) => stage.phases)).map(({ name }) => name));
}

/** An open backfill that has a cell in common with this one, or null. */
export function overlapping(pipeline: Pipeline, record: BackfillRecord, others: readonly BackfillRecord[]): BackfillRecord | null {
  const own = processorNames(pipeline, record);
  for (const other of others) {
    if (hasEnded(other) || other.id === record.id || ![...processorNames(pipeline, other)].some((name) => own.has(name))) continue;
    const [from, to] = [Math.max(record.asked.from, other.asked.from), Math.min(record.asked.to, other.asked.to)];
    for (let day = from; day <= to; day += 1) if (isAskedFor(record.asked, dayNumber(day)) && takesDate(other, dayNumber(day))) return other;
  }
  return null;
}

/**
 * The open backfill that a cell belongs to: it is one of its cells, or reads one at any depth in the same season, and is
 * going to be judged when that is written.
 */
export function ownerAmong(pipeline: Pipeline, open: readonly BackfillRecord[]): (key: CellKey) => string | null {
  const scopes = open.filter((record) => !hasEnded(record)).map((record) => {
    const processors = processorNames(pipeline, record);
    return { record, processors, readers: downstreamOf(pipeline, processors) };
  });
  return ({ processor, day }) => {
    for (const { record, processors, readers } of scopes) {
      if (processors.has(processor) && takesDate(record, day)) return record.id;
      if (readers.has(processor) && isInReach(pipeline, record, day)) return record.id;
    }
    return null;
  };
}

/** Windows look back within a season: readers lie on a date of the backfill or after it. */
function isInReach(pipeline: Pipeline, { asked }: BackfillRecord, day: Day): boolean {
  if (day < asked.from) return false;
  const season = seasonAt(pipeline.seasons, day);
  return season !== undefined && season.from <= asked.to && season.to >= asked.from;
}

function downstreamOf(pipeline: Pipeline, processors: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  // In topological order: who reads a reader comes after it.
  for (const processor of pipeline.processors) {
    if (processor.upstreams.some((edge) => processors.has(edge.upstream) || found.has(edge.upstream))) found.add(processor.name);
  }
  return found;
}
