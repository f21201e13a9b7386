import type { DeliveredMessage } from '../ports/message-bus.ts';
import { fittingValue } from './pubsub-attributes.ts';

/** What is published to the dead-letter topic. */
export interface DeadLetter {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Attributes that a person needs first; of the message's own, those that still fit beside them. */
const MAX_OWN_ATTRIBUTES = 90;

/**
 * A message that can never be right, as it is kept for a person: its body, its attributes, why, and where it comes from.
 * The names are those of the embedded bus. Pub/Sub's own dead-lettering (after too many deliveries) writes others,
 * `CloudPubSubDeadLetterSource…`, and knows no reason: https://cloud.google.com/pubsub/docs/dead-letter-topics
 */
export function deadLetterOf(message: DeliveredMessage, reason: string): DeadLetter {
  const own = Object.entries(message.attributes).filter(([key]) => !key.startsWith('goog')).slice(0, MAX_OWN_ATTRIBUTES);
  return {
    body: message.body,
    attributes: {
      ...Object.fromEntries(own),
      dead_letter_reason: fittingValue(reason),
      dead_letter_source_topic: message.topic,
      dead_letter_source_subscription: message.subscription,
      dead_letter_source_message_id: message.messageId,
      dead_letter_delivery_count: String(message.deliveryAttempt),
    },
  };
}
