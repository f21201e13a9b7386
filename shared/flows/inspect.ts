import { addDays, type Day } from '../calendar/day.ts';
import type { Game } from '../calendar/calendar.ts';
import type { CalendarFinding } from '../calendar/remembered.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { detect, explainingInput, keyOf, reasonOf, type Detection, type Scope } from '../gaps/detect.ts';
import { isSettled, statusOf, type CellFacts, type Status } from '../gaps/facts.ts';
import { decodeTrace, traceDifferences, traceEntries } from '../gaps/trace.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { HistoryRow, RunHistory } from '../ports/run-history.ts';
import type { LeftOutCode } from '../recovery/plan.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import type { Engine } from './engine.ts';
import { makePlan } from './recover.ts';

/** Looks, and changes nothing: what `gaps` and `why` show. */

export interface GapReport {
  readonly scope: Scope;
  readonly detection: Detection;
  /** Cells that are complete, and read rows that are missing, short or altered now: redone once those are mended. */
  readonly readers: readonly CellKey[];
  readonly calendarFindings: readonly CalendarFinding[];
  /** Games without a final status although their date is long over. */
  readonly stuckGames: readonly Game[];
}

/** Everything of a scope that is not complete, read afresh from the ports. */
export async function inspectGaps(engine: Engine, scope: Scope): Promise<GapReport> {
  const world = await engine.refresh(scope.from, scope.to);
  const detection = detect(world, scope);
  const [first] = detection.findings;
  return {
    scope, detection,
    readers: first ? readersOfGaps(engine, first.day) : [],
    calendarFindings: engine.calendarFindings.filter((finding) => isWithin(finding.kind === 'moved' ? finding.from : finding.day, scope) || (finding.kind === 'moved' && isWithin(finding.to, scope))),
    stuckGames: world.calendar.stuckGames(scope.from, scope.to, world.moment),
  };
}

function isWithin(day: Day, scope: Scope): boolean {
  return day >= scope.from && day <= scope.to;
}

/** Windows look back, so readers are of the gap's date or later; never of another season. */
function readersOfGaps(engine: Engine, from: Day): CellKey[] {
  const { world } = engine;
  const readers: CellKey[] = [];
  for (let day = from; day <= world.moment.today && world.contains(day); day = addDays(day, 1)) {
    for (const processor of world.pipeline.processors) {
      if (!world.expectedDates(processor).has(day)) continue;
      const facts = factsOf(world, processor, day);
      if (facts.readIncomplete && isSettled(facts)) readers.push({ processor: processor.name, day });
    }
  }
  return readers;
}

export interface Link extends CellKey {
  readonly status: Status;
  readonly facts: CellFacts;
  readonly because: string;
}

/** One input that is another now than when the cell's last run read it. */
export interface InputDifference {
  /** The upstream, with its columns where only some are read. */
  readonly edge: string;
  readonly day: Day;
  /** Fingerprints, or `absent`. */
  readonly read: string;
  readonly now: string;
}

/** What a person does about a cell: the words of a command, without the program's name. Null: nothing is to be done by command. */
export interface Mend {
  readonly command: readonly string[] | null;
  readonly text: string;
}

export interface Explanation {
  /** From the cell to its root cause. */
  readonly chain: readonly Link[];
  readonly record: CellRecord;
  readonly notExpected: string | null;
  /** Null where no trace of its last run is kept. */
  readonly differences: readonly InputDifference[] | null;
  readonly runs: readonly HistoryRow[];
  readonly mend: Mend;
}

/** Explains one cell: the chain to its root cause, what it read and what is there now, its last runs, and what mends it. */
export async function explainCell(engine: Engine, history: RunHistory, processor: Processor, day: Day): Promise<Explanation> {
  const world = await engine.refresh(day, day);
  const record = world.record(processor, day);
  const chain: Link[] = [];
  const seen = new Set<string>();
  for (let at: CellKey | null = { processor: processor.name, day }; at !== null && !seen.has(keyOf(at));) {
    seen.add(keyOf(at));
    const own: Processor = world.processor(at.processor);
    const facts = factsOf(world, own, at.day);
    const { failure, hold } = world.record(own, at.day);
    const last = failure && `last run ${failure.outcome} (${failure.category}): ${failure.message}`;
    const because = facts.data === 'pending' ? 'expected, and not due yet' : `${reasonOf(facts, last)}${hold ? `; held by ${hold.by}: ${hold.reason}` : ''}`;
    chain.push({ ...at, facts, status: statusOf(facts), because });
    at = facts.data === 'not_expected' ? null : explainingInput(world, own, at.day, facts);
  }
  const text = record.last === null ? null : await engine.parts.store.trace(record.last.runId);
  const date = new Date(day * 86_400_000).toISOString().slice(0, 10);
  const [link] = chain;
  return {
    chain, record,
    notExpected: link?.facts.data === 'not_expected' ? whyNotExpected(engine, processor, day) : null,
    differences: text === null ? null : traceDifferences(decodeTrace(text), traceEntries(world, processor, day)),
    runs: await history.runs({ processor: processor.name, from: date, to: date, limit: 5 }),
    mend: await mendOf(engine, { processor: processor.name, day }, link?.facts ?? null),
  };
}

