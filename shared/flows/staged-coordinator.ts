import { InputError } from '../failures/errors.ts';
import { describeCell } from '../gaps/usable.ts';
import type { LeaseRecord } from '../ports/request-store.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import { planStage, type StageCell } from '../staged/plan.ts';
import { blockedFailure, isSameRound, policyOf, whyStop } from '../staged/policy.ts';
import { askPrefix, currentStage, goesOnByItself, hasEnded, type BackfillRecord } from '../staged/record.ts';
import { quotaPaused, standsBy, stopped, turnGiven, wentOn, withFailures, type NewFailure } from '../staged/transitions.ts';
import { joined, quotaMet, turnDue, untilGoesOn } from '../staged/waits.ts';
import { StageWalk } from '../staged/walk.ts';
import { resumeCascades } from './cascade.ts';
import type { Engine } from './engine.ts';
import { LostLeaseError } from './leases.ts';
import type { Guard } from './open.ts';
import { tellState } from './staged-alerts.ts';
import { DateDelay, unverifiedOn } from './staged-dates.ts';
import { openStageCells } from './staged-open.ts';
import { withdraw } from './staged-orders.ts';
import { roundEnded } from './staged-round.ts';
import { takeBackStuck } from './staged-stuck.ts';
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
  #delay = new DateDelay();
  /** The backfill that it has joined is over. */
  #hasBegun = false;
  /** The date of a cascading stage that the next one waits for. */
  #unverified: number | null = null;
  /** When one of its cells last ended, as far as is known. */
  #servedAt = 0;
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
      this.#engine.written.add((record) => { if ((record.request === null || record.request.quota !== undefined) && this.#walk?.isRunning(record)) this.#bell.resolve(); }),
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
          const stillRuns = this.#walk !== null && this.#walk.running > 0 && await this.#stillRuns(record);
          if (!stillRuns && !goesOnByItself(record)) return record;
          const wait = stillRuns ? TICK_MS : await this.#waitForQuota();
          // Where an invocation has its end, the tick comes back.
          if (!stillRuns && wait > TICK_MS && this.#options.workers) return record;
          await this.#wait(wait);
          continue;
        }
        if ((await this.#engine.parts.store.controls()).paused || await this.#standsBy(record)) {
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
  async #stillRuns(record: BackfillRecord): Promise<boolean> {
    const walk = this.#walk;
    if (!walk) return false;
    // Another process may have ended it.
    await this.#engine.hearOthers();
    await this.#noteEnds(record, walk);
    return walk.runningCells.some((cell) => this.#recordOf(cell).request?.state === 'processing');
  }

  /** A quota is used up: goes on when it is time. Says how long that is. */
  async #waitForQuota(): Promise<number> {
    const { clock } = this.#engine.parts;
    // What it has taken back is planned again.
    this.#walk = null;
    this.#walks = null;
    let wait = 0;
    await this.#change((current) => {
      if (!goesOnByItself(current) || current.state === 'running') return current;
      wait = untilGoesOn(current, clock.now());
      return wait > 0 ? current : wentOn(current, clock.now());
    });
    return wait;
  }

  /** Whether the backfill that this one has joined is not over yet. */
  async #standsBy(record: BackfillRecord): Promise<boolean> {
    const { store, clock } = this.#engine.parts;
    if (record.asked.join === undefined || this.#hasBegun) return false;
    const other = joined(record, await store.backfill(record.asked.join));
    await this.#change((current) => (current.state === 'running' ? standsBy(current, other, clock.now()) : current));
    this.#hasBegun = other === null;
    return other !== null;
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
    const walk = new StageWalk(world, cells, { byDate: definition.order === 'by_date', byPhase: definition.cascade, strictness: this.#engine.strictness, failed: leftOut.filter((left) => left.failed) });
    for (const cell of cells) if (this.#recordOf(cell).request?.backfillId === this.#id) walk.adopt(cell);
    this.#walk = walk;
    this.#walks = { stage: record.stage, round: progress.round };
    this.#delay = new DateDelay();
    this.#unverified = walk.date;
    const own = askPrefix(record, record.stage);
    for (const cell of [...cells, ...leftOut]) {
      const { last, failure, recentAsks } = this.#recordOf(cell);
      if (recentAsks.some((ask) => ask.startsWith(own))) this.#servedAt = Math.max(this.#servedAt, last?.at ?? 0, failure?.at ?? 0);
    }
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
    if (await this.#noteEnds(record, walk) || await this.#noteQuota(walk) || await this.#verify(record, walk)) return 0;
    if (walk.finished) {
      await this.#endRound(record, walk);
      return 0;
    }
    const { clock } = this.#engine.parts;
    const { definition } = currentStage(record);
    const delayed = definition.order === 'by_date' ? this.#delay.left(walk.date, 1000 * (record.asked.delaySeconds ?? definition.delay_seconds), clock.now()) : 0;
    if (delayed > 0) return delayed;
    await this.#giveTurn(record, walk);
    const concurrency = record.asked.concurrency ?? definition.concurrency;
    const { start, passed } = walk.advance(this.#engine.world, concurrency - walk.running);
    const blocked = passed.filter(({ outcome }) => outcome === 'blocked');
    let kept = false;
    if (start.length > 0 && !(blocked.length > 0 && policyOf(record) === 'stop')) kept = await this.#open(record, walk, start);
    else for (const cell of start) walk.end(this.#engine.world, cell);
    if (blocked.length > 0) await this.#note(blocked.map((over) => blockedFailure(over, policyOf(record))), clock.now());
    const due = await this.#options.workers?.look(walk.runningCells.map((cell) => this.#recordOf(cell)), clock.now()) ?? TICK_MS;
    return !kept && (passed.length > 0 || start.length > 0) ? 0 : Math.min(due, TICK_MS);
  }

  /** True where some could not be opened for a reason that goes by: they are looked at again. */
  async #open(record: BackfillRecord, walk: StageWalk, start: readonly StageCell[]): Promise<boolean> {
    const { answered, kept, held, refused } = await openStageCells(this.#engine, record, start, { guard: this.#guard(), plannedAt: this.#plannedAt });
    // Somebody has paused it meanwhile: what is left is planned again when it goes on.
    if (refused) {
      this.#walk = null;
      this.#walks = null;
      return false;
    }
    for (const cell of answered) walk.end(this.#engine.world, cell);
    for (const cell of kept) walk.putBack(cell);
    for (const { cell } of held) walk.end(this.#engine.world, cell);
    if (held.length > 0) await this.#note(held.map((over) => blockedFailure(over, policyOf(record))), this.#engine.parts.clock.now());
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
    return kept.length > 0;
  }

  /** A used-up quota pauses the backfill, until that starts anew. */
  async #noteQuota(walk: StageWalk): Promise<boolean> {
    const now = this.#engine.parts.clock.now();
    const met = quotaMet(walk.runningCells.map((cell) => this.#recordOf(cell)), now);
    if (met) await this.#change((record) => (record.state === 'running' ? quotaPaused(record, `${describeCell(met.cell)}: ${met.message}`, met.at, now) : record));
    return met !== null;
  }

  /** By cascade: the next date begins when all of one is verified by what state and warehouse hold, not when its runs have said so. */
  async #verify(record: BackfillRecord, walk: StageWalk): Promise<boolean> {
    const date = this.#unverified;
    if (date === walk.date || !currentStage(record).definition.cascade) return false;
    this.#unverified = walk.date;
    const found = await unverifiedOn(this.#engine, record, walk.cells.filter((cell) => cell.day === date));
    if (found.length > 0) await this.#note(found, this.#engine.parts.clock.now());
    return found.length > 0;
  }

  /** Daily work goes first, and a backfill has a slot once an hour all the same. */
  async #giveTurn(record: BackfillRecord, walk: StageWalk): Promise<void> {
    const now = this.#engine.parts.clock.now();
    const key = turnDue(record, walk.runningCells.map((cell) => this.#recordOf(cell)), this.#servedAt, now);
    if (!key) return;
    await this.#change((current) => turnGiven(current, now), key, (cell) => (cell.request ? { ...cell, request: { ...cell.request, priority: 'high' } } : cell));
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
        if (!this.#options.isHolder(snapshot.lease(lease))) throw new LostLeaseError(lease);
        return snapshot.backfill(this.#id)?.state === 'running';
      },
    };
  }

  /** Frees the slots of cells that have ended, and notes which failed. True where the record has changed. */
  async #noteEnds(record: BackfillRecord, walk: StageWalk): Promise<boolean> {
    const stuck = await takeBackStuck(this.#engine, this.#id, walk.runningCells);
    const failures = stuck.map((over) => blockedFailure(over, policyOf(record)));
    for (const cell of walk.runningCells) {
      const { request, failure } = this.#recordOf(cell);
      if (request) continue;
      walk.end(this.#engine.world, cell);
      this.#servedAt = Math.max(this.#servedAt, this.#engine.parts.clock.now());
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

  async #endRound(record: BackfillRecord, walk: StageWalk): Promise<void> {
    const change = await roundEnded(this.#engine, record, walk.opened, this.#options.signal);
    // What is skipped or retried meanwhile is another stage to judge.
    if (change) await this.#change((current) => (isSameRound(current, record) ? change(current, this.#engine.parts.clock.now()) : current));
  }

  /** One change of the record, and of a cell of its together with it, while the lease is this process's. */
  async #change(change: (record: BackfillRecord) => BackfillRecord, key: CellKey | null = null, ofCell: (cell: CellRecord) => CellRecord = (cell) => cell): Promise<void> {
    const lease = `backfill:${this.#id}`;
    const cells = key ? [key] : [];
    const changed = await this.#engine.change({ backfills: [this.#id], leases: [lease], cells }, (snapshot) => {
      const before = snapshot.backfill(this.#id);
      if (!before || !this.#options.isHolder(snapshot.lease(lease))) throw new LostLeaseError(lease);
      const after = change(before);
      return after === before ? { writes: {}, result: null } : { writes: { backfills: [after], cells: cells.map((cell) => ofCell(snapshot.cell(cell))) }, result: { before, after } };
    });
    if (!changed) return;
    const { before, after } = changed;
    if (before.state === after.state && before.stage === after.stage) return;
    this.#options.on?.({ kind: 'state', record: after });
    await tellState(this.#engine, after);
    if (before.stage !== after.stage || hasEnded(after)) await resumeCascades(this.#engine, after);
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
