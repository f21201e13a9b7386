import type { BackfillRecord } from '../../staged/record.ts';
import { holdBack, tellOf } from '../digests.ts';
import type { Engine } from '../engine.ts';
import { NAMED_LEASE_MS } from '../leases.ts';

/** Tells people what has become of a backfill, with what to do next. What can't be told now is told at the next look: it stands in its journal. */
export async function tellState(engine: Engine, record: Pick<BackfillRecord, 'id'>): Promise<void> {
  await tellOf(engine, record.id).catch(() => undefined);
}

/**
 * While this process advances a backfill, nobody is alerted of single failures of it: a digest goes out a window. Should it
 * die, the lease runs out, and whoever looks next tells what was held back.
 */
export async function holdAlerts(engine: Engine, id: string): Promise<{ end(): Promise<void> }> {
  const controller = new AbortController();
  const { signal } = controller;
  // A look that fails is not fatal: the next one is in time.
  const look = (): Promise<void> => holdBack(engine, id).catch(() => undefined);
  const renew = async (): Promise<void> => {
    for (;;) {
      await engine.parts.clock.sleep(NAMED_LEASE_MS / 3, signal);
      if (signal.aborted) return;
      await look();
    }
  };
  await look();
  void renew();
  return {
    end: async () => {
      controller.abort();
      await tellOf(engine, id).catch(() => undefined);
    },
  };
}
