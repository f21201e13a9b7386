import { Calendar } from '../calendar/calendar.ts';
import { addDays, day, type Day } from '../calendar/day.ts';
import { momentAt, type Moment } from '../calendar/moment.ts';
import type { CalendarFinding, RememberedGames } from '../calendar/remembered.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { World } from '../gaps/world.ts';
import type { Strictness } from '../gaps/usable.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import type { Durable, Reads, Snapshot, Writes } from '../ports/request-store.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import { CalendarReader } from './calendar-reader.ts';
import { endedOf, type EndedCells } from './ended-cells.ts';
import type { EngineParts } from './engine-parts.ts';
import { Listeners } from './listeners.ts';
import { Looks } from './looks.ts';
import { ReadableCoverage } from './readable.ts';
import { Running } from './running.ts';

interface Rows {
  readonly upstream: Processor;
  readonly from: Day;
  readonly to: Day;
}
const MINUTE_MS = 60_000;
/** With others at work, how old may be what is known of their open cells. Every claim is judged in its transaction all the same. */
const OTHERS_MS = 5000;
/** A world this old is read again as a whole before a message is judged by it, where others write too. */
const FRESH_MS = 30_000;
/** Clocks of two machines are taken to differ by no more. */
const MOST_SKEW_MS = 5000;

/**
 * What every flow works with: the ports, and the world as this process knows it. The world is read from the ports by
 * `refresh`, and kept up to date by `change` and `wrote`: whoever changes state or rows goes through here.
 */
export class Engine {
  readonly parts: EngineParts;
  readonly strictness: Strictness;
  /** Told of each cell's record that this process has written, once it is durable. */
  readonly written = new Listeners<CellRecord>();
  /** Where others work on the same state: told of cells of a staged backfill whose requests this process has ended, once that is durable. */
  readonly ended = new Listeners<EndedCells>();
  /** Told of a staged backfill, by id, of which a person has ordered something. */
  readonly ordered = new Listeners<string>();
  /** What this process runs now. */
  readonly running = new Running();
  readonly #coverage: ReadableCoverage;
  readonly #calendar: CalendarReader;
  #world: World;
  readonly #looks = new Looks();
  /** Days that were asked for so far, whole seasons: what is read from now on. */
  #known: { from: Day; to: Day } | null = null;
  /** Days that the world was read for: fewer while more are being read. */
  #held: { from: Day; to: Day } | null = null;
  #readAt = 0;
  #renewing: Promise<World> | null = null;
  #othersAt = 0;
  #queuedHere = 0;

  constructor(parts: EngineParts) {
    this.parts = parts;
    this.#coverage = new ReadableCoverage(parts);
    this.#calendar = new CalendarReader(parts);
    const { settings } = parts.pipeline;
    this.strictness = { strict: settings.strict_mode, windowCompleteness: settings.window_completeness };
    this.#world = new World(parts.pipeline, new Calendar(parts.pipeline, []), this.moment());
  }

  get pipeline(): Pipeline {
    return this.parts.pipeline;
  }

  get world(): World {
    return this.#world;
  }

  /** What the schedule's rows contradict of what was expected before. */
  get calendarFindings(): readonly CalendarFinding[] {
    return this.#calendar.findings;
  }

  moment(): Moment {
    return momentAt(this.parts.clock.now(), this.pipeline.timeZone, this.pipeline.settings);
  }

