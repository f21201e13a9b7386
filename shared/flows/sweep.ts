import { untoldOf } from '../alerts/untold.ts';
import { categoryPolicies, coolingMs } from '../failures/category.ts';
import { traceOf } from '../gaps/trace.ts';
import type { CellRecord, EndedBadly } from '../requests/cell.ts';
import { endedWithout, queued } from '../requests/transitions.ts';
import type { Engine } from './engine.ts';
import { beganRows, finishStopped, finishVerified } from './finish.ts';
import { withoutExpired, type Claim } from './claim.ts';
import { halting } from './halt.ts';
import { releaseLeasesOf } from './leases.ts';
import { takeOverRollback } from './rollback/cell.ts';
import { fromMarker } from './run-cell.ts';
import { settleOverdue, startedRunOf } from './settle.ts';
import { changeRow, historyRow } from './rows.ts';
import { decideAgain, wakeWaiters } from './wake.ts';

const MINUTE = 60_000;
/** What waits longer than this is decided again, in case a wake-up was lost. */
const DECIDE_AGAIN_AFTER_MS = 5 * MINUTE;
const HOUR = 60 * MINUTE;
const MAX_TAKEOVERS = 3;

/** What a sweep found and mended. */
export interface Swept {
  readonly finished: number;
  readonly requeued: number;
  readonly gaveUp: number;
  readonly decidedAgain: number;
}

/**
 * Repairs what a crash or a lost message left (P4): a run whose lease ran out is finished if its rows were committed, else queued again; what
 * waits for long is decided again; what was blocked for too long fails. `isDead` lets a runtime that knows its processes
 * take a lease over before it runs out.
 */
export async function sweep(engine: Engine, isDead: (owner: string) => boolean = () => false): Promise<Swept> {
  const now = engine.parts.clock.now();
  const swept = { finished: 0, requeued: 0, gaveUp: 0, decidedAgain: 0 };
  await releaseLeasesOf(engine, isDead);
  const open = await engine.parts.store.openCells();
  const days = open.map((record) => record.day).sort((a, b) => a - b);
  const [first] = days;
  if (first === undefined) return swept;
  await engine.ensure(first, days.at(-1) ?? first);
  for (const record of open) {
    const { request } = record;
    const overdue = startedRunOf(engine, record);
    if (overdue) {
      // It runs on by itself, whatever became of the process that started it.
      if (overdue.lease.until <= now) swept[await settleOverdue(engine, overdue) === 'verified' ? 'finished' : 'requeued'] += 1;
      continue;
    }
    if (request?.lease && request.state === 'processing' && (request.lease.until <= now || isDead(request.lease.owner))) {
      const outcome = request.rollback ? await takeOverRollback(engine, record) : await takeOver(engine, record);
      swept[outcome] += 1;
    }
  }
  const stale = open.filter(({ request }) => request && (request.state === 'waiting' || request.state === 'blocked') && now - (request.waitingSince ?? now) >= DECIDE_AGAIN_AFTER_MS);
  if (stale.length > 0) {
    await decideAgain(engine, stale);
    swept.decidedAgain = stale.length;
  }
  for (const record of stale) if (await failBlocked(engine, record, now)) swept.gaveUp += 1;
  return swept;
}

