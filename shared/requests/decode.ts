import { Buffer } from 'node:buffer';
import { z } from 'zod';
import type { BackfillRequest, PhaseComplete, TargetAnswer } from './messages.ts';
import { backfillRequestSchema, phaseCompleteSchema, targetAnswerSchema } from './messages.ts';

/** A value, or why there is none, in words for a person: what was received, what is allowed, what to do. */
export type Decoded<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'refused'; readonly reason: string };

export const MAX_MESSAGE_BYTES = 1024 * 1024;
export const MAX_DEPTH = 32;
/** An event wraps its message in base64, with attributes. */
const MAX_EVENT_BYTES = 2 * MAX_MESSAGE_BYTES;

function ok<T>(value: T): Decoded<T> {
  return { kind: 'ok', value };
}
function refused(reason: string): Decoded<never> {
  return { kind: 'refused', reason };
}

/** The JSON value of a message's body. Never throws: too big, not UTF-8, not JSON, too deep and `__proto__` are refused. */
export function parseMessage(body: string | Uint8Array, maxBytes: number = MAX_MESSAGE_BYTES): Decoded<unknown> {
  const size = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  if (size > maxBytes) return refused(`received ${size} bytes; a message may have ${maxBytes}; send fewer fields`);
  const text = typeof body === 'string' ? body : utf8(body);
  if (text === null) return refused('received bytes that are not UTF-8; send JSON text in UTF-8');
  if (text.trim() === '') return refused('received an empty message; send a JSON object as its body');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused(`received ${excerpt(text)}, which is not JSON (${error instanceof Error ? error.message : 'unreadable'}); send a JSON object`);
  }
  return harmless(value);
}

/** Refuses what could do harm further in. Its own stack, since the value's depth is what it measures. */
function harmless(value: unknown): Decoded<unknown> {
  const seen = new Set<object>();
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: at, depth } = next;
    if (typeof at !== 'object' || at === null || seen.has(at)) continue;
    seen.add(at);
    if (depth >= MAX_DEPTH) return refused(`received a message nested more than ${MAX_DEPTH} levels deep; messages are flat: send the documented fields only`);
    if (Object.hasOwn(at, '__proto__')) return refused("received a field named '__proto__', which no message has; leave it out");
    for (const item of Object.values(at)) open.push({ value: item, depth: depth + 1 });
  }
  return ok(value);
}

/** A Pub/Sub message, whichever way it came. */
export interface DecodedEvent {
  /** Kept by a redelivery. Null only for the old flat shape without its context. */
  readonly messageId: string | null;
  /** The published text, not yet parsed; empty for a message of attributes only. */
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** 1 where the subscription doesn't count (without a dead-letter policy it doesn't). */
  readonly deliveryAttempt: number;
  readonly subscription: string | null;
  readonly publishTime: string | null;
}

const attributesSchema = z.record(z.string(), z.string()).nullish().transform((value) => value ?? {});
const messageShape = z.looseObject({
  data: z.string().nullish(),
  attributes: attributesSchema,
  messageId: z.string().nullish(),
  message_id: z.string().nullish(),
  publishTime: z.string().nullish(),
  publish_time: z.string().nullish(),
});
const pushShape = z.looseObject({ message: messageShape, subscription: z.string().nullish(), deliveryAttempt: z.number().int().nonnegative().nullish() });
const cloudEventShape = z.looseObject({ id: z.string().nullish(), time: z.string().nullish(), data: pushShape });
const contextShape = z.looseObject({ eventId: z.string().nullish(), timestamp: z.string().nullish() });

const SHAPES = 'send a Pub/Sub push body ({"message": {"data": base64, …}, "subscription": …}), a CloudEvent around it, or the old {"data": base64, "attributes": …}';

/**
 * The one decoder (P10) of the shapes in which a Pub/Sub event arrives: a CloudEvent whose data is the push body, the raw
 * push body, the old flat `{data, attributes}` with its context beside or around it; each also with attributes only.
 * `received` is the body, as bytes, text or already parsed. Never throws.
 */
