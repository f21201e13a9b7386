import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { deadLetterOf } from '../../shared/google/pubsub-dead-letter.ts';
import type { DeliveredMessage, MessageBus, MessageHandler, Verdict } from '../../shared/ports/message-bus.ts';
import { decodeEvent } from '../../shared/requests/decode.ts';

/** One subscription's end of the push server: its path is the subscription's name. */
export interface PushedSubscription {
  readonly name: string;
  readonly topic: string;
  readonly handler: MessageHandler;
  readonly deadLetterTopic: string;
}

/** What became of a message at a subscription, as the server knows it. */
export interface Delivery {
  readonly subscription: string;
  readonly messageId: string;
  verdict: Verdict['kind'] | null;
}

/** Takes pushes as a deployed function does: 204 acknowledges, 503 asks for another delivery. */
export class PushServer {
  readonly deliveries: Delivery[] = [];
  deadLetters = 0;
  readonly #server: Server;
  readonly #bus: MessageBus;
  readonly #subscriptions: readonly PushedSubscription[];

  private constructor(bus: MessageBus, subscriptions: readonly PushedSubscription[]) {
    this.#bus = bus;
    this.#subscriptions = subscriptions;
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.#take(request.url ?? '', Buffer.concat(parts), response).catch((thrown: unknown) => { response.writeHead(500).end(String(thrown)); });
      });
    });
  }

  static async listen(bus: MessageBus, subscriptions: readonly PushedSubscription[], port = 0): Promise<PushServer> {
    const server = new PushServer(bus, subscriptions);
    server.#server.listen(port, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    const bound = this.#server.address();
    return bound !== null && typeof bound === 'object' ? bound.port : 0;
  }

  /** As when its process dies: connections break, whatever is being handled. */
  async kill(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(path: string, body: Buffer, response: ServerResponse): Promise<void> {
    const subscription = this.#subscriptions.find(({ name }) => path === `/${name}`);
    const event = decodeEvent(body);
    if (!subscription || event.kind === 'refused') throw new Error(`received ${path}: ${event.kind === 'refused' ? event.reason : 'no such subscription'}`);
    const message: DeliveredMessage = {
      messageId: event.value.messageId ?? '', topic: subscription.topic, subscription: subscription.name, body: event.value.data, attributes: event.value.attributes,
      deliveryAttempt: event.value.deliveryAttempt,
    };
    const delivery: Delivery = { subscription: subscription.name, messageId: message.messageId, verdict: null };
    this.deliveries.push(delivery);
    const verdict = await subscription.handler(message).catch((thrown: unknown): Verdict => ({ kind: 'nack', reason: String(thrown) }));
    if (verdict.kind === 'dead_letter') {
      const letter = deadLetterOf(message, verdict.reason);
      await this.#bus.publish(subscription.deadLetterTopic, letter.body, letter.attributes);
      this.deadLetters += 1;
    }
    delivery.verdict = verdict.kind;
    response.writeHead(verdict.kind === 'nack' ? 503 : 204).end();
  }
}
