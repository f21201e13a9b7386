import type { PubSub, Topic } from '@google-cloud/pubsub';
import { InputError, NeverRetryError, RetrySoonError } from '../failures/errors.ts';
import type { MessageBus } from '../ports/message-bus.ts';
import { checkAttributes } from './pubsub-attributes.ts';

/** Pub/Sub's limit of a message's data: https://cloud.google.com/pubsub/quotas#resource_limits */
const MAX_BODY_BYTES = 10_000_000;

/**
 * Messages of the same few milliseconds share a request, and no message waits longer for others (P11): what is not sent
 * when a function answers may never be, since the instance gets no more processor time.
 */
const BATCHING = { maxMessages: 100, maxMilliseconds: 2 } as const;

/**
 * How a publish is repeated while Pub/Sub is not reached. The client's own pauses grow four-fold up to 60 s and are begun
 * just before the time is over, so that 60 s may become 95: a function has to have answered by then.
 */
const PAUSES = { initialRetryDelayMillis: 100, retryDelayMultiplier: 2, maxRetryDelayMillis: 2_000, initialRpcTimeoutMillis: 10_000, rpcTimeoutMultiplier: 1, maxRpcTimeoutMillis: 10_000 } as const;
const TIMEOUT_MS = 30_000;

/** gRPC codes: https://cloud.google.com/pubsub/docs/reference/error-codes */
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;

export interface PubSubMessageBusOptions {
  /** The topics that may be published to, without the project: a misspelled name is told from a missing topic. */
  readonly topics: readonly string[];
  /** How long a publish is repeated while Pub/Sub is not reached; 30 s unless given. */
  readonly timeoutMs?: number;
}

/**
 * `MessageBus` on Pub/Sub. A publish is durable when its promise resolves. No ordering keys: one failed publish would
 * refuse all later ones of its key until somebody resumes it, and order is kept by state anyhow (P12).
 */
export class PubSubMessageBus implements MessageBus {
  readonly #client: PubSub;
  readonly #options: PubSubMessageBusOptions;
  readonly #topics = new Map<string, Topic>();

  constructor(client: PubSub, options: PubSubMessageBusOptions) {
    this.#client = client;
    this.#options = options;
  }

  async publish(topic: string, body: string, attributes: Readonly<Record<string, string>> = {}): Promise<string> {
    const known = this.#options.topics;
    if (!known.includes(topic)) throw new NeverRetryError(`a message is for topic '${topic}', which this pipeline does not have; topics are ${[...known].sort().join(', ') || '(none)'}; correct the name`);
    const data = Buffer.from(body);
    if (data.byteLength > MAX_BODY_BYTES) throw new InputError(`received a message of ${data.byteLength} bytes for '${topic}'; at most ${MAX_BODY_BYTES} are allowed; name a range of dates instead of each cell`);
    // Pub/Sub takes no message without data and without attributes: https://cloud.google.com/pubsub/docs/publisher
    if (data.byteLength === 0 && Object.keys(attributes).length === 0) throw new InputError(`received an empty message for '${topic}'; send a JSON object as its body`);
    checkAttributes(topic, attributes);
    try {
      return await this.#topic(topic).publishMessage({ data, attributes: { ...attributes } });
    } catch (thrown) {
      throw understood(thrown, topic, this.#client.projectId);
    }
  }

  #topic(name: string): Topic {
    const found = this.#topics.get(name);
    if (found) return found;
    const topic = this.#client.topic(name, { batching: BATCHING, messageOrdering: false, gaxOpts: { retry: { backoffSettings: { ...PAUSES, totalTimeoutMillis: this.#options.timeoutMs ?? TIMEOUT_MS } } } });
    this.#topics.set(name, topic);
    return topic;
  }
}

/** What no repetition mends is said in words; the rest goes on as it came, with its code, for `classify`. */
function understood(thrown: unknown, topic: string, project: string): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const code: unknown = Reflect.get(thrown, 'code');
  if (code === NOT_FOUND) return new NeverRetryError(`topic '${topic}' does not exist in project '${project}'; make it (terraform apply, or npm run cloud:local), then retry what was to be published`, { category: 'infrastructure', cause: thrown });
  if (code === INVALID_ARGUMENT) return new NeverRetryError(`Pub/Sub refused a message for topic '${topic}': ${thrown.message}`, { cause: thrown });
  if (code === DEADLINE_EXCEEDED) return new RetrySoonError(`Pub/Sub did not take a message for topic '${topic}' in time: ${thrown.message.slice(0, 300)}`, { cause: thrown });
  return thrown;
}
