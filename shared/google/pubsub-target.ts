import type { MessageBus } from '../ports/message-bus.ts';
import type { RunAnswer, RunOrder } from '../ports/processor-runner.ts';
import { cancelled, targetInputOf } from './google-runner-input.ts';

/** Starts a target by publishing the trigger message. Who listens there ends the run with a phase-complete message of its run id. */
export async function startByTrigger(bus: MessageBus, order: RunOrder, topic: string): Promise<RunAnswer> {
  if (order.signal.aborted) return cancelled(order);
  const input = targetInputOf(order);
  const handle = await bus.publish(topic, JSON.stringify(input), { processor_name: input.processor_name, run_id: input.run_id });
  return { kind: 'started', handle };
}
