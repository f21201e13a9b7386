import { formatDay } from '../../calendar/day.ts';
import { EMPTY_FINGERPRINT } from '../../gaps/fingerprint.ts';
import { traceOf } from '../../gaps/trace.ts';
import type { Processor } from '../../pipeline/pipeline.ts';
import type { OldRows, RowSource } from '../../ports/warehouse.ts';
import type { CellRecord, EndedBadly, Lease, OpenRequest, RollbackOrder, VerifiedRun } from '../../requests/cell.ts';
import { decideRollback, isTaken, type RollbackDecision, type TakenDecision } from '../../rollback/decide.ts';
import { overwriteBy } from '../../rollback/overwrites.ts';
import { rollbackBegun, rollbackGivenUp, rolledBack } from '../../rollback/transitions.ts';
import { tokenAfter } from '../claim.ts';
import type { Engine } from '../engine.ts';
import { cellNow, type RollbackScope, type RollbackStep } from './plan.ts';
import { changeRow, historyRow } from '../rows.ts';
import { encodeMarker } from '../run-cell.ts';
import { wakeWaiters } from '../wake.ts';

/**
 * One cell of a rollback: a request of its own (lease, generation), the rows of before staged and promoted like a run's, and
 * their run recorded again. Whatever dies between two of these steps leaves either the cell as it was, or a rollback that
 * `sweep` finishes.
 */

/** No heartbeat is needed: putting a date back takes seconds. */
const ROLLBACK_LEASE_MS = 10 * 60_000;

export interface RolledBackCell extends RollbackStep {
  /** `left`: as `decision` says, which was made again under the lease. `failed`: nothing was put back. */
  readonly outcome: 'restored' | 'emptied' | 'left' | 'failed';
  readonly rows: number;
  /** Why it failed. */
  readonly error: string | null;
}

interface Begun {
  readonly processor: Processor;
  readonly record: CellRecord & { readonly request: OpenRequest };
  readonly lease: Lease;
  readonly order: RollbackOrder;
}

