import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { EMPTY_FINGERPRINT, hash64, hex64 } from '../gaps/fingerprint.ts';
import type { World } from '../gaps/world.ts';
import type { Phase, Processor } from '../pipeline/pipeline.ts';
import type { CellKey } from '../requests/cell.ts';

/**
 * The turn of a game date: what its games make ready. A processor that looks back takes part with the date itself, one
 * that looks forward with the next date that is expected of it. A cascade's (phase, date) is a turn.
 */
export function turnCell(world: World, processor: Processor, turn: Day): CellKey | null {
  const dates = world.expectedDates(processor);
  if (processor.expected === 'after_final') return dates.has(turn) ? { processor: processor.name, day: turn } : null;
  const next = dates.next(turn);
  // No turn reaches over a season's end: an opening night has no games before it.
  return next !== undefined && dates.seasonStart(next) === dates.seasonStart(turn) ? { processor: processor.name, day: next } : null;
}

/** The turn that a completed cell belongs to, or null for a looking-forward cell with no date before it. */
export function turnOf(world: World, processor: Processor, day: Day): Day | null {
  if (processor.expected === 'after_final') return day;
  const dates = world.expectedDates(processor);
  const previous = dates.previous(day);
  return previous !== undefined && dates.seasonStart(previous) === dates.seasonStart(day) ? previous : null;
}

/** The phase that a cascade of this one starts: predictions look forward, are run by a schedule, and never by a cascade. */
export function nextPhase(world: World, phase: Phase): Phase | null {
  const next = world.pipeline.phases[phase.index + 1];
  return next?.cascades && next.backfillable && next.processors.length > 0 ? next : null;
}

/**
 * Cells of the next phase that a turn makes ready. One that looks forward is among them once its own date has all that
 * it reads of that date (the schedule, which may come with the next morning): until then this turn does not make it ready.
 */
export function readyCells(world: World, phase: Phase, turn: Day): CellKey[] {
  const next = nextPhase(world, phase);
  if (!next) return [];
  return next.processors.flatMap((name) => {
    const processor = world.processor(name);
    const cell = turnCell(world, processor, turn);
    if (!cell) return [];
    if (processor.expected === 'before_games' && lacksOwnDate(world, processor, cell.day, phase)) return [];
    return [cell];
  });
}

function lacksOwnDate(world: World, processor: Processor, day: Day, phase: Phase): boolean {
  return processor.upstreams.some((edge) => {
    const upstream = world.processor(edge.upstream);
    if (!edge.window.ownDate || edge.ownHistory || upstream.phase !== phase) return false;
    return factsOf(world, upstream, day).data === 'pending';
  });
}

/** Cells of the phase itself that those of the next phase read in this turn: all have to be complete. */
export function siblings(world: World, phase: Phase, turn: Day, ready: readonly CellKey[]): CellKey[] {
  const read = new Set(ready.flatMap((cell) => world.processor(cell.processor).upstreams.map((edge) => edge.upstream)));
  return phase.processors.flatMap((name) => {
    if (!read.has(name)) return [];
    const processor = world.processor(name);
    const cell = turnCell(world, processor, turn);
    return cell && factsOf(world, processor, cell.day).data !== 'not_expected' ? [cell] : [];
  });
}

/** Cells of the phase that some cells of one date read of that very date: what has to be complete before a backfill's cascade to them. */
export function ownDateInputs(world: World, phase: Phase, cells: readonly CellKey[]): CellKey[] {
  const days = new Map(cells.flatMap(({ processor, day }) => world.processor(processor).upstreams
    .filter((edge) => edge.window.ownDate && !edge.ownHistory && world.processor(edge.upstream).phase === phase).map((edge) => [edge.upstream, day] as const)));
  return [...days].flatMap(([processor, day]) => (factsOf(world, world.processor(processor), day).data === 'not_expected' ? [] : [{ processor, day }]));
}

/** Digest of a phase's fingerprints in a turn: corrected data is a new cascade. */
export function turnDigest(world: World, phase: Phase, turn: Day): string {
  const parts = phase.processors.map((name) => {
    const processor = world.processor(name);
    const cell = turnCell(world, processor, turn);
    return `${name}=${cell ? world.coverage(processor, cell.day)?.fingerprint ?? EMPTY_FINGERPRINT : ''}`;
  });
  return hex64(hash64(parts.join(';')));
}
