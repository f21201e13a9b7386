import type { Day } from '../calendar/day.ts';
import type { Edge, Processor } from '../pipeline/pipeline.ts';
import { acceptanceHolds, type Expectation } from './facts.ts';
import type { World } from './world.ts';

/**
 * What is expected of a cell's rows. Keys before counts: with a minimum over the date, losing one whole game of eight
 * goes unseen. In the warm-up of a season no team has a history, so no key is demanded and no rows at all may be right.
 */
export function expectationOf(world: World, processor: Processor, day: Day): Expectation {
  const dates = world.expectedDates(processor);
  const warm = dates.ordinalInSeason(day) < processor.warmUpGameDates;
  const games = dates.keys(day);
  const accepted = games.length === 0 || !world.hasAcceptedKeys(day) ? NONE : acceptedMissingKeys(world, processor, day);
  const expected = accepted.size === 0 ? games : games.filter((key) => !accepted.has(key));
  const allAccepted = games.length > 0 && expected.length === 0;
  const keysKnown = processor.expectGames && processor.gameColumn !== null && world.calendar.hasSchedule;
  const keys = keysKnown && !warm ? expected : [];
  const perDate = keysKnown ? 0 : Math.max(processor.minRows, processor.minRowsPerGame * expected.length);
  const mayBeEmpty = warm || allAccepted || (processor.everyDay && keys.length === 0 && perDate === 0);
  return {
    keys,
    minRowsPerKey: processor.minRowsPerGame,
    // Where no keys are known: `min_rows`, or per game × games, at the row threshold (a one-game date has 20 player rows, not 100).
    minRows: mayBeEmpty ? 0 : Math.max(1, Math.ceil(perDate * processor.rowThreshold)),
    mayBeEmpty,
  };
}

const NONE: ReadonlySet<string> = new Set();

/** Games that a person accepted as missing in an input of the same date, at any depth: nothing can derive from them. */
function acceptedMissingKeys(world: World, processor: Processor, day: Day, seen = new Set<string>()): ReadonlySet<string> {
  let keys: Set<string> | null = null;
  const record = world.record(processor, day);
  if (acceptanceHolds(record, world.coverage(processor, day), world.moment.now)) {
    for (const key of record.acceptance?.missingKeys ?? []) (keys ??= new Set()).add(key);
  }
  for (const edge of processor.upstreams) {
    if (!readsOwnDate(edge) || seen.has(edge.upstream)) continue;
    seen.add(edge.upstream);
    for (const key of acceptedMissingKeys(world, world.processor(edge.upstream), day, seen)) (keys ??= new Set()).add(key);
  }
  return keys ?? NONE;
}

function readsOwnDate(edge: Edge): boolean {
  return edge.window.ownDate && !edge.ownHistory;
}
