import type { MessageBus } from '../../shared/ports/message-bus.ts';
import type { Alert } from '../../shared/ports/notifier.ts';
import { alertTopic } from '../../shared/system/alert-topic.ts';
import { alertWebhook } from '../../shared/system/alert-webhook.ts';
import { Channels } from '../../shared/system/channels.ts';
import { SystemClock } from '../../shared/system/clock.ts';
import { currentFields } from './context.ts';
import type { Logger } from './logger.ts';

const severityOf = { info: 'NOTICE', warning: 'WARNING', critical: 'CRITICAL' } as const;

export interface GoogleChannels {
  readonly log: Logger;
  readonly bus: MessageBus;
  /** Of alerts. */
  readonly topic: string;
  readonly webhook: URL | null;
  /** Told as well, before all others. */
  readonly onAlert?: (alert: Alert) => void;
}

/** Alerts as log lines, as messages on the alerts topic, and to a webhook, if there is one. */
export function googleChannels({ log, bus, topic, webhook, onAlert }: GoogleChannels): Channels {
  return new Channels({
    // The machine's: what goes over the network takes real time, whatever the pipeline's clock shows.
    clock: new SystemClock(),
    tell: (alert) => {
      onAlert?.(alert);
      log.log('alert_raised', [alert.title, ...alert.lines].join('\n'), { severity: severityOf[alert.severity], alert: alert.event, command: alert.command });
    },
    channels: [
      alertTopic(bus, topic, () => {
        const { cause } = currentFields();
        return cause === undefined ? {} : { cause_id: cause };
      }),
      ...(webhook ? [alertWebhook(webhook)] : []),
    ],
    onUndelivered: (channel, { title, event }, reason) => log.log('alert_undelivered', `${title}: ${reason}`, { alert: event, channel }),
  });
}
