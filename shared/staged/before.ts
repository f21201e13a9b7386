import { addDays, type Day } from '../calendar/day.ts';
import { judgeInputs, type Strictness } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import { processorsOf } from './plan.ts';
import { isAskedFor, type Asked, type BackfillRecord } from './record.ts';

/** Dates of a processor, ascending. */
export interface LackingDates {
  readonly processor: string;
  readonly days: readonly Day[];
}

/**
 * Dates not asked for, before those asked for or between them, that stand in the way of the first date after them, by
 * processor in order: no stage fills them, and what needs them fails. As far as the calendar is known: before it is filled,
 * that is what fills it.
 */
export function lackingBefore(world: World, record: BackfillRecord, strictness: Strictness): readonly LackingDates[] {
  const { asked } = record;
  const isFilled = (_: unknown, day: Day): boolean => day > asked.to || isAskedFor(asked, day);
  const firsts = firstDates(asked);
  const lacking = new Map<string, Set<Day>>();
  for (const processor of new Set(record.definition.stages.flatMap((_, stage) => processorsOf(world, record, stage)))) {
    for (const first of firsts) {
      for (const input of judgeInputs(world, processor, first, strictness, isFilled).blocking) lacking.set(input.processor, (lacking.get(input.processor) ?? new Set()).add(input.day));
    }
  }
  return world.pipeline.processors.flatMap(({ name }) => {
    const days = lacking.get(name);
    return days ? [{ processor: name, days: [...days].sort((a, b) => a - b) }] : [];
  });
}

/** The dates asked for whose day before is not: windows of the dates that follow reach back less far. */
function firstDates(asked: Asked): readonly Day[] {
  const firsts: Day[] = [];
  let isBeforeAsked = false;
  for (let day = asked.from; day <= asked.to; day = addDays(day, 1)) {
    const isAsked = isAskedFor(asked, day);
    if (isAsked && !isBeforeAsked) firsts.push(day);
    isBeforeAsked = isAsked;
  }
  return firsts;
}
