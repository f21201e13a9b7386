import { keyOf } from '../../gaps/detect.ts';
import type { CellKey } from '../../requests/cell.ts';
import type { StageCell } from '../../staged/plan.ts';
import { stuckText, waitChain, type WaitChain } from '../../staged/stuck.ts';
import type { Engine } from '../engine.ts';
import { recordOf } from './cells.ts';
import { takeBack } from './orders.ts';
import { decideAgain } from '../wake.ts';

export interface Stuck {
  readonly cell: StageCell;
  readonly note: string;
  /** What nobody fills. */
  readonly on: CellKey;
}

/**
 * Requests of a backfill that would wait for ever: what they read has gone since they were opened, and nobody works on it; or
 * it is somebody else's request that waits for such a cell. The detector leaves a backfill's cells alone, so that nobody else
 * would come. They are taken back, unless somebody else has asked for them too: then they wait on for that, and the backfill
 * does not. Says why.
 */
export async function takeBackStuck(engine: Engine, id: string, running: readonly StageCell[]): Promise<readonly Stuck[]> {
  const waits = (cell: CellKey): boolean => {
    const state = recordOf(engine, cell).request?.state;
    return state === 'waiting' || state === 'blocked';
  };
  const chains = await stuckChains(engine, running.filter(waits));
  const stuck = running.flatMap((cell) => {
    const chain = chains.get(keyOf(cell));
    const note = chain && stuckText(engine.world, chain);
    return chain?.stuckOn && note ? [{ cell, note, on: chain.stuckOn }] : [];
  });
  if (stuck.length === 0) return [];
  const taken = new Set((await takeBack(engine, id, stuck.map(({ cell }) => recordOf(engine, cell)), 'has nobody who fills what it reads')).map(keyOf));
  // Somebody may have run one of them meanwhile.
  return stuck.filter(({ cell }) => taken.has(keyOf(cell)) || waits(cell));
}

/**
 * Of cells with a request those whose chain is stuck, by `keyOf`: read again first, since another process may have opened or
 * filled what it ends at. What waits for a cell that may be read by now, and was not woken, is decided again.
 */
export async function stuckChains(engine: Engine, cells: readonly CellKey[]): Promise<ReadonlyMap<string, WaitChain>> {
  const resting = (keys: readonly CellKey[]): readonly WaitChain[] => keys.map((cell) => waitChain(engine.world, cell)).filter((chain) => !chain.isMoving && chain.cells.length > 1);
  const found = resting(cells);
  const read = new Map(found.flatMap(({ cells: [, ...others] }) => others).map((cell) => [keyOf(cell), cell]));
  await engine.relearn([...read.values()]);
  const still = resting(found.flatMap((chain) => chain.cells[0] ?? []));
  const unwoken = new Map(still.filter(({ stuckOn }) => stuckOn === null).flatMap((chain) => chain.cells.at(-2) ?? []).map((cell) => [keyOf(cell), cell]));
  if (unwoken.size > 0) await decideAgain(engine, [...unwoken.values()]);
  return new Map(still.filter(({ stuckOn }) => stuckOn !== null).flatMap((chain) => chain.cells.slice(0, 1).map((first) => [keyOf(first), chain] as const)));
}
