import { formatDay } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { keyOf } from '../gaps/detect.ts';
import { describeCell, usable } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import type { CellKey, OpenRequest } from '../requests/cell.ts';

/** What an open request waits for, from cell to cell, whoever has asked for these. */
export interface WaitChain {
  /** The cell itself first, then what each waits for. */
  readonly cells: readonly CellKey[];
  /** Somebody works on the last one. */
  readonly isMoving: boolean;
  /** Nobody does, and it can't be read as it is: the chain would wait for ever. */
  readonly stuckOn: (CellKey & { readonly because: string }) | null;
}

export function waitChain(world: World, key: CellKey): WaitChain {
  const cells: CellKey[] = [];
  const seen = new Set<string>();
  for (let at: CellKey | null = key; at !== null && !seen.has(keyOf(at));) {
    seen.add(keyOf(at));
    cells.push({ processor: at.processor, day: at.day });
    const request = requestOn(world, at);
    // It has no request itself: nothing waits.
    if (request === null) return { cells, isMoving: false, stuckOn: cells.length === 1 ? null : unusable(world, at) };
    at = request.state === 'waiting' || request.state === 'blocked' ? request.waitingFor : null;
  }
  return { cells, isMoving: true, stuckOn: null };
}

/** Why a cell that reads the second of a chain is not to wait for it. */
export function stuckText(world: World, { cells, stuckOn }: WaitChain): string | null {
  const [, read] = cells;
  if (!stuckOn || !read) return null;
  if (cells.length === 2) return `reads ${describeCell(read)}, which is ${stuckOn.because}`;
  return `reads ${describeCell(read)}, which ${askerOf(world, read)} has asked for and which ${waitsText(stuckOn)}`;
}

/** What a cell with a request of somebody else's waits for, in the end. */
export function othersWaitText(world: World, { cells, stuckOn }: WaitChain): string | null {
  const [own] = cells;
  return stuckOn && own ? `${describeCell(own)}, which ${askerOf(world, own)} has asked for, ${waitsText(stuckOn)}` : null;
}

function waitsText(on: CellKey & { readonly because: string }): string {
  return `waits for ${describeCell(on)}, which is ${on.because}; see: smart-backfill why ${on.processor} ${formatDay(on.day)}`;
}

function askerOf(world: World, key: CellKey): string {
  return requestOn(world, key)?.requestedBy ?? 'somebody else';
}

function requestOn(world: World, { processor, day }: CellKey): OpenRequest | null {
  return world.record(world.processor(processor), day).request;
}

function unusable(world: World, { processor, day }: CellKey): WaitChain['stuckOn'] {
  const found = world.processor(processor);
  const verdict = usable(found, factsOf(world, found, day));
  return verdict.usable ? null : { processor, day, because: verdict.because };
}
