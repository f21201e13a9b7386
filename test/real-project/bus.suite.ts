import { setTimeout as after } from 'node:timers/promises';
import { PubSub, type Message, type Subscription } from '@google-cloud/pubsub';
import { deadLetterOf } from '../../shared/google/pubsub-dead-letter.ts';
import { PubSubMessageBus } from '../../shared/google/pubsub-message-bus.ts';
import type { DeliveredMessage, MessageBus, Verdict } from '../../shared/ports/message-bus.ts';
import { messageBusContract, type BusUnderTest, type SuiteSubscription } from '../contract/message-bus.ts';
import { note, realProject } from './real-project.ts';

const real = realProject();
const TOPICS = ['requests', 'dead', 'silent'] as const;
/** Pub/Sub delivers once more within this, and what is not wanted has come by then. */
const QUIET_MS = 5_000;
const WITHIN_MS = 60_000;
let buses = 0;

/** The contract's bus on topics of its own, delivered by pull: Pub/Sub can't push to this machine. */
class PulledBus implements BusUnderTest {
  readonly countsDeliveries = false;
  readonly bus: MessageBus;
  readonly #client: PubSub;
  readonly #prefix: string;
  readonly #subscriptions: Subscription[] = [];
  readonly #published: string[];
  readonly #answered = new Set<string>();
  readonly #dead: DeliveredMessage[] = [];
  #letters = 0;
  #advanced = false;

  constructor(client: PubSub, prefix: string, published: string[] = []) {
    this.#client = client;
    this.#prefix = prefix;
    this.#published = published;
    const bus = new PubSubMessageBus(client, { topics: TOPICS.map((topic) => prefix + topic) });
    this.bus = {
      publish: async (topic, body, attributes) => {
        const name = TOPICS.some((known) => known === topic) ? prefix + topic : topic;
        const id = await bus.publish(name, body, attributes).catch((thrown: unknown) => {
          note(real, 'pubsub', { code: thrown instanceof Error && 'code' in thrown ? thrown.code : null, reason: null, message: thrown });
          throw thrown;
        });
        if (topic === 'requests') published.push(id);
        return id;
      },
    };
  }

  static async start(worker: SuiteSubscription, audit?: SuiteSubscription): Promise<PulledBus> {
    buses += 1;
    const client = new PubSub({ projectId: real.project });
    const subject = new PulledBus(client, `${real.prefix}bus${buses}_`);
    await Promise.all(TOPICS.map((topic) => client.createTopic(subject.#prefix + topic)));
    await Promise.all((audit ? ['worker', 'audit'] : ['worker']).map((name) => client.topic(`${subject.#prefix}requests`).createSubscription(subject.#prefix + name, { ackDeadlineSeconds: 10 })));
    await client.topic(`${subject.#prefix}dead`).createSubscription(`${subject.#prefix}kept`, { ackDeadlineSeconds: 10 });
    subject.#listen('worker', worker);
    if (audit) subject.#listen('audit', audit);
    subject.#keep();
    return subject;
  }

  readonly settle = async (): Promise<void> => {
    const names = this.#subscriptions.map(({ name }) => name.slice(name.lastIndexOf('_') + 1)).filter((name) => name !== 'kept');
    const all = (): boolean => names.every((name) => this.#published.every((id) => this.#answered.has(`${name} ${id}`)));
    await until(all, 'a message was never delivered');
    if (this.#advanced) await after(QUIET_MS);
  };

  readonly advance = (): void => {
    this.#advanced = true;
  };

  readonly dead = async (): Promise<readonly DeliveredMessage[]> => {
    await until(() => this.#dead.length >= this.#letters, 'a dead letter was never delivered');
    return this.#dead;
  };

  readonly crash = async (worker: SuiteSubscription): Promise<PulledBus> => {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.close()));
    const next = new PulledBus(this.#client, this.#prefix);
    next.#listen('worker', worker);
    next.#keep();
    next.#advanced = true;
    return next;
  };

  readonly dispose = async (): Promise<void> => {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.close()));
    await Promise.all(['worker', 'audit', 'kept'].map((name) => this.#client.subscription(this.#prefix + name).delete().catch(() => undefined)));
    await Promise.all(TOPICS.map((topic) => this.#client.topic(this.#prefix + topic).delete().catch(() => undefined)));
    await this.#client.close();
  };

  #listen(name: string, { handler }: SuiteSubscription): void {
    const subscription = this.#client.subscription(this.#prefix + name);
    this.#subscriptions.push(subscription);
    subscription.on('error', () => undefined);
    subscription.on('message', (message: Message) => {
      void this.#answer(name, handler, message);
    });
  }

  async #answer(name: string, handler: SuiteSubscription['handler'], message: Message): Promise<void> {
    const delivered = deliveredOf(name, message);
    const verdict = await handler(delivered).catch((thrown: unknown): Verdict => ({ kind: 'nack', reason: String(thrown) }));
    if (verdict.kind === 'nack') {
      message.nack();
      return;
    }
    if (verdict.kind === 'dead_letter') {
      const letter = deadLetterOf(delivered, verdict.reason);
      this.#letters += 1;
      await this.bus.publish('dead', letter.body, letter.attributes);
    }
    message.ack();
    this.#answered.add(`${name} ${message.id}`);
  }

  #keep(): void {
    const kept = this.#client.subscription(`${this.#prefix}kept`);
    this.#subscriptions.push(kept);
    kept.on('error', () => undefined);
    kept.on('message', (message: Message) => {
      this.#dead.push(deliveredOf('kept', message));
      message.ack();
    });
  }
}

function deliveredOf(subscription: string, { id, data, attributes }: Message): DeliveredMessage {
  return { messageId: id, topic: subscription === 'kept' ? 'dead' : 'requests', subscription, body: data.toString(), attributes, deliveryAttempt: 1 };
}

async function until(condition: () => boolean, otherwise: string): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(otherwise);
    await after(50);
  }
}

const HELD = 'a client that pulls keeps its messages alive, and gives them back when it closes; for pushes this is tested on the emulator';

messageBusContract(`Pub/Sub in ${real.project}, by pull`, (worker, audit) => PulledBus.start(worker, audit), {
  'delivers a nacked message again after a growing pause, with the same id': "Pub/Sub's clock can't be set",
  'keeps as a dead letter what was delivered too often, with the reason': 'Pub/Sub keeps it itself and knows no reason',
  'delivers again what is not answered within the ack deadline, and takes the late answer': HELD,
  'delivers again after a crash what was published, and what was delivered and not acknowledged': HELD,
  'is no dead letter because the process died a few times': HELD,
}, 120_000);
