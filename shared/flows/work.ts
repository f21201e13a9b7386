import { classify } from '../failures/classify.ts';
import { keyOf } from '../gaps/detect.ts';
import { traceOf } from '../gaps/trace.ts';
import type { EndedBadly, CellKey, StopOrder } from '../requests/cell.ts';
import type { TimeBudget } from './time-budget.ts';
import { Candidates } from './candidates.ts';
import { claimCell, LEASE_MS, type Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { tellFailed } from './failure-alerts.ts';
import { firstAbort } from './first-abort.ts';
import { finishFailed, finishGivenBack, finishStarted, finishStopped, finishVerified } from './finish.ts';
import { runCell } from './run-cell.ts';
import { confirmWaits, wakeWaiters } from './wake.ts';

/** What became of one cell that the worker took up. */
export interface Worked extends CellKey {
  readonly outcome: 'ran' | 'unchanged' | 'cut_off' | 'inputs_changed' | 'retry' | 'failed' | 'drained' | 'started' | 'cancelled';
  readonly reason: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly rows: number | null;
  readonly failure: EndedBadly | null;
  /** Retry: when it is tried again. */
  readonly retryAt: number | null;
  /** What it goes back to, for the logs. */
  readonly cause: string | null;
  readonly runId: string | null;
  /** The staged backfill that it belongs to. */
  readonly backfillId: string | null;
  /** In backfill mode: a digest tells of it. */
  readonly isBackfill?: boolean;
}

export interface WorkOptions {
  readonly signal: AbortSignal;
  /** The time there is for all of it: a unit that can't be finished within is not started (P8). */
  readonly budget?: TimeBudget;
  /** Told of each cell when its claim is durable, and when it has ended. */
  readonly onStart?: (key: CellKey) => void;
  readonly onEnd?: (worked: Worked) => void;
  /** Asked when nothing queued can be taken: queues more, and says whether it did. */
  readonly feed?: () => Promise<boolean>;
  /** Aborted: nothing more is taken up, and what runs is finished. */
  readonly until?: AbortSignal;
  /** Resolves when another part of this process has queued something: lanes that wait for others look again. */
  readonly woken?: () => Promise<void>;
  /** Cells at a time; those of the engine unless given. */
  readonly lanes?: number;
  /** Every so many turns the oldest queued cell is taken, so that nothing starves. */
  readonly fairTurn?: number;
}

const CANDIDATES = 16;
/** Looked at when the best candidates can all not be had: a processor without a free slot must not hide another's cells. */
const MORE_CANDIDATES = 512;
const FAIR_TURN = 8;

/**
 * Works off what is queued, `lanes` cells at a time, until nothing can be taken now. Starts only from state: whoever
 * frees a slot takes the next. A lane that finds nothing asks `feed` for more, and otherwise waits for the other lanes,
 * since what they end may make more ready. Aborting lets what runs finish its promotion or give its attempt back.
 */
export async function work(engine: Engine, options: WorkOptions): Promise<number> {
  let done = 0;
  let turn = 0;
  let running = 0;
  let bell = Promise.withResolvers<void>();
  const ring = (): void => {
    bell.resolve();
    bell = Promise.withResolvers();
  };
  const broken = new AbortController();
  const shared: Shared = { busy: new Set<string>(), queue: new Candidates(engine) };
  const lane = async (): Promise<void> => {
    while (!options.signal.aborted && !options.until?.aborted && !broken.signal.aborted) {
      turn += 1;
      // Taken before looking: what ends while this lane looks must not go unheard.
      const heard = bell.promise;
      const woken = options.woken?.();
      const claim = await takeNext(engine, turn % (options.fairTurn ?? FAIR_TURN) === 0, shared, options);
      if (claim) {
        done += 1;
        running += 1;
        await workClaim(engine, claim, options).finally(() => {
          running -= 1;
          shared.queue.slotFreed();
          ring();
        });
      } else if (await options.feed?.()) {
        ring();
      } else if (running === 0) {
        ring();
        return;
      } else {
        await (woken ? Promise.race([heard, woken]) : heard);
      }
    }
  };
  // A lane that fails must not leave the others at work behind its caller's back: they end what they run, and take no more.
  const lanes = await Promise.allSettled(Array.from({ length: options.lanes ?? engine.parts.lanes }, () => lane().catch((thrown: unknown) => {
    broken.abort();
    ring();
    throw thrown;
  })));
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
  return done;
}

/** What the lanes of one worker have together. */
interface Shared {
  /** Cells that a lane is claiming. */
  readonly busy: Set<string>;
  readonly queue: Candidates;
}

/** Claims the best queued cell that can be had now, or null. Cells that turn out to wait are put there on the way. */
async function takeNext(engine: Engine, fair: boolean, { busy, queue }: Shared, options: WorkOptions): Promise<Claim | null> {
  const { store, clock } = engine.parts;
  engine.keepTime();
  await engine.hearOthers();
  let looked = CANDIDATES;
  let again = false;
  const oldest = fair ? await store.oldestQueued(clock.now()) : null;
  for (;;) {
    const now = clock.now();
    const { cells, all, fresh } = await queue.best(now, looked, again);
    let progressed = false;
    for (const candidate of [...(oldest ? [oldest] : []), ...cells]) {
      const id = keyOf(candidate);
      const processor = engine.pipeline.byName.get(candidate.processor);
      if (busy.has(id) || !processor || queue.isFull(candidate.processor)) continue;
      if (options.budget && !options.budget.hasRoomFor(processor, clock.now())) continue;
      busy.add(id);
      const outcome = await claimCell(engine, candidate).finally(() => busy.delete(id));
      if (outcome.kind === 'not_now') {
        if (outcome.noSlot) queue.full(candidate.processor);
        continue;
      }
      queue.took(candidate);
      if (outcome.kind === 'claimed') return outcome.claim;
      progressed = true;
      if (outcome.kind === 'parked') await confirmWaits(engine, [candidate]);
      if (outcome.kind !== 'cut_off') continue;
      options.onEnd?.({ ...candidate, outcome: 'cut_off', reason: 'nothing that it reads has changed', startedAt: now, endedAt: now, rows: null, failure: null, retryAt: null, cause: outcome.cause, runId: null, backfillId: outcome.backfillId });
      await wakeWaiters(engine, candidate);
    }
    again = !progressed;
    if (progressed || !fresh) continue;
    if (all || looked === MORE_CANDIDATES) return null;
    looked = MORE_CANDIDATES;
  }
}

async function workClaim(engine: Engine, claim: Claim, options: WorkOptions): Promise<void> {
  const key = { processor: claim.processor.name, day: claim.record.day };
  options.onStart?.(key);
  const worked = await attempt(engine, claim, options.signal);
  options.onEnd?.({
    ...key, ...worked, reason: claim.request.reason, startedAt: claim.lease.startedAt, endedAt: engine.parts.clock.now(), cause: claim.request.cause ?? null, runId: claim.lease.runId, backfillId: claim.request.backfillId, isBackfill: claim.request.isBackfill,
  });
  if (hasEnded(worked)) await wakeWaiters(engine, key);
  await engine.parts.sendCommitted?.();
}

/** Whether the cell's request is over: not tried again by itself, and not running on elsewhere. */
export function hasEnded({ outcome }: Pick<Worked, 'outcome'>): boolean {
  return outcome === 'ran' || outcome === 'unchanged' || outcome === 'cut_off' || outcome === 'failed' || outcome === 'cancelled';
}

type Ended = Pick<Worked, 'outcome' | 'rows' | 'failure' | 'retryAt'>;

async function attempt(engine: Engine, claim: Claim, signal: AbortSignal): Promise<Ended> {
  const { processor, record } = claim;
  const inputsDigest = traceOf(engine.world, processor, record.day).digest;
  const here = engine.running.begin(record);
  const heart = beat(engine, claim, here.signal);
  const stop = firstAbort([signal, heart.stopped, here.signal], processor.timeoutSeconds * 1000);
  try {
    const outcome = await runCell(engine, claim, stop.signal);
    switch (outcome.kind) {
      case 'verified':
        await finishVerified(engine, claim, outcome.run, outcome.trace, outcome.promoted, { durable: outcome.marked ? 'with_next' : 'now' });
        return { outcome: outcome.promoted ? 'ran' : 'unchanged', rows: outcome.run.rows, failure: null, retryAt: null };
      case 'inputs_changed':
        await finishGivenBack(engine, claim, 'inputs_changed');
        return { outcome: 'inputs_changed', rows: null, failure: null, retryAt: null };
      case 'outdated':
        await finishGivenBack(engine, claim, 'outdated', outcome.generation);
        return { outcome: 'inputs_changed', rows: null, failure: null, retryAt: null };
      case 'started':
        await finishStarted(engine, claim, outcome);
        return { outcome: 'started', rows: null, failure: null, retryAt: null };
      case 'no_data':
        return await failed(engine, claim, Object.assign(new Error(`No data found: ${outcome.message}`), { name: 'NoDataError' }), inputsDigest);
    }
  } catch (error) {
    const order = heart.stopped.aborted || here.signal.aborted ? await stopOrderOf(engine, claim) : null;
    if (order) {
      await finishStopped(engine, claim, order, `the run ${claim.lease.runId}`, inputsDigest);
      return { outcome: order.how === 'cancel' ? 'cancelled' : 'drained', rows: null, failure: null, retryAt: null };
    }
    if (signal.aborted) {
      await finishGivenBack(engine, claim, 'drained');
      return { outcome: 'drained', rows: null, failure: null, retryAt: null };
    }
    const thrown = stop.isLate() ? new Error(`Query timeout: ${processor.name} took longer than its ${processor.timeoutSeconds} seconds`, { cause: error }) : error;
    return await failed(engine, claim, thrown, inputsDigest);
  } finally {
    stop.end();
    heart.stop();
    here.ended();
  }
}

async function stopOrderOf(engine: Engine, claim: Claim): Promise<StopOrder | null> {
  return (await engine.parts.store.cell(claim.record)).request?.stop ?? null;
}

async function failed(engine: Engine, claim: Claim, thrown: unknown, inputsDigest: string): Promise<Ended> {
  const failure = classify(thrown);
  const end = await finishFailed(engine, claim, failure, inputsDigest);
  if (end.kind === 'cancelled') return { outcome: 'cancelled', rows: null, failure: null, retryAt: null };
  await tellFailed(engine, claim, failure, end);
  return end.kind === 'retry'
    ? { outcome: 'retry', rows: null, failure: null, retryAt: end.at }
    : { outcome: 'failed', rows: null, failure: end.failure, retryAt: null };
}

/**
 * Renews a claim's lease while its run is under way, and looks whether a person wants it stopped. A beat that fails is not
 * fatal: the next one is in time.
 */
function beat(engine: Engine, claim: Claim, isStopped: AbortSignal): { stop(): void; readonly stopped: AbortSignal } {
  const controller = new AbortController();
  const stopped = new AbortController();
  const { signal } = controller;
  isStopped.addEventListener('abort', () => controller.abort('it was stopped'), { once: true });
  const renew = async (): Promise<void> => {
    for (;;) {
      await engine.parts.clock.sleep(LEASE_MS / 3, signal);
      if (signal.aborted) return;
      const until = engine.parts.clock.now() + LEASE_MS;
      const wanted = await engine.change({ cells: [claim.record], slots: [claim.processor.name] }, (snapshot) => {
        const record = snapshot.cell(claim.record);
        const { request } = record;
        // An asynchronous target's lease lasts until its deadline, and is not shortened.
        if (!request?.lease || request.lease.token !== claim.lease.token || request.lease.started) return { writes: {}, result: false };
        const slots = snapshot.slots(claim.processor.name);
        return {
          writes: {
            cells: [{ ...record, request: { ...request, lease: { ...request.lease, until } } }],
            slots: [{ ...slots, holders: slots.holders.map((holder) => (holder.token === claim.lease.token && holder.day === record.day ? { ...holder, until } : holder)) }],
          },
          result: request.stop !== undefined,
        };
      }).catch(() => false);
      if (wanted) stopped.abort();
    }
  };
  void renew();
  return { stop: () => controller.abort('its run has ended'), stopped: stopped.signal };
}
