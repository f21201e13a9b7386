import type { Calendar } from '../calendar/calendar.ts';
import { day as asDay, type Day } from '../calendar/day.ts';
import type { ExpectedDates } from '../calendar/expected-dates.ts';
import type { Moment } from '../calendar/moment.ts';
import { clipRange, windowRange, type WindowRange } from '../calendar/window.ts';
import type { Edge, Pipeline, Processor } from '../pipeline/pipeline.ts';
import { emptyRecord, type CellKey, type CellRecord } from '../requests/cell.ts';
import type { Coverage } from './coverage.ts';
import type { CellFacts } from './facts.ts';
import { hex64, parseHex64, ZERO, type Hash64 } from './fingerprint.ts';
import { contentIn, entryOf, type Input, type Lane } from './lane.ts';
import { emptyLane, notePlain } from './lane-cells.ts';
import type { PrefixCounts } from './prefix-sums.ts';
import { traceKey } from './trace.ts';
import { ViewSums, type Match, type Side } from './view-sums.ts';

export interface InputsComparison {
  /** Trace keys of the edges whose inputs are not what was read. */
  readonly changedEdges: readonly string[];
  /** What differs now is an input that is lost or altered: a gap of its own, not staleness. */
  readonly readIncomplete: boolean;
}

const NOTHING_READ = new Uint32Array();
const NO_EDGES: readonly string[] = [];
const AS_READ: InputsComparison = { changedEdges: NO_EDGES, readIncomplete: false };
const INCOMPLETE: InputsComparison = { changedEdges: NO_EDGES, readIncomplete: true };

/**
 * What is known of all cells at one moment: coverage, records and the calendar, with window digests in constant time.
 * Values in, values out: a shell fills it and keeps it up to date.
 */
export class World {
  readonly pipeline: Pipeline;
  readonly calendar: Calendar;
  readonly moment: Moment;
  readonly #lanes: readonly Lane[];
  readonly #first: number;
  readonly #length: number;
  /** How many records of a day accept games as missing: mostly none, and then nobody need look. */
  readonly #acceptedKeys: Uint16Array;

