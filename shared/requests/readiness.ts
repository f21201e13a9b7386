import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { describeCell, judgeInputs, lastOpenInput, usable, type Strictness } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellKey, OpenRequest } from './cell.ts';

export type Readiness =
  | { readonly kind: 'ready' }
  /** Until that cell ends: it is open, or will be. */
  | { readonly kind: 'waiting'; readonly on: CellKey; readonly because: string }
  /** That cell failed for good or is held: no slot and no attempt until it succeeds or is accepted. */
  | { readonly kind: 'blocked'; readonly on: CellKey; readonly because: string };

/**
 * Whether a request may be run now: every input in its windows is usable, none of them is being worked on, and, for a
 * sequential processor, no earlier date of it is open in the season. It waits for one cell, the last in topological
 * order, so that it is woken about once.
 */
export function readiness(world: World, processor: Processor, day: Day, request: Pick<OpenRequest, 'force' | 'kind'>, strictness: Strictness): Readiness {
  if (request.force) return { kind: 'ready' };
  const open = lastOpenInput(world, processor, day, (upstream, at) => mayReadOldRows(world, request, upstream, at));
  if (open) return { kind: 'waiting', on: open, because: `${describeCell(open)} is being worked on` };
  const earlier = processor.order === 'sequential' ? earlierOpen(world, processor, day) : null;
  if (earlier) return { kind: 'waiting', on: earlier, because: `${describeCell(earlier)} comes first` };
  const [input] = judgeInputs(world, processor, day, strictness).blocking;
  if (!input) return { kind: 'ready' };
  const on = { processor: input.processor, day: input.day };
  const upstream = world.processor(input.processor);
  const facts = factsOf(world, upstream, input.day);
  const stuck = facts.activity === 'held' || (facts.trace === 'altered' && upstream.alteredPolicy === 'report');
  return { kind: stuck ? 'blocked' : 'waiting', on, because: `${describeCell(on)} is ${input.because}` };
}

/** Tonight's run reads the old rows of an input that is only being redone; the redo's own pass comes back to it. */
function mayReadOldRows(world: World, request: Pick<OpenRequest, 'kind'>, upstream: Processor, day: Day): boolean {
  if (request.kind !== 'cascade' || !world.record(upstream, day).request?.isBackfill) return false;
  return usable(upstream, { ...factsOf(world, upstream, day), activity: 'idle' }).usable;
}

function earlierOpen(world: World, processor: Processor, day: Day): CellKey | null {
  const start = world.expectedDates(processor).seasonStart(day);
  if (start === undefined || start >= day) return null;
  const at = world.lastOpenIn(processor, { from: start, to: world.dayBefore(day) });
  return at === null ? null : { processor: processor.name, day: at };
}
