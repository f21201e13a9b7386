import type { Day } from '../calendar/day.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellRecord } from '../requests/cell.ts';
import type { Coverage } from './coverage.ts';
import { expectationOf } from './expectation.ts';
import { acceptanceHolds, failureHolds, isAltered, shortcomingsOf, type ActivityFact, type CellFacts, type DataFact, type TraceFact } from './facts.ts';
import { digestOf } from './trace.ts';
import type { World } from './world.ts';

const NOTHING: readonly string[] = [];
const NOT_EXPECTED: CellFacts = {
  data: 'not_expected', trace: 'unknown', activity: 'idle', shortcomings: NOTHING, changedEdges: NOTHING, readIncomplete: false, codeChanged: false,
};
/** What nearly every cell is: one object for all of them. */
const COMPLETE: CellFacts = {
  data: 'present', trace: 'fresh', activity: 'idle', shortcomings: NOTHING, changedEdges: NOTHING, readIncomplete: false, codeChanged: false,
};

const COMPLETE_ON_LOST_INPUTS: CellFacts = { ...COMPLETE, readIncomplete: true };

/** The three facts of one cell, from what the world holds of it and of its inputs. Kept by the world until one of those changes. */
export function factsOf(world: World, processor: Processor, day: Day): CellFacts {
  return world.keptFacts(processor, day) ?? world.keepFacts(processor, day, judged(world, processor, day));
}

function judged(world: World, processor: Processor, day: Day): CellFacts {
  if (!isExpected(world, processor, day)) return NOT_EXPECTED;
  const plain = world.comparePlainly(processor, day);
  if (plain) return plain.readIncomplete ? COMPLETE_ON_LOST_INPUTS : COMPLETE;
  const coverage = world.coverage(processor, day);
  const record = world.record(processor, day);
  const { data, shortcomings } = dataFact(world, processor, day, coverage, record);
  const traced = traceFact(world, processor, day, coverage, record, data);
  const activity = activityFact(world, processor, day, coverage, record);
  if (data === 'present' && traced === FRESH && activity === 'idle') return COMPLETE;
  const { trace, changedEdges, readIncomplete, codeChanged } = traced;
  return { data, trace, activity, shortcomings, changedEdges, readIncomplete, codeChanged };
}

/** Whether rows are expected of this cell at this moment. */
export function isExpected(world: World, processor: Processor, day: Day): boolean {
  return world.expectedDates(processor).has(day) && !isPastRetention(world, processor, day) && !world.calendar.isStuckWhole(processor, day, world.moment);
}

function isPastRetention(world: World, processor: Processor, day: Day): boolean {
  return processor.retentionDays !== null && day < world.moment.today - processor.retentionDays;
}

interface JudgedData {
  readonly data: DataFact;
  readonly shortcomings: readonly string[];
}
const PRESENT: JudgedData = { data: 'present', shortcomings: NOTHING };
const PENDING: JudgedData = { data: 'pending', shortcomings: NOTHING };
const MISSING: JudgedData = { data: 'missing', shortcomings: NOTHING };

function dataFact(world: World, processor: Processor, day: Day, coverage: Coverage | undefined, record: CellRecord): JudgedData {
  const expectation = expectationOf(world, processor, day);
  const found = shortcomingsOf(coverage, expectation);
  const emptyOnRecord = !coverage && expectation.mayBeEmpty && record.last?.rows === 0;
  if (found.length === 0 && (coverage || emptyOnRecord)) return PRESENT;
  // Any completion ends `pending`, a failed one too: once a run of it is on record, its rows are judged like any other's.
  if (!record.last && !record.failure && !world.calendar.isDue(processor, day, world.moment)) return PENDING;
  return coverage ? { data: 'short', shortcomings: found } : MISSING;
}

interface Traced {
  readonly trace: TraceFact;
  readonly changedEdges: readonly string[];
  readonly readIncomplete: boolean;
  readonly codeChanged: boolean;
}

const FRESH: Traced = { trace: 'fresh', changedEdges: NOTHING, readIncomplete: false, codeChanged: false };

function withoutTrace(trace: TraceFact): Traced {
  return { trace, changedEdges: NOTHING, readIncomplete: false, codeChanged: false };
}

function traceFact(world: World, processor: Processor, day: Day, coverage: Coverage | undefined, record: CellRecord, data: DataFact): Traced {
  const { last } = record;
  if (!last) {
    // Without a trace rows are not believed when an input is absent, or has been filled by this system since.
    const suspicious = data === 'present' && (record.suspect !== null || world.readsLacking(processor, day) || world.readsOwnRuns(processor, day));
    return withoutTrace(suspicious ? 'suspect' : 'unknown');
  }
  const altered = isAltered(record, coverage, world.moment.now);
  if (!last.trace) return withoutTrace(altered ? 'altered' : record.suspect !== null ? 'suspect' : 'unknown');
  const codeChanged = last.trace.definitionHash !== processor.definitionHash || last.trace.codeVersion !== processor.codeVersion;
  const { changedEdges, readIncomplete } = world.compareInputs(processor, day, last.trace.edges);
  const stale = changedEdges.length > 0 || (codeChanged && processor.codeChangePolicy === 'reprocess');
  if (!altered && !stale && !readIncomplete && !codeChanged) return FRESH;
  return { trace: altered ? 'altered' : stale ? 'stale' : 'fresh', changedEdges, readIncomplete, codeChanged };
}

/** In the order of precedence of the one-word status. A cell's open request says nothing about rows that a person accepted. */
function activityFact(world: World, processor: Processor, day: Day, coverage: Coverage | undefined, record: CellRecord): ActivityFact {
  if (acceptanceHolds(record, coverage, world.moment.now)) return 'accepted';
  if (record.hold) return 'held';
  if (record.request) return record.request.state === 'processing' ? 'in_flight' : 'open';
  const { failure } = record;
  if (!failure) return 'idle';
  if (failure.coolsUntil !== null) return failure.coolsUntil > world.moment.now ? 'cooling' : 'idle';
  const inputs = digestOf(world.traceDigests(processor, day), processor.definitionHash, processor.codeVersion);
  return failureHolds(failure, inputs, processor.definitionHash) ? 'held' : 'idle';
}