export function decodeEvent(received: unknown, context?: unknown): Decoded<DecodedEvent> {
  const parsed = typeof received === 'string' || received instanceof Uint8Array ? parseMessage(received, MAX_EVENT_BYTES) : harmless(received);
  if (parsed.kind === 'refused') return parsed;
  const body = parsed.value;
  if (!isObject(body)) return refused(`received ${excerpt(body)}, which is no Pub/Sub event; ${SHAPES}`);
  const inner = Object.hasOwn(body, 'data') ? Reflect.get(body, 'data') : undefined;

  if (isObject(inner) && Object.hasOwn(inner, 'message')) {
    const event = cloudEventShape.safeParse(body);
    if (!event.success) return refused(`received a CloudEvent that is not right: ${explain(event.error, body)}; ${SHAPES}`);
    return fromPush(event.data.data, event.data.id ?? null, event.data.time ?? null);
  }
  if (Object.hasOwn(body, 'message')) {
    const push = pushShape.safeParse(body);
    if (!push.success) return refused(`received a push body that is not right: ${explain(push.error, body)}; ${SHAPES}`);
    return fromPush(push.data, null, null);
  }
  if (isObject(inner) && Object.hasOwn(body, 'context')) return fromFlat(inner, Reflect.get(body, 'context'));
  if (typeof inner === 'string' || Object.hasOwn(body, 'attributes')) return fromFlat(body, context);
  return refused(`received ${excerpt(body)}, which is no Pub/Sub event; ${SHAPES}`);
}

function fromPush(push: z.infer<typeof pushShape>, eventId: string | null, eventTime: string | null): Decoded<DecodedEvent> {
  const { message } = push;
  const data = fromBase64(message.data ?? '');
  if (data.kind === 'refused') return data;
  return ok({
    messageId: message.messageId ?? message.message_id ?? eventId,
    data: data.value,
    attributes: message.attributes,
    deliveryAttempt: push.deliveryAttempt || 1,
    subscription: push.subscription ?? null,
    publishTime: message.publishTime ?? message.publish_time ?? eventTime,
  });
}

function fromFlat(event: object, context: unknown): Decoded<DecodedEvent> {
  const message = messageShape.safeParse(event);
  if (!message.success) return refused(`received an event that is not right: ${explain(message.error, event)}; ${SHAPES}`);
  const around = contextShape.safeParse(context ?? {});
  const { eventId, timestamp } = around.success ? around.data : {};
  return fromPush({ message: message.data }, eventId ?? null, timestamp ?? null);
}

function fromBase64(data: string): Decoded<string> {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(data) || data.replaceAll('=', '').length % 4 === 1) return refused(`received data ${excerpt(data)}, which is not base64; Pub/Sub encodes a message's body: publish the JSON itself, or encode it`);
  const bytes = Buffer.from(data, 'base64');
  if (bytes.byteLength > MAX_MESSAGE_BYTES) return refused(`received ${bytes.byteLength} bytes; a message may have ${MAX_MESSAGE_BYTES}; send fewer fields`);
  const text = utf8(bytes);
  return text === null ? refused('received bytes that are not UTF-8; send JSON text in UTF-8') : ok(text);
}

/** A backfill request from a message's body. */
export function parseBackfillRequest(body: string | Uint8Array): Decoded<BackfillRequest> {
  return parseAs(body, backfillRequestSchema, 'a backfill request');
}

/** A target's answer from its HTTP body or its output. */
export function parseTargetAnswer(body: string | Uint8Array): Decoded<TargetAnswer> {
  return parseAs(body, targetAnswerSchema, "a target's answer");
}

/** A phase-complete message from a value that is parsed already. */
export function asPhaseComplete(value: unknown): Decoded<PhaseComplete> {
  return checkedAs(value, phaseCompleteSchema, 'a phase-complete message');
}

function parseAs<S extends z.ZodType>(body: string | Uint8Array, schema: S, what: string): Decoded<z.infer<S>> {
  const parsed = parseMessage(body);
  return parsed.kind === 'refused' ? parsed : checkedAs(parsed.value, schema, what);
}

function checkedAs<S extends z.ZodType>(value: unknown, schema: S, what: string): Decoded<z.infer<S>> {
  if (!isObject(value)) return refused(`received ${excerpt(value)}; ${what} is a JSON object; see docs/messages.md`);
  const result = schema.safeParse(value);
  if (result.success) return ok(result.data);
  return refused(`received ${what} that is not right: ${explain(result.error, value)}; see docs/messages.md`);
}

/** All that is wrong at once, each with its field and what stood there. */
function explain(error: z.ZodError, received: unknown): string {
  return error.issues.map((issue) => {
    const field = issue.path.join('.');
    const given = issue.path.reduce<unknown>((at, key) => (isObject(at) && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined), received);
    return `${field}: ${given === undefined ? '' : `${excerpt(given)}: `}${given === undefined && issue.code !== 'custom' ? 'missing' : issue.message}`;
  }).join('; ');
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** A received value, short enough to stand in a sentence. */
export function excerpt(value: unknown): string {
  let text: string;
  try {
    text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? typeof value);
  } catch {
    text = typeof value;
  }
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
