import { formatDay } from '../calendar/day.ts';
import { classify } from '../failures/classify.ts';
import { expectationOf } from '../gaps/expectation.ts';
import { shortcomingsOf } from '../gaps/facts.ts';
import { EMPTY_FINGERPRINT } from '../gaps/fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellRecord, Lease, OpenRequest } from '../requests/cell.ts';
import type { PhaseComplete } from '../requests/messages.ts';
import type { Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { tellFailed } from './failure-alerts.ts';
import { finishFailed, finishGivenBack, finishVerified } from './finish.ts';
import { judgeWritten, ReportedFailure } from './run-cell.ts';
import { wakeWaiters } from './wake.ts';

/** A cell that an asynchronous target is working on. */
export interface StartedRun {
  readonly processor: Processor;
  readonly record: CellRecord;
  readonly request: OpenRequest;
  readonly lease: Lease & { readonly started: NonNullable<Lease['started']> };
}

/** The run that is under way on a cell, if an asynchronous target does it. */
export function startedRunOf(engine: Engine, record: CellRecord): StartedRun | null {
  const { request } = record;
  const processor = engine.pipeline.byName.get(record.processor);
  if (!processor || request?.state !== 'processing' || !request.lease?.started) return null;
  return { processor, record, request, lease: { ...request.lease, started: request.lease.started } };
}

export type Settled = 'verified' | 'inputs_changed' | 'failed';

/**
 * An asynchronous run has ended, by its own message. Whatever it reported, its rows are measured: it is verified, or it has
 * failed and is tried again or ended like any other attempt.
 */
export async function settleStarted(engine: Engine, run: StartedRun, message: Pick<PhaseComplete, 'status' | 'error_message'>): Promise<Settled> {
  const { processor, record, lease } = run;
  const claim: Claim = run;
  const settled = await (async (): Promise<Settled> => {
    try {
      if (message.status !== 'success') throw reported(processor.name, message);
      const entries = await engine.parts.store.trace(lease.runId);
      const outcome = await judgeWritten(engine, {
        processor, day: record.day, runId: lease.runId, force: run.request.force, trace: lease.started.trace, entries: entries ?? '[]',
      });
      if (outcome.kind !== 'verified') {
        await finishGivenBack(engine, claim, 'inputs_changed');
        return 'inputs_changed';
      }
      await finishVerified(engine, claim, outcome.run, outcome.trace, outcome.promoted, { told: 'is_told' });
      return 'verified';
    } catch (error) {
      const failure = classify(error);
      await tellFailed(engine, claim, failure, await finishFailed(engine, claim, failure, lease.started.trace.digest));
      return 'failed';
    }
  })();
  if (settled !== 'inputs_changed') await wakeWaiters(engine, record);
  return settled;
}

function reported(processor: string, { status, error_message: text }: Pick<PhaseComplete, 'status' | 'error_message'>): Error {
  if (status === 'no_data') return Object.assign(new Error(`No data found: ${text ?? `${processor} reported no_data`}`), { name: 'NoDataError' });
  return new ReportedFailure({ type: 'Error', message: text ?? `${processor} reported ${status}` });
}

/**
 * The deadline of an asynchronous run has passed without a message. If new rows are there that lack nothing, the message
 * was lost; otherwise the attempt has failed.
 */
export async function settleOverdue(engine: Engine, run: StartedRun): Promise<Settled> {
  const { processor, record, lease } = run;
  await engine.rereadCell(processor, record.day);
  const found = engine.world.coverage(processor, record.day);
  const lacking = shortcomingsOf(found, expectationOf(engine.world, processor, record.day));
  if (lacking.length === 0 && (found?.fingerprint ?? EMPTY_FINGERPRINT) !== lease.started.held) return settleStarted(engine, run, { status: 'success', error_message: null });
  // It may be at work still, and is not to write beside the run that comes next.
  await engine.parts.runner.cancel(processor, lease.started.handle).catch(() => null);
  const waited = `no phase-complete message of ${lease.runId} within ${processor.timeoutSeconds} s`;
  return settleStarted(engine, run, { status: 'failed', error_message: `Timeout: ${processor.name} ${formatDay(record.day)}: ${waited} (started ${lease.started.handle})` });
}
