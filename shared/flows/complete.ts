import { addDays, dayOf, formatDay, type Day } from '../calendar/day.ts';
import { turnOf } from '../cascade/turn.ts';
import { expectationOf } from '../gaps/expectation.ts';
import { shortcomingsOf } from '../gaps/facts.ts';
import { coolingMs } from '../failures/category.ts';
import { classify } from '../failures/classify.ts';
import { RetrySoonError } from '../failures/errors.ts';
import { EMPTY_FINGERPRINT } from '../gaps/fingerprint.ts';
import { encodeTrace, traceEntries, traceOf } from '../gaps/trace.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellRecord, EndedBadly, VerifiedRun } from '../requests/cell.ts';
import { instantOf, type PhaseComplete } from '../requests/messages.ts';
import { isUndone } from '../rollback/overwrites.ts';
import { backfillWith, cascadingBackfill } from '../staged/cascading.ts';
import { decideTurn, heldByBackfill, openBackfills, type Cascaded } from './cascade.ts';
import type { Engine } from './engine.ts';
import { historyRow } from './rows.ts';
import { settleStarted, startedRunOf } from './settle.ts';
import { cascadeOfRun } from './staged/cascade.ts';
import { runsOnByItself } from './time-budget.ts';
import { wakeWaiters } from './wake.ts';

export type Completion =
  | { readonly kind: 'refused'; readonly reason: string }
  /** Recorded; `cascade` is what was decided of its turn, if it has one. */
  | { readonly kind: 'recorded'; readonly external: boolean; readonly cascade: Cascaded | null; readonly detect: boolean };

/**
 * A processor says that it finished a date. The completion is committed first and the cascade decided after, in that
 * order, so that of the last two siblings at least one sees both.
 */
export async function complete(engine: Engine, message: PhaseComplete, messageId: string): Promise<Completion> {
  const processor = engine.pipeline.byName.get(message.processor_name);
  if (!processor) return { kind: 'refused', reason: `received processor_name '${message.processor_name}', which the pipeline ${engine.pipeline.name} does not have; allowed are ${[...engine.pipeline.byName.keys()].join(', ')}` };
  if (message.phase !== processor.phase.name) return { kind: 'refused', reason: `received phase '${message.phase}' for ${processor.name}, which is of ${processor.phase.name}` };
  const day = dayOf(message.game_date);
  if (!engine.world.contains(day)) return { kind: 'refused', reason: `received game_date ${message.game_date}, outside the pipeline's seasons` };
  await engine.refresh(day, day);
  const key = { processor: processor.name, day };
  const before = await engine.parts.store.cell(key);
  const started = startedRunOf(engine, before);
  if (!started && isBeingStarted(engine, processor, before, message)) {
    throw new RetrySoonError(`the run ${message.run_id} of ${processor.name} ${message.game_date} has ended before who started it could write that down; its message is to come again`);
  }
  const settled = started && started.lease.runId === message.run_id ? await settleStarted(engine, started, message) : null;
  const recorded = await recordCompletion(engine, processor, day, message, { messageId, settled: settled !== null });
  if (processor.fillsCalendar) await engine.recalendar();
  if (recorded.external) await wakeWaiters(engine, { processor: processor.name, day });
  const turn = turnOf(engine.world, processor, day);
  if (turn === null) return { kind: 'recorded', external: recorded.external, cascade: null, detect: settled !== null };
  const live = turn >= addDays(engine.world.moment.today, -engine.pipeline.settings.live_days);
  // Live dates never belong to a backfill: daily work costs no look at them.
  const open = live ? [] : await openBackfills(engine);
  const cause = message.cause_id ?? before.request?.cause ?? null;
  const stagedRun = message.status === 'success' ? cascadingBackfill(open, engine.world.record(processor, day), processor.phase) : null;
  const staged = stagedRun && await cascadeOfRun(engine, stagedRun, processor.phase, day, cause);
  if (staged) return { kind: 'recorded', external: recorded.external, cascade: staged, detect: settled !== null };
  // Of a run that is settled already, by this very message or at its deadline, the record says it.
  const wasSilent = settled !== null ? before.request?.skipDownstreamTrigger === true : before.last?.runId === message.run_id && before.last?.silent === true;
  const isSilent = message.skip_downstream_trigger || wasSilent;
  const cascade = await decideTurn(engine, {
    phase: processor.phase, turn, status: message.status,
    // A run of ours is known to be a backfill also when the service that ran it forgets to say so; and so is any of a backfill's cell.
    isBackfill: message.backfill_mode || recorded.wasBackfill || (settled !== null && before.request?.isBackfill === true) || backfillWith(engine.pipeline, open, key) !== null,
    skipDownstreamTrigger: isSilent,
    // Recovery of a live date by this system itself was owed its cascade.
    owed: live && recorded.ours && !isSilent,
    byPerson: null, cause, held: heldByBackfill(engine, open, processor.phase, turn),
  });
  return { kind: 'recorded', external: recorded.external, cascade, detect: settled !== null || message.status !== 'success' || cascade.record.state === 'parked' };
}

