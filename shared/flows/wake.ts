import { keyOf } from '../gaps/detect.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
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
  await decideOnce(engine, keys);
  await confirmWaits(engine, keys);
}

/** Each look follows one link of what waits for what. */
const LOOKS = 8;

/**
 * Where other processes work on the same state: what a request was just put to wait for may have ended before this process
 * heard of it, and nobody would come back to it. It is read again after the request's commit, so that either its end is
 * seen here, or who ends it sees the waiter. One read for each cell that is waited for; rows only where that has changed,
 * or where nobody works on it: it may only look unusable because this process knows old rows of what it reads itself.
 */
export async function confirmWaits(engine: Engine, keys: readonly CellKey[]): Promise<void> {
  if (!engine.parts.shared) return;
  let left = keys;
  const rechecked = new Set<string>();
  for (let look = 0; look < LOOKS && left.length > 0; look += 1) {
    const waits = left.flatMap((key) => {
      const on = waitedFor(engine, key);
      return on ? [{ key, on }] : [];
    });
    const looked = [...new Map(waits.map(({ on }) => [keyOf(on), on])).values()];
    const found = await Promise.all(looked.map(async (on) => ({ on, now: await engine.parts.store.cell(on) })));
    const ended = found.filter(({ on, now }) => !isSame(now, knownOf(engine, on))).map(({ on }) => on);
    const idle = found.filter(({ on, now }) => now.request === null && !rechecked.has(keyOf(on))).map(({ on }) => on);
    if (ended.length === 0 && idle.length === 0) return;
    await engine.relearn(ended);
    for (const on of idle) {
      rechecked.add(keyOf(on));
      await engine.recheck(engine.world.processor(on.processor), on.day);
    }
    await decideOnce(engine, waits.map(({ key }) => key));
    left = waits.filter(({ key, on }) => {
      const next = waitedFor(engine, key);
      return next !== null && keyOf(next) !== keyOf(on);
    }).map(({ key }) => key);
  }
}

function waitedFor(engine: Engine, key: CellKey): CellKey | null {
  const { request } = knownOf(engine, key);
  return request && (request.state === 'waiting' || request.state === 'blocked') ? request.waitingFor : null;
}

function knownOf(engine: Engine, { processor, day }: CellKey): CellRecord {
  return engine.world.record(engine.world.processor(processor), day);
}

function isSame(now: CellRecord, known: CellRecord): boolean {
  return now.generation === known.generation && now.request?.state === known.request?.state && now.last?.runId === known.last?.runId && now.failure?.runId === known.failure?.runId;
}

async function decideOnce(engine: Engine, keys: readonly CellKey[]): Promise<void> {
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
