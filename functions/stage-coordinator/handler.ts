import { backfillsAtWork } from '../../shared/flows/staged/advance.ts';
import type { StagedEvent } from '../../shared/flows/staged/coordinator.ts';
import type { Advancing } from '../../shared/flows/staged/process.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';
import type { HandlerDeps } from '../deps.ts';
import { readStageDoorbell, ringForStages } from '../stage-doorbell.ts';
import { ringWorker } from '../work-doorbell.ts';

export interface StageDeps extends Omit<HandlerDeps, 'worker'> {
  /** The backfills that this process advances. */
  readonly advancing: Advancing;
  readonly coordinationTopic: string;
  readonly requestsTopic: string;
  readonly on?: (event: StagedEvent) => void;
}

/**
 * A cell of a staged backfill has ended, a person has ordered something, or a tick: advances the backfill, or all that are
 * at work, until the time of the invocation is used up, and rings for what is left. It runs no cell: it opens requests and
 * rings the workers. Where this process, or another, advances it already, that one looks again. The tick only repairs (P4), and comes twice now and then (P14).
 */
export async function handleStages(deps: StageDeps, message: DeliveredMessage): Promise<Verdict> {
  const { engine, advancing } = deps;
  const { trigger, backfillId, cell } = readStageDoorbell(message.body);
  if (backfillId !== null && await advancing.hear(backfillId, cell)) return { kind: 'ack' };
  const atWork = await backfillsAtWork(engine);
  const ids = backfillId === null ? atWork : atWork.filter((id) => id === backfillId);
  // A paused pipeline starts nothing: the tick looks again.
  if (ids.length === 0 || (await engine.parts.store.controls()).paused) return { kind: 'ack' };
  if (trigger === 'tick') await sweep(engine);
  const advanced = await Promise.allSettled(ids.map((id) => advance(deps, id)));
  for (const one of advanced) if (one.status === 'rejected') throw one.reason;
  return { kind: 'ack' };
}

async function advance({ engine, advancing, bus, coordinationTopic, requestsTopic, signal, on }: StageDeps, id: string): Promise<void> {
  const record = await advancing.advance(id, {
    signal, on,
    ring: async (cells) => { await Promise.all(Array.from({ length: cells }, () => ringWorker(bus, requestsTopic, id))); },
  });
  if (record === null || !signal.aborted || (await engine.parts.store.controls()).paused) return;
  // What is left of it goes on in an invocation of its own.
  if ((await backfillsAtWork(engine)).includes(id)) await ringForStages(bus, coordinationTopic, { trigger: 'goes_on', backfillId: id, cell: null });
}
