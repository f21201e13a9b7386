import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';
import { receiveRequest, type Received } from '../../shared/flows/request.ts';
import type { HandlerDeps } from '../deps.ts';
import { ringForOthers } from '../ring-for-others.ts';
import { isWorkDoorbell } from '../work-doorbell.ts';

export interface WorkerDeps extends HandlerDeps {
  readonly onReceived?: (received: Received) => void;
}

/**
 * A backfill request, or a doorbell: something is queued. A request is acknowledged once what it asks is durable in state; then whatever is queued is worked off, and
 * the detector is rung for what had read other rows. A message that can never be right is recorded and dead-lettered.
 */
export async function handleBackfillRequest(deps: WorkerDeps, message: DeliveredMessage): Promise<Verdict> {
  const { engine, worker, signal, time } = deps;
  if (isWorkDoorbell(message.body)) {
    await ringForOthers(deps, (await worker.ring(signal, time)).worked);
    return { kind: 'ack' };
  }
  const received = await receiveRequest(engine, message);
  deps.onReceived?.(received);
  if (received.kind === 'refused') return { kind: 'dead_letter', reason: received.reason };
  if (received.kind !== 'asked') return { kind: 'ack' };
  const { worked } = await worker.ring(signal, time);
  // What an earlier delivery has worked off, it may not have rung for.
  await ringForOthers(deps, worked, message.deliveryAttempt > 1 ? received.cells : []);
  return { kind: 'ack' };
}
