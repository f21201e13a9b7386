import type { Alert } from '../alerts/alert.ts';
import { NeverRetryError, RetryLaterError } from '../failures/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Notifier } from '../ports/notifier.ts';

/** One way to a person. */
export interface Channel {
  readonly name: string;
  /** Rejects where it was not delivered: with a NeverRetryError where another try would end the same way. The signal aborts when it takes too long. */
  deliver(alert: Alert, signal: AbortSignal): Promise<void>;
}

/** The other side says when it wants the next try. */
export class TryAfterError extends RetryLaterError {
  readonly afterMs: number;
  constructor(message: string, afterMs: number) {
    super(message);
    this.afterMs = afterMs;
  }
}

export interface ChannelsOptions {
  /** Where every alert goes at once: the log, the terminal. */
  readonly tell: (alert: Alert) => void | Promise<void>;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  /** Told of an alert that a channel was not able to deliver, and why. */
  readonly onUndelivered: (channel: string, alert: Alert, reason: string) => void;
  readonly timeoutMs?: number;
}

const ATTEMPTS = 3;
const TIMEOUT_MS = 10_000;
/** Before the second attempt; doubled before the third. */
const FIRST_PAUSE_MS = 1000;
/** However long the other side asks to be left alone. */
const LONGEST_PAUSE_MS = 60_000;
/** Alerts that wait for one channel: while it hangs, later ones are given up instead of piling up. */
const MOST_WAITING = 50;

/**
 * Hands every alert to every channel, beside the work: each channel has a queue of its own, so that one that hangs holds up
 * neither the work nor the others. Tries are few and bounded in time.
 */
export class Channels implements Notifier {
  readonly #options: ChannelsOptions;
  readonly #queues: ReadonlyMap<Channel, { waiting: number; last: Promise<void> }>;
  readonly #closed = new AbortController();

  constructor(options: ChannelsOptions) {
    this.#options = options;
    this.#queues = new Map(options.channels.map((channel) => [channel, { waiting: 0, last: Promise.resolve() }]));
  }

  async notify(alert: Alert): Promise<void> {
    for (const [channel, queue] of this.#queues) {
      if (queue.waiting >= MOST_WAITING) {
        this.#giveUp(channel, alert, `${MOST_WAITING} alerts wait for it already`);
        continue;
      }
      queue.waiting += 1;
      queue.last = queue.last.then(() => this.#send(channel, alert)).finally(() => { queue.waiting -= 1; });
    }
    try {
      await this.#options.tell(alert);
    } catch {
      // A log that can't be written to has nowhere to say so.
    }
  }

  async flush(withinMs: number): Promise<void> {
    const ended = new AbortController();
    const all = Promise.all([...this.#queues.values()].map(({ last }) => last));
    await Promise.race([all, this.#options.clock.sleep(withinMs, ended.signal)]);
    ended.abort();
  }

  /** What is not delivered by then is given up. */
  async close(withinMs: number): Promise<void> {
    await this.flush(withinMs);
    this.#closed.abort();
    await Promise.all([...this.#queues.values()].map(({ last }) => last));
  }

  async #send(channel: Channel, alert: Alert): Promise<void> {
    const { clock } = this.#options;
    const closed = this.#closed.signal;
    for (let attempt = 1; ; attempt += 1) {
      if (closed.aborted) return this.#giveUp(channel, alert, 'this process ends');
      const failure = await this.#attempt(channel, alert);
      if (failure === null) return;
      if (attempt === ATTEMPTS || failure instanceof NeverRetryError) return this.#giveUp(channel, alert, failure.message);
      const pause = failure instanceof TryAfterError ? failure.afterMs : FIRST_PAUSE_MS * 2 ** (attempt - 1);
      await clock.sleep(Math.min(pause, LONGEST_PAUSE_MS), closed);
    }
  }

  async #attempt(channel: Channel, alert: Alert): Promise<Error | null> {
    const { clock, timeoutMs = TIMEOUT_MS } = this.#options;
    const over = new AbortController();
    const ended = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#closed.signal]);
    // Whatever a channel makes of its signal, it is not waited for any longer.
    const late = clock.sleep(timeoutMs, AbortSignal.any([ended.signal, this.#closed.signal])).then(() => new Error(`no answer within ${timeoutMs} ms`));
    const delivered = (async () => channel.deliver(alert, signal))().then(() => null, (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))));
    const outcome = await Promise.race([delivered, late]);
    ended.abort();
    over.abort();
    return outcome;
  }

  #giveUp(channel: Channel, alert: Alert, reason: string): void {
    try {
      this.#options.onUndelivered(channel.name, alert, reason);
    } catch {
      // As above.
    }
  }
}
