import { ring } from '../../functions/doorbell.ts';
import { ringForStages } from '../../functions/stage-doorbell.ts';
import type { GoogleRuntime } from '../../functions/runtime/google.ts';

/** Milliseconds between two ticks; null: none. */
export interface Ticks {
  readonly detectionMs: number | null;
  readonly stagesMs: number | null;
}

/** What Cloud Scheduler does on Google, until the signal aborts. A tick that is lost is made up for by the next. */
export async function scheduler({ bus, engine, detectionTopic, coordinationTopic }: GoogleRuntime, { detectionMs, stagesMs }: Ticks, signal: AbortSignal): Promise<void> {
  const every = async (milliseconds: number, tick: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      await tick().catch(() => undefined);
      await engine.parts.clock.sleep(milliseconds, signal);
    }
  };
  await Promise.all([
    detectionMs === null ? null : every(detectionMs, () => ring(bus, detectionTopic, { trigger: 'tick', day: null, cause: null })),
    stagesMs === null ? null : every(stagesMs, () => ringForStages(bus, coordinationTopic, { trigger: 'tick', backfillId: null, cell: null })),
  ]);
}
