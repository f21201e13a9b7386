import { Calendar } from '../calendar/calendar.ts';
import type { Day } from '../calendar/day.ts';
import { rememberCalendar, type CalendarFinding, type RememberedGames } from '../calendar/remembered.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { isAltered } from '../gaps/facts.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Clock } from '../ports/clock.ts';
import type { RequestStore } from '../ports/request-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { CellRecord } from '../requests/cell.ts';

export interface CalendarParts {
  readonly pipeline: Pipeline;
  readonly store: RequestStore;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
}

/** The calendar, from the schedule's rows and from what is remembered of them. */
export class CalendarReader {
  readonly #parts: CalendarParts;
  #remembered: readonly RememberedGames[] = [];
  #findings: readonly CalendarFinding[] = [];

  constructor(parts: CalendarParts) {
    this.#parts = parts;
  }

  /** What the schedule's rows contradict of what was expected before. */
  get findings(): readonly CalendarFinding[] {
    return this.#findings;
  }

  get remembered(): readonly RememberedGames[] {
    return this.#remembered;
  }

  /** `coverage` is that of the schedule's own processor. What the rows say anew is remembered. */
  async read(from: Day, to: Day, coverage: ReadonlyMap<Day, Coverage> | undefined, records: readonly CellRecord[]): Promise<Calendar> {
    const { pipeline, warehouse, store } = this.#parts;
    if (!pipeline.schedule) return new Calendar(pipeline, []);
    const rows = await warehouse.calendarRows(from, to);
    const memory = await store.remembered();
    const merged = rememberCalendar(pipeline, memory, rows, { from, to }, this.#alteredDays(pipeline.schedule.processor, coverage, records));
    this.#findings = merged.findings;
    if (merged.changed.length > 0) await store.transact({}, () => ({ writes: { remembered: merged.changed }, result: null }));
    this.#remembered = merged.memory;
    return new Calendar(pipeline, merged.games);
  }

  /** Days whose schedule rows are not those that its last run wrote, and that nobody has accepted. */
  #alteredDays(name: string, coverage: ReadonlyMap<Day, Coverage> | undefined, records: readonly CellRecord[]): ReadonlySet<Day> {
    const now = this.#parts.clock.now();
    return new Set(records.filter((record) => record.processor === name && isAltered(record, coverage?.get(record.day), now)).map((record) => record.day));
  }
}
