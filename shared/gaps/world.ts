import type { Calendar } from '../calendar/calendar.ts';
import { day as asDay, type Day } from '../calendar/day.ts';
import type { ExpectedDates } from '../calendar/expected-dates.ts';
import type { Moment } from '../calendar/moment.ts';
import { windowRange, type WindowRange } from '../calendar/window.ts';
import { WHOLE_ROW, type Edge, type Pipeline, type Processor } from '../pipeline/pipeline.ts';
import { emptyRecord, type CellRecord } from '../requests/cell.ts';
import type { Coverage } from './coverage.ts';
import { acceptanceHolds, shortcomingsOf } from './facts.ts';
import { factsOf } from './cell-facts.ts';
import { expectationOf } from './expectation.ts';
import { hex64, ZERO, type Hash64 } from './fingerprint.ts';
import { entryHash, PrefixCounts, PrefixSums } from './prefix-sums.ts';
import { traceKey } from './trace.ts';
import { usable } from './usable.ts';

/** What a digest is taken over: what is in the table now, or what each cell's last verified run wrote. */
export type Side = 'actual' | 'recorded';

interface Lane {
  readonly processor: Processor;
  readonly expected: ExpectedDates;
  readonly coverage: (Coverage | undefined)[];
  readonly records: (CellRecord | undefined)[];
  readonly sums: Map<string, PrefixSums>;
  readonly lacking: PrefixCounts;
  readonly open: PrefixCounts;
  readonly ours: PrefixCounts;
  readonly unusable: PrefixCounts;
  /** Lanes of this processor and of all that reads it, at any depth. */
  dependents: readonly Lane[];
}

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

  constructor(pipeline: Pipeline, calendar: Calendar, moment: Moment) {
    this.pipeline = pipeline;
    this.calendar = calendar;
    this.moment = moment;
    this.#first = calendar.first;
    this.#length = calendar.last - calendar.first + 1;
    this.#lanes = pipeline.processors.map((processor) => this.#makeLane(processor));
    for (const lane of this.#lanes) lane.dependents = this.#dependentsOf(lane.processor);
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
    this.#lane(processor).coverage[day - this.#first] = coverage && coverage.rows > 0 ? coverage : undefined;
    this.#changed(processor, day);
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
    if ((before?.request ?? null) === null || record.request === null) lane.open.changed(index);
    // Opening and claiming a request changes no digest and no verdict: those depend on rows, runs and acceptances only.
    if (before?.last !== record.last || before?.suspect !== record.suspect || before?.acceptance !== record.acceptance) this.#changed(processor, record.day);
    // Keys accepted as missing leave the expectations of everything that derives from them on that date.
    if ((before?.acceptance ?? null) !== record.acceptance) {
      for (const other of this.#lanes) {
        other.lacking.changed(index);
        other.unusable.changed(index);
      }
    }
  }

  range(edge: Edge, day: Day): WindowRange | null {
    const range = windowRange(edge, day, this.#lane(this.processor(edge.upstream)).expected);
    return range && this.#clip(range);
  }

  /** Digest, modulo 2^64, of all that an edge's window holds for one game date. */
  windowDigest(edge: Edge, day: Day, side: Side): Hash64 {
    const range = this.range(edge, day);
    if (!range) return ZERO;
    return this.#sums(this.processor(edge.upstream), edge.view, side).sum(range.from - this.#first, range.to - this.#first);
  }

  /** Digests of all that a run of this cell would read now, in the order of its edges. */
  traceDigests(processor: Processor, day: Day, side: Side = 'actual'): Record<string, string> {
    const edges: Record<string, string> = {};
    for (const edge of processor.upstreams) edges[traceKey(edge)] = hex64(this.windowDigest(edge, day, side));
    return edges;
  }

  /** The fingerprint that an edge's view of a cell has now; undefined where there are no rows. */
  content(processor: Processor, view: string, day: Day, side: Side): string | undefined {
    const lane = this.#lane(processor);
    const index = day - this.#first;
    const coverage = lane.coverage[index];
    const record = lane.records[index];
    if (side === 'recorded' && record?.last && coverage?.fingerprint !== record.last.fingerprint && !acceptanceHolds(record, coverage, this.moment.now)) {
      if (record.last.rows === 0) return undefined;
      return view === WHOLE_ROW ? record.last.fingerprint : record.last.views[view];
    }
    if (!coverage) return undefined;
    return view === WHOLE_ROW ? coverage.fingerprint : coverage.views[view];
  }

  /** Days of [from, to] on which this processor has expected rows lacking and not accepted: missing or short. */
  lackingIn(processor: Processor, range: WindowRange): number {
    return this.#lane(processor).lacking.count(range.from - this.#first, range.to - this.#first);
  }

  /** Days of the range whose rows this system wrote. */
  ownRunsIn(processor: Processor, range: WindowRange): number {
    return this.#lane(processor).ours.count(range.from - this.#first, range.to - this.#first);
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

  #dependentsOf(processor: Processor): Lane[] {
    const names = new Set<string>([processor.name]);
    // In topological order one pass finds all: an upstream's rank is lower than its reader's.
    for (const candidate of this.pipeline.processors) {
      if (candidate.upstreams.some((edge) => names.has(edge.upstream))) names.add(candidate.name);
    }
    return this.#lanes.filter((lane) => names.has(lane.processor.name));
  }

  #makeLane(processor: Processor): Lane {
    const expected = this.calendar.expectedOf(processor);
    const lane: Lane = {
      processor,
      expected,
      coverage: [],
      records: [],
      sums: new Map(),
      lacking: new PrefixCounts(this.#length, (index) => this.#lacks(lane, index)),
      open: new PrefixCounts(this.#length, (index) => lane.records[index]?.request != null),
      ours: new PrefixCounts(this.#length, (index) => lane.records[index]?.last?.origin === 'ours'),
      unusable: new PrefixCounts(this.#length, (index) => {
        const date = asDay(index + this.#first);
        return expected.has(date) && !usable(processor, factsOf(this, processor, date)).usable;
      }),
      dependents: [],
    };
    return lane;
  }

  #sums(processor: Processor, view: string, side: Side): PrefixSums {
    const lane = this.#lane(processor);
    const key = `${side}|${view}`;
    let sums = lane.sums.get(key);
    if (!sums) {
      sums = new PrefixSums(this.#length, (index) => {
        const date = asDay(index + this.#first);
        const content = this.content(processor, view, date, side);
        if (content !== undefined) return entryHash(date, content);
        return lane.expected.has(date) ? entryHash(date, 'absent') : null;
      });
      lane.sums.set(key, sums);
    }
    return sums;
  }

  #lacks(lane: Lane, index: number): boolean {
    const date = asDay(index + this.#first);
    if (!lane.expected.has(date)) return false;
    const coverage = lane.coverage[index];
    const record = lane.records[index];
    if (record && acceptanceHolds(record, coverage, this.moment.now)) return false;
    const expectation = expectationOf(this, lane.processor, date);
    if (!coverage) return !(expectation.mayBeEmpty && record?.last?.rows === 0);
    return shortcomingsOf(coverage, expectation).length > 0;
  }

  #changed(processor: Processor, day: Day): void {
    const lane = this.#lane(processor);
    const index = day - this.#first;
    lane.lacking.changed(index);
    lane.open.changed(index);
    lane.ours.changed(index);
    // What reads this cell looks back on it, so of every dependent only this date and later can be judged otherwise now.
    for (const dependent of lane.dependents) dependent.unusable.changed(index);
    for (const sums of lane.sums.values()) sums.changed(index);
  }

  #clip(range: WindowRange): WindowRange | null {
    const from = asDay(Math.max(range.from, this.#first));
    const to = asDay(Math.min(range.to, this.#first + this.#length - 1));
    return from <= to ? { from, to } : null;
  }
}
