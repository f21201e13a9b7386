import type { IncomingMessage, ServerResponse } from 'node:http';
import { classify, type Failure } from '../../shared/failures/classify.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { deadLetterOf } from '../../shared/google/pubsub-dead-letter.ts';
import type { DeliveredMessage, MessageBus, Verdict } from '../../shared/ports/message-bus.ts';
import { currentFields, withFields } from '../log/context.ts';
import type { LogFields } from '../log/fields.ts';
import type { Logger } from '../log/logger.ts';
import { traceOfHeaders } from '../log/trace.ts';
import { startDeadline, type Deadline, type DeadlineSettings } from './deadline.ts';
import { fieldsOfMessage } from './message-fields.ts';
import { place, receive, type Subscriptions } from './received.ts';

/** What the shell needs of an opened runtime. */
export interface ServedRuntime {
  readonly bus: MessageBus;
  readonly deadLetterTopic: string;
  /** Epoch milliseconds on the pipeline's clock. */
  readonly now: () => number;
  /** Sends what was committed and not yet sent, before the answer: an instance that has answered gets no processor time (P11). */
  readonly settle: (deadline: Deadline) => Promise<void>;
}

export interface ServedFunction<R extends ServedRuntime> {
  readonly subscriptions: (runtime: R) => Subscriptions;
  readonly handle: (runtime: R, deadline: Deadline, message: DeliveredMessage) => Promise<Verdict>;
}

export interface Shell<R extends ServedRuntime> extends ServedFunction<R> {
  /** Opens the clients and reads the definition; called at the first message, and again only if it failed. */
  readonly open: () => Promise<R>;
  readonly log: Logger;
  readonly deadline: DeadlineSettings;
}

/** A request as functions-framework hands it over; the bytes are those that came. */
export interface FrameworkRequest extends IncomingMessage {
  readonly rawBody?: Uint8Array;
}

export type HttpFunction = (request: FrameworkRequest, response: ServerResponse) => Promise<void>;

/** Every answer that is not 2xx is a nack to Pub/Sub: https://cloud.google.com/pubsub/docs/push#receive_push */
const ACK = 204;
const NACK = 503;

/**
 * The HTTP function of a Pub/Sub-triggered handler. Never rejects: an error that got out would be answered with 500 to
 * whichever request came last, and end the instance with all that it works on (P9).
 */
export function pushFunction<R extends ServedRuntime>(shell: Shell<R>): HttpFunction {
  const opened = openedOnce(shell);
  return async (request, response) => {
    const trace = traceOfHeaders((name) => [request.headers[name]].flat()[0]);
    await withFields({ trace }, async () => {
      const answer = await answered(shell, opened, request);
      response.statusCode = answer.status;
      if (answer.status === 405) response.setHeader('allow', 'POST');
      if (answer.text === undefined) {
        response.end();
        return;
      }
      response.setHeader('content-type', 'text/plain; charset=utf-8');
      response.end(`${answer.text}\n`);
    });
  };
}

interface Answer {
  readonly status: number;
  readonly text?: string;
}

/** A runtime is opened by the first message that needs it; all that come meanwhile wait for the same one. */
function openedOnce<R extends ServedRuntime>({ open, log }: Shell<R>): () => Promise<R> {
  let opening: Promise<R> | null = null;
  return () => {
    opening ??= timed(open, log).catch((thrown: unknown) => {
      opening = null;
      throw thrown;
    });
    return opening;
  };
}

async function timed<R>(open: () => Promise<R>, log: Logger): Promise<R> {
  const started = performance.now();
  const runtime = await open();
  const milliseconds = Math.round(performance.now() - started);
  log.log('runtime_opened', `ready after ${milliseconds} ms`, { milliseconds });
  return runtime;
}

