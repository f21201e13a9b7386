import type { DeliveredMessage, MessageHandler } from '../ports/message-bus.ts';

/** Delivers each message of a topic to a handler until it is acknowledged. */
export interface HandledSubscription {
  readonly kind: 'handled';
  readonly name: string;
  readonly topic: string;
  readonly handler: MessageHandler;
  /** Where messages go that can't be right, or that were delivered too often. It needs a subscription of its own. */
  readonly deadLetterTopic: string;
  /** 5 unless given. */
  readonly maxDeliveryAttempts?: number;
  /** Pause after the first nack; doubled with every further one. 10 s unless given. */
  readonly minimumBackoffMs?: number;
  /** 600 s unless given. */
  readonly maximumBackoffMs?: number;
  /** A message not answered for this long is delivered again. 60 s unless given. */
  readonly ackDeadlineMs?: number;
}

/** Keeps each message of a topic for a person to look at: what a dead-letter topic needs. */
export interface KeptSubscription {
  readonly kind: 'kept';
  readonly name: string;
  readonly topic: string;
}

export type Subscription = HandledSubscription | KeptSubscription;

/** For tests: picks a whole number from 0 up to, not including, `choices`. */
export type Chooser = (choices: number) => number;

export interface MessageBusOptions {
  readonly topics: readonly string[];
  readonly subscriptions: readonly Subscription[];
  /** Handlers at work at a time in `run`; 16 unless given. */
  readonly concurrency?: number;
  /** Deliveries of one `pump` or round; 256 unless given. */
  readonly batchSize?: number;
  /** For tests: delivers some messages twice and in another order. */
  readonly disorder?: Chooser;
  /** Told of every answer that was no acknowledgement: a handler that threw, a nack, a dead letter. */
  readonly onTrouble?: (message: DeliveredMessage, reason: string) => void;
}

export type DeliverySettings = Required<Omit<HandledSubscription, 'kind'>>;

export function settingsOf(subscription: HandledSubscription): DeliverySettings {
  const { kind: _, ...given } = subscription;
  return { maxDeliveryAttempts: 5, minimumBackoffMs: 10_000, maximumBackoffMs: 600_000, ackDeadlineMs: 60_000, ...given };
}

/** The pause after the `attempt`-th delivery was not acknowledged. */
export function backoffMs(settings: DeliverySettings, attempt: number): number {
  return Math.min(settings.maximumBackoffMs, settings.minimumBackoffMs * 2 ** Math.min(attempt - 1, 40));
}

/** Throws when messages could get lost by how the subscriptions are put together. */
export function checkSubscriptions(topics: readonly string[], subscriptions: readonly Subscription[]): void {
  const names = new Set<string>();
  for (const subscription of subscriptions) {
    if (names.has(subscription.name)) throw new Error(`two subscriptions are named '${subscription.name}'; give each its own name`);
    names.add(subscription.name);
    checkTopic(topics, subscription.topic, `subscription '${subscription.name}' reads`);
    if (subscription.kind === 'kept') continue;
    const { deadLetterTopic } = subscription;
    checkTopic(topics, deadLetterTopic, `subscription '${subscription.name}' sends dead letters to`);
    if (deadLetterTopic === subscription.topic) throw new Error(`subscription '${subscription.name}' reads its own dead letters; give it another dead-letter topic`);
    if (!subscriptions.some(({ topic }) => topic === deadLetterTopic)) {
      throw new Error(`dead-letter topic '${deadLetterTopic}' has no subscription, its messages would be lost; add one of kind 'kept'`);
    }
  }
}

/** A topic or subscription that the pipeline does not have. */
class UnknownTopicError extends Error {
  readonly topic: string;
  constructor(topic: string, allowed: readonly string[], what: string) {
    super(`${what} topic '${topic}', which there is not; topics are ${[...allowed].sort().join(', ') || '(none)'}; correct the name`);
    this.name = 'UnknownTopicError';
    this.topic = topic;
  }
}

export function checkTopic(topics: readonly string[], topic: string, what: string): void {
  if (!topics.includes(topic)) throw new UnknownTopicError(topic, topics, what);
}