/** A quick service answers before its start is durable: taken now, its message would be lost, and the run waited for until its deadline. */
function isBeingStarted({ parts }: Engine, processor: Processor, { request }: CellRecord, { run_id: runId }: PhaseComplete): boolean {
  // Who started it is dead when its lease has run out: the cell is taken over, and run again.
  return runsOnByItself(processor) && request?.state === 'processing' && request.lease?.runId === runId && request.lease.until > parts.clock.now();
}

interface Recorded {
  /** A run that we did not start, now the recorded one. */
  readonly external: boolean;
  readonly ours: boolean;
  readonly wasBackfill: boolean;
}

async function recordCompletion(engine: Engine, processor: Processor, day: Day, message: PhaseComplete, { messageId, settled }: { readonly messageId: string; readonly settled: boolean }): Promise<Recorded> {
  const now = engine.parts.clock.now();
  const key = { processor: processor.name, day };
  const trace = traceOf(engine.world, processor, day);
  const entries = encodeTrace(traceEntries(engine.world, processor, day));
  const coverage = engine.world.coverage(processor, day);
  const lacking = shortcomingsOf(coverage, expectationOf(engine.world, processor, day));
  const runId = message.run_id ?? `external:${messageId}`;
  return engine.change<Recorded>({ cells: [key] }, (snapshot) => {
    const record = snapshot.cell(key);
    const { request } = record;
    const ours = settled || request?.lease?.runId === runId || (record.last?.runId === runId && record.last.origin === 'ours') || (record.failure?.runId === runId && !record.failure.reported);
    // The same message again. A team may keep one id over its retries: rows that have changed since are news.
    const repeated = record.last?.runId === runId && record.last.origin === 'external' && record.last.fingerprint === (coverage?.fingerprint ?? EMPTY_FINGERPRINT) && message.status === 'success';
    if (repeated) return { writes: {}, result: { external: false, ours: false, wasBackfill: request?.isBackfill ?? false } };
    const wasBackfill = request?.isBackfill ?? false;
    if (isUndone(record, runId, coverage?.fingerprint ?? EMPTY_FINGERPRINT)) return { writes: { history: [row('ignored')] }, result: { external: false, ours: false, wasBackfill } };
    // While an attempt of ours is under way, only its own message counts; others are kept in the history.
    if (ours || request?.state === 'processing') return { writes: ours ? {} : { history: [row('ignored')] }, result: { external: false, ours, wasBackfill } };
    if (message.status !== 'success') {
      const failure = lacking.length > 0 && !request && message.status !== 'skipped' ? reportedFailure(message, runId, now) : null;
      const failed = failure && { ...record, failure: { ...failure, definitionHash: processor.definitionHash } };
      return { writes: { ...(failed ? { cells: [failed] } : {}), history: [row('reported')] }, result: { external: false, ours: false, wasBackfill } };
    }
    if (lacking.length > 0) {
      return { writes: { history: [row('silent_failure', lacking.join('; '))] }, result: { external: false, ours: false, wasBackfill } };
    }
    const startedAt = message.started_at ? instantOf(message.started_at) : now;
    const changedSince = processor.upstreams.some((edge) => newerInput(engine, edge.upstream, engine.world.range(edge, day), startedAt));
    const run: VerifiedRun = {
      runId, at: now, rows: coverage?.rows ?? 0, fingerprint: coverage?.fingerprint ?? EMPTY_FINGERPRINT, views: coverage?.views ?? {}, trace: changedSince ? null : trace, origin: 'external', forced: false,
    };
    const suspect = changedSince ? 'an input was written after this run had started' : null;
    return {
      writes: { cells: [{ ...record, last: run, failure: null, suspect }], traces: [{ runId, trace: entries }], history: [row('external')] },
      result: { external: true, ours: false, wasBackfill },
    };
  });

  function row(decision: string, error?: string): ReturnType<typeof historyRow> {
    return historyRow(processor, day, { isBackfill: message.backfill_mode }, {
      runId, status: decision === 'silent_failure' ? 'failed' : message.status, decision, at: now, rows: message.rows_processed ?? undefined, error: error ?? message.error_message ?? undefined,
      metadata: { reported: message.status, game_date: formatDay(day) },
    });
  }
}

/** The failure of a run that somebody else started: it ends `pending`, and holds back nothing that we try ourselves. */
function reportedFailure(message: PhaseComplete, runId: string, now: number): Omit<EndedBadly, 'definitionHash'> {
  const { category, message: text } = classify(message.error_message ?? `${message.processor_name} reported ${message.status}`);
  const gone = message.status === 'no_data';
  return {
    outcome: 'failed', reported: true, category: gone ? 'data_availability' : category, message: text, at: now, runId, step: 0, coolsUntil: gone ? now + coolingMs(0) : now, inputsDigest: null,
  };
}

/** An input was written after the reported run had started: what it read of it is not known. */
function newerInput(engine: Engine, upstream: string, range: { readonly from: Day; readonly to: Day } | null, startedAt: number): boolean {
  if (!range) return false;
  const processor = engine.world.processor(upstream);
  for (let at = range.from; at <= range.to; at = addDays(at, 1)) {
    if ((engine.world.record(processor, at).last?.at ?? 0) > startedAt) return true;
  }
  return false;
}
