import type { DeliveredMessage } from '../../shared/ports/message-bus.ts';
import { parseMessage } from '../../shared/requests/decode.ts';
import type { LogFields } from '../log/fields.ts';

const MAX_ID = 200;

/** What a message's log lines say of it. Read leniently: a message that will be refused has to be found in the logs too. */
export function fieldsOfMessage(message: DeliveredMessage): LogFields {
  const parsed = parseMessage(message.body);
  const text = (...names: readonly string[]): string | undefined => {
    for (const name of names) {
      const value: unknown = parsed.kind === 'ok' && typeof parsed.value === 'object' && parsed.value !== null ? Reflect.get(parsed.value, name) : undefined;
      if (typeof value === 'string' && value !== '') return value.slice(0, MAX_ID);
    }
    return undefined;
  };
  const requestId = text('request_id');
  return {
    cause: text('cause_id') ?? message.attributes['cause_id']?.slice(0, MAX_ID) ?? requestId ?? message.messageId,
    request_id: requestId,
    processor_name: text('processor_name'),
    game_date: text('game_date', 'data_date', 'analysis_date', 'start_date'),
    phase: text('phase'),
    run_id: text('run_id'),
    backfill_id: text('backfill_id'),
    message_id: message.messageId,
    subscription: message.subscription,
    delivery_attempt: message.deliveryAttempt,
  };
}