function whyNotExpected(engine: Engine, processor: Processor, day: Day): string {
  const { calendar } = engine.world;
  const excluded = calendar.isExcluded(day);
  if (excluded !== undefined) return `the calendar excludes it: ${excluded}`;
  if (!calendar.seasonOf(day)) return 'it is in no season';
  const games = calendar.games(day);
  if (calendar.hasSchedule && games.length === 0) return 'an off-day: the schedule has no game on it';
  if (engine.world.calendar.isStuckWhole(processor, day, engine.world.moment)) return `none of its ${games.length} games has a final status, although the date is long over`;
  if (engine.world.expectedDates(processor).has(day)) return `it is older than the ${processor.retentionDays ?? 0} days that are kept`;
  return `none of its ${games.length} games is of ${processor.only?.join(', ') ?? 'this processor'}`;
}

/** In front of the name of the plan or backfill that has a cell. */
const OWNED = /^belongs to /;

/** What mends a cell is what the planner says of it: a step, or the reason why it is left out. */
async function mendOf(engine: Engine, cell: CellKey, facts: CellFacts | null): Promise<Mend> {
  const nothing = (text: string): Mend => ({ command: null, text });
  if (!facts || facts.data === 'not_expected') return nothing('nothing is expected of it');
  if (facts.data === 'pending') return nothing('nothing is to be done: it is not due yet');
  if (isSettled(facts)) return nothing(facts.readIncomplete ? 'it is redone when what it reads is mended' : 'nothing is to be done');
  const date = new Date(cell.day * 86_400_000).toISOString().slice(0, 10);
  const words = ['--processor', cell.processor, '--from', date, '--to', date];
  const scope: Scope = { from: cell.day, to: cell.day, processors: new Set([cell.processor]) };
  const options = { scope, by: 'person', altered: 'policy' } as const;
  const plan = await makePlan(engine, { ...options, all: false });
  if (plan.steps.some((step) => keyOf(step) === keyOf(cell))) return { command: ['recover', ...words], text: 'runs it, and what it reads first' };
  const left = plan.leftOut.find((entry) => keyOf(entry) === keyOf(cell));
  const cause = left?.because ? plan.leftOut.find((entry) => left.because && keyOf(entry) === keyOf(left.because)) ?? left : left;
  if (!cause) return nothing('no recovery mends it');
  const owner = cause.code === 'owned' ? await engine.parts.store.backfill(cause.reason.replace(OWNED, '')) : null;
  if (owner) return { command: ['backfill', 'status', owner.id], text: `an open staged backfill has it (${owner.id}, ${owner.state.replaceAll('_', ' ')}): what comes next is in its status` };
  return mendOfLeftOut(engine, cause.code, cause, words, cause.reason);
}

function mendOfLeftOut(engine: Engine, code: LeftOutCode, cause: CellKey, words: readonly string[], reason: string): Mend {
  const date = new Date(cause.day * 86_400_000).toISOString().slice(0, 10);
  switch (code) {
    case 'over_threshold':
    case 'over_plan_cells':
      return { command: ['recover', '--all', ...words], text: `runs it although it is over the bounds of automatic work (${reason})` };
    case 'altered':
      return { command: ['recover', '--altered', 'reprocess', ...words], text: `writes the rows anew; if they are right as they are: accept ${cause.processor} ${date} --reason "…"` };
    case 'held': {
      const byHand = engine.world.record(engine.world.processor(cause.processor), cause.day).hold !== null;
      return byHand ? { command: ['unhold', cause.processor, date, '--reason', '…'], text: `${reason}; lets it run again` } : { command: ['request', cause.processor, date], text: `runs it again (${reason})` };
    }
    case 'source_empty':
      return { command: ['accept', cause.processor, date, '--reason', '…'], text: 'if its source will never have it; else it runs by itself once the source has it' };
    case 'stale_report':
      return { command: ['request', cause.processor, date, '--reprocess', 'completed'], text: 'runs it again' };
    case 'open':
      return { command: ['up'], text: `a request is open on it: it runs as soon as something works off the queue` };
    default:
      return { command: null, text: reason };
  }
}
