import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import type { Scope } from '../gaps/detect.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { TableFigures, UnresolvedFailure } from './gate.ts';

/** Counts, for a gate, what the world holds of a scope. */

export interface ScopeFigures {
  readonly tables: readonly TableFigures[];
  readonly unresolved: readonly UnresolvedFailure[];
}

type IsLeftOut = (processor: Processor, day: Day) => boolean;

/** `isLeftOut`: dates that a person took out of the count, with a reason that is told elsewhere. */
export function figuresOf(world: World, scope: Scope, isLeftOut: IsLeftOut = () => false): ScopeFigures {
  const judged = world.pipeline.processors.filter((processor) => scope.processors === null || scope.processors.has(processor.name));
  const unresolved: UnresolvedFailure[] = [];
  const tables = judged.map((processor) => tableFigures(world, processor, scope, isLeftOut, unresolved));
  return { tables, unresolved: unresolved.sort((a, b) => a.day - b.day || world.processor(a.processor).rank - world.processor(b.processor).rank) };
}

function tableFigures(world: World, processor: Processor, { from, to }: Scope, isLeftOut: IsLeftOut, unresolved: UnresolvedFailure[]): TableFigures {
  const lacking: Day[] = [];
  const counts = { expected: 0, complete: 0, accepted: 0, missing: 0, short: 0, stale: 0, altered: 0, suspect: 0, pending: 0, leftOut: 0, requiredValues: 0, nulls: 0 };
  for (const day of world.expectedDates(processor).within(from, to)) {
    const { data, trace, activity } = factsOf(world, processor, day);
    if (data === 'not_expected') continue;
    if (isLeftOut(processor, day)) {
      counts.leftOut += 1;
      continue;
    }
    if (data === 'pending') {
      counts.pending += 1;
      continue;
    }
    counts.expected += 1;
    const failure = unresolvedFailure(world, processor, day);
    if (failure && activity !== 'accepted') unresolved.push(failure);
    const coverage = world.coverage(processor, day);
    counts.requiredValues += (coverage?.rows ?? 0) * processor.required.length;
    counts.nulls += coverage?.nulls ?? 0;
    if (activity === 'accepted') {
      counts.accepted += 1;
    } else if (data === 'missing' || data === 'short') {
      counts[data] += 1;
      lacking.push(day);
    } else {
      counts.complete += 1;
      if (trace === 'stale' || trace === 'altered' || trace === 'suspect') counts[trace] += 1;
    }
  }
  return { processor: processor.name, phase: processor.phase.name, table: processor.output.ref, critical: processor.critical, lacking, ...counts };
}

/** What a person cancelled or skipped is no failure: if its rows lack, coverage tells. */
function unresolvedFailure(world: World, processor: Processor, day: Day): UnresolvedFailure | null {
  const { failure } = world.record(processor, day);
  if (!failure || failure.outcome === 'cancelled' || failure.outcome === 'skipped') return null;
  return { processor: processor.name, day, category: failure.category, message: failure.message, cooling: failure.coolsUntil !== null };
}
