import { formatDay, type Day } from '../calendar/day.ts';
import { HeldBackError, InputError } from '../failures/errors.ts';
import { describeCell } from '../gaps/usable.ts';
import { answersOf } from './gate-answers.ts';
import { cutToBytes, noted, SYSTEM } from './journal.ts';
import type { LateCell } from './late.ts';
import { policyOf } from './policy.ts';
import { currentStage, goesOnByItself, hasEnded, isAskedFor, skipOf, standingFailures, type Asked, type BackfillRecord, type FailedCell, type GateAnswer, type GateResult, type NewFailure, type StageProgress } from './record.ts';
import type { BackfillDefinition } from './schema.ts';

/**
 * The state machine of a staged backfill, as functions from its record to its next.
 *
 *   running              the holder of its lease fills free slots
 *   paused               a person stopped it; left by resume. By a used-up quota: it goes on by itself when that is over
 *   stopped              a failure out of retries under `stop`, or too many; left by resume, which goes on at what failed
 *   gate_held            the gate after the stage did not pass; left by resume, which fills what is missing and looks again
 *   waits_for_approval   the next stage does not start by itself; left by approve
 *
 * It ends finished or cancelled.
 */

export interface Person {
  readonly by: string;
  readonly reason: string;
}

/** A Firestore document holds 1 MiB: so many failures with messages of so many bytes of JSON fit, beside the journal, with room to spare. */
const MOST_FAILURES = 700;
const LONGEST_MESSAGE = 300;

export function begun(id: string, definition: BackfillDefinition, asked: Asked): BackfillRecord {
  const record: BackfillRecord = {
    id, definition, asked, state: 'running', note: '', stage: 0, failures: [], failuresLeftOut: 0, skips: [], journal: [], createdAt: asked.at, endedAt: null,
    stages: definition.stages.map(({ name }) => ({ name, startedAt: null, endedAt: null, approvedBy: null, round: 0, retriedFrom: 0, gate: null })),
  };
  const dates = `${formatDay(asked.from)} to ${formatDay(asked.to)}`;
  return entered(noted(record, asked.at, asked.by, 'started', `${definition.name} over ${dates}${asked.reason === '' ? '' : `: ${asked.reason}`}`), 0, asked.at);
}

/** Comes to a stage: runs it, or waits for a person's approval. */
function entered(record: BackfillRecord, stage: number, now: number): BackfillRecord {
  const definition = record.definition.stages[stage];
  if (!definition) return { ...noted(record, now, SYSTEM, 'finished', 'every stage is done'), state: 'finished', note: '', endedAt: now };
  const at = { ...record, stage };
  if (definition.needs_approval && at.stages[stage]?.approvedBy === null) {
    return { ...noted(at, now, SYSTEM, 'waits_for_approval', `stage ${definition.name} does not start by itself`), state: 'waits_for_approval', note: `stage ${definition.name} waits for approval` };
  }
  return { ...noted(withProgress(at, { startedAt: at.stages[stage]?.startedAt ?? now }), now, SYSTEM, 'stage_started', `stage ${definition.name}`), state: 'running', note: '' };
}

/** What was asked for in this round has ended, and something is still to be done. */
export function nextRound(record: BackfillRecord): BackfillRecord {
  return withProgress(record, { round: currentStage(record).progress.round + 1 });
}

/** One of a gate's checks has answered, or was cut short. */
export function answered(record: BackfillRecord, answer: GateAnswer): BackfillRecord {
  const { progress: { round } } = currentStage(record);
  return withProgress(record, { looking: { round, answers: [...answersOf(record).filter(({ file }) => file !== answer.file), answer] } });
}

/** Nothing is left to do in the stage: its gate, if it has one, has been looked at. */
export function stageEnded(record: BackfillRecord, gate: GateResult | null, now: number): BackfillRecord {
  const { definition } = currentStage(record);
  const looked = withProgress(record, { gate, ...lookedAt(record), ...(gate?.passed === false ? {} : { endedAt: now }) });
  if (gate && !gate.passed) {
    const note = `the gate after ${definition.name} holds: ${gate.reasons.join('; ')}`;
    return { ...noted(looked, now, SYSTEM, 'gate_held', note), state: 'gate_held', note };
  }
  const passed = noted(looked, now, SYSTEM, gate ? 'gate_passed' : 'stage_ended', gate ? `the gate after ${definition.name} is passed` : `stage ${definition.name} is done`);
  return entered(passed, record.stage + 1, now);
}

