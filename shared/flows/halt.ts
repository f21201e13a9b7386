import type { Controls } from '../ports/request-store.ts';
import type { OpenRequest } from '../requests/cell.ts';
import { isItsAlone } from '../staged/record.ts';
import type { Engine } from './engine.ts';

/**
 * `stop`: nothing new starts after the first failure that is out of retries. What is queued by then could be claimed before
 * the coordinator hears of it, in another process above all: so the failure's own commit says it, in the document that every
 * claim reads anyway.
 */

/** What the end of a cell for good leaves of the controls. */
export function halting(controls: Controls, { backfillId, halts }: Pick<OpenRequest, 'backfillId' | 'halts'>): { readonly controls?: Controls } {
  if (halts !== true || backfillId === null || controls.halted?.includes(backfillId)) return {};
  return { controls: { ...controls, halted: [...controls.halted ?? [], backfillId] } };
}

/** Whether a request is a backfill's alone, and that has halted. */
export function isHalted({ halted = [] }: Controls, request: Pick<OpenRequest, 'backfillId' | 'asks'>): boolean {
  return halted.some((id) => isItsAlone(request, id));
}

/** Its coordinator has noted what failed: it has stopped, or goes on. */
export async function releaseHalt(engine: Engine, backfillId: string): Promise<void> {
  await engine.change({ controls: true }, (snapshot) => {
    const { halted = [], ...controls } = snapshot.controls();
    const others = halted.filter((id) => id !== backfillId);
    if (others.length === halted.length) return { writes: {}, result: null };
    return { writes: { controls: others.length === 0 ? controls : { ...controls, halted: others } }, result: null };
  });
}
