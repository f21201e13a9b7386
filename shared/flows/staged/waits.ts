import { describeCell } from '../../gaps/usable.ts';
import type { RequestStore } from '../../ports/request-store.ts';
import type { CellKey } from '../../requests/cell.ts';
import { goesOnByItself, hasEnded, type BackfillRecord } from '../../staged/record.ts';
import { quotaPaused, standsBy as standingBy, turnGiven, wentOn } from '../../staged/transitions.ts';
import { quotaMet, turnDue, untilGoesOn } from '../../staged/waits.ts';
import type { Engine } from '../engine.ts';
import { recordOf } from './cells.ts';
import type { HeldBackfill } from './held.ts';

/** What a backfill waits for by itself: a quota, the one that it has joined, its turn beside daily work. */

/** A quota is used up: goes on when it is time. Says in how many milliseconds that is; 0: it has gone on. */
export async function goOnAfterQuota({ parts: { clock } }: Engine, held: HeldBackfill): Promise<number> {
  let wait = 0;
  await held.change((current) => {
    if (!goesOnByItself(current) || current.state === 'running') return current;
    wait = untilGoesOn(current, clock.now());
    return wait > 0 ? current : wentOn(current, clock.now());
  });
  return wait;
}

/** Whether the backfill that this one has joined is not over yet. */
export async function standsBy({ parts: { store, clock } }: Engine, held: HeldBackfill, record: BackfillRecord): Promise<boolean> {
  if (record.asked.join === undefined) return false;
  const other = await waitedFor(store, record);
  await held.change((current) => (current.state === 'running' ? standingBy(current, other, clock.now()) : current));
  return other !== null;
}

/** The first that has not ended of those that it has joined: the one that it named may have been cancelled while it waited itself. */
async function waitedFor(store: RequestStore, { asked }: BackfillRecord): Promise<BackfillRecord | null> {
  const seen = new Set<string>();
  for (let { join } = asked; join !== undefined && !seen.has(join);) {
    seen.add(join);
    const other = await store.backfill(join);
    if (other === null || !hasEnded(other)) return other;
    ({ join } = other.asked);
  }
  return null;
}

/** A used-up quota pauses the backfill, until that starts anew. True where it has. */
export async function pausedByQuota(engine: Engine, held: HeldBackfill, open: readonly CellKey[]): Promise<boolean> {
  const now = engine.parts.clock.now();
  const met = quotaMet(open.map((cell) => recordOf(engine, cell)), now);
  if (met) await held.change((record) => (record.state === 'running' ? quotaPaused(record, `${describeCell(met.cell)}: ${met.message}`, met.at, now) : record));
  return met !== null;
}

/** Daily work goes first, and a backfill has a slot once an hour all the same. True where a request was put first now. */
export async function givenTurn(engine: Engine, held: HeldBackfill, record: BackfillRecord, open: readonly CellKey[], servedAt: number): Promise<boolean> {
  const now = engine.parts.clock.now();
  const key = turnDue(record, open.map((cell) => recordOf(engine, cell)), servedAt, now);
  if (!key) return false;
  await held.change((current) => turnGiven(current, now), key, (cell) => (cell.request ? { ...cell, request: { ...cell.request, priority: 'high' } } : cell));
  return true;
}
