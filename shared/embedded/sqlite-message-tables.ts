import { z } from 'zod';
import type { DeliveredMessage } from '../ports/message-bus.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { recordOf, rowOf } from './sqlite-record-rows.ts';

/** One delivery that is due or at work: a message for one subscription. */
export interface Delivery {
  readonly seq: number;
  readonly message: DeliveredMessage;
  /** How many of its deliveries ended because the process died. */
  readonly interrupted: number;
  /** Why the delivery before was not acknowledged. */
  readonly lastReason: string | null;
}

export interface NewMessage {
  readonly id: string;
  readonly topic: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Backlog {
  readonly subscription: string;
  readonly messages: number;
  readonly oldestPublishedAt: number | null;
}

const deliveryRow = z.object({
  seq: z.number(), id: z.string(), topic: z.string(), body: z.string(), attributes: z.string(), attempt: z.number(), interrupted: z.number(),
  last_reason: z.string().nullable(),
});
const attributesSchema = z.record(z.string(), z.string());
const backlogRow = z.object({ messages: z.number(), oldest: z.number().nullable() });
const dueRow = z.object({ due: z.number().nullable() });

const DELIVERY = 'd.seq, m.id, m.topic, m.body, m.attributes, d.attempt, d.interrupted, d.last_reason FROM deliveries d JOIN messages m ON m.seq = d.seq';

/** The bus's two tables: a message once, and for each subscription the delivery that is still owed. */
export class MessageTables {
  readonly #database: SqliteDatabase;
  readonly #sql;

  constructor(database: SqliteDatabase) {
    const prepare = (sql: string) => database.prepare(sql);
    this.#database = database;
    this.#sql = {
      message: prepare('INSERT INTO messages (id, topic, body, attributes, published_at) VALUES (?, ?, ?, ?, ?)'),
      delivery: prepare('INSERT INTO deliveries (seq, subscription, attempt, due_at, in_flight, interrupted, last_reason) VALUES (?, ?, 0, ?, 0, 0, NULL)'),
      due: prepare(`SELECT ${DELIVERY} WHERE d.subscription = ? AND d.due_at <= ? ORDER BY d.due_at, d.seq LIMIT ?`),
      list: prepare(`SELECT ${DELIVERY} WHERE d.subscription = ? ORDER BY d.seq LIMIT ?`),
      nextDue: prepare('SELECT min(due_at) AS due FROM deliveries WHERE subscription = ?'),
      claim: prepare('UPDATE deliveries SET attempt = ?, due_at = ?, in_flight = 1 WHERE seq = ? AND subscription = ?'),
      delay: prepare('UPDATE deliveries SET due_at = ?, in_flight = 0, last_reason = ? WHERE seq = ? AND subscription = ? AND attempt = ?'),
      done: prepare('DELETE FROM deliveries WHERE seq = ? AND subscription = ?'),
      dropMessage: prepare('DELETE FROM messages WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE seq = ?1)'),
      orphans: prepare('UPDATE deliveries SET due_at = ?, in_flight = 0, interrupted = interrupted + 1 WHERE subscription = ? AND in_flight = 1'),
      clamp: prepare('UPDATE deliveries SET due_at = ?2 WHERE subscription = ?1 AND due_at > ?2'),
      backlog: prepare('SELECT count(*) AS messages, min(m.published_at) AS oldest FROM deliveries d JOIN messages m ON m.seq = d.seq WHERE d.subscription = ?'),
    };
  }

  /** Inside a write. A topic without a subscription keeps nothing, as in Pub/Sub. */
  insert(message: NewMessage, subscriptions: readonly string[], now: number): void {
    if (subscriptions.length === 0) return;
    const { lastInsertRowid } = this.#sql.message.run(message.id, message.topic, message.body, JSON.stringify(message.attributes), now);
    for (const subscription of subscriptions) this.#sql.delivery.run(lastInsertRowid, subscription, now);
  }

  due(subscription: string, now: number, limit: number): Delivery[] {
    return this.#database.guarded(() => this.#sql.due.all(subscription, now, limit).map((row) => this.#deliveryOf(subscription, row)));
  }

  list(subscription: string, limit: number): Delivery[] {
    return this.#database.guarded(() => this.#sql.list.all(subscription, limit).map((row) => this.#deliveryOf(subscription, row)));
  }

  nextDue(subscription: string): number | null {
    return this.#database.guarded(() => rowOf(this.#database.path, 'deliveries', dueRow, this.#sql.nextDue.get(subscription)).due);
  }

  backlog(subscription: string): Backlog {
    const row = this.#database.guarded(() => this.#sql.backlog.get(subscription));
    const { messages, oldest } = rowOf(this.#database.path, 'deliveries', backlogRow, row);
    return { subscription, messages, oldestPublishedAt: oldest };
  }

  /** Inside a write: the delivery is counted before it is made, so that a message that kills the process is not immortal. */
  claim(delivery: Delivery, deadline: number): Delivery {
    const { seq, message } = delivery;
    const deliveryAttempt = message.deliveryAttempt + 1;
    this.#sql.claim.run(deliveryAttempt, deadline, seq, message.subscription);
    return { ...delivery, message: { ...message, deliveryAttempt } };
  }

  /** Inside a write. Not when it has been delivered again meanwhile. */
  delay({ seq, message }: Delivery, until: number, reason: string): void {
    this.#sql.delay.run(until, reason.slice(0, 1000), seq, message.subscription, message.deliveryAttempt);
  }

  /** Inside a write. False when it was done already. */
  done({ seq, message }: Delivery): boolean {
    if (this.#sql.done.run(seq, message.subscription).changes === 0) return false;
    this.#sql.dropMessage.run(seq);
    return true;
  }

  /** Inside a write, at open: what a dead owner was working on is due now, and nothing waits longer than it ever may. */
  recover(subscription: string, now: number, longestWaitMs: number): void {
    this.#sql.orphans.run(now, subscription);
    this.#sql.clamp.run(subscription, now + longestWaitMs);
  }

  #deliveryOf(subscription: string, row: unknown): Delivery {
    const { path } = this.#database;
    const { seq, id, topic, body, attributes, attempt, interrupted, last_reason: lastReason } = rowOf(path, 'messages', deliveryRow, row);
    const parsed = recordOf(path, () => `the attributes of message ${id}`, attributesSchema, attributes);
    return { seq, interrupted, lastReason, message: { messageId: id, topic, subscription, body, attributes: parsed, deliveryAttempt: attempt } };
  }
}
