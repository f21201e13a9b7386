import { z } from 'zod';
import { NeverRetryError, RetryLaterError } from '../failures/errors.ts';
import { EMPTY_FINGERPRINT } from '../gaps/fingerprint.ts';
import { expectationOf } from '../gaps/expectation.ts';
import { shortcomingsOf } from '../gaps/facts.ts';
import { encodeTrace, traceEntries, traceOf } from '../gaps/trace.ts';
import type { Coverage } from '../gaps/coverage.ts';
import type { TraceDigests, VerifiedRun } from '../requests/cell.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { RunAnswer } from '../ports/processor-runner.ts';
import type { Promotion, RowSource } from '../ports/warehouse.ts';
import type { Day } from '../calendar/day.ts';
import { isToBeKept } from '../rollback/overwrites.ts';
import type { Claim } from './claim.ts';
import type { Engine } from './engine.ts';
import { keepOld, keepBefore, noteFor } from './keeping.ts';

export type RunOutcome =
  /**
   * `promoted` false: the table held these very rows already. `marked`: the warehouse has its marker, from which whoever
   * comes after a crash finishes it.
   */
  | { readonly kind: 'verified'; readonly run: VerifiedRun; readonly trace: string; readonly promoted: boolean; readonly marked: boolean }
  /** An input changed while it ran: run again, this attempt does not count. */
  | { readonly kind: 'inputs_changed' }
  /**
   * The warehouse has a marker of this or a later generation whose rows are not there any more: state is older than the
   * warehouse (restored, or lost). The cell goes on after that generation.
   */
  | { readonly kind: 'outdated'; readonly generation: number }
  /** An asynchronous target has begun: a phase-complete message ends it, or its deadline. */
  | { readonly kind: 'started'; readonly handle: string; readonly trace: TraceDigests; readonly held: string; readonly entries: string }
  /** The source answered that it has nothing for this date. */
  | { readonly kind: 'no_data'; readonly message: string };

/**
 * One attempt: notes what it is about to read, produces the rows beside the table, measures them, compares the inputs
 * again (P27), and promotes. Throws what went wrong; nothing of the table has changed then.
 */
export async function runCell(engine: Engine, claim: Claim, signal: AbortSignal): Promise<RunOutcome> {
  const { processor, record, lease } = claim;
  const { day } = record;
  const before = traceOf(engine.world, processor, day);
  const entries = encodeTrace(traceEntries(engine.world, processor, day));
  const held = engine.world.coverage(processor, day)?.fingerprint ?? EMPTY_FINGERPRINT;
  await keepBefore(engine, claim);
  const source = await produce(engine, claim, signal);
  switch (source.kind) {
    case 'no_data':
      return source;
    case 'started':
      return { kind: 'started', handle: source.handle, trace: before, held, entries };
    case 'wrote':
      return judgeWritten(engine, { processor, day, runId: lease.runId, force: claim.request.force, trace: before, entries });
    default:
  }
  const { warehouse } = engine.parts;
  const staged = await warehouse.stage({ processor, day, generation: record.generation, token: lease.token, runId: lease.runId }, source, engine.world.calendar, signal);
  try {
    signal.throwIfAborted();
    verify(engine, processor, day, staged.coverage, 'the rows in the table were left as they are');
    await engine.recheck(processor, day);
    const now = traceOf(engine.world, processor, day);
    if (now.digest !== before.digest && !claim.request.force) {
      await staged.discard();
      return { kind: 'inputs_changed' };
    }
    const run: VerifiedRun = {
      runId: lease.runId,
      at: engine.parts.clock.now(),
      rows: staged.coverage.rows,
      fingerprint: staged.coverage.rows === 0 ? EMPTY_FINGERPRINT : staged.coverage.fingerprint,
      views: staged.coverage.views,
      trace: before,
      origin: 'ours',
      forced: claim.request.force,
    };
    const note = await noteFor(engine, claim);
    if (isToBeKept(note, run.fingerprint) && !await keepOld(engine, claim, note)) {
      await staged.discard();
      return { kind: 'inputs_changed' };
    }
    const promoted = await staged.promote(encodeMarker(run, entries, claim.request.backfillId));
    if (promoted.kind === 'fenced') return afterFence(engine, processor, day, promoted.winner);
    engine.wrote(processor, day, staged.coverage);
    return { kind: 'verified', run, trace: entries, promoted: promoted.kind === 'promoted', marked: true };
  } catch (error) {
    await staged.discard().catch(() => undefined);
    throw error;
  }
}

type Produced = RowSource | Extract<RunAnswer, { readonly kind: 'wrote' | 'started' | 'no_data' }>;

