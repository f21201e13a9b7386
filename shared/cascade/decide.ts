import { addDays, formatDay, type Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { describeCell, judgeInputs, usable, type Strictness } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import type { Phase } from '../pipeline/pipeline.ts';
import type { CellKey } from '../requests/cell.ts';
import type { CascadeReason, CascadeRecord } from './cascade.ts';
import { nextPhase, ownDateInputs, readyCells, siblings, turnDigest } from './turn.ts';

/** A cascade within a staged backfill: it starts those cells of one date that the backfill still wants. */
export interface StagedCascade {
  readonly backfillId: string;
  readonly cells: readonly CellKey[];
  /** Names the round of the stage: each has its own cascade of the date. */
  readonly round: string;
}

/** What a completion message, or the wish to decide again, brings to the decision. */
export interface CascadeQuestion {
  readonly phase: Phase;
  readonly turn: Day;
  /** Status of the message; `success` when it is decided again. */
  readonly status: 'success' | 'failed' | 'skipped' | 'no_data';
  /** The run was a backfill: the message says so, or our request for the cell, or an open backfill that covers it. */
  readonly isBackfill: boolean;
  readonly skipDownstreamTrigger: boolean;
  /** It belongs to an open staged backfill whose stage cascades, or it is the recovery of a live date. */
  readonly owed: boolean;
  readonly paused: boolean;
  readonly record: CascadeRecord | null;
  /** A person releases it: the age of the cascade no longer counts. */
  readonly byPerson: string | null;
  /** Why it has to wait although the pipeline is not paused: an open backfill has its date, or the backfill itself is paused. */
  readonly held?: string | null;
  readonly staged?: StagedCascade;
}

export interface CascadeDecision {
  /** 1 to 10, all that do not hold; empty: it cascades. */
  readonly reasons: readonly CascadeReason[];
  readonly release: readonly CellKey[];
  readonly digest: string;
  readonly usableCells: number;
  readonly expectedCells: number;
}

/** The condition that the pipeline is not paused, nor a gate to be passed first. */
export const PAUSED = 5;
/** Conditions that hold a cascade back until they are gone: it is kept with its reasons. */
export const PARKING: ReadonlySet<number> = new Set([1, PAUSED, 7, 8, 9]);
/** The condition that its siblings are complete: nothing is wrong with what waits for them. */
export const WAITING = 6;
/** Conditions that say that there is nothing to start. */
const NEVER: ReadonlySet<number> = new Set([2, 3, 4]);
const RELEASED_ALREADY = 10;

const ALL: Strictness = { strict: true, windowCompleteness: 1 };

/**
 * Whether the next phase may start for a date. It cascades only when all ten hold; every reason is evaluated and kept.
 *  1 the message's status is success
 *  2 the run is not a backfill, and its date is live
 *  3 `skip_downstream_trigger` is false
 *  4 the phase has a next phase that cascades
 *  5 the pipeline is not paused, and no open backfill has a gate to pass first
 *  6 every processor of the phase that the next one reads is complete for the date
 *  7 no upstream run for the date failed without data now present
 *  8 every input in the windows of those processors is usable (not strict: in the critical windows)
 *  9 usable ÷ expected cells in those windows is at or over `window_completeness`
 * 10 this cascade was not released already
 */
export function decideCascade(world: World, question: CascadeQuestion, strictness: Strictness): CascadeDecision {
  const { phase, turn, staged } = question;
  const reasons: CascadeReason[] = [];
  const say = (condition: number, text: string): void => { reasons.push({ condition, text }); };
  const live = turn >= addDays(world.moment.today, -world.pipeline.settings.live_days);
  const ready = staged?.cells ?? readyCells(world, phase, turn);
  const digest = cascadeDigest(world, question);

  if (question.status !== 'success') say(1, `the run ended with ${question.status}`);
  if (question.isBackfill && !question.owed) say(2, 'the run is a backfill');
  else if (!live && !question.owed && question.byPerson === null) say(2, `${formatDay(turn)} is older than ${world.pipeline.settings.live_days} days: not live`);
  if (question.skipDownstreamTrigger && !question.owed) say(3, 'skip_downstream_trigger is set');
  const next = nextPhase(world, phase);
  if (!next) say(4, `${phase.name} starts no next phase`);
  if (question.paused) say(PAUSED, 'the pipeline is paused');
  if (question.held) say(PAUSED, question.held);

  // A backfill may run complete cells again: their old rows are not what its cascade is to go on with.
  const isOpen = (cell: CellKey): boolean => staged !== undefined && world.record(world.processor(cell.processor), cell.day).request !== null;
  const read = staged ? ownDateInputs(world, phase, ready) : siblings(world, phase, turn, ready);
  const lacking = read.filter((cell) => isOpen(cell) || !isUsable(world, cell));
  for (const cell of lacking) {
    const { failure } = world.record(world.processor(cell.processor), cell.day);
    if (isOpen(cell)) say(6, `${describeCell(cell)} is being worked on`);
    else if (failure) say(7, `${describeCell(cell)} failed: ${failure.message}`);
    else say(6, `${describeCell(cell)} is not complete`);
  }
  let usableCells = 0;
  let expectedCells = 0;
  const blocking = new Map<string, string>();
  // What lacks in this turn is said already, and what the turn itself starts can't be complete before it does.
  const spokenFor = new Set([...lacking, ...ready].map(describeCell));
  for (const cell of ready) {
    const verdict = judgeInputs(world, world.processor(cell.processor), cell.day, ALL, (upstream, day) => spokenFor.has(describeCell({ processor: upstream.name, day })));
    usableCells += verdict.usableCells;
    expectedCells += verdict.expectedCells;
    for (const input of verdict.blocking) if (strictness.strict || input.critical) blocking.set(describeCell(input), input.because);
  }
  for (const [cell, because] of blocking) say(8, `${cell} is ${because}`);
  if (usableCells < expectedCells * strictness.windowCompleteness) {
    say(9, `${usableCells} of ${expectedCells} input cells are usable, under ${strictness.windowCompleteness}`);
  }
  if (ready.length === 0 && next) say(6, 'this date makes nothing of the next phase ready yet');
  if (question.record?.releasedDigests.includes(digest)) say(RELEASED_ALREADY, 'released already');
  reasons.sort((a, b) => a.condition - b.condition);
  return { reasons, release: ready, digest, usableCells, expectedCells };
}

/** The key of a cascade besides its phase and date: corrected data is a new one, and so is each round of a backfill's stage. */
export function cascadeDigest(world: World, { phase, turn, staged }: Pick<CascadeQuestion, 'phase' | 'turn' | 'staged'>): string {
  const digest = turnDigest(world, phase, turn);
  return staged ? `${digest}@${staged.round}` : digest;
}

function isUsable(world: World, cell: CellKey): boolean {
  const processor = world.processor(cell.processor);
  return usable(processor, factsOf(world, processor, cell.day)).usable;
}

/** The record that a decision leaves. */
export function cascadeAfter(question: CascadeQuestion, decision: CascadeDecision, mode: Phase['mode'], now: number): CascadeRecord {
  const { phase, turn, record } = question;
  const holding = holdingBack(decision.reasons);
  const never = decision.reasons.some((reason) => NEVER.has(reason.condition));
  if (question.staged && record && isLive(record)) {
    // The live cascade of the date is decided for itself, when the backfill is past its gate.
    return decision.reasons.length === 0 ? { ...record, releasedDigests: [...record.releasedDigests, decision.digest] } : record;
  }
  const base = record ?? { phase: phase.name, day: turn, openedAt: now, releasedDigests: [], releasedAt: null, backfillId: null, releasedBy: null };
  const state = stateAfter(decision, never, record);
  return {
    phase: phase.name,
    day: turn,
    openedAt: base.openedAt,
    decidedAt: now,
    backfillId: question.staged?.backfillId ?? base.backfillId,
    releasedBy: question.byPerson ?? base.releasedBy,
    state,
    reasons: state === 'released' ? [] : decision.reasons,
    wouldHave: mode === 'enforce' ? [] : wouldHaveAfter(holding, record),
    digest: decision.digest,
    releasedDigests: decision.reasons.length === 0 ? [...base.releasedDigests, decision.digest] : base.releasedDigests,
    releasedAt: decision.reasons.length === 0 ? now : base.releasedAt,
  };
}

/** Due by the live pipeline, and not released: no backfill's own cascade changes that. */
function isLive({ backfillId, state }: CascadeRecord): boolean {
  return backfillId === null && (state === 'expected' || state === 'waiting' || state === 'parked');
}

/**
 * Of several decisions the last that enforce would have held: a gap that is gone by now held the next phase while it was
 * there, and that is what a person asks for who thinks of enforce.
 */
function wouldHaveAfter(holding: readonly CascadeReason[], record: CascadeRecord | null): readonly CascadeReason[] {
  return !heldBy(holding) && record && heldBy(record.wouldHave) ? record.wouldHave : holding;
}

/** The reasons that hold a cascade back: that it was released already is none. */
export function holdingBack(reasons: readonly CascadeReason[]): readonly CascadeReason[] {
  return reasons.filter(({ condition }) => condition !== RELEASED_ALREADY);
}

/** Whether these reasons hold a cascade that would else be released: some park it, and none says that it never cascades. */
export function heldBy(reasons: readonly CascadeReason[]): boolean {
  return reasons.some(({ condition }) => PARKING.has(condition)) && !reasons.some(({ condition }) => NEVER.has(condition));
}

function stateAfter(decision: CascadeDecision, never: boolean, record: CascadeRecord | null): CascadeRecord['state'] {
  if (decision.reasons.length === 0) return 'released';
  const conditions = new Set(decision.reasons.map((reason) => reason.condition));
  if (conditions.has(RELEASED_ALREADY)) return 'released';
  // What is due or parked stays so when a backfill's own message comes by: it is decided again, not forgotten.
  if (never) return record?.state ?? 'not_cascading';
  if ([...conditions].some((condition) => PARKING.has(condition))) return 'parked';
  return 'waiting';
}
