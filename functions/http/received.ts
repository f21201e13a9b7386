import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { DeliveredMessage } from '../../shared/ports/message-bus.ts';
import { decodeEvent, type DecodedEvent } from '../../shared/requests/decode.ts';

/** An HTTP request, as far as it is looked at. Nothing is trusted for what a header says: who may call is IAM's to say. */
export interface HttpReceived {
  readonly method: string;
  readonly contentType: string | null;
  /** The bytes as they came; null where there were none. */
  readonly body: Uint8Array | null;
}

/** The push subscriptions of one function, by their names without the project, each with its topic. */
export type Subscriptions = ReadonlyMap<string, string>;

/** A message as it came; its subscription as the push named it, with the project, or null where it named none. */
export type ReceivedMessage = Omit<DeliveredMessage, 'subscription' | 'topic'> & { readonly subscription: string | null };

export type Received =
  | { readonly kind: 'message'; readonly message: ReceivedMessage }
  /** Pub/Sub delivered it, and it can never be read: its body is what can be shown of it. */
  | { readonly kind: 'unreadable'; readonly message: ReceivedMessage; readonly reason: string }
  /** Nothing that Pub/Sub could have sent. */
  | { readonly kind: 'not_pubsub'; readonly status: 400 | 405 | 413 | 415; readonly reason: string };

export type Placed =
  | { readonly kind: 'placed'; readonly message: DeliveredMessage }
  | { readonly kind: 'unknown_subscription'; readonly subscription: string; readonly reason: string };

/**
 * The largest push: a message of 10 MB in base64, and its envelope with 100 attributes. Cloud Run takes 32 MiB.
 * https://cloud.google.com/pubsub/quotas#resource_limits
 */
const MAX_PUSH_BYTES = 14_000_000;
/** What is kept of a body that can't be read: enough to see what it was meant to be. */
const MAX_KEPT_CHARACTERS = 16_000;

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/;

/** Just enough of a push's envelope to say that it is one, whatever is wrong with what it carries. */
const envelopeSchema = z.object({ message: z.looseObject({ data: z.unknown(), messageId: z.string().min(1).nullish(), message_id: z.string().min(1).nullish() }), subscription: z.string().min(1) });
const wrappedSchema = z.object({ data: envelopeSchema });

/**
 * What a request to a Pub/Sub-triggered function is. Reads the bytes itself, since the framework's conversion of a raw push
 * drops the subscription and the delivery attempt, and refuses a message of attributes only (P10). Never throws.
 */
export function receive(request: HttpReceived): Received {
  if (request.method !== 'POST') return notPubSub(405, `received ${request.method}; Pub/Sub sends POST`);
  const type = (request.contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!JSON_TYPE.test(type)) return notPubSub(415, `received content type '${type.slice(0, 100)}'; Pub/Sub sends application/json: push with its envelope, not unwrapped`);
  const { body } = request;
  if (body === null || body.byteLength === 0) return notPubSub(400, 'received an empty body; Pub/Sub sends a JSON object');
  if (body.byteLength > MAX_PUSH_BYTES) return notPubSub(413, `received ${body.byteLength} bytes; a push of Pub/Sub has at most ${MAX_PUSH_BYTES}`);
  const decoded = decodeEvent(body);
  if (decoded.kind === 'refused') return unreadable(body, decoded.reason);
  const { messageId, data, attributes, deliveryAttempt, subscription } = decoded.value;
  return { kind: 'message', message: { messageId: messageId ?? idOf(decoded.value), body: data, attributes, deliveryAttempt, subscription } };
}

/** Which of the function's subscriptions a message came by. The old flat shape names none: then it is the first. */
export function place(message: ReceivedMessage, subscriptions: Subscriptions): Placed {
  const [[first] = ['']] = subscriptions;
  const name = message.subscription === null ? first : message.subscription.slice(message.subscription.lastIndexOf('/') + 1);
  const topic = subscriptions.get(name);
  if (topic !== undefined) return { kind: 'placed', message: { ...message, subscription: name, topic } };
  const received = name.slice(0, 300);
  return {
    kind: 'unknown_subscription', subscription: received,
    reason: `received a push of subscription '${received}'; this function serves ${[...subscriptions.keys()].join(', ')}; correct its push endpoint, or name it in pipeline.yaml`,
  };
}

function notPubSub(status: 400 | 405 | 413 | 415, reason: string): Received {
  return { kind: 'not_pubsub', status, reason };
}

/** A push whose envelope can be seen is Pub/Sub's, and would come back for ever: it is kept for a person instead. */
function unreadable(body: Uint8Array, reason: string): Received {
  const value = parsed(body);
  const wrapped = wrappedSchema.safeParse(value);
  const found = wrapped.success ? { success: true, data: wrapped.data.data } as const : envelopeSchema.safeParse(value);
  if (!found.success) return notPubSub(400, reason);
  const { message, subscription } = found.data;
  const data = typeof message.data === 'string' ? message.data : (JSON.stringify(message.data) ?? '');
  const kept = data.slice(0, MAX_KEPT_CHARACTERS);
  const cut = data.length > kept.length ? `; kept: the first ${kept.length} of ${data.length} characters as they came` : '';
  return {
    kind: 'unreadable', reason: `${reason}${cut}`,
    message: { messageId: message.messageId ?? message.message_id ?? idOf({ data }), body: kept, attributes: {}, deliveryAttempt: 1, subscription },
  };
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8').decode(body));
  } catch {
    return null;
  }
}

/** An id that a redelivery has again, for a message that came without one. */
function idOf(event: Partial<DecodedEvent>): string {
  return `sha-${createHash('sha256').update(JSON.stringify([event.data, event.attributes, event.publishTime])).digest('hex').slice(0, 32)}`;
}
