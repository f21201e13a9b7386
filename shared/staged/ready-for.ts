import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { judgeInputs, usable, type Strictness, type UnusableInput } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import type { Phase, Processor } from '../pipeline/pipeline.ts';

/** Whether a phase could start on its next date: everything that it reads for that date is usable. */
export interface PhaseReadiness {
  readonly phase: string;
  /** The next date that it is expected on; null where the calendar knows none. */
  readonly day: Day | null;
  readonly ready: boolean;
  /** Input cells that were judged. */
  readonly judged: number;
  /** What stands in its way. */
  readonly blocking: readonly UnusableInput[];
  /** Why nothing could be judged; null otherwise. */
  readonly because: string | null;
}

/**
 * `from`: the first date that counts as next. A phase without processors of its own here (predictions are made elsewhere)
 * reads what the last phase before it made for that date: what looks ahead, of the date itself; what looks back, of the
 * newest date before it.
 */
export function readyFor(world: World, phase: Phase, from: Day, strictness: Strictness): PhaseReadiness {
  const own = processorsOf(world, phase);
  const readers = own.length > 0 ? own : processorsBefore(world, phase);
  const nothing = (day: Day | null, because: string): PhaseReadiness => ({ phase: phase.name, day, ready: false, judged: 0, blocking: [], because });
  if (readers.length === 0) return nothing(null, `neither ${phase.name} nor a phase before it has processors: it reads nothing`);
  const next = nextDate(world, readers, from);
  if (next === null) return nothing(null, 'the calendar knows no expected date from then on: is the schedule of that date there?');
  const { judged, blocking } = own.length > 0 ? ofReaders(world, own, next, strictness) : ofMade(world, readers, next);
  if (judged === 0) return nothing(next, 'nothing is expected of what it reads');
  return { phase: phase.name, day: next, ready: blocking.length === 0, judged, blocking, because: null };
}

function processorsOf(world: World, phase: Phase): readonly Processor[] {
  return world.pipeline.processors.filter((processor) => processor.phase.name === phase.name);
}

function processorsBefore(world: World, phase: Phase): readonly Processor[] {
  for (const before of world.pipeline.phases.slice(0, phase.index).reverse()) {
    const found = processorsOf(world, before);
    if (found.length > 0) return found;
  }
  return [];
}

/** Those that look ahead name the next date; only where there are none do the others. */
function nextDate(world: World, readers: readonly Processor[], from: Day): Day | null {
  const ahead = readers.filter(({ expected }) => expected === 'before_games');
  const dates = (ahead.length > 0 ? ahead : readers).flatMap((processor) => world.expectedDates(processor).within(from, world.calendar.last).slice(0, 1));
  const [first, ...more] = dates;
  return first === undefined ? null : more.reduce((least, day) => (day < least ? day : least), first);
}

interface Judged {
  readonly judged: number;
  readonly blocking: readonly UnusableInput[];
}

function ofReaders(world: World, readers: readonly Processor[], day: Day, strictness: Strictness): Judged {
  const expected = readers.filter((processor) => world.expectedDates(processor).has(day));
  const verdicts = expected.map((processor) => judgeInputs(world, processor, day, strictness));
  const blocking = new Map(verdicts.flatMap((verdict) => verdict.blocking.map((input) => [`${input.processor}/${input.day}`, input] as const)));
  return { judged: verdicts.reduce((sum, verdict) => sum + verdict.expectedCells, 0), blocking: [...blocking.values()] };
}

function ofMade(world: World, made: readonly Processor[], day: Day): Judged {
  const cells = made.flatMap((processor) => {
    const dates = world.expectedDates(processor);
    if (processor.expected === 'before_games') return dates.has(day) ? [{ processor, day }] : [];
    const newest = dates.previous(day);
    return newest !== undefined && newest >= (dates.seasonStart(day) ?? newest) ? [{ processor, day: newest }] : [];
  });
  const blocking = cells.flatMap(({ processor, day: at }): UnusableInput[] => {
    const verdict = usable(processor, factsOf(world, processor, at));
    return verdict.usable ? [] : [{ processor: processor.name, day: at, because: verdict.because, critical: true }];
  });
  return { judged: cells.length, blocking };
}
