import { untoldOf } from '../alerts/untold.ts';
import { formatDay } from '../calendar/day.ts';
import { categoryPolicies } from '../failures/category.ts';
import type { Failure } from '../failures/classify.ts';
import { judgeInputs } from '../gaps/usable.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Durable, OutgoingMessage, SlotRecord, Snapshot, Writes } from '../ports/request-store.ts';
import type { RequestChangeRow } from '../ports/run-history.ts';
import type { AskCell, AskOutcome } from '../requests/ask.ts';
import { writtenByUs, type CellRecord, type EndedBadly, type Lease, type OpenRequest, type StopOrder, type VerifiedRun } from '../requests/cell.ts';
import { SLOW_MS } from '../requests/slots.ts';
import { wroteNoted } from '../rollback/overwrites.ts';
import { attemptFailed, completed, endedWithout, givenBack } from '../requests/transitions.ts';
import type { PhaseComplete } from '../requests/messages.ts';
import { withoutHolder, type Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { halting } from './halt.ts';
import { changeRow, historyRow } from './rows.ts';

/** An asynchronous target has begun: the lease, and its slot, last until its deadline. */
export async function finishStarted(engine: Engine, claim: Claim, started: NonNullable<Lease['started']> & { readonly entries: string }): Promise<void> {
  const { processor, record, lease } = claim;
  const now = engine.parts.clock.now();
  const until = lease.startedAt + processor.timeoutSeconds * 1000;
  await engine.change({ cells: [record], slots: [processor.name] }, (snapshot) => {
    const current = snapshot.cell(record);
    const { request } = current;
    if (!request?.lease || request.lease.token !== lease.token) return { writes: {}, result: null };
    const slots = snapshot.slots(processor.name);
    const { handle, trace, held } = started;
    const running = { ...current, request: { ...request, lease: { ...request.lease, until, started: { handle, trace, held } } } };
    return {
      writes: {
        cells: [running],
        slots: [{ ...slots, holders: slots.holders.map((holder) => (holder.token === lease.token && holder.day === record.day ? { ...holder, until } : holder)) }],
        traces: [{ runId: lease.runId, trace: started.entries }],
        changes: [changeRow(running, request, 'processing', now, { metadata: { started: handle, until: new Date(until).toISOString() } })],
      },
      result: null,
    };
  });
}

/** A person had it stopped: the request ends cancelled, or, for a pause, goes back into the queue. */
export async function finishStopped(engine: Engine, claim: Claim, order: StopOrder, stopped: string | null, inputsDigest: string | null): Promise<void> {
  await finish(engine, claim, (snapshot, request) => stoppedWrites(engine, claim, { snapshot, request, order, stopped, inputsDigest }));
}

interface Stopping {
  readonly snapshot: Snapshot;
  readonly request: OpenRequest;
  readonly order: StopOrder;
  /** What was stopped, in words. */
  readonly stopped: string | null;
  readonly inputsDigest: string | null;
}

function stoppedWrites(engine: Engine, claim: Claim, { snapshot, request, order, stopped, inputsDigest }: Stopping): Writes {
  const { processor, record, lease } = claim;
  const now = engine.parts.clock.now();
  const why = `${order.how === 'pause' ? 'paused' : 'cancelled'} by ${order.by}: ${order.reason}`;
  const message = stopped === null ? why : `${why}; stopped ${stopped}`;
  const current = snapshot.cell(record);
  const next = order.how === 'pause' ? givenBack(current, request, null) : endedWithout(current, {
    outcome: 'cancelled', category: 'invalid_request', message, at: now, runId: lease.runId, step: 0, coolsUntil: null, inputsDigest, definitionHash: processor.definitionHash,
  });
  return {
    cells: [next],
    askCells: order.how === 'pause' ? [] : outcomesOf(claim, request, 'cancelled', message, now),
    changes: [changeRow(next, request, order.how === 'pause' ? 'queued' : 'cancelled', now, { error: message })],
    history: [historyRow(processor, record.day, request, { runId: lease.runId, status: 'skipped', decision: order.how === 'pause' ? 'paused' : 'cancelled', at: now, startedAt: lease.startedAt, attempt: request.attempts, error: message })],
  };
}

export interface FinishOptions {
  /** `is_told`: an asynchronous target has published its completion itself. */
  readonly told?: 'publish' | 'is_told';
  /** `with_next` where the run's marker is in the warehouse: a sweep finishes it from that. */
  readonly durable?: Durable;
}

/** Records a verified run, frees its slot, and queues the phase-complete message, all in one commit. */
export async function finishVerified(engine: Engine, claim: Claim, run: VerifiedRun, trace: string, promoted: boolean, { told = 'publish', durable }: FinishOptions = {}): Promise<void> {
  const { processor, record, lease } = claim;
  const now = engine.parts.clock.now();
  await finish(engine, claim, (snapshot, request) => {
    const current = snapshot.cell(record);
    const unstable = isUnstable(processor, current.last, run);
    const heard: VerifiedRun = { ...run, ...(request.skipDownstreamTrigger ? { silent: true } : {}), ...(promoted || writtenByUs(current.last) ? {} : { found: true }) };
    const noted = request.backfillId === null ? current : wroteNoted(current, request.backfillId, run.fingerprint);
    const done = completed(noted, unstable ? { ...heard, standsFor: current.last?.standsFor ?? standingFor(current.last) } : heard);
    return {
      cells: [done],
      traces: [{ runId: run.runId, trace }],
      askCells: outcomesOf(claim, request, 'ran', promoted ? `${run.rows} rows` : `${run.rows} rows, the same as before`, now),
      outbox: request.skipDownstreamTrigger || told === 'is_told' ? [] : [completionMessage(engine, claim, request, run, now)],
      changes: [changeRow(done, request, 'completed', now)],
      history: [historyRow(processor, record.day, request, {
        runId: run.runId, status: 'success', decision: unstable ? 'unstable' : promoted ? 'ran' : 'unchanged', at: now, startedAt: lease.startedAt, attempt: request.attempts, rows: run.rows,
        traceDigest: run.trace?.digest, fingerprint: run.fingerprint,
      })],
    };
  }, { durable });
}

/**
 * The same trace gave other rows than the last run: the processor does not repeat itself. One that reads the outside world
 * only has no trace to speak of: a source that corrects itself is news.
 */
function isUnstable(processor: Processor, last: VerifiedRun | null, run: VerifiedRun): boolean {
  if (processor.upstreams.length === 0 || !last?.trace || !run.trace || last.forced || run.forced) return false;
  return last.trace.digest === run.trace.digest && last.fingerprint !== run.fingerprint;
}

function standingFor(last: VerifiedRun | null): VerifiedRun['standsFor'] {
  return last ? { fingerprint: last.fingerprint, views: last.views } : undefined;
}

/** What became of a failed attempt. */
export type FailureEnd = { readonly kind: 'retry'; readonly at: number } | { readonly kind: 'cancelled' } | { readonly kind: 'ended'; readonly failure: EndedBadly };

/** Records a failed attempt: tried again after its backoff, or ended, to cool or to be held. */
export async function finishFailed(engine: Engine, claim: Claim, failure: Failure, inputsDigest: string | null): Promise<FailureEnd> {
  const { processor, record, lease } = claim;
  const now = engine.parts.clock.now();
  const slows = categoryPolicies[failure.category].slowsProcessor;
  let end: FailureEnd = { kind: 'retry', at: now };
  await finish(engine, claim, (snapshot, request) => {
    const after = attemptFailed(snapshot.cell(record), request, failure, {
      now, maxAttempts: engine.pipeline.settings.max_attempts, runId: lease.runId, inputsDigest, definitionHash: processor.definitionHash,
      inputsLacking: judgeInputs(engine.world, processor, record.day, engine.strictness).blocking.length > 0,
    });
    const ended = after.kind === 'ended';
    // The order came, and nobody has seen it before the run failed by itself: it is not tried again.
    if (!ended && request.stop?.how === 'cancel') {
      end = { kind: 'cancelled' };
      return stoppedWrites(engine, claim, { snapshot, request, order: request.stop, stopped: null, inputsDigest });
    }
    end = ended ? { kind: 'ended', failure: after.failure } : { kind: 'retry', at: after.at };
    return {
      cells: [after.record],
      askCells: ended ? outcomesOf(claim, request, 'failed', failure.message, now) : [],
      untold: ended ? untoldOf(after.record, request, after.failure, failure.alert) : [],
      ...(ended && claim.request.halts ? halting(snapshot.controls(), request) : {}),
      changes: [changeRow(after.record, request, ended ? 'failed' : 'queued', now, { error: failure.message, metadata: { category: failure.category, rule: failure.rule } })],
      history: [historyRow(processor, record.day, request, {
        runId: lease.runId, status: 'failed', decision: ended ? 'failed' : 'retry', at: now, startedAt: lease.startedAt, attempt: request.attempts, error: failure.message, category: failure.category,
      })],
    };
  }, { slowUntil: slows ? now + SLOW_MS : null });
  return end;
}

/**
 * The attempt ends without an outcome and does not count: its inputs changed, the process is going away, or the warehouse
 * knows a later generation (`after`) than this cell's record does.
 */
export async function finishGivenBack(engine: Engine, claim: Claim, why: 'inputs_changed' | 'drained' | 'outdated', after = 0): Promise<void> {
  const { processor, record, lease } = claim;
  const now = engine.parts.clock.now();
  await finish(engine, claim, (snapshot, request) => {
    if (request.stop?.how === 'cancel') return stoppedWrites(engine, claim, { snapshot, request, order: request.stop, stopped: null, inputsDigest: null });
    // Who takes it next may know a calendar from before: run by that, its inputs would be others again, and so without end.
    const known = why === 'inputs_changed' && engine.parts.shared ? { ...request, plannedAt: now } : request;
    const current = givenBack(snapshot.cell(record), known, null);
    const back = why === 'outdated' ? { ...current, generation: Math.max(current.generation, after) + 1 } : current;
    return {
      cells: [back],
      changes: [changeRow(back, request, 'queued', now, { metadata: { why } })],
      history: [historyRow(processor, record.day, request, { runId: lease.runId, status: 'skipped', decision: why, skipReason: why, at: now, startedAt: lease.startedAt, attempt: request.attempts })],
    };
  });
}

/** Runs a finishing decision only while the claim's lease is still the cell's (P8, P17); frees the slot with it. */
async function finish(engine: Engine, claim: Claim, decide: (snapshot: Snapshot, request: OpenRequest) => Writes, { slowUntil = null, durable }: { readonly slowUntil?: number | null; readonly durable?: Durable | undefined } = {}): Promise<void> {
  const { record, lease, processor } = claim;
  const { halts = false } = claim.request;
  await engine.change({ cells: [record], slots: [processor.name], ...(halts ? { controls: true } : {}) }, (snapshot) => {
    const { request } = snapshot.cell(record);
    const slots = freed(snapshot.slots(processor.name), claim, slowUntil);
    // Somebody took the cell over: what this attempt found out is theirs to record.
    if (!request?.lease || request.lease.token !== lease.token) return { writes: { slots: [slots] }, result: null };
    const writes = decide(snapshot, request);
    return { writes: { ...writes, changes: [...beganRows(record, request.lease, request), ...writes.changes ?? []], slots: [slots] }, result: null };
  }, durable);
}

/**
 * The row of a run's beginning is written with that of its end: state tells at once what runs, and a row of its own would
 * be one more document at every claim. An asynchronous run has told already what it started.
 */
export function beganRows(record: CellRecord, lease: Lease, request: OpenRequest): RequestChangeRow[] {
  return lease.started ? [] : [changeRow(record, request, 'processing', lease.startedAt)];
}

function freed(slots: SlotRecord, claim: Claim, slowUntil: number | null): SlotRecord {
  return { ...withoutHolder(slots, claim.record, claim.lease.token), slowUntil: slowUntil ?? slots.slowUntil };
}

function outcomesOf(claim: Claim, request: OpenRequest, outcome: AskOutcome, note: string, at: number): AskCell[] {
  const { processor, day } = claim.record;
  return request.asks.map((askId) => ({ askId, processor, day, outcome, note, at }));
}

function completionMessage(engine: Engine, claim: Claim, request: OpenRequest, run: VerifiedRun, now: number): OutgoingMessage {
  const { processor, record, lease } = claim;
  const body: Partial<PhaseComplete> = {
    phase: processor.phase.name,
    processor_name: processor.name,
    game_date: formatDay(record.day),
    status: 'success',
    backfill_mode: request.isBackfill,
    skip_downstream_trigger: request.skipDownstreamTrigger,
    rows_processed: run.rows,
    run_id: run.runId,
    started_at: new Date(lease.startedAt).toISOString(),
    completed_at: new Date(now).toISOString(),
    ...(request.backfillId === null ? {} : { backfill_id: request.backfillId }),
    ...(request.cause === undefined ? {} : { cause_id: request.cause }),
  };
  return { id: engine.parts.ids.next('msg'), topic: processor.phase.completionTopic, body: JSON.stringify(body) };
}