  /**
   * Reads calendar, coverage and records of whole seasons around [from, to]: windows look back within a season, readers
   * lie ahead within it. Afterwards `world` is what the ports hold at this moment.
   */
  async refresh(from: Day, to: Day): Promise<World> {
    const { pipeline } = this.parts;
    const seasons = pipeline.seasons.filter((season) => season.to >= from && season.from <= to);
    const start = seasons[0]?.from ?? from;
    const end = seasons.at(-1)?.to ?? to;
    const known = this.#known;
    this.#known = known ? { from: start < known.from ? start : known.from, to: end > known.to ? end : known.to } : { from: start, to: end };
    const range = this.#known;
    const look = this.#looks.begin();
    try {
      const world = await this.#readWorld(range.from, range.to);
      // Another look that began later has read more days meanwhile: this one must not take them away.
      if (this.#held && (this.#held.from < range.from || this.#held.to > range.to)) return await this.refresh(from, to);
      this.#looks.sawAll(look, world);
      this.#world = world;
      this.#held = range;
      this.#readAt = world.moment.now;
      this.#othersAt = world.moment.now;
      return world;
    } finally {
      this.#looks.end(look);
    }
  }

  /** Refreshes unless these days are known already. */
  async ensure(from: Day, to: Day): Promise<void> {
    if (this.#holds(from, to)) this.keepTime();
    else await this.refresh(from, to);
  }

  #holds(from: Day, to: Day): boolean {
    return this.#held !== null && from >= this.#held.from && to <= this.#held.to;
  }

  /**
   * For a message about one processor's days: reads everything, or, where that has just been done for another message,
   * the rows of these days and of their inputs only.
   */
  async look(processor: Processor, from: Day, to: Day): Promise<void> {
    const age = this.parts.clock.now() - this.#readAt;
    if (!this.parts.shared || !this.#holds(from, to) || age < 0 || age >= FRESH_MS) {
      await this.refresh(from, to);
      return;
    }
    this.keepTime();
    // What these days read as well: an input that has come meanwhile is not to be asked for.
    const inputs = processor.upstreams.flatMap((edge) => {
      const [first, last] = [this.#world.range(edge, from), this.#world.range(edge, to)];
      return first && last ? [{ upstream: this.#world.processor(edge.upstream), from: first.from, to: last.to }] : [];
    });
    await this.#reread([...inputs, { upstream: processor, from, to }]);
    await this.hearOthers();
  }

  /** Where others work on the same state: what they have open, and what they have ended, is read again now and then. */
  async hearOthers(): Promise<void> {
    const now = this.parts.clock.now();
    if (!this.parts.shared || (now >= this.#othersAt && now - this.#othersAt < OTHERS_MS)) return;
    this.#othersAt = now;
    const open = await this.parts.store.openCells();
    const ended = this.#world.openCells().filter((cell) => !open.some((record) => record.processor === cell.processor && record.day === cell.day));
    for (const record of open) if (this.#world.contains(record.day)) this.#apply((world) => world.setRecord(record));
    await this.relearn(ended);
  }

  /** Moves the world's moment on when it is older than a minute: dates become due while a process runs. */
  keepTime(): void {
    if (this.parts.clock.now() - this.#world.moment.now > MINUTE_MS) this.#world = this.#world.at(this.moment());
  }

  /**
   * Reads everything again where this process knows it as of before `at`, by another process's clock: which dates are
   * expected, and so every window, may be others since. Lanes that want it at the same time share one reading.
   */
  async renew(day: Day, at: number): Promise<void> {
    if (!this.isOlderThan(at)) return;
    this.#renewing ??= this.refresh(day, day).finally(() => { this.#renewing = null; });
    await this.#renewing;
  }

  isOlderThan(at: number): boolean {
    return this.parts.shared === true && this.#readAt - MOST_SKEW_MS < at;
  }

  async #readWorld(from: Day, to: Day): Promise<World> {
    const { pipeline, store } = this.parts;
    const coverage = await this.#coverage.read(pipeline.processors, from, to);
    const records = await store.cells(from, to);
    const calendar = await this.#calendar.read(from, to, coverage.get(pipeline.schedule?.processor ?? ''), records);
    const world = new World(pipeline, calendar, this.moment());
    for (const processor of pipeline.processors) {
      for (const [day, found] of coverage.get(processor.name) ?? []) world.setCoverage(processor, day, found);
    }
    for (const record of records) world.setRecord(record);
    return world;
  }

  /** Reads everything that is known of again, at a new moment. */
  async reread(): Promise<World> {
    const known = this.#known ?? { from: this.pipeline.seasons[0]?.from ?? this.moment().today, to: this.moment().today };
    return this.refresh(known.from, known.to);
  }

  /** The schedule's rows have changed: which dates are expected is made anew, coverage and records are kept. */
  async recalendar(): Promise<World> {
    if (!this.#known) return this.reread();
    const { from, to } = this.#known;
    const { store, pipeline } = this.parts;
    const processor = pipeline.byName.get(pipeline.schedule?.processor ?? '');
    const coverage = processor && (await this.#coverage.read([processor], from, to)).get(processor.name);
    const calendar = await this.#calendar.read(from, to, coverage, await store.cells(from, to));
    // Read after the wait: the world may have moved on meanwhile.
    this.#world = this.#world.at(this.moment(), calendar);
    return this.#world;
  }

  /** Rises when this process puts cells into the queue, or is told that another one has. */
  get queuedHere(): number {
    return this.#queuedHere;
  }

  /** Another process has queued something: what is known of the queue is out of date. */
  heardOfQueued(): void {
    this.#queuedHere += 1;
  }

  /** One state change; the world follows it. */
  async change<T>(reads: Reads, decide: (snapshot: Snapshot) => { readonly writes: Writes; readonly result: T }, durable: Durable = 'now'): Promise<T> {
    let written: Writes = {};
    let ended: readonly EndedCells[] = [];
    const result = await this.parts.store.transact(reads, (snapshot) => {
      const decision = decide(snapshot);
      written = decision.writes;
      ended = this.parts.shared ? endedOf(snapshot, written.cells ?? []) : [];
      return decision;
    }, durable);
    for (const record of written.cells ?? []) {
      if (record.request?.state === 'queued') this.#queuedHere += 1;
      this.#apply((world) => world.setRecord(record));
      this.written.tell(record);
    }
    for (const cells of ended) this.ended.tell(cells);
    return result;
  }

  /** Reads one cell's coverage again, after its rows were written or when they are not to be believed. */
  async rereadCell(processor: Processor, day: Day): Promise<void> {
    await this.#lookAt([processor], day, day, (coverage, look) => {
      this.#learn(processor, day, coverage.get(processor.name)?.get(day), look);
    });
  }

  /**
   * Reads again what a cell holds and what its windows hold, as far as somebody else may have changed it. Where the rows
   * are others than this process knew, their record may be as well.
   */
  async recheck(processor: Processor, date: Day): Promise<void> {
    const looks = processor.upstreams.flatMap((edge) => {
      const range = this.#world.range(edge, date);
      return range ? [{ upstream: this.#world.processor(edge.upstream), from: range.from, to: range.to }] : [];
    });
    looks.push({ upstream: processor, from: date, to: date });
    await this.#reread(looks);
  }

  async #reread(looks: readonly Rows[]): Promise<void> {
    const { warehouse, store } = this.parts;
    const due = looks.filter(({ upstream, from, to }) => warehouse.mayHaveChanged(upstream, from, to));
    if (due.length === 0) return;
    // Together: a warehouse that answers from metadata is asked once for all of them.
    const start = due.reduce((first, look) => (look.from < first ? look.from : first), due[0]?.from ?? 0);
    const end = due.reduce((last, look) => (look.to > last ? look.to : last), due[0]?.to ?? 0);
    await this.#lookAt([...new Set(due.map((look) => look.upstream))], day(start), day(end), async (looked, look) => {
      for (const { upstream, from, to } of due) {
        const found = looked.get(upstream.name);
        for (let at = from; at <= to; at = addDays(at, 1)) {
          const coverage = found?.get(at);
          const isKnown = this.#world.coverage(upstream, at)?.fingerprint === coverage?.fingerprint;
          // Learnt also where it is known: looks that have begun before are older than this from now on.
          if (!this.#learn(upstream, at, coverage, look) || isKnown) continue;
          const record = await store.cell({ processor: upstream.name, day: at });
          this.#apply((world) => world.setRecord(record));
        }
      }
    });
  }

  async #lookAt(processors: readonly Processor[], from: Day, to: Day, learn: (found: Awaited<ReturnType<ReadableCoverage['read']>>, look: number) => unknown): Promise<void> {
    const look = this.#looks.begin();
    try {
      await learn(await this.#coverage.read(processors, from, to), look.number);
    } finally {
      this.#looks.end(look);
    }
  }

  #learn(processor: Processor, day: Day, coverage: Coverage | undefined, look: number): boolean {
    if (!this.#looks.isNewest({ processor: processor.name, day }, look)) return false;
    this.#apply((world) => world.setCoverage(processor, day, coverage), look);
    return true;
  }

  /** Reads rows and records of cells again that somebody else has worked on. */
  async relearn(keys: readonly CellKey[]): Promise<void> {
    for (const key of keys) {
      const record = await this.parts.store.cell(key);
      await this.rereadCell(this.#world.processor(key.processor), key.day);
      this.#apply((world) => world.setRecord(record));
    }
  }

  /** This process has put these rows in place of what was there. */
  wrote(processor: Processor, day: Day, coverage: Coverage | undefined): void {
    this.#learn(processor, day, coverage, this.#looks.next());
  }

  #apply(change: (world: World) => void, look = this.#looks.next()): void {
    change(this.#world);
    this.#looks.note(change, look);
  }

  get remembered(): readonly RememberedGames[] {
    return this.#calendar.remembered;
  }
}