export async function rollBackCell(engine: Engine, step: RollbackStep, scope: RollbackScope, person: { readonly by: string; readonly reason: string }, signal: AbortSignal): Promise<RolledBackCell> {
  const processor = engine.world.processor(step.processor);
  const begun = await begin(engine, processor, step, scope, person);
  if (begun.kind === 'left') return { ...step, decision: begun.decision, outcome: 'left', rows: 0, error: null };
  const { decision } = begun;
  let rows: number;
  try {
    rows = await putBack(engine, begun, decision, scope.force, signal);
  } catch (thrown) {
    // What can't be told now is found out by the sweep, as after a crash.
    await giveUpRollback(engine, begun.processor, begun.record, messageOf(thrown)).catch(() => undefined);
    if (signal.aborted) throw thrown;
    await wakeWaiters(engine, step);
    return { ...step, decision, outcome: 'failed', rows: 0, error: messageOf(thrown) };
  }
  // The rows are back: where this can't be written down, the sweep finishes it.
  await finishRollback(engine, begun, decision);
  await wakeWaiters(engine, step);
  return { ...step, decision, outcome: decision.kind === 'restore' ? 'restored' : 'emptied', rows, error: null };
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

type Beginning = { readonly kind: 'left'; readonly decision: RollbackDecision } | ({ readonly kind: 'begun'; readonly decision: TakenDecision } & Begun);

/** Decides again on what is there now, and takes the cell. */
async function begin(engine: Engine, processor: Processor, step: RollbackStep, scope: RollbackScope, person: { readonly by: string; readonly reason: string }): Promise<Beginning> {
  const { clock, ids, owner } = engine.parts;
  const now = clock.now();
  const runId = ids.next('rollback');
  const key = { processor: processor.name, day: step.day };
  // Of what is kept nothing has changed since the plan.
  const kept = step.decision.kind === 'restore' && step.decision.from === 'kept' ? step.decision.note.held : null;
  await engine.ensure(step.day, step.day);
  await engine.recheck(processor, step.day);
  return engine.change<Beginning>({ cells: [key] }, (snapshot) => {
    const record = snapshot.cell(key);
    const isOurs = record.request?.lease?.runId === runId;
    const decision = decideRollback(cellNow(engine, processor, isOurs ? { ...record, request: null } : record, kept), scope);
    if (!isTaken(decision)) return { writes: {}, result: { kind: 'left', decision } };
    const order: RollbackOrder = { backfillId: decision.note?.backfillId ?? null, deletes: decision.kind === 'empty' && decision.isDeleted, ...person };
    // This very beginning: its commit was done, and its answer was lost.
    if (isOurs && record.request?.lease) return { writes: {}, result: { kind: 'begun', processor, record: { ...record, request: record.request }, lease: record.request.lease, order, decision } };
    const lease: Lease = { owner, token: tokenAfter({ ...record, generation: record.generation + 1, request: null }), until: now + ROLLBACK_LEASE_MS, runId, startedAt: now };
    const next = rollbackBegun(record, order, lease);
    return {
      writes: { cells: [next], changes: [changeRow(next, next.request, 'processing', now, { metadata: { rollback: order.backfillId } })] },
      result: { kind: 'begun', processor, record: next, lease, order, decision },
    };
  });
}

/** The number of rows that are there now. */
async function putBack(engine: Engine, { processor, record, lease }: Begun, decision: TakenDecision, force: boolean, signal: AbortSignal): Promise<number> {
  const { warehouse, store } = engine.parts;
  const { day, generation } = record;
  const staged = await warehouse.stage({ processor, day, generation, token: lease.token, runId: lease.runId }, sourceOf(decision), engine.world.calendar, signal);
  try {
    signal.throwIfAborted();
    const { coverage } = staged;
    if (decision.kind === 'restore' && !force && coverage.fingerprint !== decision.note.held) {
      throw new Error(`the rows that were found of before (${coverage.fingerprint}) are not those that were noted (${decision.note.held}); the rows in the table were left as they are; --force restores all the same`);
    }
    const last = decision.kind === 'empty' && decision.isDeleted ? null : decision.note?.last ?? null;
    const run: VerifiedRun = last ?? {
      runId: lease.runId, at: lease.startedAt, rows: coverage.rows, fingerprint: coverage.rows === 0 ? EMPTY_FINGERPRINT : coverage.fingerprint, views: coverage.views, trace: null, origin: 'external', forced: false,
    };
    const promoted = await staged.promote(encodeMarker(run, (last && await store.trace(last.runId)) ?? '{}', null));
    if (promoted.kind === 'fenced') throw new Error(`${promoted.winner.runId} has written it meanwhile; the rows in the table were left as they are`);
    engine.wrote(processor, day, coverage);
    return coverage.rows;
  } catch (thrown) {
    await staged.discard().catch(() => undefined);
    throw thrown;
  }
}

function sourceOf(decision: TakenDecision): RowSource | OldRows {
  if (decision.kind === 'empty') return { kind: 'rows', rows: [] };
  return decision.from === 'kept' ? { kind: 'kept', name: decision.note.backfillId } : { kind: 'past', at: decision.note.at };
}

async function finishRollback(engine: Engine, { processor, record, lease, order }: Pick<Begun, 'processor' | 'record' | 'lease' | 'order'>, decision: TakenDecision | null): Promise<void> {
  const now = engine.parts.clock.now();
  const { day } = record;
  await engine.change({ cells: [record] }, (snapshot) => {
    const current = snapshot.cell(record);
    const { request } = current;
    if (request?.lease?.token !== lease.token) return { writes: {}, result: null };
    const whose = order.backfillId === null ? '' : ` of ${order.backfillId}`;
    const message = `rows${whose} rolled back by ${order.by}: ${order.reason}`;
    const failure: EndedBadly = {
      outcome: 'rolled_back', category: 'invalid_request', message, at: now, runId: lease.runId, step: 0, coolsUntil: null,
      inputsDigest: traceOf(engine.world, processor, day).digest, definitionHash: processor.definitionHash,
    };
    const note = overwriteBy(current, order.backfillId);
    const next = rolledBack(current, order, failure);
    const coverage = engine.world.coverage(processor, day);
    return {
      writes: {
        cells: [next],
        askCells: request.again ? [] : request.asks.map((askId) => ({ askId, processor: processor.name, day, outcome: 'held' as const, note: message, at: now })),
        changes: [changeRow(next, request, 'rolled_back', now)],
        history: [historyRow(processor, day, request, {
          runId: lease.runId, status: 'rolled_back', decision: 'rolled_back', at: now, startedAt: lease.startedAt, attempt: 1, rows: coverage?.rows ?? 0, fingerprint: coverage?.fingerprint ?? EMPTY_FINGERPRINT,
          traceDigest: next.last?.trace?.digest,
          metadata: {
            by: order.by, reason: order.reason, backfill_id: order.backfillId, overwritten: note?.wrote ?? null, restored_run: next.last?.runId ?? null,
            ...(decision === null ? {} : { rows_from: decision.kind === 'restore' ? decision.from : order.deletes ? 'deleted' : 'had_none' }),
          },
        })],
      },
      result: null,
    };
  });
}

/** Nothing was put back: the cell is what it was. */
async function giveUpRollback(engine: Engine, processor: Processor, { day, request: was }: CellRecord, why: string): Promise<void> {
  const now = engine.parts.clock.now();
  await engine.change({ cells: [{ processor: processor.name, day }] }, (snapshot) => {
    const current = snapshot.cell({ processor: processor.name, day });
    if (!was?.lease || current.request?.lease?.token !== was.lease.token) return { writes: {}, result: null };
    const next = rollbackGivenUp(current);
    return {
      writes: {
        cells: [next], changes: [changeRow(next, current.request, 'failed', now, { error: why })],
        askCells: current.request.again ? [] : current.request.asks.map((askId) => ({ askId, processor: processor.name, day, outcome: 'held' as const, note: why, at: now })),
      },
      result: null,
    };
  });
}

/** Who rolled a cell back has died: it is finished where the rows of before are in place, else it is as if it had not begun. */
export async function takeOverRollback(engine: Engine, record: CellRecord): Promise<'finished' | 'gaveUp'> {
  const processor = engine.pipeline.byName.get(record.processor);
  const { request } = record;
  if (!processor || !request?.lease || !request.rollback) return 'gaveUp';
  const promotion = await engine.parts.warehouse.promotion(processor, record.day);
  await engine.rereadCell(processor, record.day);
  await engine.recheck(processor, record.day);
  const isInPlace = promotion?.runId === request.lease.runId;
  if (isInPlace) await finishRollback(engine, { processor, record: { ...record, request }, lease: request.lease, order: request.rollback }, null);
  else await giveUpRollback(engine, processor, record, `who rolled ${processor.name} ${formatDay(record.day)} back died before its rows were in place; roll back again`);
  await wakeWaiters(engine, record);
  return isInPlace ? 'finished' : 'gaveUp';
}
