import { addDays, formatDay, type Day } from '../calendar/day.ts';
import { criticalRange, type WindowRange } from '../calendar/window.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellKey } from '../requests/cell.ts';
import { factsOf } from './cell-facts.ts';
import type { CellFacts } from './facts.ts';
import type { World } from './world.ts';

export type Usability = { readonly usable: true } | { readonly usable: false; readonly because: string };

const USABLE: Usability = { usable: true };

/**
 * Whether an input may be read: verified rows, or accepted, or not expected; stale or suspect rows only when no policy is
 * going to redo them. Router, worker and planner ask this one function.
 */
export function usable(processor: Processor, facts: CellFacts): Usability {
  if (facts.data === 'not_expected' || facts.activity === 'accepted') return USABLE;
  if (facts.data === 'pending') return { usable: false, because: 'pending: expected, and not due yet' };
  if (facts.data === 'missing') return { usable: false, because: 'missing' };
  if (facts.data === 'short') return { usable: false, because: `short: ${facts.shortcomings.join('; ')}` };
  if (facts.trace === 'altered') return { usable: false, because: 'altered: its rows are not those that its last run wrote' };
  if ((facts.trace === 'stale' || facts.trace === 'suspect') && processor.stalePolicy === 'reprocess') {
    return { usable: false, because: `${facts.trace}: it is going to be redone` };
  }
  return USABLE;
}

export interface UnusableInput extends CellKey {
  readonly because: string;
  /** It lies in the newest part of the window. */
  readonly critical: boolean;
}

/** How strictly inputs are judged: every one of them, or the critical windows and a share of the rest. */
export interface Strictness {
  readonly strict: boolean;
  /** Least usable ÷ expected cells over all windows when not strict. */
  readonly windowCompleteness: number;
}

export interface InputsVerdict {
  /** Inputs that stand in the way, the last in topological order first: who waits for that one is woken about once. */
  readonly blocking: readonly UnusableInput[];
  readonly usableCells: number;
  readonly expectedCells: number;
}

/** Judges every expected input cell in the windows of a cell. Those that `taken` names are taken for usable: they will be. */
export function judgeInputs(
  world: World, processor: Processor, day: Day, strictness: Strictness, taken: (upstream: Processor, day: Day) => boolean = () => false,
): InputsVerdict {
  const unusable: (UnusableInput & { readonly rank: number })[] = [];
  let expectedCells = 0;
  for (const edge of processor.upstreams) {
    const range = world.range(edge, day);
    if (!range) continue;
    const upstream = world.processor(edge.upstream);
    const dates = world.expectedDates(upstream);
    expectedCells += dates.countBefore(addDays(range.to, 1)) - dates.countBefore(range.from);
    if (world.unusableIn(upstream, range) === 0) continue;
    const critical = criticalRange(edge, day, dates);
    for (const at of dates.within(range.from, range.to)) {
      const verdict = usable(upstream, factsOf(world, upstream, at));
      if (!verdict.usable && !taken(upstream, at)) unusable.push({ processor: upstream.name, day: at, because: verdict.because, critical: within(at, critical), rank: upstream.rank });
    }
  }
  unusable.sort((a, b) => b.day - a.day || b.rank - a.rank);
  const usableCells = expectedCells - unusable.length;
  const completeness = expectedCells === 0 ? 1 : usableCells / expectedCells;
  const blocking = strictness.strict || completeness < strictness.windowCompleteness ? unusable : unusable.filter((input) => input.critical);
  return { blocking: blocking.map(({ rank: _rank, ...input }) => input), usableCells, expectedCells };
}

function within(day: Day, range: WindowRange | null): boolean {
  return range !== null && day >= range.from && day <= range.to;
}

/** An input with an open request, in the windows of a cell; the last in topological order, or null. Passes over those that may be read all the same. */
export function lastOpenInput(world: World, processor: Processor, day: Day, mayRead: (upstream: Processor, day: Day) => boolean = () => false): CellKey | null {
  let last: { readonly upstream: Processor; readonly day: Day } | null = null;
  for (const edge of processor.upstreams) {
    const range = world.range(edge, day);
    if (!range) continue;
    const upstream = world.processor(edge.upstream);
    let open = world.lastOpenIn(upstream, range);
    while (open !== null && mayRead(upstream, open)) open = open > range.from ? world.lastOpenIn(upstream, { from: range.from, to: addDays(open, -1) }) : null;
    if (open !== null && (last === null || open > last.day || (open === last.day && upstream.rank > last.upstream.rank))) last = { upstream, day: open };
  }
  return last && { processor: last.upstream.name, day: last.day };
}

export function describeCell(key: CellKey): string {
  return `${key.processor} ${formatDay(key.day)}`;
}
