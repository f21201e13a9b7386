import { keyOf } from '../gaps/detect.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { describeCell, usable } from '../gaps/usable.ts';
import type { StageCell } from '../staged/plan.ts';
import type { Engine } from './engine.ts';
import { recordOf } from './staged-cells.ts';
import { takeBack } from './staged-orders.ts';

/**
 * Requests of a backfill that would wait for ever: what they read has gone since they were opened, and nobody works on it.
 * The detector leaves a backfill's cells alone, so that nobody else would come. They are taken back, unless somebody else has
 * asked for them too: then they wait on for that, and the backfill does not. Says why.
 */
export async function takeBackStuck(engine: Engine, id: string, running: readonly StageCell[]): Promise<readonly { readonly cell: StageCell; readonly note: string }[]> {
  const waiting = running.flatMap((cell) => {
    const { request } = recordOf(engine, cell);
    const on = request?.state === 'waiting' || request?.state === 'blocked' ? request.waitingFor : null;
    return on && recordOf(engine, on).request === null ? [{ cell, on }] : [];
  });
  // What another process has opened or filled meanwhile is not known here yet.
  await engine.relearn(waiting.map(({ on }) => on));
  const { world } = engine;
  const stuck = waiting.flatMap(({ cell, on }) => {
    if (recordOf(engine, on).request !== null) return [];
    const verdict = usable(world.processor(on.processor), factsOf(world, world.processor(on.processor), on.day));
    return verdict.usable ? [] : [{ cell, note: `reads ${describeCell(on)}, which is ${verdict.because}` }];
  });
  if (stuck.length === 0) return [];
  const taken = new Set((await takeBack(engine, id, stuck.map(({ cell }) => recordOf(engine, cell)), 'has nobody who fills what it reads')).map(keyOf));
  // Somebody may have run one of them meanwhile.
  return stuck.filter(({ cell }) => {
    const state = recordOf(engine, cell).request?.state;
    return taken.has(keyOf(cell)) || state === 'waiting' || state === 'blocked';
  });
}
