import type { MessageBus } from '../../shared/ports/message-bus.ts';

/** A bus that is opened by the first publish. */
export class LazyMessageBus implements MessageBus {
  readonly #open: () => Promise<MessageBus>;
  #opened: Promise<MessageBus> | null = null;

  constructor(open: () => Promise<MessageBus>) {
    this.#open = open;
  }

  async publish(topic: string, body: string, attributes?: Readonly<Record<string, string>>): Promise<string> {
    this.#opened ??= this.#open();
    return (await this.#opened).publish(topic, body, attributes);
  }
}