/** Nothing is left to do in the stage, and something is wrong that no gate of its would tell: it holds like one. */
export function stageHeld(record: BackfillRecord, reasons: readonly string[], now: number): BackfillRecord {
  const note = `stage ${currentStage(record).definition.name} holds: ${reasons.join('; ')}`;
  return { ...noted(record, now, SYSTEM, 'stage_held', note), state: 'gate_held', note };
}

/** Adds what failed or was skipped since; what is known already is added once. */
export function withFailures(record: BackfillRecord, found: readonly NewFailure[], now: number): BackfillRecord {
  const { name } = currentStage(record).definition;
  const known = new Set(standingFailures(record).map(failureKey));
  const fresh = found.filter((failure) => !known.has(failureKey(failure)));
  if (fresh.length === 0) return record;
  const entries = fresh.map(({ skipped, ...failure }): FailedCell => ({
    ...failure, message: cutToBytes(failure.message, LONGEST_MESSAGE), stage: name, at: now, became: skipped ? 'skipped' : 'open', note: skipped ? cutToBytes(failure.message, LONGEST_MESSAGE) : '',
  }));
  return fitting(record, [...record.failures, ...entries]);
}

/** Of too many failures the oldest of those that were tried again make room first; what is open and finds none counts all the same. */
function fitting(record: BackfillRecord, all: readonly FailedCell[]): BackfillRecord {
  let over = all.length - MOST_FAILURES;
  if (over <= 0) return { ...record, failures: [...all] };
  const kept = all.filter((entry) => entry.became !== 'retried' || (over -= 1) < 0);
  const left = kept.slice(MOST_FAILURES).filter((entry) => entry.became === 'open' && entry.runId !== null).length;
  return { ...record, failures: kept.slice(0, MOST_FAILURES), failuresLeftOut: record.failuresLeftOut + all.length - MOST_FAILURES, openLeftOut: (record.openLeftOut ?? 0) + left };
}

function failureKey({ processor, day, runId }: Pick<FailedCell, 'processor' | 'day' | 'runId'>): string {
  return `${processor} ${day} ${runId ?? ''}`;
}

export function stopped(record: BackfillRecord, why: string, now: number): BackfillRecord {
  return { ...noted(record, now, SYSTEM, 'stopped', why), state: 'stopped', note: why };
}

/** A quota is used up: nothing more is tried before `at`. */
export function quotaPaused(record: BackfillRecord, why: string, at: number, now: number): BackfillRecord {
  const note = `a quota is used up, and it goes on by itself at ${new Date(at).toISOString()}: ${why}`;
  return { ...noted(record, now, SYSTEM, 'quota', note), state: 'paused', note, goesOn: { since: now, at } };
}

/** The time that a quota was waited for has come. */
export function wentOn(record: BackfillRecord, now: number): BackfillRecord {
  return { ...noted(record, now, SYSTEM, 'went_on', 'the quota starts anew'), state: 'running', note: '', goesOn: null };
}

/** Whoever advanced it has died, and another process goes on with it. */
export function takenOver(record: BackfillRecord, dead: { readonly owner: string; readonly heardAt: number }, now: number): BackfillRecord {
  return noted(record, now, SYSTEM, 'taken_over', `from ${dead.owner}, of which nothing was heard since ${new Date(dead.heardAt).toISOString()}: it goes on from what stands in state`);
}

