import { classify } from '../../shared/failures/classify.ts';
import type { MessageBus } from '../../shared/ports/message-bus.ts';
import type { Alert, Notifier } from '../../shared/ports/notifier.ts';
import type { Logger } from './logger.ts';
import { currentFields } from './context.ts';

const severityOf = { info: 'NOTICE', warning: 'WARNING', critical: 'CRITICAL' } as const;

/** Alerts as log lines, and as messages on the alerts topic for whoever subscribes to it. */
export class LoggedNotifier implements Notifier {
  readonly #log: Logger;
  readonly #bus: MessageBus;
  readonly #topic: string;

  constructor(log: Logger, bus: MessageBus, topic: string) {
    this.#log = log;
    this.#bus = bus;
    this.#topic = topic;
  }

  async notify({ severity, event, title, lines, command, at }: Alert): Promise<void> {
    const { cause } = currentFields();
    this.#log.log('alert_raised', [title, ...lines].join('\n'), { severity: severityOf[severity], alert: event, command });
    const body = { severity, event, title, lines, command, at: new Date(at).toISOString(), ...(cause === undefined ? {} : { cause_id: cause }) };
    try {
      await this.#bus.publish(this.#topic, JSON.stringify(body), { severity, event });
    } catch (thrown) {
      this.#log.log('alert_unpublished', `${title}: ${classify(thrown).message}`, { alert: event, category: classify(thrown).category });
    }
  }
}
