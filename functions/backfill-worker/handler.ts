import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';
import type { Engine } from '../../shared/flows/engine.ts';
import { receiveRequest } from '../../shared/flows/request.ts';
import { work, type WorkOptions } from '../../shared/flows/work.ts';

export interface WorkerDeps {
  readonly engine: Engine;
  readonly signal: AbortSignal;
  /** Told of each cell that is worked off. */
  readonly on?: Pick<WorkOptions, 'onStart' | 'onEnd'>;
}

/**
 * A backfill request. It is acknowledged once what it asks is durable in state; then whatever is queued is worked off.
 * A message that can never be right is recorded with its reason and dead-lettered.
 */
export async function handleBackfillRequest({ engine, signal, on }: WorkerDeps, message: DeliveredMessage): Promise<Verdict> {
  const received = await receiveRequest(engine, message);
  if (received.kind === 'refused') return { kind: 'dead_letter', reason: received.reason };
  if (received.kind === 'asked') await work(engine, { signal, ...on });
  return { kind: 'ack' };
}
