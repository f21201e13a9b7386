import { judgeInputs } from '../../gaps/usable.ts';
import type { CellKey } from '../../requests/cell.ts';
import { lateCell, wayOut, type LateCell } from '../../staged/late.ts';
import { planStage, type StageCell } from '../../staged/plan.ts';
import { blockedFailure, isSameRound, policyOf } from '../../staged/policy.ts';
import { currentStage, goesOnByItself, hasEnded, type BackfillRecord, type GateAnswer } from '../../staged/record.ts';
import { answered, othersRun, wentBack } from '../../staged/transitions.ts';
import { StageWalk } from '../../staged/walk.ts';
import type { Engine } from '../engine.ts';
import { firstAbort } from '../first-abort.ts';
import { releaseHalt } from '../halt.ts';
import { endedFailure, failed, isAsked, lastServed, recordOf, runByOthers, runsElsewhere } from './cells.ts';
import { DateDelay, unverifiedOn } from './dates.ts';
import { HeldBackfill, type HeldOptions } from './held.ts';
import { openStageCells } from './open.ts';
import { withdraw } from './orders.ts';
import { roundEnded } from './round.ts';
import { takeBackStuck } from './stuck.ts';
import { givenTurn, goOnAfterQuota, pausedByQuota, standsBy } from './waits.ts';
import type { RungWorkers } from './workers.ts';

export type StagedEvent =
  | { readonly kind: 'round'; readonly record: BackfillRecord; readonly cells: number }
  | { readonly kind: 'ended'; readonly key: CellKey; readonly failed: boolean }
  | { readonly kind: 'state'; readonly record: BackfillRecord };

export interface CoordinatorOptions extends Pick<HeldOptions, 'isHolder'> {
  readonly signal: AbortSignal;
  readonly on?: (event: StagedEvent) => void;
  /** Where other processes run the cells: they are rung for what is queued. */
  readonly workers?: RungWorkers;
}

/** How long nothing may be heard before the coordinator looks by itself: events advance a backfill, this only repairs. */
const TICK_MS = 5000;

/**
 * Advances one backfill while this process has its lease: fills free slots the moment that they get free, notes what
 * failed, goes by the error policy, looks at gates. It runs no cell itself.
 */
export class Coordinator {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #options: CoordinatorOptions;
  readonly #held: HeldBackfill;
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
  /** Of a date that a stage did not know of: it is gone back to when what runs has ended. */
  #late: LateCell | null = null;
  #plannedAt = 0;