async function takeOver(engine: Engine, record: CellRecord): Promise<'finished' | 'requeued' | 'gaveUp'> {
  const processor = engine.pipeline.byName.get(record.processor);
  const { request } = record;
  if (!processor || !request?.lease) return 'requeued';
  const { lease } = request;
  const promotion = await engine.parts.warehouse.promotion(processor, record.day);
  if (promotion && promotion.runId === lease.runId) {
    const claim: Claim = { processor, record, request, lease };
    const outcome = await fromMarker(engine, processor, record.day, promotion);
    if (outcome.kind === 'verified') {
      await finishVerified(engine, claim, outcome.run, outcome.trace, outcome.promoted);
      await wakeWaiters(engine, record);
      return 'finished';
    }
  }
  await engine.rereadCell(processor, record.day);
  // Who ran it died before it could do as it was told.
  if (request.stop?.how === 'cancel') {
    await finishStopped(engine, { processor, record, request, lease }, request.stop, `the run ${lease.runId}`, traceOf(engine.world, processor, record.day).digest);
    await wakeWaiters(engine, record);
    return 'gaveUp';
  }
  const now = engine.parts.clock.now();
  const gaveUp = await engine.change({ cells: [record], slots: [processor.name], controls: true }, (snapshot) => {
    const current = snapshot.cell(record);
    const slots = withoutExpired(snapshot.slots(processor.name), now);
    const freed = { ...slots, holders: slots.holders.filter((holder) => holder.day !== record.day) };
    if (!current.request || current.request.lease?.token !== lease.token) return { writes: {}, result: false };
    const takeovers = current.request.takeovers + 1;
    if (takeovers >= MAX_TAKEOVERS) {
      const step = current.failure !== null && current.failure.coolsUntil !== null ? current.failure.step + 1 : 0;
      const message = `worker died ${takeovers} times without an outcome`;
      const failure: EndedBadly = {
        outcome: 'failed', category: 'infrastructure', message, at: now, runId: lease.runId, step, coolsUntil: now + coolingMs(step), inputsDigest: null, definitionHash: processor.definitionHash,
      };
      const ended = endedWithout(current, failure);
      return {
        writes: {
          ...halting(snapshot.controls(), current.request), cells: [ended], slots: [freed], changes: [...beganRows(record, lease, request), changeRow(ended, current.request, 'failed', now, { error: message })],
          history: [historyRow(processor, record.day, current.request, { runId: lease.runId, status: 'failed', decision: 'failed', at: now, error: message, category: 'infrastructure' })],
          untold: untoldOf(ended, current.request, failure, categoryPolicies.infrastructure.alert),
          askCells: current.request.asks.map((askId) => ({ askId, processor: record.processor, day: record.day, outcome: 'failed' as const, note: message, at: now })),
        },
        result: true,
      };
    }
    const again = queued(current, { ...current.request, takeovers });
    return { writes: { cells: [again], slots: [freed], changes: [...beganRows(record, lease, request), changeRow(again, current.request, 'queued', now, { metadata: { why: 'takeover', takeovers } })] }, result: false };
  });
  if (gaveUp) await wakeWaiters(engine, record);
  return gaveUp ? 'gaveUp' : 'requeued';
}

async function failBlocked(engine: Engine, record: CellRecord, now: number): Promise<boolean> {
  const processor = engine.pipeline.byName.get(record.processor);
  if (!processor) return false;
  const failed = await engine.change({ cells: [record] }, (snapshot) => {
    const current = snapshot.cell(record);
    const { request } = current;
    const limit = engine.pipeline.settings.blocked_for_hours * HOUR;
    if (request?.state !== 'blocked' || now - (request.waitingSince ?? now) < limit) return { writes: {}, result: false };
    const message = `blocked for ${engine.pipeline.settings.blocked_for_hours} h by ${request.waitingFor?.processor ?? 'an input'}`;
    const failure: EndedBadly = {
      outcome: 'failed', category: 'defensive_block', message, at: now, runId: null, step: 0, coolsUntil: null,
      inputsDigest: traceOf(engine.world, processor, record.day).digest, definitionHash: processor.definitionHash,
    };
    const ended = endedWithout(current, failure);
    return {
      writes: {
        cells: [ended], untold: untoldOf(ended, request, failure, categoryPolicies.defensive_block.alert), changes: [changeRow(ended, request, 'failed', now, { error: message })],
        askCells: request.asks.map((askId) => ({ askId, processor: record.processor, day: record.day, outcome: 'blocked' as const, note: message, at: now })),
      },
      result: true,
    };
  });
  if (failed) await wakeWaiters(engine, record);
  return failed;
}
