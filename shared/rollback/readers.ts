import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { keyOf } from '../gaps/detect.ts';
import type { World } from '../gaps/world.ts';
import { daysByRank, plannedInput } from '../recovery/readers.ts';
import type { CellKey } from '../requests/cell.ts';

/** One processor's cells that read what is rolled back. */
export interface ReadersOf {
  readonly processor: string;
  /** Ascending. */
  readonly days: readonly Day[];
}

export interface RollbackReaders {
  /** With rows, in whose windows a cell of the rollback lies; themselves no part of it. Before a rollback: what may become stale. */
  readonly reading: readonly ReadersOf[];
  /** Whose rows were made of other rows than are there now, or of rows that are gone. */
  readonly stale: readonly ReadersOf[];
}

/** Who reads the cells of a rollback, as the world is now. */
export function readersOf(world: World, cells: readonly CellKey[]): RollbackReaders {
  const own = new Set(cells.map(keyOf));
  const days = daysByRank(world, cells);
  const found = { reading: new Map<string, Day[]>(), stale: new Map<string, Day[]>() };
  const [first, last] = ends(cells);
  if (first === undefined || last === undefined) return { reading: [], stale: [] };
  // Windows never reach across the start of a season.
  const end = world.calendar.seasonOf(last)?.to ?? last;
  for (const processor of world.pipeline.processors) {
    for (const day of world.expectedDates(processor).within(first, end)) {
      if (!world.contains(day)) continue;
      if (plannedInput(world, processor, day, days) === null) continue;
      const facts = factsOf(world, processor, day);
      if (facts.data !== 'present') continue;
      if (!own.has(keyOf({ processor: processor.name, day }))) add(found.reading, processor.name, day);
      if (facts.trace === 'stale') add(found.stale, processor.name, day);
    }
  }
  return { reading: listed(found.reading), stale: listed(found.stale) };
}

/** First and last date; none where there are no cells. */
export function ends(cells: readonly Pick<CellKey, 'day'>[]): readonly [Day, Day] | readonly [] {
  const days = cells.map(({ day }) => day).sort((a, b) => a - b);
  const [first] = days;
  const last = days.at(-1);
  return first === undefined || last === undefined ? [] : [first, last];
}

function add(days: Map<string, Day[]>, processor: string, day: Day): void {
  const list = days.get(processor);
  if (list) list.push(day);
  else days.set(processor, [day]);
}

function listed(days: ReadonlyMap<string, readonly Day[]>): readonly ReadersOf[] {
  return [...days].map(([processor, list]) => ({ processor, days: list }));
}