  constructor(engine: Engine, id: string, options: CoordinatorOptions) {
    this.#engine = engine;
    this.#id = id;
    this.#options = options;
    this.#held = new HeldBackfill(engine, id, { isHolder: options.isHolder, onState: (record) => options.on?.({ kind: 'state', record }) });
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
        const record = await this.#held.read();
        if (signal.aborted) return record;
        if (record.state !== 'running') {
          await withdraw(this.#engine, this.#id);
          if (this.#walk === null && await runsElsewhere(this.#engine, this.#id)) await this.#plan(record);
          const stillRuns = this.#walk !== null && this.#walk.running > 0 && await this.#stillRuns(record);
          if (!stillRuns && !goesOnByItself(record)) {
            if (hasEnded(record)) await releaseHalt(this.#engine, this.#id);
            return record;
          }
          // What it has taken back is planned again.
          if (!stillRuns) this.#forget();
          const wait = stillRuns ? TICK_MS : await goOnAfterQuota(this.#engine, this.#held);
          // Where an invocation has its end, the tick comes back.
          if (!stillRuns && wait > TICK_MS && this.#options.workers) return record;
          await this.#wait(wait);
          continue;
        }
        const { paused, halted = [] } = await this.#engine.parts.store.controls();
        if (paused || (!this.#hasBegun && await standsBy(this.#engine, this.#held, record))) {
          await this.#wait(TICK_MS);
          continue;
        }
        this.#hasBegun = true;
        const { round } = currentStage(record).progress;
        if (this.#walks?.stage !== record.stage || this.#walks.round !== round) await this.#plan(record);
        const wait = await this.#step(record, halted.includes(this.#id));
        if (wait > 0) await this.#wait(wait);
      }
    } finally {
      for (const stop of leave) stop();
    }
  }

  #forget(): void {
    this.#walk = null;
    this.#walks = null;
  }

  #tellOpened(): void {
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
  }

  /** What was started before a stop is finished: its end is noted. */
  async #stillRuns(record: BackfillRecord): Promise<boolean> {
    const walk = this.#walk;
    if (!walk) return false;
    // Another process may have ended it.
    await this.#engine.hearOthers();
    await this.#noteEnds(record, walk);
    return walk.runningCells.some((cell) => recordOf(this.#engine, cell).request?.state === 'processing');
  }

  async #plan(record: BackfillRecord): Promise<void> {
    const { from, to } = record.asked;
    const world = await this.#engine.refresh(from, to);
    this.#plannedAt = world.moment.now;
    const { definition, progress } = currentStage(record);
    const { cells, leftOut } = planStage(world, record, record.stage);
    const walk = new StageWalk(world, cells, { byDate: definition.order === 'by_date', byPhase: definition.cascade, strictness: this.#engine.strictness, failed: leftOut.filter((left) => left.failed) });
    for (const cell of cells) if (recordOf(this.#engine, cell).request?.backfillId === this.#id) walk.adopt(cell);
    this.#walk = walk;
    this.#late = null;
    this.#walks = { stage: record.stage, round: progress.round };
    this.#delay = new DateDelay();
    this.#unverified = walk.date;
    this.#servedAt = Math.max(this.#servedAt, lastServed(this.#engine, record, [...cells, ...leftOut]));
    this.#options.on?.({ kind: 'round', record, cells: cells.length });
    const left = failed(this.#engine, leftOut);
    if (left.length > 0) await this.#held.note(left);
  }

  /** One look: notes what ended, starts what there is room for. Says for how long there is nothing to do; 0: look again. */
  async #step(record: BackfillRecord, isHalted: boolean): Promise<number> {
    const walk = this.#walk;
    if (!walk) return 0;
    await this.#engine.hearOthers();
    this.#engine.keepTime();
    // Something has failed, here or in another process: it is noted before anything else starts.
    if (isHalted) await this.hear(null);
    if (await this.#noteEnds(record, walk) || await pausedByQuota(this.#engine, this.#held, walk.runningCells) || await this.#verify(record, walk)) return 0;
    if (isHalted) await releaseHalt(this.#engine, this.#id);
    if (this.#late) {
      const late = this.#late;
      if (walk.running > 0) return TICK_MS;
      this.#forget();
      await this.#held.change((current) => (isSameRound(current, record) ? wentBack(current, late, this.#engine.parts.clock.now()) : current));
      return 0;
    }
    if (walk.finished) {
      await this.#endRound(record, walk);
      return 0;
    }
    const { clock } = this.#engine.parts;
    const { definition } = currentStage(record);
    const delayed = definition.order === 'by_date' ? this.#delay.left(walk.date, 1000 * (record.asked.delaySeconds ?? definition.delay_seconds), clock.now()) : 0;
    if (delayed > 0) return delayed;
    if (await givenTurn(this.#engine, this.#held, record, walk.runningCells, this.#servedAt)) this.#tellOpened();
    const concurrency = record.asked.concurrency ?? definition.concurrency;
    const { start, passed } = walk.advance(this.#engine.world, concurrency - walk.running);
    const blocked = passed.filter(({ outcome }) => outcome === 'blocked').map((over) => ({ ...over, note: `${over.note}${over.on ? wayOut(this.#engine.world, record, over.on) : ''}` }));
    if (this.#isLate(record, walk, blocked.flatMap(({ on }) => on ?? []))) {
      for (const cell of start) walk.putBack(cell);
      return 0;
    }
    let kept = false;
    if (start.length > 0 && !(blocked.length > 0 && policyOf(record) === 'stop')) kept = await this.#open(record, walk, start);
    else for (const cell of start) walk.end(this.#engine.world, cell);
    if (blocked.length > 0) await this.#held.note(blocked.map((over) => blockedFailure(over, policyOf(record))));
    const due = await this.#options.workers?.look(walk.runningCells.map((cell) => recordOf(this.#engine, cell)), clock.now()) ?? TICK_MS;
    return !kept && (passed.length > 0 || start.length > 0) ? 0 : Math.min(due, TICK_MS);
  }

  /** True where some could not be opened for a reason that goes by: they are looked at again. */
  async #open(record: BackfillRecord, walk: StageWalk, start: readonly StageCell[]): Promise<boolean> {
    const { answered, kept, held, refused } = await openStageCells(this.#engine, record, start, { guard: this.#held.guard(), plannedAt: this.#plannedAt });
    // Somebody has paused it meanwhile: what is left is planned again when it goes on.
    if (refused) {
      this.#forget();
      return false;
    }
    for (const cell of answered) walk.end(this.#engine.world, cell);
    for (const cell of kept) walk.putBack(cell);
    for (const { cell } of held) walk.end(this.#engine.world, cell);
    if (held.length > 0 && !this.#isLate(record, walk, this.#inTheWay(held.map(({ cell }) => cell)))) await this.#held.note(held.map((over) => blockedFailure(over, policyOf(record))));
    const others = runByOthers(this.#engine, record, start);
    if (others.length > 0) await this.#held.change((current) => othersRun(current, others, this.#engine.parts.clock.now()));
    this.#tellOpened();
    return kept.length > 0;
  }

  /** By cascade: the next date begins when all of one is verified by what state and warehouse hold, not when its runs have said so. */
  async #verify(record: BackfillRecord, walk: StageWalk): Promise<boolean> {
    const date = this.#unverified;
    if (date === walk.date || !currentStage(record).definition.cascade) return false;
    this.#unverified = walk.date;
    const found = await unverifiedOn(this.#engine, record, walk.cells.filter((cell) => cell.day === date));
    if (found.length > 0 && !this.#isLate(record, walk, this.#inTheWay(found))) await this.#held.note(found);
    return found.length > 0;
  }

  /** Whether the calendar has gained what stands in the way: then the backfill goes back to it, and nothing has failed. */
  #isLate(record: BackfillRecord, walk: StageWalk, inTheWay: readonly CellKey[]): boolean {
    this.#late ??= inTheWay.length > 0 ? lateCell(this.#engine.world, record, inTheWay, (cell) => walk.has(cell)) : null;
    return this.#late !== null;
  }

  #inTheWay(cells: readonly CellKey[]): readonly CellKey[] {
    const { world, strictness } = this.#engine;
    return cells.flatMap(({ processor, day }) => judgeInputs(world, world.processor(processor), day, strictness).blocking);
  }

  /** Frees the slots of cells that have ended, and notes which failed. True where the record has changed. */
  async #noteEnds(record: BackfillRecord, walk: StageWalk): Promise<boolean> {
    const stuck = await takeBackStuck(this.#engine, this.#id, walk.runningCells);
    const failures = this.#isLate(record, walk, stuck.map(({ on }) => on)) ? [] : stuck.map((over) => blockedFailure(over, policyOf(record)));
    for (const { cell } of stuck) walk.end(this.#engine.world, cell);
    for (const cell of walk.runningCells) {
      const { request, failure } = recordOf(this.#engine, cell);
      if (request) continue;
      // Somebody else has run it: taken up again, it is done if it is complete, and else run.
      if (!isAsked(this.#engine, record, cell)) {
        walk.putBack(cell);
        continue;
      }
      walk.end(this.#engine.world, cell);
      this.#servedAt = Math.max(this.#servedAt, this.#engine.parts.clock.now());
      this.#options.on?.({ kind: 'ended', key: cell, failed: failure !== null });
      failures.push(...endedFailure(this.#engine, record, cell));
    }
    if (failures.length === 0) return false;
    await this.#held.note(failures);
    return true;
  }

  async #endRound(record: BackfillRecord, walk: StageWalk): Promise<void> {
    const keep = (answer: GateAnswer) => this.#held.change((current) => (isSameRound(current, record) ? answered(current, answer) : current));
    const change = await roundEnded(this.#engine, record, walk, { signal: this.#options.signal, keep });
    // What is skipped or retried meanwhile is another stage to judge.
    if (change) await this.#held.change((current) => (isSameRound(current, record) ? change(current, this.#engine.parts.clock.now()) : current));
  }

  async #wait(milliseconds: number): Promise<void> {
    const over = new AbortController();
    const stop = firstAbort([over.signal, this.#options.signal]);
    await Promise.race([this.#bell.promise, this.#engine.parts.clock.sleep(milliseconds, stop.signal)]);
    over.abort('something has ended');
  }
}
