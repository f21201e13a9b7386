import type { GoogleRuntime } from '../../functions/runtime/google.ts';
import type { Day } from '../../shared/calendar/day.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { recover, type RecoveredRun } from '../../shared/flows/recover.ts';

/** Fills a stretch of a season from nothing, as a person's recovery does: scraped, loaded, computed, checked, put in place. */
export async function fill(runtime: GoogleRuntime, from: Day, to: Day, signal: AbortSignal, onRun: (run: RecoveredRun) => void): Promise<readonly RecoveredRun[]> {
  const { engine, bus, history } = runtime;
  const { runs } = await recover(engine, {
    scope: { from, to, processors: null }, by: 'person', all: true, altered: 'policy', requestedBy: 'local-cloud', reason: 'filled from nothing', signal, budget: null,
    on: (event) => { if (event.kind === 'run') onRun(event.run); },
  });
  await sendOutbox(engine, bus);
  await history.flush();
  return runs;
}
