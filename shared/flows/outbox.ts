import type { MessageBus } from '../ports/message-bus.ts';
import type { Engine } from './engine.ts';

const BATCH = 100;

/** Publishes what was committed and not yet sent. A crash between publish and mark sends again: subscribers expect that. */
export async function sendOutbox(engine: Engine, bus: MessageBus): Promise<number> {
  let sent = 0;
  for (;;) {
    const messages = await engine.parts.store.unsent(BATCH);
    if (messages.length === 0) return sent;
    await Promise.all(messages.map((message) => bus.publish(message.topic, message.body, { outbox_id: message.id })));
    await engine.parts.store.markSent(messages.map((message) => message.id));
    sent += messages.length;
  }
}