/** Stands by while the backfill that it has joined is not over; null: that has ended, and it begins. */
export function standsBy(record: BackfillRecord, other: Pick<BackfillRecord, 'id' | 'state'> | null, now: number): BackfillRecord {
  if (other) {
    const note = `waits for backfill ${other.id}, which has cells in common with it (${other.state.replaceAll('_', ' ')})`;
    if (record.note === note) return record;
    const told = record.note.startsWith(WAITS_FOR) ? record : noted(record, now, SYSTEM, 'waits', note);
    return { ...told, note };
  }
  if (!record.note.startsWith(WAITS_FOR)) return record;
  return { ...noted(withProgress(record, { startedAt: now }), now, SYSTEM, 'went_on', `${record.asked.join ?? ''} has ended: what it left is taken up`), note: '' };
}
const WAITS_FOR = 'waits for backfill ';

/** One of its requests was put before daily work. */
export function turnGiven(record: BackfillRecord, now: number): BackfillRecord {
  return { ...record, turnGivenAt: now };
}

/** A step of the ramp is done. Where it is good the stage takes more dates, else it holds like a gate. */
export function rampLooked(record: BackfillRecord, { words, next }: { readonly words: string; readonly next: string }, look: { readonly gate: GateResult | null; readonly reasons: readonly string[] }, now: number): BackfillRecord {
  const { definition, progress } = currentStage(record);
  if (look.reasons.length > 0) {
    const note = `stage ${definition.name} holds after ${words}: ${look.reasons.join('; ')}`;
    return { ...noted(withProgress(record, { gate: look.gate, ...lookedAt(record) }), now, SYSTEM, 'ramp_held', note), state: 'gate_held', note };
  }
  const further = withProgress(record, { ramp: (progress.ramp ?? 0) + 1, round: progress.round + 1, ...lookedAt(record) });
  return noted(further, now, SYSTEM, 'ramp', `stage ${definition.name}: ${words} ${words.endsWith('days') ? 'are' : 'is'} good; it goes on with ${next}`);
}

/** A date is expected that a stage did not know of: that stage is taken up again, its gate too. What is past it comes again after it. */
export function wentBack(record: BackfillRecord, { stage, cell }: LateCell, now: number): BackfillRecord {
  // What came after it was about fewer dates, and comes again, each in a new round: a cell is asked for once in one.
  const back = { ...record, stage, stages: record.stages.map((progress, index) => (index < stage || index > record.stage ? progress : { ...progress, round: progress.round + 1, endedAt: null, gate: null })) };
  const { definition } = currentStage(back);
  const when = stage === record.stage ? 'when it was planned' : 'when that had its end';
  const text = `back to stage ${definition.name}: ${describeCell(cell)} was not expected ${when}, and is to be filled before what reads it`;
  return noted(back, now, SYSTEM, 'went_back', text);
}

/** Somebody else was at work on cells when the backfill came to them. */
export function othersRun(record: BackfillRecord, cells: readonly string[], now: number): BackfillRecord {
  const [first] = cells;
  if (first === undefined) return record;
  const which = cells.length === 1 ? first : `${first}, and ${cells.length - 1} more by others`;
  return noted(record, now, SYSTEM, 'others_run', `${which}: judged again when that has ended, and what that writes is not this backfill's to roll back`);
}

export function paused(record: BackfillRecord, person: Person, now: number): BackfillRecord {
  refuseEnded(record, 'pause');
  if (record.state === 'paused' && !goesOnByItself(record)) throw new HeldBackError(`backfill ${record.id} is paused already: ${record.note}; go on with: smart-backfill backfill resume ${record.id}`);
  if (record.state !== 'running' && record.state !== 'paused') throw new HeldBackError(`backfill ${record.id} starts nothing as it is (${record.state.replaceAll('_', ' ')}), and need not be paused: ${record.note}; to end it: smart-backfill backfill cancel ${record.id}`);
  return { ...noted(record, now, person.by, 'paused', person.reason), state: 'paused', note: `paused by ${person.by}: ${person.reason}`, goesOn: null };
}

/** Goes on: at what failed, where it had stopped or its gate holds. */
export function resumed(record: BackfillRecord, person: Person, now: number): BackfillRecord {
  refuseEnded(record, 'resume');
  if (record.state === 'running') throw new HeldBackError(`backfill ${record.id} is running; nothing is to be resumed; look on with: smart-backfill backfill watch ${record.id}`);
  if (record.state === 'waits_for_approval') throw new HeldBackError(`backfill ${record.id}: ${record.note}; start it with: smart-backfill backfill approve ${record.id}`);
  const again = record.state === 'paused' && !stopsIt(record) ? record : tryingAgain(record);
  return { ...noted(again, now, person.by, 'resumed', person.reason), state: 'running', note: '', goesOn: null };
}

