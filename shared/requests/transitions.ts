import { backoffMs, categoryPolicies, coolingMs } from '../failures/category.ts';
import type { Failure } from '../failures/classify.ts';
import { pausedUntil } from '../failures/quota.ts';
import type { Ask } from './ask.ts';
import type { CellKey, CellRecord, EndedBadly, Lease, OpenRequest, VerifiedRun } from './cell.ts';

/**
 * The request state machine, as functions from a cell's record to its next.
 *
 *   waiting     an input is not usable yet; left when that cell ends, or by the sweep
 *   queued      ready; left by a claim, or back to waiting when its inputs changed
 *   processing  a lease is on it; left by an outcome, or by a takeover when the lease ran out
 *   blocked     an input failed for good; left when that input succeeds or is accepted, or after `blocked_for`
 *
 * It ends in: completed (the run becomes the recorded one), failed (cools, or is held), cancelled.
 */

const KEPT_ASKS = 20;

export function opened(record: CellRecord, ask: Ask, cell: { readonly reason: string; readonly rerun: boolean }): CellRecord {
  const request: OpenRequest = {
    state: 'queued',
    kind: kindOf(ask),
    priority: ask.priority,
    reason: cell.reason,
    requestedBy: ask.by,
    openedAt: ask.at,
    asks: [ask.id],
    waitingFor: null,
    waitingSince: null,
    attempts: 0,
    notBefore: null,
    lease: null,
    again: false,
    force: ask.force,
    rerun: cell.rerun,
    skipDownstreamTrigger: ask.skipDownstreamTrigger,
    isBackfill: ask.isBackfill,
    planId: ask.planId,
    backfillId: ask.backfillId,
    cause: ask.cause ?? ask.id,
    takeovers: 0,
    ...(ask.retry ? { retry: ask.retry } : {}),
    ...(ask.plannedAt === undefined ? {} : { plannedAt: ask.plannedAt }),
    ...(ask.halts === undefined ? {} : { halts: ask.halts }),
  };
  return { ...remembering(record, ask.id), generation: record.generation + 1, request };
}

function kindOf(ask: Ask): OpenRequest['kind'] {
  if (ask.asker === 'person') return 'manual';
  if (ask.asker === 'cascade') return 'cascade';
  return ask.backfillId !== null ? 'staged' : 'auto';
}

/** Another ask wants the same: it waits for the same outcome, and what it wants more is added. */
export function joined(record: CellRecord, request: OpenRequest, ask: Ask, again: boolean): CellRecord {
  return {
    ...remembering(record, ask.id),
    request: {
      ...request,
      asks: [...request.asks, ask.id],
      priority: higher(request.priority, ask.priority),
      again: request.again || again,
      force: request.force || ask.force,
      rerun: request.rerun || ask.reprocess === 'completed',
      // A live cascade must go on even when a backfill was there first.
      skipDownstreamTrigger: request.skipDownstreamTrigger && ask.skipDownstreamTrigger,
      isBackfill: request.isBackfill && ask.isBackfill,
      // What is to be overwritten for a staged backfill too is noted and kept for it. A run under way has noted nothing.
      backfillId: request.backfillId ?? (request.state === 'processing' ? null : ask.backfillId),
    },
  };
}

export function remembering(record: CellRecord, askId: string): CellRecord {
  return { ...record, recentAsks: [...record.recentAsks.filter((id) => id !== askId), askId].slice(-KEPT_ASKS) };
}

function higher(a: OpenRequest['priority'], b: OpenRequest['priority']): OpenRequest['priority'] {
  const order = { high: 0, normal: 1, low: 2 };
  return order[a] <= order[b] ? a : b;
}

export function queued(record: CellRecord, request: OpenRequest, notBefore: number | null = null): CellRecord {
  const { stop: _stop, ...rest } = request;
  return { ...record, request: { ...rest, state: 'queued', waitingFor: null, waitingSince: null, lease: null, notBefore } };
}

export function waiting(record: CellRecord, request: OpenRequest, state: 'waiting' | 'blocked', on: CellKey, now: number): CellRecord {
  const since = request.state === state && request.waitingSince !== null ? request.waitingSince : now;
  return { ...record, request: { ...request, state, waitingFor: on, waitingSince: since, lease: null, notBefore: null } };
}

export function claimed(record: CellRecord, { quota: _quota, ...request }: OpenRequest, lease: Lease): CellRecord {
  return { ...record, request: { ...request, state: 'processing', attempts: request.attempts + 1, claims: (request.claims ?? 0) + 1, lease, notBefore: null } };
}

/** What was under way ends without an outcome and without counting: inputs changed, a drain, a pause, a quota. */
export function givenBack(record: CellRecord, request: OpenRequest, notBefore: number | null): CellRecord {
  return queued(record, { ...request, attempts: Math.max(0, request.attempts - 1) }, notBefore);
}

/** The rows are verified and in place: the run becomes the recorded one. An `again` opens the next round at once. */
export function completed(record: CellRecord, run: VerifiedRun): CellRecord {
  const done: CellRecord = { ...record, last: run, failure: null, suspect: null, request: null };
  const { request } = record;
  if (!request?.again) return done;
  return { ...done, generation: record.generation + 1, request: { ...request, state: 'queued', again: false, attempts: 0, lease: null, waitingFor: null, waitingSince: null, notBefore: null } };
}

/** What a request becomes when its attempt failed: tried again, put back to waiting, or ended. */
export type AfterFailure =
  | { readonly kind: 'retry'; readonly record: CellRecord; readonly at: number }
  | { readonly kind: 'ended'; readonly record: CellRecord; readonly failure: EndedBadly };

export function attemptFailed(
  record: CellRecord,
  request: OpenRequest,
  failure: Failure,
  context: { readonly now: number; readonly maxAttempts: number; readonly runId: string; readonly inputsDigest: string | null; readonly definitionHash: string; readonly inputsLacking: boolean },
): AfterFailure {
  if (failure.pause !== null) {
    const at = pausedUntil(failure.pause, context.now);
    return { kind: 'retry', record: givenBack(record, { ...request, quota: failure.message }, at), at };
  }
  // What it reads is not there: it waits for that again, and the claim says for which input. By force it would not wait.
  if (failure.action === 'park' && context.inputsLacking && !request.force) return { kind: 'retry', record: givenBack(record, request, null), at: context.now };
  if (failure.retry && request.attempts < (request.retry?.maxAttempts ?? context.maxAttempts)) {
    const at = context.now + (request.retry?.delayMs ?? backoffMs(failure.category, request.attempts));
    return { kind: 'retry', record: queued(record, request, at), at };
  }
  const cools = categoryPolicies[failure.category].afterwards === 'cools';
  const cooledBefore = record.failure !== null && record.failure.coolsUntil !== null;
  const step = cools && cooledBefore ? record.failure.step + 1 : 0;
  const ended: EndedBadly = {
    outcome: 'failed',
    category: failure.category,
    message: failure.message,
    at: context.now,
    runId: context.runId,
    step,
    coolsUntil: cools ? context.now + coolingMs(step) : null,
    inputsDigest: context.inputsDigest,
    definitionHash: context.definitionHash,
  };
  return { kind: 'ended', record: { ...record, request: null, failure: ended }, failure: ended };
}

/** Ends an open request without a run. A cancelled cell is not run by itself until its inputs change. */
export function endedWithout(record: CellRecord, ended: EndedBadly): CellRecord {
  return { ...record, request: null, failure: ended };
}
