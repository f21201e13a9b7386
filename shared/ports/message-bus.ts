/** A message as a subscriber gets it. Delivered at least once, in no order. */
export interface DeliveredMessage {
  /** Kept by a redelivery; a second publish of the same content has another. */
  readonly messageId: string;
  readonly topic: string;
  readonly subscription: string;
  /** The published text, not yet parsed. */
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** 1 at the first delivery. */
  readonly deliveryAttempt: number;
}

/** What a handler makes of a message. `nack` means only that state could not be reached. */
export type Verdict =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack'; readonly reason: string }
  /** Can never be right: kept on the dead-letter topic with the reason, and acknowledged. */
  | { readonly kind: 'dead_letter'; readonly reason: string };

export type MessageHandler = (message: DeliveredMessage) => Promise<Verdict>;

/** Topics and subscriptions. Publishing is durable when the promise resolves. */
export interface MessageBus {
  /** Returns the message's id. */
  publish(topic: string, body: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
}
