import { addDays, day as dayNumber, type Day } from '../calendar/day.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { takesDate, type BackfillRecord } from './record.ts';

/** `--ramp`: a stage over all dates begins with few of them, and takes more when those are good. Days from the first date on. */
const RAMP: readonly { readonly days: number; readonly words: string }[] = [
  { days: 1, words: 'the first date' },
  { days: 7, words: 'the first 7 days' },
  { days: 31, words: 'the first month' },
];

export interface RampStep {
  readonly words: string;
  /** Its last day, included. */
  readonly to: Day;
}

/** The steps of a stage before it takes all the rest; none where there is no ramp, or so few dates that a step has them all. */
export function rampOf(world: World, record: BackfillRecord, stage: number, processors: readonly Processor[]): readonly RampStep[] {
  const { asked } = record;
  if (asked.ramp !== true || record.definition.stages[stage]?.dates !== 'all') return [];
  const first = firstDate(world, record, processors);
  if (first === null) return [];
  return RAMP.map(({ days, words }) => ({ words, to: addDays(first, days - 1) })).filter(({ to }) => to < asked.to);
}

function firstDate(world: World, record: BackfillRecord, processors: readonly Processor[]): Day | null {
  for (let day: number = record.asked.from; day <= record.asked.to; day += 1) {
    const date = dayNumber(day);
    if (takesDate(record, date) && processors.some((processor) => !processor.fillsCalendar && world.expectedDates(processor).has(date))) return date;
  }
  return null;
}

/** The step that a stage is in; null: it has all dates. */
export function rampStep(world: World, record: BackfillRecord, stage: number, processors: readonly Processor[]): RampStep | null {
  return rampOf(world, record, stage, processors)[record.stages[stage]?.ramp ?? 0] ?? null;
}

/** The same backfill over the dates of a step only: what its gate is looked at with. */
export function upTo(record: BackfillRecord, to: Day): BackfillRecord {
  return { ...record, asked: { ...record.asked, to } };
}
