import { HeldBackError, InputError } from '../failures/errors.ts';
import { describeCell } from '../gaps/usable.ts';
import type { LeaseRecord } from '../ports/request-store.ts';
import type { Ask } from '../requests/ask.ts';
import type { CellKey } from '../requests/cell.ts';
import { concernsGate, evaluateGate } from '../staged/stage-gate.ts';
import { planStage, type StageCell } from '../staged/plan.ts';
import { askIdOf, currentStage, type BackfillRecord } from '../staged/record.ts';
import { nextRound, stageEnded, stopped, withFailures, type NewFailure } from '../staged/transitions.ts';
import { StageWalk, type PassedOver } from '../staged/walk.ts';
import type { Engine } from './engine.ts';
import { openAsk, type Guard } from './open.ts';
import { runChecks } from './staged-checks.ts';
import { tellState } from './staged-alerts.ts';
import { withdraw } from './staged-orders.ts';
import type { RungWorkers } from './staged-workers.ts';

export type StagedEvent =
  | { readonly kind: 'round'; readonly record: BackfillRecord; readonly cells: number }
  | { readonly kind: 'ended'; readonly key: CellKey; readonly failed: boolean }
  | { readonly kind: 'state'; readonly record: BackfillRecord };

export interface CoordinatorOptions {
  readonly signal: AbortSignal;
  readonly on?: (event: StagedEvent) => void;
  /** Whether the backfill's lease is still that of this process. */
  readonly isHolder: (lease: LeaseRecord | null) => boolean;
  /** Where other processes run the cells: they are rung for what is queued. */
  readonly workers?: RungWorkers;
}

/** How long nothing may be heard before the coordinator looks by itself: events advance a backfill, this only repairs. */
const TICK_MS = 5000;
/** More rounds of one stage than a calendar filled from nothing and changes meanwhile can take. */
const MOST_ROUNDS = 50;

/**
 * Advances one backfill while this process has its lease: fills free slots the moment that they get free, notes what
 * failed, goes by the error policy, looks at gates. It runs no cell itself. Every decision is a transaction on the record
 * and the lease, so that a person's order in between is never lost, and a holder that has lost its lease changes nothing.
 */
export class Coordinator {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #options: CoordinatorOptions;
  readonly #stopped = new AbortController();
  #walk: StageWalk | null = null;
  #walks: { readonly stage: number; readonly round: number } | null = null;
  /** Ended and not yet looked at. */
  #bell = Promise.withResolvers<void>();
  #opened = Promise.withResolvers<void>();
  /** By date: not before this instant, because of the delay between dates. */
  #notBefore = 0;
  #date: number | null = null;
  #plannedAt = 0;

  constructor(engine: Engine, id: string, options: CoordinatorOptions) {
    this.#engine = engine;
    this.#id = id;
    this.#options = options;
  }

  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Resolves when it has opened requests next, or has stopped. */
  opened(): Promise<void> {
    return this.#opened.promise;
  }

  stop(): void {
    this.#stopped.abort();
    this.#opened.resolve();
  }

  /** Somebody says that a cell has ended in another process, or that something has: looks at once. */
  async hear(key: CellKey | null): Promise<void> {
    const { store } = this.#engine.parts;
    const running = key ? [key] : this.#walk?.runningCells ?? [];
    const ended = await Promise.all(running.map(async (cell) => ((await store.cell(cell)).request === null ? [cell] : [])));
    await this.#engine.relearn(ended.flat());
    this.#bell.resolve();
  }

