import { z } from 'zod';
import type { MessageBus } from '../shared/ports/message-bus.ts';
import { parseMessage } from '../shared/requests/decode.ts';

/** A doorbell has nothing else: a request that says the same by mistake is a request. */
const schema = z.strictObject({ trigger: z.literal('queued'), backfill_id: z.string().max(200) });

/** Rings for a worker, on the topic of requests: something has been queued in state, of which its message says nothing. */
export async function ringWorker(bus: MessageBus, topic: string, backfillId: string): Promise<void> {
  await bus.publish(topic, JSON.stringify({ trigger: 'queued', backfill_id: backfillId }));
}

export function isWorkDoorbell(body: string): boolean {
  const parsed = parseMessage(body);
  return parsed.kind === 'ok' && schema.safeParse(parsed.value).success;
}