/** What failed while it was paused would have stopped it: a person goes on at that. */
function stopsIt(record: BackfillRecord): boolean {
  return policyOf(record) === 'stop' && standingFailures(record).some(({ became }) => became === 'open');
}

/** Takes what failed in this stage up again, without leaving the state it is in where that is not a stop or a held gate. */
export function retried(record: BackfillRecord, person: Person, now: number): BackfillRecord {
  refuseEnded(record, 'retry');
  if (record.state === 'waits_for_approval') throw new HeldBackError(`backfill ${record.id}: ${record.note}; nothing of it has failed`);
  const again = noted(tryingAgain(record), now, person.by, 'retried', person.reason);
  return record.state === 'stopped' || record.state === 'gate_held' ? { ...again, state: 'running', note: '' } : again;
}

function tryingAgain(record: BackfillRecord): BackfillRecord {
  const { definition, progress } = currentStage(record);
  const round = progress.round + 1;
  const failures = record.failures.map((entry): FailedCell => (entry.stage === definition.name && entry.became !== 'retried' ? { ...entry, became: 'retried' } : entry));
  return withProgress({ ...record, failures, openLeftOut: 0 }, { round, retriedFrom: round });
}

export function cancelled(record: BackfillRecord, person: Person, now: number): BackfillRecord {
  refuseEnded(record, 'cancel');
  return { ...noted(record, now, person.by, 'cancelled', person.reason), state: 'cancelled', note: `cancelled by ${person.by}: ${person.reason}`, endedAt: now, goesOn: null };
}

export function approved(record: BackfillRecord, person: Person, now: number): BackfillRecord {
  refuseEnded(record, 'approve');
  if (record.state !== 'waits_for_approval') throw new InputError(`received approve for backfill ${record.id}, which waits for none: it is ${record.state.replaceAll('_', ' ')}; allowed is a backfill that waits for approval; see: smart-backfill backfill status ${record.id}`);
  return entered(noted(withProgress(record, { approvedBy: person.by }), now, person.by, 'approved', person.reason), record.stage, now);
}

/** A date that leaves the stages and the gates' denominators, and stands in the report. */
export function skipped(record: BackfillRecord, day: Day, person: Person, now: number): BackfillRecord {
  refuseEnded(record, 'skip');
  const date = formatDay(day);
  if (!isAskedFor(record.asked, day)) throw new InputError(`received the date ${date}, which backfill ${record.id} does not have; allowed are dates of ${formatDay(record.asked.from)} to ${formatDay(record.asked.to)} that were not excluded; give one of them`);
  const before = skipOf(record, day);
  if (before) throw new HeldBackError(`${date} is skipped already, by ${before.by}: ${before.reason}; nothing was changed; see: smart-backfill backfill status ${record.id}`);
  const failures = record.failures.map((entry): FailedCell => (entry.day === day && entry.became === 'open' ? { ...entry, became: 'skipped', note: person.reason } : entry));
  const without = { ...record, failures, skips: [...record.skips, { day, ...person, at: now }] };
  // A new round: what was planned has the date in it.
  return noted(nextRound(without), now, person.by, 'skipped', `${date}: ${person.reason}`);
}

/** A look that has come to its end: its answers are in the gate's result. */
function lookedAt(record: BackfillRecord): Pick<StageProgress, 'looking'> {
  return currentStage(record).progress.looking ? { looking: null } : {};
}

function refuseEnded(record: BackfillRecord, what: string): void {
  if (hasEnded(record)) throw new InputError(`received ${what} for backfill ${record.id}, which is ${record.state}; allowed is a backfill that has not ended; start another with: smart-backfill backfill start`);
}

function withProgress(record: BackfillRecord, change: Partial<StageProgress>): BackfillRecord {
  return { ...record, stages: record.stages.map((progress, index) => (index === record.stage ? { ...progress, ...change } : progress)) };
}
