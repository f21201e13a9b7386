import { PubSub, type Subscription } from '@google-cloud/pubsub';
import { makeTopics } from '../../scripts/local-cloud/topics.ts';
import { PubSubMessageBus } from '../../shared/google/pubsub-message-bus.ts';
import type { PushedFunction, Topology, TopologySubscription } from '../../shared/pipeline/topology.ts';
import type { DeliveredMessage, MessageBus } from '../../shared/ports/message-bus.ts';
import type { BusUnderTest, SuiteSubscription } from '../contract/message-bus.ts';
import { PushServer, type PushedSubscription } from './pubsub-push-server.ts';

/** Pub/Sub takes no fewer: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions */
export const FEWEST_ATTEMPTS = 5;
const SHORTEST_ACK_DEADLINE_SECONDS = 10;
/** Longer than the pause that the emulator makes before it pushes again. */
const LONGER_THAN_A_PAUSE_MS = 1_500;
const WITHIN_MS = 100_000;

const functionOf: Readonly<Record<'worker' | 'audit', PushedFunction>> = { worker: 'backfill-worker', audit: 'phase-router' };

function topologyOf(subscriptions: readonly PushedSubscription[], attempts: number): Topology {
  const settings = { ackDeadlineSeconds: SHORTEST_ACK_DEADLINE_SECONDS, minBackoffSeconds: 0, maxBackoffSeconds: 0, maxDeliveryAttempts: attempts };
  const pushed = subscriptions.map(({ name, topic, deadLetterTopic }): TopologySubscription => ({ ...settings, name, topic, deadLetterTopic, push: { function: name === 'audit' ? functionOf.audit : functionOf.worker } }));
  return {
    topics: [{ name: 'requests', kind: 'requests' }, { name: 'dead', kind: 'dead_letters' }, { name: 'silent', kind: 'trigger' }],
    subscriptions: [...pushed, { ...settings, name: 'dead-kept', topic: 'dead', deadLetterTopic: null, push: null }],
  };
}

let projects = 0;

/** A client of the emulator with a project of its own, so that no test sees another's topics. `demo-` never reaches Google. */
export function emulatedPubSub(): PubSub {
  projects += 1;
  return new PubSub({ projectId: `demo-bus-${process.pid}-${projects}` });
}

/** The contract's bus on the emulator: pushes to a server of this process, time as it passes. */
export class PushedBus implements BusUnderTest {
  readonly countsDeliveries = false;
  readonly bus: MessageBus;
  readonly #client: PubSub;
  readonly #published: string[] = [];
  readonly #subscriptions: readonly string[];
  #server: PushServer;
  #kept: Subscription | null = null;
  readonly #dead: DeliveredMessage[] = [];
  /** Deliveries before this one are due again if they were not acknowledged. */
  #advancedAt = 0;
  #over = false;

  private constructor(client: PubSub, bus: MessageBus, server: PushServer, subscriptions: readonly string[], published: string[]) {
    this.#client = client;
    this.#server = server;
    this.#subscriptions = subscriptions;
    this.#published = published;
    this.bus = {
      publish: async (topic, body, attributes) => {
        const id = await bus.publish(topic, body, attributes);
        if (topic === 'requests') published.push(id);
        return id;
      },
    };
  }

  static async start(worker: SuiteSubscription, audit?: SuiteSubscription): Promise<PushedBus> {
    const client = emulatedPubSub();
    const bus = new PubSubMessageBus(client, { topics: ['requests', 'dead', 'silent'] });
    const subscriptions = pushed(worker, audit);
    const server = await PushServer.listen(bus, subscriptions);
    const endpointOf = (name: PushedFunction): string => `http://127.0.0.1:${server.port}/${name === functionOf.audit ? 'audit' : 'worker'}`;
    await makeTopics(client, topologyOf(subscriptions, Math.max(FEWEST_ATTEMPTS, worker.maxDeliveryAttempts)), endpointOf);
    return new PushedBus(client, bus, server, subscriptions.map(({ name }) => name), []);
  }