async function answered<R extends ServedRuntime>(shell: Shell<R>, opened: () => Promise<R>, request: FrameworkRequest): Promise<Answer> {
  const { log } = shell;
  const received = receive({ method: request.method ?? '', contentType: request.headers['content-type'] ?? null, body: request.rawBody ?? null });
  if (received.kind === 'not_pubsub') {
    log.log('not_pubsub', received.reason, { status: received.status });
    return { status: received.status, text: received.reason };
  }
  let runtime: R;
  try {
    runtime = await opened();
  } catch (thrown) {
    log.log('runtime_unavailable', classify(thrown).message, failureFields(thrown));
    return { status: NACK };
  }
  const placed = place(received.message, shell.subscriptions(runtime));
  if (placed.kind === 'unknown_subscription') {
    // Not acknowledged: its subscription keeps the message until the mistake is corrected. And not dead-lettered: the
    // subscription of the dead-letter topic itself, pushed here by mistake, would go round for ever.
    log.log('unknown_subscription', placed.reason, { subscription: placed.subscription });
    return { status: 400, text: placed.reason };
  }
  const fields = { ...currentFields(), ...fieldsOfMessage(placed.message) };
  return withFields(fields, () => settled(shell, runtime, placed.message, received.kind === 'unreadable' ? received.reason : null));
}

async function settled<R extends ServedRuntime>(shell: Shell<R>, runtime: R, message: DeliveredMessage, unreadable: string | null): Promise<Answer> {
  const { log } = shell;
  log.log('message_received', `${message.messageId} of ${message.subscription}, delivery ${message.deliveryAttempt}`);
  const deadline = startDeadline(shell.deadline, runtime.now());
  try {
    const { verdict, unreachable }: Judged = unreadable === null ? await judged(shell, runtime, deadline, message) : { verdict: { kind: 'dead_letter', reason: unreadable } };
    // What kept the message from being judged would keep the outbox from being read, and take as long again.
    if (!unreachable) await settleOutbox(shell, runtime, deadline);
    return await concluded(shell, runtime, message, verdict);
  } finally {
    deadline.end();
  }
}

interface Judged {
  readonly verdict: Verdict;
  /** A service that the handler needs does not answer. */
  readonly unreachable?: boolean;
}

/** What cannot become right is dead-lettered; for anything else that was thrown, the message comes again. */
async function judged<R extends ServedRuntime>({ handle, log }: Shell<R>, runtime: R, deadline: Deadline, message: DeliveredMessage): Promise<Judged> {
  try {
    return { verdict: await handle(runtime, deadline, message) };
  } catch (thrown) {
    const failure = classify(thrown);
    if (thrown instanceof InputError) return { verdict: { kind: 'dead_letter', reason: failure.message } };
    if (isFault(failure)) log.log('function_fault', failure.message, failureFields(thrown));
    return { verdict: { kind: 'nack', reason: `${failure.category}: ${failure.message}` }, unreachable: failure.category === 'infrastructure' };
  }
}

/** What is left in the outbox is durable and sent by whoever comes next: it is no reason to have the message again. */
async function settleOutbox<R extends ServedRuntime>({ log }: Shell<R>, runtime: R, deadline: Deadline): Promise<void> {
  try {
    await runtime.settle(deadline);
  } catch (thrown) {
    log.log('outbox_left', classify(thrown).message, failureFields(thrown));
  }
}

async function concluded<R extends ServedRuntime>({ log }: Shell<R>, runtime: R, message: DeliveredMessage, verdict: Verdict): Promise<Answer> {
  switch (verdict.kind) {
    case 'ack':
      log.log('message_acknowledged', `${message.messageId} is durable in state`);
      return { status: ACK };
    case 'nack':
      log.log('message_nacked', verdict.reason);
      return { status: NACK };
    case 'dead_letter': {
      const { body, attributes } = deadLetterOf(message, verdict.reason);
      try {
        await runtime.bus.publish(runtime.deadLetterTopic, body, attributes);
      } catch (thrown) {
        log.log('dead_letter_unpublished', `${classify(thrown).message}; the reason was: ${verdict.reason}`, failureFields(thrown));
        return { status: NACK };
      }
      log.log('message_dead_lettered', verdict.reason, { outcome: 'dead_letter' });
      return { status: ACK };
    }
  }
}

/** What gets out of a handler and nobody named is an error of this program itself. */
function isFault({ category, rule }: Failure): boolean {
  return category === 'processing' && !rule.startsWith('own:');
}

/** `stack_trace` is the field that Error Reporting reads: https://cloud.google.com/error-reporting/docs/formatting-error-messages */
function failureFields(thrown: unknown): LogFields {
  const failure = classify(thrown);
  const { category, type, rule } = failure;
  return { category, error_type: type, rule, ...(isFault(failure) && thrown instanceof Error ? { stack_trace: thrown.stack } : {}) };
}
