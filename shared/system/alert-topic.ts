import { messageOf } from '../alerts/alert.ts';
import type { MessageBus } from '../ports/message-bus.ts';
import type { Channel } from './channels.ts';

/** A message on the alerts topic, for whoever subscribes to it. `more`: fields beside the alert's own. */
export function alertTopic(bus: MessageBus, topic: string, more: () => object = () => ({})): Channel {
  return {
    name: 'topic',
    deliver: async (alert) => void await bus.publish(topic, JSON.stringify({ ...messageOf(alert), ...more() }), { severity: alert.severity, event: alert.event }),
  };
}
