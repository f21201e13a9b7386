import { formatDay } from '../calendar/day.ts';
import { alertDue } from '../failures/category.ts';
import { classify, type Failure } from '../failures/classify.ts';
import type { Alert } from '../ports/notifier.ts';
import type { EndedBadly, CellKey } from '../requests/cell.ts';
import { traceOf } from '../gaps/trace.ts';
import { claimCell, LEASE_MS, type Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { finishFailed, finishGivenBack, finishVerified } from './finish.ts';
import { runCell } from './run-cell.ts';
import { wakeWaiters } from './wake.ts';

/** What became of one cell that the worker took up. */
export interface Worked extends CellKey {
  readonly outcome: 'ran' | 'unchanged' | 'cut_off' | 'inputs_changed' | 'retry' | 'failed' | 'drained';
  readonly reason: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly rows: number | null;
  readonly failure: EndedBadly | null;
  /** Retry: when it is tried again. */
  readonly retryAt: number | null;
}

export interface WorkOptions {
  readonly signal: AbortSignal;
  /** Told of each cell when its claim is durable, and when it has ended. */
  readonly onStart?: (key: CellKey) => void;
  readonly onEnd?: (worked: Worked) => void;
  /** Asked when nothing queued can be taken: queues more, and says whether it did. */
  readonly feed?: () => Promise<boolean>;
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
  const busy = new Set<string>();
  const lane = async (): Promise<void> => {
    while (!options.signal.aborted) {
      turn += 1;
      // Taken before looking: what ends while this lane looks must not go unheard.
      const heard = bell.promise;
      const claim = await takeNext(engine, turn % (options.fairTurn ?? FAIR_TURN) === 0, busy, options);
      if (claim) {
        done += 1;
        running += 1;
        await workClaim(engine, claim, options).finally(() => {
          running -= 1;
          ring();
        });
      } else if (await options.feed?.()) {
        ring();
      } else if (running === 0) {
        ring();
        return;
      } else {
        await heard;
      }
    }
  };
  await Promise.all(Array.from({ length: engine.parts.lanes }, lane));
  return done;
}

/** Claims the best queued cell that can be had now, or null. Cells that turn out to wait are put there on the way. */
async function takeNext(engine: Engine, fair: boolean, busy: Set<string>, options: WorkOptions): Promise<Claim | null> {
  const { store, clock } = engine.parts;
  engine.keepTime();
  let looked = CANDIDATES;
  for (;;) {
    const now = clock.now();
    const oldest = fair ? await store.oldestQueued(now) : null;
    const best = await store.queued(now, looked);
    const candidates = [...(oldest ? [oldest] : []), ...best];
    let progressed = false;
    for (const candidate of candidates) {
      const id = `${candidate.processor}/${candidate.day}`;
      if (busy.has(id) || !engine.pipeline.byName.has(candidate.processor)) continue;
      busy.add(id);
      const outcome = await claimCell(engine, candidate).finally(() => busy.delete(id));
      if (outcome.kind === 'claimed') return outcome.claim;
      if (outcome.kind === 'cut_off') {
        options.onEnd?.({ ...candidate, outcome: 'cut_off', reason: 'nothing that it reads has changed', startedAt: now, endedAt: now, rows: null, failure: null, retryAt: null });
        await wakeWaiters(engine, candidate);
      }
      if (outcome.kind !== 'not_now') progressed = true;
    }
    if (progressed) continue;
    if (best.length < looked || looked === MORE_CANDIDATES) return null;
    looked = MORE_CANDIDATES;
  }
}

async function workClaim(engine: Engine, claim: Claim, options: WorkOptions): Promise<void> {
  const key = { processor: claim.processor.name, day: claim.record.day };
  options.onStart?.(key);
  const worked = await attempt(engine, claim, options.signal);
  options.onEnd?.({ ...key, ...worked, reason: claim.request.reason, startedAt: claim.lease.startedAt, endedAt: engine.parts.clock.now() });
  if (worked.outcome !== 'retry' && worked.outcome !== 'drained' && worked.outcome !== 'inputs_changed') await wakeWaiters(engine, key);
}

type Ended = Pick<Worked, 'outcome' | 'rows' | 'failure' | 'retryAt'>;

async function attempt(engine: Engine, claim: Claim, signal: AbortSignal): Promise<Ended> {
  const { processor, record } = claim;
  const inputsDigest = traceOf(engine.world, processor, record.day).digest;
  const heart = beat(engine, claim);
  const timeout = AbortSignal.timeout(processor.timeoutSeconds * 1000);
  try {
    const outcome = await runCell(engine, claim, AbortSignal.any([signal, timeout]));
    switch (outcome.kind) {
      case 'verified':
        await finishVerified(engine, claim, outcome.run, outcome.trace, outcome.promoted);
        return { outcome: outcome.promoted ? 'ran' : 'unchanged', rows: outcome.run.rows, failure: null, retryAt: null };
      case 'inputs_changed':
        await finishGivenBack(engine, claim, 'inputs_changed');
        return { outcome: 'inputs_changed', rows: null, failure: null, retryAt: null };
      case 'outdated':
        await finishGivenBack(engine, claim, 'outdated', outcome.generation);
        return { outcome: 'inputs_changed', rows: null, failure: null, retryAt: null };
      case 'no_data':
        return await failed(engine, claim, Object.assign(new Error(`No data found: ${outcome.message}`), { name: 'NoDataError' }), inputsDigest);
    }
  } catch (error) {
    if (signal.aborted) {
      await finishGivenBack(engine, claim, 'drained');
      return { outcome: 'drained', rows: null, failure: null, retryAt: null };
    }
    const thrown = timeout.aborted ? new Error(`Query timeout: ${processor.name} took longer than its ${processor.timeoutSeconds} seconds`, { cause: error }) : error;
    return await failed(engine, claim, thrown, inputsDigest);
  } finally {
    heart.stop();
  }
}

async function failed(engine: Engine, claim: Claim, thrown: unknown, inputsDigest: string): Promise<Ended> {
  const failure = classify(thrown);
  const end = await finishFailed(engine, claim, failure, inputsDigest);
  // A run in backfill mode sends no alert of its own; what will be tried again by itself is not alerted.
  if (end.kind === 'ended' && !claim.request.isBackfill && alertDue(failure.alert, end.failure.step, failure.category === 'data_availability')) {
    await engine.parts.notifier.notify(failedAlert(engine, claim, failure));
  }
  return end.kind === 'retry'
    ? { outcome: 'retry', rows: null, failure: null, retryAt: end.at }
    : { outcome: 'failed', rows: null, failure: end.failure, retryAt: null };
}

function failedAlert(engine: Engine, claim: Claim, failure: Failure): Alert {
  const { processor, record } = claim;
  const date = formatDay(record.day);
  return {
    severity: 'warning', event: 'request_failed', title: `${processor.name} ${date} failed: ${failure.category}`, lines: [failure.message, failure.why],
    command: `smart-backfill why ${processor.name} ${date}`, at: engine.parts.clock.now(),
  };
}

/** Renews a claim's lease while its run is under way. A beat that fails is not fatal: the next one is in time. */
function beat(engine: Engine, claim: Claim): { stop(): void } {
  const controller = new AbortController();
  const { signal } = controller;
  const renew = async (): Promise<void> => {
    for (;;) {
      await engine.parts.clock.sleep(LEASE_MS / 3, signal);
      if (signal.aborted) return;
      const until = engine.parts.clock.now() + LEASE_MS;
      await engine.change({ cells: [claim.record], slots: [claim.processor.name] }, (snapshot) => {
        const record = snapshot.cell(claim.record);
        const { request } = record;
        if (!request?.lease || request.lease.token !== claim.lease.token) return { writes: {}, result: null };
        const slots = snapshot.slots(claim.processor.name);
        return {
          writes: {
            cells: [{ ...record, request: { ...request, lease: { ...request.lease, until } } }],
            slots: [{ ...slots, holders: slots.holders.map((holder) => (holder.token === claim.lease.token && holder.day === record.day ? { ...holder, until } : holder)) }],
          },
          result: null,
        };
      });
    }
  };
  void renew().catch(() => undefined);
  return { stop: () => controller.abort() };
}