async function produce(engine: Engine, claim: Claim, signal: AbortSignal): Promise<Produced> {
  const { processor, record, request, lease } = claim;
  const { world, parts } = engine;
  const inputs = processor.upstreams.map((edge) => ({ upstream: world.processor(edge.upstream), columns: edge.columns, range: world.range(edge, record.day) }));
  if ('bigquery_sql' in processor.target) return { kind: 'sql', inputs };
  const answer = await parts.runner.run({
    processor,
    day: record.day,
    runId: lease.runId,
    isBackfill: request.isBackfill,
    skipDownstreamTrigger: request.skipDownstreamTrigger,
    strictMode: engine.strictness.strict,
    triggerReason: request.kind === 'auto' ? 'auto_backfill' : request.reason,
    backfillId: request.backfillId,
    inputs: inputs.map((input) => ({ upstream: input.upstream.name, range: input.range })),
    read: async (name) => {
      const input = inputs.find((candidate) => candidate.upstream.name === name);
      if (!input) throw new NeverRetryError(`${processor.name} read ${name}, which is not among its upstreams: ${inputs.map((one) => one.upstream.name).join(', ') || 'none'}`);
      return input.range ? parts.warehouse.rows(input.upstream, input.range, input.columns ?? input.upstream.fingerprintColumns) : [];
    },
    signal,
  });
  if (answer.kind === 'failed') throw new ReportedFailure(answer.error);
  return answer;
}

/** A run of a target that writes its table itself. */
export interface WrittenRun {
  readonly processor: Processor;
  readonly day: Day;
  readonly runId: string;
  readonly force: boolean;
  /** What its inputs were before it began. */
  readonly trace: TraceDigests;
  readonly entries: string;
}

/**
 * Measures what a target has written by itself, whatever it said of it. Nothing can be taken back here: where it falls
 * short, the cell is short for everybody, and its readers are held.
 */
export async function judgeWritten(engine: Engine, written: WrittenRun): Promise<RunOutcome> {
  const { processor, day, trace } = written;
  const known = engine.world.coverage(processor, day)?.fingerprint;
  await engine.recheck(processor, day);
  if (!engine.parts.warehouse.mayHaveChanged(processor, day, day)) await engine.rereadCell(processor, day);
  const coverage = engine.world.coverage(processor, day);
  verify(engine, processor, day, coverage, 'its readers are held until the rows are right');
  if (traceOf(engine.world, processor, day).digest !== trace.digest && !written.force) return { kind: 'inputs_changed' };
  const run: VerifiedRun = {
    runId: written.runId, at: engine.parts.clock.now(), rows: coverage?.rows ?? 0, fingerprint: coverage?.fingerprint ?? EMPTY_FINGERPRINT, views: coverage?.views ?? {},
    trace, origin: 'ours', forced: written.force,
  };
  return { kind: 'verified', run, trace: written.entries, promoted: known !== coverage?.fingerprint, marked: false };
}

/** What a target said of its own failure: classified by its type and text like anything thrown. */
export class ReportedFailure extends Error {
  readonly type: string;
  constructor(error: { readonly type: string; readonly message: string }) {
    super(`${error.type}: ${error.message}`);
    this.name = error.type;
    this.type = error.type;
  }
}

/** Rows that fall short of what is expected are never a success, whatever the run reported. */
function verify(engine: Engine, processor: Processor, day: Day, coverage: Coverage | undefined, aftermath: string): void {
  const expectation = expectationOf(engine.world, processor, day);
  const found = shortcomingsOf(coverage, expectation);
  if (found.length > 0) throw new SilentFailure(processor.name, found, aftermath);
}

/** A run that reported success with rows that can't be right. Held: the same inputs would give the same rows. */
class SilentFailure extends NeverRetryError {
  constructor(processor: string, shortcomings: readonly string[], aftermath: string) {
    super(`silent_failure: ${processor} reported success, but ${shortcomings.join('; ')}; ${aftermath}`, { category: 'processing' });
  }
}

/** What is committed with the rows: enough to finish the run after a crash. */
export function encodeMarker(run: VerifiedRun, entries: string, backfillId: string | null): string {
  return JSON.stringify({ run, entries, ...(backfillId === null ? {} : { backfillId }) });
}

const digests = z.object({ digest: z.string(), edges: z.record(z.string(), z.string()), definitionHash: z.string(), codeVersion: z.string() });
const marker = z.object({
  run: z.object({
    runId: z.string(), at: z.number(), rows: z.number(), fingerprint: z.string(), views: z.record(z.string(), z.string()),
    trace: digests.nullable(), origin: z.enum(['ours', 'external']), forced: z.boolean(),
  }),
  entries: z.string(),
});

/** Another attempt promoted first: its run is the cell's, if its rows are what the table holds. */
async function afterFence(engine: Engine, processor: Processor, day: Day, winner: Promotion): Promise<RunOutcome> {
  await engine.rereadCell(processor, day);
  const held = engine.world.coverage(processor, day)?.fingerprint ?? EMPTY_FINGERPRINT;
  // Compared first: of a winner that state has lost, nothing may be left but that it was.
  return held === winner.fingerprint ? fromMarker(engine, processor, day, winner) : { kind: 'outdated', generation: winner.generation };
}

/** The run that a marker tells of: its rows are in the table, whatever became of the process that wrote them. */
export async function fromMarker(engine: Engine, processor: Processor, day: Day, promotion: Promotion): Promise<RunOutcome> {
  const parsed = marker.safeParse(JSON.parse(promotion.trace));
  if (!parsed.success) throw new RetryLaterError(`the marker of ${processor.name} in the warehouse can't be read: ${parsed.error.message}`);
  await engine.rereadCell(processor, day);
  return { kind: 'verified', run: parsed.data.run, trace: parsed.data.entries, promoted: true, marked: true };
}
