import { goesOnByItself, type BackfillRecord } from '../../staged/record.ts';
import type { Engine } from '../engine.ts';
import { backfillLease, keepLease, LostLeaseError, returnLease, takeMark } from '../leases.ts';
import { holdAlerts } from './alerts.ts';
import { Coordinator, type StagedEvent } from './coordinator.ts';
import { takeBackfill } from './held.ts';
import { RungWorkers } from './workers.ts';
import { work, type WorkOptions } from '../work.ts';

export interface AdvanceOptions extends Pick<WorkOptions, 'onStart' | 'onEnd'> {
  readonly signal: AbortSignal;
  readonly on?: (event: StagedEvent) => void;
  /** Other processes run the cells, and are rung for so many of them; unless given, lanes of this process do. */
  readonly ring?: (cells: number) => Promise<void>;
  /** Told of the coordinator that has the lease now. */
  readonly onHolder?: (coordinator: Coordinator) => void;
}

/** Between two looks at the lease, which another process marks where it is told of something. */
const LOOK_AT_LEASE_MS = 500;
/** What was queued by a process that died, and could not be taken at once, is looked for again after this long: nobody tells of it. */
const LOOK_AGAIN_MS = 5000;

/**
 * Advances a staged backfill in this process until it does not run any more: its coordinator opens requests as slots get
 * free, and lanes of this process, or others that are rung, work them off. One process at a time does: null where another
 * one has its lease, which then looks again. What stands in the state is the truth: a crash at any moment, and this run
 * again, goes on where it was.
 */
export async function advanceBackfill(engine: Engine, id: string, options: AdvanceOptions): Promise<BackfillRecord | null> {
  const name = backfillLease(id);
  for (;;) {
    if (!await takeBackfill(engine, id)) return null;
    const lived = keepLease(engine, name);
    const alerts = await holdAlerts(engine, id);
    const leaving = new AbortController();
    const coordinator = new Coordinator(engine, id, {
      signal: AbortSignal.any([options.signal, leaving.signal]), on: options.on, isHolder: (lease) => lease?.owner === engine.parts.owner, ...(options.ring ? { workers: new RungWorkers(options.ring) } : {}),
    });
    options.onHolder?.(coordinator);
    let wantedAgain = false;
    let record: BackfillRecord | null = null;
    try {
      const beside = options.ring ? lookAtLease(engine, name, coordinator, options.signal) : workFor(engine, coordinator, options);
      const [ended, besides] = await Promise.allSettled([
        coordinator.run().finally(() => coordinator.stop()),
        beside.catch((thrown: unknown) => {
          leaving.abort();
          throw thrown;
        }),
      ]);
      for (const one of [ended, besides]) if (one.status === 'rejected') throw one.reason;
      if (ended.status === 'fulfilled') record = ended.value;
    } catch (thrown) {
      if (!(thrown instanceof LostLeaseError)) throw thrown;
    } finally {
      await alerts.end();
      lived.stop();
      wantedAgain = await returnLease(engine, name);
    }
    if (options.signal.aborted) return record;
    // Whoever has taken the lease goes on with it; where nobody has it any more, this process does.
    if (record === null) continue;
    if (!wantedAgain) return record;
    // Somebody changed it while it was being left.
    const now = await engine.parts.store.backfill(id);
    if (!now || !goesOnByItself(now)) return now ?? record;
  }
}

/** Works off what is queued, for as long as the coordinator runs: at once when it has opened something, or a retry is due. */
async function workFor(engine: Engine, coordinator: Coordinator, { signal, onStart, onEnd }: AdvanceOptions): Promise<void> {
  const stopped = AbortSignal.any([signal, coordinator.stopped]);
  while (!stopped.aborted) {
    const woken = coordinator.opened();
    await work(engine, { signal, until: coordinator.stopped, onStart, onEnd, woken: () => coordinator.opened() });
    if (stopped.aborted) break;
    const due = await engine.parts.store.nextDue(engine.parts.clock.now());
    const waiting = new AbortController();
    const dueMs = due === null ? LOOK_AGAIN_MS : Math.max(0, due - engine.parts.clock.now());
    await Promise.race([woken, engine.parts.clock.sleep(Math.min(dueMs, LOOK_AGAIN_MS), AbortSignal.any([stopped, waiting.signal]))]);
    waiting.abort('it is not waited for any more');
  }
}

/** Has the coordinator look where another process has marked the lease, and leave where one has taken it. A look that fails is not fatal: the next one sees it. */
async function lookAtLease(engine: Engine, name: string, coordinator: Coordinator, signal: AbortSignal): Promise<void> {
  const stopped = AbortSignal.any([signal, coordinator.stopped]);
  for (;;) {
    await engine.parts.clock.sleep(LOOK_AT_LEASE_MS, stopped);
    if (stopped.aborted) return;
    const mark = await takeMark(engine, name).catch(() => 'unmarked' as const);
    if (mark === 'lost') throw new LostLeaseError(name);
    if (mark === 'marked') await coordinator.hear(null).catch(() => undefined);
  }
}

/** Ids of the backfills that run now, or will by themselves, oldest first. */
export async function runningBackfills(engine: Engine): Promise<readonly string[]> {
  return (await engine.parts.store.backfills()).filter(goesOnByItself).map(({ id }) => id).reverse();
}

/** Ids of the backfills that somebody has to advance: those that run, and others whose cells have not all ended. Oldest first. */
export async function backfillsAtWork({ parts: { store } }: Engine): Promise<readonly string[]> {
  const [records, open] = await Promise.all([store.backfills(), store.openCells()]);
  const owners = new Set(open.flatMap(({ request }) => (request && !request.rollback ? [request.backfillId] : [])));
  return records.filter((record) => goesOnByItself(record) || owners.has(record.id)).map(({ id }) => id).reverse();
}
