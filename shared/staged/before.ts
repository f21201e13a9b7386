import type { Day } from '../calendar/day.ts';
import { judgeInputs, type Strictness } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import { processorsOf } from './plan.ts';
import type { BackfillRecord } from './record.ts';

/** Dates of a processor, ascending. */
export interface LackingDates {
  readonly processor: string;
  readonly days: readonly Day[];
}

/**
 * Dates before those asked for that stand in the way of the first of these, by processor in order: no stage fills them, and
 * what needs them fails. As far as the calendar is known: before it is filled, that is what fills it.
 */
export function lackingBefore(world: World, record: BackfillRecord, strictness: Strictness): readonly LackingDates[] {
  const { from } = record.asked;
  const lacking = new Map<string, Set<Day>>();
  for (const processor of new Set(record.definition.stages.flatMap((_, stage) => processorsOf(world, record, stage)))) {
    for (const input of judgeInputs(world, processor, from, strictness, (_, day) => day >= from).blocking) {
      lacking.set(input.processor, (lacking.get(input.processor) ?? new Set()).add(input.day));
    }
  }
  return world.pipeline.processors.flatMap(({ name }) => {
    const days = lacking.get(name);
    return days ? [{ processor: name, days: [...days].sort((a, b) => a - b) }] : [];
  });
}