  constructor(pipeline: Pipeline, calendar: Calendar, moment: Moment) {
    this.pipeline = pipeline;
    this.calendar = calendar;
    this.moment = moment;
    this.#first = calendar.first;
    this.#length = calendar.last - calendar.first + 1;
    this.#acceptedKeys = new Uint16Array(this.#length);
    this.#lanes = pipeline.processors.map((processor) => emptyLane(this, processor, this.#length, (index) => asDay(index + this.#first)));
    for (const lane of this.#lanes) {
      lane.inputs = lane.processor.upstreams.map((edge) => this.#inputOf(edge, new Uint32Array(2 * this.#length)));
      const names = new Set([lane.processor.name, ...lane.processor.readers.map((edge) => edge.reader)]);
      lane.affected = this.#lanes.filter((other) => names.has(other.processor.name));
    }
  }

  /** The same knowledge at another moment, or with another calendar: digests are made anew, coverage and records are kept. */
  at(moment: Moment, calendar: Calendar = this.calendar): World {
    const next = new World(this.pipeline, calendar, moment);
    for (const lane of this.#lanes) {
      lane.coverage.forEach((coverage, index) => coverage && next.setCoverage(lane.processor, asDay(index + this.#first), coverage));
      lane.records.forEach((record) => record && next.setRecord(record));
    }
    return next;
  }

  processor(name: string): Processor {
    const processor = this.pipeline.byName.get(name);
    if (!processor) throw new RangeError(`received processor '${name}', which the pipeline ${this.pipeline.name} does not have`);
    return processor;
  }

  dayBefore(day: Day): Day {
    return asDay(day - 1);
  }

  contains(day: Day): boolean {
    return day >= this.#first && day < this.#first + this.#length;
  }

  /** A whole number for each cell of the calendar, rising with date, then rank: the topological order. */
  cellId(processor: Processor, day: Day): number {
    return (day - this.#first) * this.#lanes.length + processor.rank;
  }

  expectedDates(processor: Processor): ExpectedDates {
    return this.#lane(processor).expected;
  }

  coverage(processor: Processor, day: Day): Coverage | undefined {
    return this.#lane(processor).coverage[day - this.#first];
  }

  record(processor: Processor, day: Day): CellRecord {
    return this.#lane(processor).records[day - this.#first] ?? emptyRecord({ processor: processor.name, day });
  }

  setCoverage(processor: Processor, day: Day, coverage: Coverage | undefined): void {
    if (!this.contains(day)) return;
    const lane = this.#lane(processor);
    const index = day - this.#first;
    const next = coverage && coverage.rows > 0 ? coverage : undefined;
    if (lane.coverage[index] === next) return;
    lane.coverage[index] = next;
    notePlain(this, lane, index, day);
    this.#changed(lane, index);
  }

  /** Every cell that is known to have an open request. */
  openCells(): CellKey[] {
    return this.pipeline.processors.flatMap((processor) => this.#lane(processor).records.flatMap((record) => (record?.request ? [{ processor: record.processor, day: record.day }] : [])));
  }

  setRecord(record: CellRecord): void {
    const processor = this.pipeline.byName.get(record.processor);
    // A record may be of a processor that has left the definition: nothing reads it any more.
    if (!processor || !this.contains(record.day)) return;
    const lane = this.#lane(processor);
    const index = record.day - this.#first;
    const before = lane.records[index];
    if (before === record) return;
    lane.records[index] = record;
    lane.facts[index] = undefined;
    notePlain(this, lane, index, record.day);
    if ((before?.request ?? null) === null || record.request === null) lane.open.changed(index);
    const accepted = (record.acceptance?.missingKeys.length ?? 0) > 0 ? 1 : 0;
    const acceptedBefore = (before?.acceptance?.missingKeys.length ?? 0) > 0 ? 1 : 0;
    // Opening and claiming a request changes no digest and no verdict: those depend on rows, runs and acceptances only,
    // and on whether anything was heard of the cell at all.
    if (before?.last !== record.last || (before?.failure ?? null) === null !== (record.failure === null) || before?.suspect !== record.suspect || before?.acceptance !== record.acceptance) {
      this.#acceptedKeys[index] = (this.#acceptedKeys[index] ?? 0) + Math.max(accepted, acceptedBefore) - acceptedBefore;
      this.#changed(lane, index);
      this.#acceptedKeys[index] = (this.#acceptedKeys[index] ?? 0) + accepted - Math.max(accepted, acceptedBefore);
    }
  }

  /** Facts that were judged before and still hold: `factsOf` asks. */
  keptFacts(processor: Processor, day: Day): CellFacts | undefined {
    return this.#lane(processor).facts[day - this.#first];
  }

  keepFacts(processor: Processor, day: Day, facts: CellFacts): CellFacts {
    const index = day - this.#first;
    if (index < 0 || index >= this.#length) return facts;
    const lane = this.#lane(processor);
    lane.facts[index] = facts;
    if (index >= lane.judgedTo) lane.judgedTo = index + 1;
    return facts;
  }

  /** Whether some cell of this date has games accepted as missing. */
  hasAcceptedKeys(day: Day): boolean {
    return (this.#acceptedKeys[day - this.#first] ?? 0) > 0;
  }

  range(edge: Edge, day: Day): WindowRange | null {
    return this.#range(edge, day, this.#lane(this.processor(edge.upstream)));
  }

  /** Digest, modulo 2^64, of all that an edge's window holds for one game date. */
  windowDigest(edge: Edge, day: Day, side: Side): Hash64 {
    return this.#digest(this.#inputOf(edge, NOTHING_READ), day, side);
  }

  /** Digests of all that a run of this cell would read now, in the order of its edges. */
  traceDigests(processor: Processor, day: Day, side: Side = 'actual'): Record<string, string> {
    const edges: Record<string, string> = {};
    for (const input of this.#lane(processor).inputs) edges[input.key] = hex64(this.#digest(input, day, side));
    return edges;
  }

  /** Compares what a run read with what there is, and with what the inputs' own last runs wrote. */
  compareInputs(processor: Processor, day: Day, read: Readonly<Record<string, string>>): InputsComparison {
    const changed: string[] = [];
    let readIncomplete = false;
    for (const input of this.#lane(processor).inputs) {
      const digest = parseHex64(read[input.key]);
      const match = digest ? this.#match(input, day, digest.high, digest.low) : 'other';
      if (match === 'other') changed.push(input.key);
      else readIncomplete ||= match === 'incomplete';
    }
    if (changed.length === 0) return readIncomplete ? INCOMPLETE : AS_READ;
    return { changedEdges: changed, readIncomplete };
  }

  /** The quick answer for nearly every cell: null where its rows, run or record, or what it read, need a closer look. */
  comparePlainly(processor: Processor, day: Day): InputsComparison | null {
    const lane = this.#lane(processor);
    const index = day - this.#first;
    if (lane.plain[index] !== 1) return null;
    let result = AS_READ;
    for (const input of lane.inputs) {
      const match = this.#match(input, day, input.read[2 * index] ?? 0, input.read[2 * index + 1] ?? 0);
      if (match === 'other') return null;
      if (match === 'incomplete') result = INCOMPLETE;
    }
    return result;
  }

  /** Whether an input that this cell reads lacks rows. */
  readsLacking(processor: Processor, day: Day): boolean {
    return this.#anyInput(processor, day, (lane) => lane.lacking);
  }

  /** Whether this system has written rows that this cell reads. */
  readsOwnRuns(processor: Processor, day: Day): boolean {
    return this.#anyInput(processor, day, (lane) => lane.ours);
  }

  /** The fingerprint that an edge's view of a cell has now; undefined where there are no rows. */
  content(processor: Processor, view: string, day: Day, side: Side): string | undefined {
    return contentIn(this.#lane(processor), view, day - this.#first, side, this.moment.now);
  }

  /** Expected days of the range that may not be read now (`usable`). */
  unusableIn(processor: Processor, range: WindowRange): number {
    return this.#lane(processor).unusable.count(range.from - this.#first, range.to - this.#first);
  }

  firstUnusableIn(processor: Processor, range: WindowRange): Day | null {
    const index = this.#lane(processor).unusable.firstIn(range.from - this.#first, range.to - this.#first);
    return index < 0 ? null : asDay(index + this.#first);
  }

  /** The newest day of the range with an open request, or null. */
  lastOpenIn(processor: Processor, range: WindowRange): Day | null {
    const index = this.#lane(processor).open.lastIn(range.from - this.#first, range.to - this.#first);
    return index < 0 ? null : asDay(index + this.#first);
  }

  #lane(processor: Processor): Lane {
    const lane = this.#lanes[processor.rank];
    if (!lane) throw new RangeError(`received a processor of rank ${processor.rank}; the pipeline has ${this.#lanes.length}`);
    return lane;
  }

  #inputOf(edge: Edge, read: Uint32Array): Input {
    const lane = this.#lane(this.processor(edge.upstream));
    return { edge, key: traceKey(edge), lane, sums: this.#sums(lane, edge.view), read };
  }

  /** How a digest that was read through an edge compares with what is there, and with what the inputs' own last runs wrote. */
  #match({ edge, lane, sums }: Input, day: Day, high: number, low: number): Match {
    const range = this.#range(edge, day, lane);
    return range ? sums.match(range.from - this.#first, range.to - this.#first, high, low) : sums.match(0, -1, high, low);
  }

  #digest({ edge, lane, sums }: Input, day: Day, side: Side): Hash64 {
    const range = this.#range(edge, day, lane);
    return range ? sums.digest(range.from - this.#first, range.to - this.#first, side) : ZERO;
  }

  #anyInput(processor: Processor, day: Day, countsOf: (lane: Lane) => PrefixCounts): boolean {
    return this.#lane(processor).inputs.some(({ edge, lane }) => {
      const range = this.#range(edge, day, lane);
      return range !== null && countsOf(lane).count(range.from - this.#first, range.to - this.#first) > 0;
    });
  }

  #sums(lane: Lane, view: string): ViewSums {
    let sums = lane.sums.get(view);
    if (!sums) {
      sums = new ViewSums(this.#length);
      lane.sums.set(view, sums);
      for (let index = 0; index < this.#length; index += 1) this.#sumUp(lane, view, sums, index);
    }
    return sums;
  }

  #sumUp(lane: Lane, view: string, sums: ViewSums, index: number): void {
    const date = asDay(index + this.#first);
    const content = contentIn(lane, view, index, 'actual', this.moment.now);
    const recorded = contentIn(lane, view, index, 'recorded', this.moment.now);
    const actual = entryOf(lane, date, content);
    sums.set(index, actual, content === recorded ? actual : entryOf(lane, date, recorded));
  }

  /** A cell's rows, run or acceptance are others now: it, and what looks back on it, this date and later, is judged anew. */
  #changed(lane: Lane, index: number): void {
    lane.ours.changed(index);
    for (const [view, sums] of lane.sums) this.#sumUp(lane, view, sums, index);
    // Keys accepted as missing leave the expectations of everything that derives from them, at any depth.
    const spreads = (this.#acceptedKeys[index] ?? 0) > 0;
    if (spreads) for (const other of this.#lanes) other.lacking.changed(index);
    else lane.lacking.changed(index);
    for (const other of spreads ? this.#lanes : lane.affected) {
      other.unusable.changed(index);
      if (index < other.judgedTo) {
        other.facts.fill(undefined, index, other.judgedTo);
        other.judgedTo = index;
      }
    }
  }

  #range(edge: Edge, day: Day, lane: Lane): WindowRange | null {
    const range = windowRange(edge, day, lane.expected);
    return range && clipRange(range, this.calendar);
  }
}
