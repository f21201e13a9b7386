import { SystemClock } from '../../shared/system/clock.ts';
import { CloudRunApi, type AuthorisedFetch } from '../../shared/google/cloud-run-api.ts';
import { CloudRunTarget } from '../../shared/google/cloud-run-target.ts';
import { GoogleRunner } from '../../shared/google/google-runner.ts';
import { HttpTarget } from '../../shared/google/http-target.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { MessageBus } from '../../shared/ports/message-bus.ts';
import { named } from '../contract/warehouse-under-test.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';

export interface Parts {
  readonly services?: ReadonlyMap<string, string>;
  readonly tokenFor?: (audience: string) => Promise<string>;
  readonly fetch?: AuthorisedFetch;
  readonly endpoint?: string;
  readonly clock?: Clock;
  readonly bus?: MessageBus;
}

const none = (what: string) => async (): Promise<never> => {
  throw new Error(`nothing in this test needs ${what}`);
};

/** A Google runner of which only the parts that a test gives can be used. */
export function googleRunner(parts: Parts = {}): GoogleRunner {
  return new GoogleRunner({
    http: new HttpTarget({ services: parts.services ?? new Map(), tokenFor: parts.tokenFor ?? none('a token') }),
    cloudRun: new CloudRunTarget({ api: new CloudRunApi(parts.fetch ?? none('Cloud Run'), parts.endpoint), clock: parts.clock ?? new SystemClock(), project: 'demo', region: 'us-central1' }),
    bus: parts.bus ?? { publish: none('Pub/Sub') },
  });
}

export function withGoogleTarget(googleTarget: Processor['googleTarget'], timeoutSeconds = 30): Processor {
  return { ...named(warehousePipeline(), 'Summary'), googleTarget, timeoutSeconds };
}