  readonly settle = async (): Promise<void> => {
    await this.#until(() => this.#owed().length === 0, 'was never delivered');
    if (this.#advancedAt === 0) return;
    // Nothing tells that no more will come: a pause is waited for.
    const before = this.#server.deliveries.length;
    const quiet = performance.now() + LONGER_THAN_A_PAUSE_MS;
    await this.#until(() => performance.now() >= quiet || this.#server.deliveries.length > before, 'never became quiet');
    await this.#until(() => this.#owed().length === 0, 'was never delivered again');
  };

  readonly advance = (): void => {
    this.#advancedAt = this.#server.deliveries.length;
  };

  readonly dead = async (): Promise<readonly DeliveredMessage[]> => {
    if (!this.#kept) {
      this.#kept = this.#client.subscription('dead-kept');
      this.#kept.on('message', (message) => {
        this.#dead.push({ messageId: message.id, topic: 'dead', subscription: 'dead-kept', body: message.data.toString(), attributes: message.attributes, deliveryAttempt: 1 });
        message.ack();
      });
    }
    await this.#until(() => this.#dead.length >= this.#server.deadLetters, 'never reached the dead letters');
    return this.#dead;
  };

  /** Waits for dead letters that Pub/Sub itself makes. */
  async deadLetters(count: number): Promise<readonly DeliveredMessage[]> {
    await this.dead();
    await this.#until(() => this.#dead.length >= count, 'never reached the dead letters');
    return this.#dead;
  }

  readonly crash = async (worker: SuiteSubscription): Promise<PushedBus> => {
    const { port } = this.#server;
    this.#over = true;
    await this.#server.kill();
    const bus = new PubSubMessageBus(this.#client, { topics: ['requests', 'dead', 'silent'] });
    const acknowledged = new Set(this.#server.deliveries.filter(({ verdict }) => verdict === 'ack' || verdict === 'dead_letter').map(({ messageId }) => messageId));
    const server = await PushServer.listen(bus, pushed(worker), port);
    const after = new PushedBus(this.#client, bus, server, this.#subscriptions, this.#published.filter((id) => !acknowledged.has(id)));
    // The server has forgotten what it took: wait as after a pause, so that what comes again is seen.
    after.#advancedAt = -1;
    return after;
  };

  readonly dispose = async (): Promise<void> => {
    this.#over = true;
    await this.#kept?.close();
    // Else the emulator goes on pushing to a server that is gone.
    await Promise.all([...this.#subscriptions, 'dead-kept'].map((name) => this.#client.subscription(name).delete()));
    await this.#server.kill();
    await this.#client.close();
  };

  /** Messages that a subscription has not had since it is due to. */
  #owed(): readonly string[] {
    return this.#subscriptions.flatMap((subscription) => this.#published.filter((messageId) => {
      const all = this.#server.deliveries.filter((delivery) => delivery.subscription === subscription && delivery.messageId === messageId);
      if (all.some(({ verdict }) => verdict === 'ack' || verdict === 'dead_letter')) return false;
      const since = this.#server.deliveries.slice(Math.max(0, this.#advancedAt)).filter((delivery) => all.includes(delivery));
      return !since.some(({ verdict }) => verdict === 'nack');
    }));
  }

  async #until(condition: () => boolean, otherwise: string): Promise<void> {
    const deadline = performance.now() + WITHIN_MS;
    while (!condition() && !this.#over) {
      if (performance.now() > deadline) throw new Error(`${this.#owed().join(', ') || 'a message'} ${otherwise}`);
      await new Promise<void>((resolve) => { setTimeout(resolve, 10); });
    }
  }
}

function pushed(worker: SuiteSubscription, audit?: SuiteSubscription): readonly PushedSubscription[] {
  const subscription = (name: string, { handler }: SuiteSubscription): PushedSubscription => ({ name, topic: 'requests', handler, deadLetterTopic: 'dead' });
  return [subscription('worker', worker), ...(audit ? [subscription('audit', audit)] : [])];
}
