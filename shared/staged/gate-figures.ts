import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import type { Scope } from '../gaps/detect.ts';
import { isSettled } from '../gaps/facts.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { TableFigures, UnresolvedFailure } from './gate.ts';

/** Counts, for a gate, what the world holds of a scope. */

export interface ScopeFigures {
  readonly tables: readonly TableFigures[];
  readonly unresolved: readonly UnresolvedFailure[];
  readonly unscheduled: readonly Day[];
}

/** `left_out`: a person took it out of the count, with a reason that is told elsewhere. `outside`: nobody asked for it. */
export type Place = 'judged' | 'left_out' | 'outside';

export function figuresOf(world: World, scope: Scope, placeOf: (day: Day) => Place = () => 'judged'): ScopeFigures {
  const judged = world.pipeline.processors.filter((processor) => scope.processors === null || scope.processors.has(processor.name));
  const unresolved: UnresolvedFailure[] = [];
  const tables = judged.map((processor) => tableFigures(world, processor, scope, placeOf, unresolved));
  return { tables, unscheduled: unscheduledIn(world, scope, judged, placeOf), unresolved: unresolved.sort((a, b) => a.day - b.day || world.processor(a.processor).rank - world.processor(b.processor).rank) };
}

/** Dates whose calendar was never filled by those that fill it, where these are not judged themselves, and anything judged goes by it. */
export function unscheduledIn(world: World, { from, to }: Pick<Scope, 'from' | 'to'>, judged: readonly Processor[], placeOf: (day: Day) => Place): readonly Day[] {
  const filling = world.pipeline.processors.filter((processor) => processor.fillsCalendar);
  if (filling.some((processor) => judged.includes(processor)) || judged.every((processor) => processor.everyDay)) return [];
  const days = filling.flatMap((processor) => [...world.expectedDates(processor).within(from, to)].filter((day) => {
    const { data, activity } = factsOf(world, processor, day);
    return data === 'missing' && activity !== 'accepted' && placeOf(day) === 'judged';
  }));
  return [...new Set(days)].sort((a, b) => a - b);
}

function tableFigures(world: World, processor: Processor, { from, to }: Scope, placeOf: (day: Day) => Place, unresolved: UnresolvedFailure[]): TableFigures {
  const lacking: Day[] = [];
  const counts = { expected: 0, complete: 0, accepted: 0, missing: 0, short: 0, stale: 0, altered: 0, suspect: 0, pending: 0, leftOut: 0, requiredValues: 0, nulls: 0 };
  for (const day of world.expectedDates(processor).within(from, to)) {
    const { data, trace, activity } = factsOf(world, processor, day);
    const place = placeOf(day);
    if (data === 'not_expected' || place === 'outside') continue;
    if (place === 'left_out') {
      counts.leftOut += 1;
      continue;
    }
    if (data === 'pending') {
      counts.pending += 1;
      continue;
    }
    counts.expected += 1;
    const failure = unresolvedFailure(world, processor, day);
    if (failure) unresolved.push(failure);
    if (activity === 'accepted') {
      counts.accepted += 1;
      continue;
    }
    const coverage = world.coverage(processor, day);
    counts.requiredValues += (coverage?.rows ?? 0) * processor.required.length;
    counts.nulls += coverage?.nulls ?? 0;
    if (data === 'missing' || data === 'short') {
      counts[data] += 1;
      lacking.push(day);
    } else {
      counts.complete += 1;
      if (trace === 'stale' || trace === 'altered' || trace === 'suspect') counts[trace] += 1;
    }
  }
  return { processor: processor.name, phase: processor.phase.name, table: processor.output.ref, critical: processor.critical, lacking, ...counts };
}

/** The failure of a cell that is not complete, or null. If the rows of what a person cancelled lack, coverage tells. */
export function unresolvedFailure(world: World, processor: Processor, day: Day): UnresolvedFailure | null {
  const { failure } = world.record(processor, day);
  if (failure?.outcome !== 'failed' || isSettled(factsOf(world, processor, day))) return null;
  return { processor: processor.name, day, category: failure.category, message: failure.message, cooling: failure.coolsUntil !== null };
}
