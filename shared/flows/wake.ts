import type { CellKey } from '../requests/cell.ts';
import { readiness } from '../requests/readiness.ts';
import { queued, waiting } from '../requests/transitions.ts';
import type { Engine } from './engine.ts';
import { changeRow } from './rows.ts';

/** A cell has ended, or was accepted, or unheld: every request that waits for it is decided again. */
export async function wakeWaiters(engine: Engine, key: CellKey): Promise<void> {
  const waiters = await engine.parts.store.waitersOn(key);
  if (waiters.length > 0) await decideAgain(engine, waiters);
}

/** Decides waiting and blocked requests again: queued, or waiting for what stands in the way now. */
export async function decideAgain(engine: Engine, keys: readonly CellKey[]): Promise<void> {
  const now = engine.parts.clock.now();
  const { world } = engine;
  await engine.change({ cells: keys }, (snapshot) => {
    const cells = [];
    const changes = [];
    for (const key of keys) {
      const record = snapshot.cell(key);
      const { request } = record;
      const processor = engine.pipeline.byName.get(key.processor);
      if (!processor || !request || (request.state !== 'waiting' && request.state !== 'blocked')) continue;
      const ready = readiness(world, processor, key.day, request, engine.strictness);
      if (ready.kind === 'ready') {
        const next = queued(record, request);
        cells.push(next);
        changes.push(changeRow(next, request, 'queued', now));
      } else if (ready.kind !== request.state || ready.on.processor !== request.waitingFor?.processor || ready.on.day !== request.waitingFor.day) {
        const next = waiting(record, request, ready.kind, ready.on, now);
        cells.push(next);
        changes.push(changeRow(next, request, ready.kind, now, { metadata: { waiting_for: ready.because } }));
      }
    }
    return { writes: { cells, changes }, result: null };
  });
}
