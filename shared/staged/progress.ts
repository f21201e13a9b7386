import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { keyOf } from '../gaps/detect.ts';
import { isSettled } from '../gaps/facts.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { unresolvedFailure } from './gate-figures.ts';
import { canaryOf, processorsOf, reprocessOf } from './plan.ts';
import { roundAsked, takesDate, type BackfillRecord } from './record.ts';

/** How many of a stage's cells are how far. */
export interface Progress {
  /** Expected and due, without skipped dates. */
  readonly expected: number;
  /** Nothing is left to do about it. */
  readonly complete: number;
  /** Failed, not complete, and not being tried again now; of a stage that has begun. */
  readonly failed: number;
}

/** Cells of one stage by what the data says of them now; of a stage with one canary date, those of that date. */
export function progressOf(world: World, record: BackfillRecord, stage: number): Progress {
  const definition = record.definition.stages[stage];
  const processors = processorsOf(world, record, stage);
  const hasEnded = record.stages[stage]?.endedAt !== null;
  const canary = canaryOf(world, record, stage, processors);
  const figures = counted(world, record, processors, {
    hasFailed: openFailures(record),
    takes: (processor, day) => canary === null || canary.day === day || (definition?.calendar_first === true && processor.fillsCalendar),
    // Complete before it began, and to be run all the same: it is done when this stage has run it.
    isDone: hasEnded || reprocessOf(record, stage) !== 'completed' ? () => true : (processor, day) => {
      const { recentAsks, request } = world.record(processor, day);
      return request === null && roundAsked(record, stage, recentAsks) >= 0;
    },
  });
  // What lacks before it begins has failed in an earlier stage.
  return (record.stages[stage]?.startedAt ?? null) === null ? { ...figures, failed: 0 } : figures;
}

/** Of all stages up to this one; what several of them have counts once. */
export function progressUpTo(world: World, record: BackfillRecord, stage: number): Progress {
  const stages = record.definition.stages.slice(0, stage + 1);
  return counted(world, record, new Set(stages.flatMap((_, index) => processorsOf(world, record, index))), { takes: () => true, isDone: () => true, hasFailed: () => false });
}

/** Of the whole backfill: each cell once, but what a stage runs again although it is complete. A cell has failed once. */
export function wholeProgress(world: World, record: BackfillRecord): Progress {
  const stages = record.definition.stages.map((definition, stage) => ({ stage, processors: processorsOf(world, record, stage), plain: definition.dates === 'all' && reprocessOf(record, stage) !== 'completed' }));
  const plain = new Set(stages.filter((one) => one.plain).flatMap(({ processors }) => processors));
  const again = stages.filter((one) => !one.plain && (reprocessOf(record, one.stage) === 'completed' || one.processors.some((processor) => !plain.has(processor))));
  const parts = [counted(world, record, plain, { takes: () => true, isDone: () => true, hasFailed: openFailures(record) }), ...again.map(({ stage, processors }) => {
    const figures = progressOf(world, record, stage);
    return processors.some((processor) => !plain.has(processor)) ? figures : { ...figures, failed: 0 };
  })];
  return parts.reduce((sum, part) => ({ expected: sum.expected + part.expected, complete: sum.complete + part.complete, failed: sum.failed + part.failed }));
}

/** What was not run for want of an input has failed to a backfill, and no run of it says so. */
function openFailures({ failures }: BackfillRecord): Counting['hasFailed'] {
  const open = new Set(failures.filter(({ became }) => became === 'open').map(keyOf));
  return ({ name }, day) => open.has(keyOf({ processor: name, day }));
}

interface Counting {
  /** Besides what its last run says. */
  readonly hasFailed: (processor: Processor, day: Day) => boolean;
  readonly takes: (processor: Processor, day: Day) => boolean;
  readonly isDone: (processor: Processor, day: Day) => boolean;
}

function counted(world: World, record: BackfillRecord, processors: Iterable<Processor>, { takes, isDone, hasFailed }: Counting): Progress {
  let [expected, complete, failed] = [0, 0, 0];
  const { from, to } = record.asked;
  for (const processor of processors) {
    for (const day of world.expectedDates(processor).within(from, to)) {
      if (!takesDate(record, day) || !takes(processor, day)) continue;
      const facts = factsOf(world, processor, day);
      if (facts.data === 'not_expected' || facts.data === 'pending') continue;
      expected += 1;
      if (isSettled(facts)) complete += isDone(processor, day) ? 1 : 0;
      else if (world.record(processor, day).request === null && (hasFailed(processor, day) || unresolvedFailure(world, processor, day))) failed += 1;
    }
  }
  return { expected, complete, failed };
}