  /** Until the backfill does not run any more, or the signal aborts. */
  async run(): Promise<BackfillRecord> {
    const { signal } = this.#options;
    const leave = [
      this.#engine.written.add((record) => { if (record.request === null && this.#walk?.isRunning(record)) this.#bell.resolve(); }),
      this.#engine.ordered.add((id) => { if (id === this.#id) this.#bell.resolve(); }),
    ];
    try {
      for (;;) {
        // Taken before looking: what ends while it looks must not go unheard.
        this.#bell = Promise.withResolvers();
        const record = await this.#read();
        if (signal.aborted) return record;
        if (record.state !== 'running') {
          await withdraw(this.#engine, this.#id);
          if (this.#walk === null && await this.#runsElsewhere()) await this.#plan(record);
          if (this.#walk === null || this.#walk.running === 0 || !(await this.#stillRuns())) return record;
          await this.#wait(TICK_MS);
          continue;
        }
        if ((await this.#engine.parts.store.controls()).paused) {
          await this.#wait(TICK_MS);
          continue;
        }
        const { round } = currentStage(record).progress;
        if (this.#walks?.stage !== record.stage || this.#walks.round !== round) await this.#plan(record);
        const wait = await this.#step(record);
        if (wait > 0) await this.#wait(wait);
      }
    } finally {
      for (const stop of leave) stop();
    }
  }

  async #read(): Promise<BackfillRecord> {
    const record = await this.#engine.parts.store.backfill(this.#id);
    if (!record) throw new InputError(`received the backfill '${this.#id}', which there is not; see: smart-backfill backfill list`);
    return record;
  }

  /** What was started before a stop is finished: its end is noted. */
  async #stillRuns(): Promise<boolean> {
    const walk = this.#walk;
    if (!walk) return false;
    // Another process may have ended it.
    await this.#engine.hearOthers();
    await this.#noteEnds(walk);
    return walk.runningCells.some((cell) => this.#recordOf(cell).request?.state === 'processing');
  }

  /** What another process has opened before it left still runs: its end is to be noted, too. */
  async #runsElsewhere(): Promise<boolean> {
    const { store, shared } = this.#engine.parts;
    return shared === true && (await store.openCells()).some(({ request }) => request?.backfillId === this.#id && !request.rollback);
  }

  async #plan(record: BackfillRecord): Promise<void> {
    const { from, to } = record.asked;
    const world = await this.#engine.refresh(from, to);
    this.#plannedAt = world.moment.now;
    const { definition, progress } = currentStage(record);
    const { cells, leftOut } = planStage(world, record, record.stage);
    const walk = new StageWalk(world, cells, { byDate: definition.order === 'by_date', strictness: this.#engine.strictness });
    for (const cell of cells) if (this.#recordOf(cell).request?.backfillId === this.#id) walk.adopt(cell);
    this.#walk = walk;
    this.#walks = { stage: record.stage, round: progress.round };
    this.#date = null;
    this.#options.on?.({ kind: 'round', record, cells: cells.length });
    // What failed and was not noted: whoever advanced it before died in between.
    const unknown = leftOut.filter((left) => left.failed && !record.failures.some((known) => known.runId === (this.#recordOf(left).failure?.runId ?? null) && known.processor === left.processor && known.day === left.day));
    if (unknown.length > 0) await this.#note(unknown.flatMap((cell) => this.#failureOf(cell)), this.#engine.parts.clock.now());
  }

  /** One look: notes what ended, starts what there is room for. Says for how long there is nothing to do; 0: look again. */
  async #step(record: BackfillRecord): Promise<number> {
    const walk = this.#walk;
    if (!walk) return 0;
    await this.#engine.hearOthers();
    this.#engine.keepTime();
    if (await this.#noteEnds(walk)) return 0;
    if (walk.finished) {
      await this.#endRound(record, walk);
      return 0;
    }
    const { clock } = this.#engine.parts;
    const delayed = this.#delayOf(record, walk);
    if (delayed > 0) return delayed;
    const { definition } = currentStage(record);
    const concurrency = record.asked.concurrency ?? definition.concurrency;
    const { start, passed } = walk.advance(this.#engine.world, concurrency - walk.running);
    const blocked = passed.filter(({ outcome }) => outcome === 'blocked');
    if (start.length > 0 && !(blocked.length > 0 && policyOf(record) === 'stop')) await this.#open(record, walk, start);
    else for (const cell of start) walk.end(this.#engine.world, cell);
    if (blocked.length > 0) await this.#note(blocked.map((over) => blockedFailure(over, policyOf(record))), clock.now());
    const due = await this.#options.workers?.look(walk.runningCells.map((cell) => this.#recordOf(cell)), clock.now()) ?? TICK_MS;
    return passed.length > 0 || start.length > 0 ? 0 : Math.min(due, TICK_MS);
  }

  async #open(record: BackfillRecord, walk: StageWalk, start: readonly StageCell[]): Promise<void> {
    const groups = Map.groupBy(start, (cell) => cell.action === 'rerun');
    for (const [rerun, cells] of groups) {
      const ask = this.#askOf(record, rerun);
      const outcomes = await openAsk(this.#engine, ask, cells.map(({ processor, day, action, reason }) => ({ processor, day, reason: `${action}: ${reason}` })), this.#guard());
      // Somebody has paused it meanwhile: what is left is planned again when it goes on.
      if (outcomes.length < cells.length) {
        this.#walk = null;
        this.#walks = null;
        return;
      }
      // Complete by now, or held by hand since: it has its answer.
      for (const outcome of outcomes) if (outcome.outcome !== 'open') walk.end(this.#engine.world, outcome);
    }
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
  }

  /** Where others may have taken the lease, or paused the backfill, since it was looked at: nothing is opened then. */
  #guard(): Guard | undefined {
    if (!this.#engine.parts.shared) return undefined;
    const lease = `backfill:${this.#id}`;
    return {
      reads: { backfills: [this.#id], leases: [lease] },
      allows: (snapshot) => {
        if (!this.#options.isHolder(snapshot.lease(lease))) throw new HeldBackError(`backfill ${this.#id} is advanced by another process now`);
        return snapshot.backfill(this.#id)?.state === 'running';
      },
    };
  }

  #askOf(record: BackfillRecord, rerun: boolean): Ask {
    const { definition, progress } = currentStage(record);
    return {
      id: askIdOf(record, record.stage, progress.round), asker: 'backfill', by: record.asked.by, reason: `backfill ${record.id}, stage ${definition.name}`, at: this.#engine.parts.clock.now(),
      // Daily work goes first.
      priority: 'low', reprocess: rerun ? 'completed' : 'none', force: false, skipDownstreamTrigger: true, isBackfill: true, planId: null, backfillId: record.id,
      summary: `backfill ${record.id}, stage ${definition.name}`, refused: null, retry: { maxAttempts: definition.retries + 1, delayMs: definition.retry_delay_seconds * 1000 },
      ...(this.#engine.parts.shared ? { plannedAt: this.#plannedAt } : {}),
    };
  }

  /** Frees the slots of cells that have ended, and notes which failed. True where the record has changed. */
  async #noteEnds(walk: StageWalk): Promise<boolean> {
    const failures: NewFailure[] = [];
    for (const cell of walk.runningCells) {
      const { request, failure } = this.#recordOf(cell);
      if (request) continue;
      walk.end(this.#engine.world, cell);
      this.#options.on?.({ kind: 'ended', key: cell, failed: failure !== null });
      failures.push(...this.#failureOf(cell));
    }
    if (failures.length === 0) return false;
    await this.#note(failures, this.#engine.parts.clock.now());
    return true;
  }

  #failureOf(cell: CellKey): NewFailure[] {
    const { failure } = this.#recordOf(cell);
    return failure ? [{ processor: cell.processor, day: cell.day, category: failure.category, message: failure.message, runId: failure.runId, skipped: false }] : [];
  }

  async #note(failures: readonly NewFailure[], now: number): Promise<void> {
    await this.#change((record) => {
      const noted = withFailures(record, failures, now);
      if (record.state !== 'running') return noted;
      const why = whyStop(noted, failures);
      return why === null ? noted : stopped(noted, why, now);
    });
  }

  /** Nothing of the round is left: another one where something was run, since that may have made more to do; else the gate. */
  async #endRound(record: BackfillRecord, walk: StageWalk): Promise<void> {
    const { definition, progress } = currentStage(record);
    if (walk.opened > 0 && progress.round - progress.retriedFrom < MOST_ROUNDS) {
      await this.#change((current) => (isSame(current, record) ? nextRound(current) : current));
      return;
    }
    const { gate } = definition;
    if (!gate || !concernsGate(this.#engine.world, record, gate)) {
      await this.#change((current) => (isSame(current, record) ? stageEnded(current, null, this.#engine.parts.clock.now()) : current));
      return;
    }
    const world = await this.#engine.refresh(record.asked.from, record.asked.to);
    const checks = await runChecks(this.#engine, record, gate, this.#options.signal);
    if (checks === null) return;
    // What is skipped or retried meanwhile is another stage to judge.
    await this.#change((current) => (isSame(current, record) ? stageEnded(current, evaluateGate(world, current, gate, checks, this.#engine.parts.clock.now()), this.#engine.parts.clock.now()) : current));
  }

  /** Milliseconds until the next date may begin. */
  #delayOf(record: BackfillRecord, walk: StageWalk): number {
    const { definition } = currentStage(record);
    const now = this.#engine.parts.clock.now();
    const delayMs = 1000 * (record.asked.delaySeconds ?? definition.delay_seconds);
    if (definition.order === 'by_date' && walk.date !== this.#date) {
      if (this.#date !== null && delayMs > 0) this.#notBefore = now + delayMs;
      this.#date = walk.date;
    }
    // Never longer than the delay itself, were the clock set back.
    return Math.min(Math.max(0, this.#notBefore - now), delayMs);
  }

  async #change(change: (record: BackfillRecord) => BackfillRecord): Promise<void> {
    const lease = `backfill:${this.#id}`;
    const changed = await this.#engine.change({ backfills: [this.#id], leases: [lease] }, (snapshot) => {
      const before = snapshot.backfill(this.#id);
      if (!before || !this.#options.isHolder(snapshot.lease(lease))) throw new HeldBackError(`backfill ${this.#id} is advanced by another process now`);
      const after = change(before);
      return after === before ? { writes: {}, result: null } : { writes: { backfills: [after] }, result: { before, after } };
    });
    if (!changed) return;
    const { before, after } = changed;
    if (before.state === after.state && before.stage === after.stage) return;
    this.#options.on?.({ kind: 'state', record: after });
    await tellState(this.#engine, after);
  }

  #recordOf(cell: CellKey) {
    const { world } = this.#engine;
    return world.record(world.processor(cell.processor), cell.day);
  }

  async #wait(milliseconds: number): Promise<void> {
    const over = new AbortController();
    const { clock } = this.#engine.parts;
    await Promise.race([this.#bell.promise, clock.sleep(milliseconds, AbortSignal.any([over.signal, this.#options.signal]))]);
    over.abort();
  }
}

function isSame(current: BackfillRecord, before: BackfillRecord): boolean {
  return current.state === 'running' && current.stage === before.stage && currentStage(current).progress.round === currentStage(before).progress.round;
}

function policyOf(record: BackfillRecord) {
  return record.asked.errorPolicy ?? currentStage(record).definition.error_policy;
}

function whyStop(record: BackfillRecord, fresh: readonly NewFailure[]): string | null {
  const [first] = fresh;
  if (!first) return null;
  // What was run and failed: one lost page is one failure, however many cells wait for it.
  const open = record.failures.filter((entry) => entry.became === 'open' && entry.runId !== null).length + record.failuresLeftOut;
  const { maxFailures } = record.asked;
  if (maxFailures !== null && open >= maxFailures) return `${open} cells failed, and at ${maxFailures} it stops; the last: ${describeCell(first)}: ${first.message}`;
  return policyOf(record) === 'stop' && !first.skipped ? `${describeCell(first)} failed (${first.category}): ${first.message}` : null;
}

function blockedFailure({ cell, note }: PassedOver, policy: ReturnType<typeof policyOf>): NewFailure {
  return { processor: cell.processor, day: cell.day, category: 'defensive_block', message: note, runId: null, skipped: policy === 'skip-deps' };
}
