import assert from 'node:assert/strict';
import { checkAttributes, fittingValue, MAX_VALUE_BYTES } from '../../shared/google/pubsub-attributes.ts';
import { deadLetterOf } from '../../shared/google/pubsub-dead-letter.ts';
import type { DeliveredMessage } from '../../shared/ports/message-bus.ts';

const message: DeliveredMessage = { messageId: '7', topic: 'requests', subscription: 'worker', body: 'not json', attributes: { origin: 'console' }, deliveryAttempt: 3 };

describe('a dead letter on Pub/Sub', () => {
  it('keeps the message, why it is one, and where it comes from', () => {
    assert.deepEqual(deadLetterOf(message, 'received not JSON'), {
      body: 'not json',
      attributes: {
        origin: 'console', dead_letter_reason: 'received not JSON', dead_letter_source_topic: 'requests', dead_letter_source_subscription: 'worker', dead_letter_source_message_id: '7',
        dead_letter_delivery_count: '3',
      },
    });
  });
  it('fits what Pub/Sub takes, whatever the message and the reason', () => {
    const attributes = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`a${index}`, 'x']));
    const letter = deadLetterOf({ ...message, attributes: { googclient: 'x', ...attributes } }, '🏀'.repeat(1_000));
    assert.doesNotThrow(() => checkAttributes('dead', letter.attributes));
    assert.equal(letter.attributes['dead_letter_source_message_id'], '7');
  });
  it('cuts a reason between characters, and leaves one that fits', () => {
    const cut = fittingValue('🏀'.repeat(1_000));
    assert.ok(Buffer.byteLength(cut) <= MAX_VALUE_BYTES && cut.endsWith('🏀…'));
    assert.equal(fittingValue('x'.repeat(MAX_VALUE_BYTES)), 'x'.repeat(MAX_VALUE_BYTES));
  });
});
