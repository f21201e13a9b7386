import { Calendar } from '../calendar/calendar.ts';
import type { CalendarRow } from '../calendar/games.ts';
import { addDays, type Day } from '../calendar/day.ts';
import { momentAt, type Moment } from '../calendar/moment.ts';
import { rememberCalendar, type CalendarFinding, type RememberedGames } from '../calendar/remembered.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { isAltered } from '../gaps/facts.ts';
import { World } from '../gaps/world.ts';
import type { Strictness } from '../gaps/usable.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import type { Clock, Ids } from '../ports/clock.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { ProcessorRunner } from '../ports/processor-runner.ts';
import type { Reads, RequestStore, Snapshot, Writes } from '../ports/request-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { CellKey } from '../requests/cell.ts';

export interface EngineParts {
  readonly pipeline: Pipeline;
  readonly store: RequestStore;
  readonly warehouse: Warehouse;
  readonly runner: ProcessorRunner;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Names this process in leases. */
  readonly owner: string;
  /** Runs at a time in this process. */
  readonly lanes: number;
}

type Change = (world: World) => void;
const MINUTE_MS = 60_000;

/**
 * What every flow works with: the ports, and the world as this process knows it. The world is read from the ports by
 * `refresh`, and kept up to date by `change` and `wrote`: whoever changes state or rows goes through here.
 */
export class Engine {
  readonly parts: EngineParts;
  readonly strictness: Strictness;
  #world: World;
  #remembered: readonly RememberedGames[] = [];
  #calendarFindings: readonly CalendarFinding[] = [];
  readonly #journals = new Set<Change[]>();
  /** Days whose coverage is known, season by season. */
  #known: { from: Day; to: Day } | null = null;

  constructor(parts: EngineParts) {
    this.parts = parts;
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
    return this.#calendarFindings;
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
    const journal: Change[] = [];
    this.#journals.add(journal);
    try {
      const world = await this.#readWorld(this.#known.from, this.#known.to);
      // What this process wrote while it was reading may be missing from what it read.
      for (const change of journal) change(world);
      this.#world = world;
      return world;
    } finally {
      this.#journals.delete(journal);
    }
  }

  /** Refreshes unless these days are known already. */
  async ensure(from: Day, to: Day): Promise<void> {
    if (!this.#known || from < this.#known.from || to > this.#known.to) await this.refresh(from, to);
    else this.keepTime();
  }

  /** Moves the world's moment on when it is older than a minute: dates become due while a process runs. */
  keepTime(): void {
    if (this.parts.clock.now() - this.#world.moment.now > MINUTE_MS) this.#world = this.#world.at(this.moment());
  }

  async #readWorld(from: Day, to: Day): Promise<World> {
    const { pipeline, warehouse, store } = this.parts;
    const calendar = await this.#readCalendar(from, to);
    const world = new World(pipeline, calendar, this.moment());
    const coverage = await warehouse.coverage(pipeline.processors, from, to);
    for (const processor of pipeline.processors) {
      for (const [day, found] of coverage.get(processor.name) ?? []) world.setCoverage(processor, day, found);
    }
    for (const record of await store.cells(from, to)) world.setRecord(record);
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
    const calendar = await this.#readCalendar(this.#known.from, this.#known.to);
    // Read after the wait: the world may have moved on meanwhile.
    this.#world = this.#world.at(this.moment(), calendar);
    return this.#world;
  }

  /** One state change; the world follows it. */
  async change<T>(reads: Reads, decide: (snapshot: Snapshot) => { readonly writes: Writes; readonly result: T }): Promise<T> {
    let written: Writes = {};
    const result = await this.parts.store.transact(reads, (snapshot) => {
      const decision = decide(snapshot);
      written = decision.writes;
      return decision;
    });
    for (const record of written.cells ?? []) this.#apply((world) => world.setRecord(record));
    return result;
  }

  /** Reads one cell's coverage again, after its rows were written or when they are not to be believed. */
  async rereadCell(processor: Processor, day: Day): Promise<void> {
    const coverage = await this.parts.warehouse.coverage([processor], day, day);
    this.wrote(processor, day, coverage.get(processor.name)?.get(day));
  }

  /**
   * Reads again what a cell holds and what its windows hold, as far as somebody else may have changed it. Where the rows
   * are others than this process knew, their record may be as well.
   */
  async recheck(processor: Processor, day: Day): Promise<void> {
    const { warehouse, store } = this.parts;
    const looks = processor.upstreams.flatMap((edge) => {
      const range = this.#world.range(edge, day);
      return range ? [{ upstream: this.#world.processor(edge.upstream), from: range.from, to: range.to }] : [];
    });
    looks.push({ upstream: processor, from: day, to: day });
    for (const { upstream, from, to } of looks) {
      if (!warehouse.mayHaveChanged(upstream, from, to)) continue;
      const found = (await warehouse.coverage([upstream], from, to)).get(upstream.name);
      for (let at = from; at <= to; at = addDays(at, 1)) {
        const coverage = found?.get(at);
        if (this.#world.coverage(upstream, at)?.fingerprint === coverage?.fingerprint) continue;
        this.wrote(upstream, at, coverage);
        const record = await store.cell({ processor: upstream.name, day: at });
        this.#apply((world) => world.setRecord(record));
      }
    }
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
    this.#apply((world) => world.setCoverage(processor, day, coverage));
  }

  #apply(change: Change): void {
    change(this.#world);
    for (const journal of this.#journals) journal.push(change);
  }

  async #readCalendar(from: Day, to: Day): Promise<Calendar> {
    const { pipeline, warehouse, store } = this.parts;
    if (!pipeline.schedule) return new Calendar(pipeline, []);
    const rows: readonly CalendarRow[] = await warehouse.calendarRows(from, to);
    const memory = await store.remembered();
    const merged = rememberCalendar(pipeline, memory, rows, { from, to }, await this.#alteredScheduleDays(pipeline.schedule.processor, from, to));
    this.#calendarFindings = merged.findings;
    if (merged.changed.length > 0) await store.transact({}, () => ({ writes: { remembered: merged.changed }, result: null }));
    this.#remembered = merged.memory;
    return new Calendar(pipeline, merged.games);
  }

  /** Days whose schedule rows are not those that its last run wrote, and that nobody has accepted. */
  async #alteredScheduleDays(name: string, from: Day, to: Day): Promise<ReadonlySet<Day>> {
    const { pipeline, warehouse, store, clock } = this.parts;
    const processor = pipeline.byName.get(name);
    if (!processor) return new Set();
    const coverage = (await warehouse.coverage([processor], from, to)).get(name);
    const altered = (await store.cells(from, to)).filter((record) => record.processor === name && isAltered(record, coverage?.get(record.day), clock.now()));
    return new Set(altered.map((record) => record.day));
  }

  get remembered(): readonly RememberedGames[] {
    return this.#remembered;
  }
}
