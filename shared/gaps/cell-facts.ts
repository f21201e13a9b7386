import type { Day } from '../calendar/day.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellRecord } from '../requests/cell.ts';
import type { Coverage } from './coverage.ts';
import { expectationOf } from './expectation.ts';
import { acceptanceHolds, failureHolds, shortcomingsOf, type ActivityFact, type CellFacts, type DataFact, type TraceFact } from './facts.ts';
import { hex64 } from './fingerprint.ts';
import { digestOf, traceKey } from './trace.ts';
import type { World } from './world.ts';

const NOTHING: readonly string[] = [];
const NOT_EXPECTED: CellFacts = {
  data: 'not_expected', trace: 'unknown', activity: 'idle', shortcomings: NOTHING, changedEdges: NOTHING, readIncomplete: false, codeChanged: false,
};

/** The three facts of one cell, from what the world holds of it and of its inputs. */
export function factsOf(world: World, processor: Processor, day: Day): CellFacts {
  if (!world.expectedDates(processor).has(day) || isPastRetention(world, processor, day)) return NOT_EXPECTED;
  const coverage = world.coverage(processor, day);
  const record = world.record(processor, day);
  const { data, shortcomings } = dataFact(world, processor, day, coverage, record);
  const traced = traceFact(world, processor, day, coverage, record, data);
  const activity = activityFact(world, processor, day, coverage, record);
  return { data, shortcomings, activity, ...traced };
}

function isPastRetention(world: World, processor: Processor, day: Day): boolean {
  return processor.retentionDays !== null && day < world.moment.today - processor.retentionDays;
}

function dataFact(world: World, processor: Processor, day: Day, coverage: Coverage | undefined, record: CellRecord): { data: DataFact; shortcomings: readonly string[] } {
  const expectation = expectationOf(world, processor, day);
  const found = shortcomingsOf(coverage, expectation);
  const emptyOnRecord = !coverage && expectation.mayBeEmpty && record.last?.rows === 0;
  if (found.length === 0 && (coverage || emptyOnRecord)) return { data: 'present', shortcomings: NOTHING };
  // Any completion ends `pending`: once a run of it is on record, its rows are judged like any other's.
  if (!record.last && !world.calendar.isDue(processor, day, world.moment)) return { data: 'pending', shortcomings: NOTHING };
  return coverage ? { data: 'short', shortcomings: found } : { data: 'missing', shortcomings: NOTHING };
}

interface Traced {
  readonly trace: TraceFact;
  readonly changedEdges: readonly string[];
  readonly readIncomplete: boolean;
  readonly codeChanged: boolean;
}

function traceFact(world: World, processor: Processor, day: Day, coverage: Coverage | undefined, record: CellRecord, data: DataFact): Traced {
  const { last } = record;
  if (!last) {
    const suspicious = data === 'present' && (record.suspect !== null || readsGaps(world, processor, day) || readsOurRuns(world, processor, day));
    return { trace: suspicious ? 'suspect' : 'unknown', changedEdges: NOTHING, readIncomplete: false, codeChanged: false };
  }
  const altered = coverage !== undefined && coverage.fingerprint !== last.fingerprint && !acceptanceHolds(record, coverage, world.moment.now);
  if (!last.trace) {
    const trace = altered ? 'altered' : record.suspect !== null ? 'suspect' : 'unknown';
    return { trace, changedEdges: NOTHING, readIncomplete: false, codeChanged: false };
  }
  const codeChanged = last.trace.definitionHash !== processor.definitionHash || last.trace.codeVersion !== processor.codeVersion;
  let readIncomplete = false;
  const changed: string[] = [];
  for (const edge of processor.upstreams) {
    const read = last.trace.edges[traceKey(edge)];
    const actual = hex64(world.windowDigest(edge, day, 'actual'));
    const recorded = hex64(world.windowDigest(edge, day, 'recorded'));
    if (read !== actual && read !== recorded) changed.push(traceKey(edge));
    // Equal to one side only: what differs now is an input that is lost or altered, a gap of its own and not staleness.
    else if (actual !== recorded) readIncomplete = true;
  }
  const stale = changed.length > 0 || (codeChanged && processor.codeChangePolicy === 'reprocess');
  return { trace: altered ? 'altered' : stale ? 'stale' : 'fresh', changedEdges: changed, readIncomplete, codeChanged };
}

/** Rows made while an input was absent, as far as can be told without a trace: an input is absent now. */
function readsGaps(world: World, processor: Processor, day: Day): boolean {
  return processor.upstreams.some((edge) => {
    const range = world.range(edge, day);
    return range !== null && world.lackingIn(world.processor(edge.upstream), range) > 0;
  });
}

/** This system has since filled an input of it: what it was made from is not known to be what is there. */
function readsOurRuns(world: World, processor: Processor, day: Day): boolean {
  return processor.upstreams.some((edge) => {
    const range = world.range(edge, day);
    return range !== null && world.ownRunsIn(world.processor(edge.upstream), range) > 0;
  });
}

function activityFact(world: World, processor: Processor, day: Day, coverage: Coverage | undefined, record: CellRecord): ActivityFact {
  if (record.request) return record.request.state === 'processing' ? 'in_flight' : 'open';
  if (acceptanceHolds(record, coverage, world.moment.now)) return 'accepted';
  if (record.hold) return 'held';
  const { failure } = record;
  if (!failure) return 'idle';
  if (failure.coolsUntil !== null) return failure.coolsUntil > world.moment.now ? 'cooling' : 'idle';
  const inputs = digestOf(world.traceDigests(processor, day), processor.definitionHash, processor.codeVersion);
  return failureHolds(failure, inputs, processor.definitionHash) ? 'held' : 'idle';
}
