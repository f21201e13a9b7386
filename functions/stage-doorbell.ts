import { z } from 'zod';
import { dayOf, formatDay } from '../shared/calendar/day.ts';
import type { MessageBus } from '../shared/ports/message-bus.ts';
import type { CellKey } from '../shared/requests/cell.ts';
import { parseMessage } from '../shared/requests/decode.ts';

/** What has staged backfills advanced. It carries no work: whoever gets it looks at state. */
export interface StageDoorbell {
  /** Why it was rung, for the logs. */
  readonly trigger: 'tick' | 'cell_ended' | 'ordered' | 'goes_on';
  /** The backfill that it is about; null: all that are at work. */
  readonly backfillId: string | null;
  /** The cell that has ended; null: none, or several. */
  readonly cell: CellKey | null;
}

const schema = z.looseObject({
  trigger: z.enum(['tick', 'cell_ended', 'ordered', 'goes_on']).catch('tick'),
  backfill_id: z.string().min(1).max(200).nullish().catch(null),
  processor_name: z.string().min(1).max(200).nullish().catch(null),
  game_date: z.iso.date().nullish().catch(null),
});

export async function ringForStages(bus: MessageBus, topic: string, { trigger, backfillId, cell }: StageDoorbell): Promise<void> {
  await bus.publish(topic, JSON.stringify({
    trigger, ...(backfillId === null ? {} : { backfill_id: backfillId }), ...(cell === null ? {} : { processor_name: cell.processor, game_date: formatDay(cell.day) }),
  }));
}

/** Any message rings: one that can't be read is a tick, as Cloud Scheduler's may have any body. */
export function readStageDoorbell(body: string): StageDoorbell {
  const parsed = parseMessage(body);
  const read = schema.safeParse(parsed.kind === 'ok' ? parsed.value : {});
  if (!read.success) return { trigger: 'tick', backfillId: null, cell: null };
  const { trigger, backfill_id: backfillId, processor_name: processor, game_date: date } = read.data;
  return { trigger, backfillId: backfillId ?? null, cell: processor && date ? { processor, day: dayOf(date) } : null };
}
