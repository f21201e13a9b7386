import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Ids } from '../ports/clock.ts';
import type { DeliveredMessage, MessageBus, Verdict } from '../ports/message-bus.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { MessageTables, type Backlog, type Delivery, type NewMessage } from './sqlite-message-tables.ts';
import { backoffMs, checkSubscriptions, checkTopic, settingsOf, type Chooser, type DeliverySettings, type MessageBusOptions } from './sqlite-subscriptions.ts';

/** As in Pub/Sub: larger ones are refused when published. */
const MAX_BODY_BYTES = 10_000_000;

/** A message that was being handled so often when the process died is taken to be the reason for it. */
const MAX_INTERRUPTIONS = 20;

/** What one `pump` did. */
export interface PumpCounts {
  readonly delivered: number;
  readonly acknowledged: number;
  readonly delayed: number;
  readonly deadLettered: number;
}

interface Settlement {
  readonly delivery: Delivery;
  readonly verdict: Verdict;
}

interface Publication {
  readonly message: NewMessage;
  readonly resolve: (id: string) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * `MessageBus` on the state folder's database, delivering at least once and in no promised order to handlers of this
 * process. What was delivered and not acknowledged when the process died is delivered again at the next open. Answers
 * and new deliveries share a commit; so do messages published in the same turn.
 */
export class SqliteMessageBus implements MessageBus {
  readonly #database: SqliteDatabase;
  readonly #tables: MessageTables;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #options: MessageBusOptions;
  readonly #handled: readonly DeliverySettings[];
  readonly #subscribers = new Map<string, string[]>();
  #publications: Publication[] = [];
  #answered: Settlement[] = [];
  #wake: () => void = () => undefined;
  /** Rises with every round, so that no subscription is always served last. */
  #turn = 0;

  constructor(database: SqliteDatabase, clock: Clock, ids: Ids, options: MessageBusOptions) {
    checkSubscriptions(options.topics, options.subscriptions);
    this.#database = database;
    this.#tables = new MessageTables(database);
    this.#clock = clock;
    this.#ids = ids;
    this.#options = options;
    this.#handled = options.subscriptions.filter((subscription) => subscription.kind === 'handled').map(settingsOf);
    for (const { topic, name } of options.subscriptions) this.#subscribers.set(topic, [...this.#subscribersOf(topic), name]);
    database.write(() => {
      for (const { name, maximumBackoffMs } of this.#handled) this.#tables.recover(name, clock.now(), maximumBackoffMs);
    });
  }

  publish(topic: string, body: string, attributes: Readonly<Record<string, string>> = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      checkTopic(this.#options.topics, topic, 'a message is for');
      const bytes = Buffer.byteLength(body);
      if (bytes > MAX_BODY_BYTES) throw new RangeError(`received a message of ${bytes} bytes for '${topic}'; at most ${MAX_BODY_BYTES} are allowed; name a range of dates instead of each cell`);
      if (this.#publications.length === 0) queueMicrotask(() => this.#commitPublications());
      this.#publications.push({ message: { id: this.#ids.next('msg'), topic, body, attributes }, resolve, reject });
    });
  }

  /** Delivers what is due now, once, and waits for the answers. Messages published meanwhile are left to the next call. */
  async pump(signal?: AbortSignal): Promise<PumpCounts> {
    if (signal?.aborted) return { delivered: 0, acknowledged: 0, delayed: 0, deadLettered: 0 };
    const { claimed, counts } = this.#round(this.#options.batchSize ?? 256);
    await Promise.all(claimed.map((delivery) => this.#deliver(delivery)));
    const after = this.#round(0).counts;
    return {
      delivered: claimed.length,
      acknowledged: counts.acknowledged + after.acknowledged,
      delayed: counts.delayed + after.delayed,
      deadLettered: counts.deadLettered + after.deadLettered,
    };
  }

  /** Delivers until aborted, then waits for the handlers at work. A commit that fails ends it with that error. */
  async run(signal: AbortSignal): Promise<void> {
    const concurrency = this.#options.concurrency ?? 16;
    const atWork = new Set<Promise<void>>();
    const wakeUp = (): void => this.#wake();
    signal.addEventListener('abort', wakeUp);
    try {
      while (!signal.aborted) {
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        for (const delivery of this.#round(Math.min(this.#options.batchSize ?? 256, concurrency - atWork.size)).claimed) {
          const work = this.#deliver(delivery).finally(() => {
            atWork.delete(work);
            this.#wake();
          });
          atWork.add(work);
        }
        await this.#untilDueOr(woken, atWork.size < concurrency);
        // Handlers that end in the same turn share a commit.
        await nextTurn();
      }
    } finally {
      signal.removeEventListener('abort', wakeUp);
      await Promise.all(atWork);
      this.#round(0);
    }
  }

  /** Messages that a subscription still owes, oldest first: of a dead-letter topic, those to be looked at. */
  list(subscription: string, limit: number): readonly { readonly message: DeliveredMessage; readonly lastReason: string | null }[] {
    return this.#tables.list(subscription, limit).map(({ message, lastReason }) => ({ message, lastReason }));
  }

  /** Drops messages of a subscription by id, as a person who has dealt with them. Returns how many there were. */
  acknowledge(subscription: string, messageIds: readonly string[]): number {
    const wanted = new Set(messageIds);
    const found = this.#tables.list(subscription, -1).filter(({ message }) => wanted.has(message.messageId));
    return this.#database.write(() => found.filter((delivery) => this.#tables.done(delivery)).length);
  }

  backlog(): readonly Backlog[] {
    return this.#options.subscriptions.map(({ name }) => this.#tables.backlog(name));
  }

  /** Names of the subscriptions on a topic; null where there is no such topic. */
  subscriptionsOn(topic: string): readonly string[] | null {
    return this.#options.topics.includes(topic) ? this.#subscribersOf(topic) : null;
  }

  /** The next instant at which something is due, or null. */
  nextDue(): number | null {
    const dues = this.#handled.map(({ name }) => this.#tables.nextDue(name)).filter((due) => due !== null);
    return dues.length > 0 ? Math.min(...dues) : null;
  }

  #subscribersOf(topic: string): readonly string[] {
    return this.#subscribers.get(topic) ?? [];
  }

