import { z } from 'zod';
import { dayOf, formatDay, type Day } from '../shared/calendar/day.ts';
import { parseMessage } from '../shared/requests/decode.ts';
import type { MessageBus } from '../shared/ports/message-bus.ts';

/** What rings for a detection. It carries no work: whoever gets it looks at state. */
export interface Doorbell {
  /** Why it was rung, for the logs. */
  readonly trigger: 'tick' | 'phase_complete' | 'repaired' | 'goes_on';
  /** A date that it is about; the season that holds it is looked at. */
  readonly day: Day | null;
  /** The ask that it goes back to. */
  readonly cause: string | null;
}

const doorbellSchema = z.looseObject({
  trigger: z.enum(['tick', 'phase_complete', 'repaired', 'goes_on']).catch('tick'),
  game_date: z.iso.date().nullish().catch(null),
  cause_id: z.string().max(200).nullish().catch(null),
});

export async function ring(bus: MessageBus, topic: string, { trigger, day, cause }: Doorbell): Promise<void> {
  await bus.publish(topic, JSON.stringify({ trigger, ...(day === null ? {} : { game_date: formatDay(day) }), ...(cause === null ? {} : { cause_id: cause }) }));
}

/** Any message rings: one that can't be read is a tick, as Cloud Scheduler's may have any body. */
export function readDoorbell(body: string): Doorbell {
  const parsed = parseMessage(body);
  const read = doorbellSchema.safeParse(parsed.kind === 'ok' ? parsed.value : {});
  if (!read.success) return { trigger: 'tick', day: null, cause: null };
  const { trigger, game_date: date, cause_id: cause } = read.data;
  return { trigger, day: date ? dayOf(date) : null, cause: cause ?? null };
}
