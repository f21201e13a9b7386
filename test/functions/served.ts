import { once } from 'node:events';
import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import type { Deadline } from '../../functions/http/deadline.ts';
import { pushFunction, type ServedRuntime, type Shell } from '../../functions/http/serve.ts';
import { jsonLogger } from '../../functions/log/logger.ts';
import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';

/** A handler behind the real functions-framework server, with a runtime that only remembers. */

export interface Published {
  readonly topic: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Line {
  readonly severity: string;
  readonly event: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Served {
  readonly url: string;
  readonly seen: DeliveredMessage[];
  readonly published: Published[];
  readonly lines: Line[];
  post(body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  close(): Promise<void>;
}

export interface ServedOptions {
  readonly handle?: (message: DeliveredMessage, deadline: Deadline) => Promise<Verdict>;
  readonly settle?: ServedRuntime['settle'];
  readonly publish?: () => Promise<string>;
  readonly open?: (opened: () => ServedRuntime) => Promise<ServedRuntime>;
  readonly deadline?: Shell<ServedRuntime>['deadline'];
}

export const SUBSCRIPTION = 'projects/small/subscriptions/worker-sub';
let served = 0;

export async function serve(options: ServedOptions = {}): Promise<Served> {
  const seen: DeliveredMessage[] = [];
  const published: Published[] = [];
  const lines: Line[] = [];
  const runtime: ServedRuntime = {
    bus: {
      publish: async (topic, body, attributes = {}) => {
        const id = await (options.publish?.() ?? 'id');
        published.push({ topic, body, attributes });
        return id;
      },
    },
    deadLetterTopic: 'dead-letters',
    now: () => 1000,
    settle: options.settle ?? (async () => undefined),
  };
  served += 1;
  const name = `function-${served}`;
  http(name, pushFunction({
    open: () => (options.open ? options.open(() => runtime) : Promise.resolve(runtime)),
    log: jsonLogger({ project: 'small', function: 'backfill-worker', level: 'DEBUG', now: () => Date.UTC(2024, 0, 15), write: (line) => lines.push(JSON.parse(line)) }),
    deadline: options.deadline ?? { timeoutSeconds: 540, reserveSeconds: 20 },
    subscriptions: () => new Map([['worker-sub', 'requests']]),
    handle: async (_runtime, deadline, message) => {
      seen.push(message);
      return options.handle ? options.handle(message, deadline) : { kind: 'ack' };
    },
  }));
  const server = getTestServer(name);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const url = `http://127.0.0.1:${address.port}/`;
  return {
    url, seen, published, lines,
    post: (body, headers = {}) => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) }),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export function base64(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
}

export const REQUEST = { processor_name: 'Raw', start_date: '2024-01-05', end_date: '2024-01-05' };

/** A push as Pub/Sub sends it: https://cloud.google.com/pubsub/docs/push#receive_push */
export function push(message: object, subscription: string = SUBSCRIPTION): object {
  return { message: { messageId: '17', message_id: '17', publishTime: '2024-01-15T12:00:00Z', publish_time: '2024-01-15T12:00:00Z', ...message }, subscription, deliveryAttempt: 3 };
}