  #commitPublications(): void {
    const publications = this.#publications;
    this.#publications = [];
    try {
      const now = this.#clock.now();
      this.#database.write(() => {
        for (const { message } of publications) this.#tables.insert(message, this.#subscribersOf(message.topic), now);
      });
    } catch (error) {
      for (const { reject } of publications) reject(error);
      return;
    }
    for (const { message, resolve } of publications) resolve(message.id);
    this.#wake();
  }

  /** One commit: the answers that came in, and the claim of up to `limit` deliveries that are due. */
  #round(limit: number): { readonly claimed: readonly Delivery[]; readonly counts: Omit<PumpCounts, 'delivered'> } {
    const now = this.#clock.now();
    const counts = { acknowledged: 0, delayed: 0, deadLettered: 0 };
    const answered = this.#answered;
    const due: { readonly settings: DeliverySettings; readonly delivery: Delivery }[] = [];
    this.#turn += 1;
    for (let place = 0; place < this.#handled.length && due.length < limit; place += 1) {
      const settings = this.#handled[(this.#turn + place) % this.#handled.length];
      if (!settings) break;
      const answeredAlready = new Set(answered.filter(({ delivery }) => delivery.message.subscription === settings.name).map(({ delivery }) => delivery.seq));
      const found = this.#tables.due(settings.name, now, limit - due.length).filter(({ seq }) => !answeredAlready.has(seq));
      due.push(...found.map((delivery) => ({ settings, delivery })));
    }
    if (answered.length === 0 && due.length === 0) return { claimed: [], counts };
    const claimed: Delivery[] = [];
    this.#database.write(() => {
      for (const settlement of answered) counts[this.#settle(settlement, now)] += 1;
      for (const { settings, delivery } of due) {
        const hopeless = whyHopeless(delivery, settings);
        if (hopeless === null) claimed.push(this.#tables.claim(delivery, now + settings.ackDeadlineMs));
        else counts[this.#deadLetter(delivery, settings, hopeless, now)] += 1;
      }
    });
    this.#answered = this.#answered.slice(answered.length);
    return { claimed: this.#options.disorder ? disordered(claimed, this.#options.disorder) : claimed, counts };
  }

  /** Inside a write. */
  #settle({ delivery, verdict }: Settlement, now: number): keyof Omit<PumpCounts, 'delivered'> {
    const settings = this.#settingsOf(delivery);
    if (verdict.kind === 'ack') {
      this.#tables.done(delivery);
      return 'acknowledged';
    }
    if (verdict.kind === 'dead_letter') return this.#deadLetter(delivery, settings, verdict.reason, now);
    const attempts = delivery.message.deliveryAttempt - delivery.interrupted;
    if (attempts >= settings.maxDeliveryAttempts) {
      return this.#deadLetter(delivery, settings, `delivered ${attempts} times; the last time: ${verdict.reason}`, now);
    }
    this.#tables.delay(delivery, now + backoffMs(settings, attempts), verdict.reason);
    return 'delayed';
  }

  /** Inside a write: the message moves to the dead-letter topic, with the reason and where it comes from. */
  #deadLetter(delivery: Delivery, settings: DeliverySettings, reason: string, now: number): 'deadLettered' {
    const { message } = delivery;
    if (!this.#tables.done(delivery)) return 'deadLettered';
    const attributes = {
      ...message.attributes,
      dead_letter_reason: reason,
      dead_letter_source_topic: message.topic,
      dead_letter_source_subscription: message.subscription,
      dead_letter_source_message_id: message.messageId,
      dead_letter_delivery_count: String(message.deliveryAttempt),
    };
    const id = this.#ids.next('msg');
    this.#tables.insert({ id, topic: settings.deadLetterTopic, body: message.body, attributes }, this.#subscribersOf(settings.deadLetterTopic), now);
    return 'deadLettered';
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { message } = delivery;
    let verdict: Verdict;
    try {
      verdict = await this.#settingsOf(delivery).handler(message);
    } catch (error) {
      verdict = { kind: 'nack', reason: `the handler threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}` };
    }
    this.#answered.push({ delivery, verdict });
    if (verdict.kind !== 'ack') this.#options.onTrouble?.(message, verdict.reason);
  }

  #settingsOf({ message }: Delivery): DeliverySettings {
    const settings = this.#handled.find(({ name }) => name === message.subscription);
    if (!settings) throw new Error(`a delivery for subscription '${message.subscription}', which there is not`);
    return settings;
  }

  async #untilDueOr(woken: Promise<void>, hasRoom: boolean): Promise<void> {
    const due = hasRoom ? this.nextDue() : null;
    if (due === null) return woken;
    const awake = new AbortController();
    try {
      await Promise.race([woken, this.#clock.sleep(due - this.#clock.now(), awake.signal)]);
    } finally {
      awake.abort();
    }
  }
}

/** Why a message is not delivered once more, or null. What a dead process left does not count as a failed delivery. */
function whyHopeless({ message, interrupted, lastReason }: Delivery, settings: DeliverySettings): string | null {
  if (interrupted >= MAX_INTERRUPTIONS) return `the process died ${interrupted} times while this was being handled`;
  const attempts = message.deliveryAttempt - interrupted;
  if (attempts < settings.maxDeliveryAttempts) return null;
  return `delivered ${attempts} times, the last without an answer${lastReason === null ? '' : `; before that: ${lastReason}`}`;
}

/** Some messages twice, all in another order. */
function disordered(deliveries: readonly Delivery[], choose: Chooser): readonly Delivery[] {
  const result = deliveries.flatMap((delivery) => (choose(4) === 0 ? [delivery, delivery] : [delivery]));
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = choose(last + 1);
    const [a, b] = [result[last], result[other]];
    if (a && b) [result[last], result[other]] = [b, a];
  }
  return result;
}
