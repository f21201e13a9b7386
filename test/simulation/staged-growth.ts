import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { gamesOn } from './mini-league.ts';
import { reachableFrom } from './mini-pipeline.ts';
import type { Outside } from './site.ts';

const FILLING = ['SchedulePage', 'Schedule'] as const;

/** A date whose games nobody knows of until they are announced: the pages of it are empty before. */
export class GrowingCalendar {
  readonly day: Day;
  readonly #outside: Outside;
  /** How many runs there had been when it was announced. */
  #announcedAfter: number | null = null;

  constructor(outside: Outside, day: Day) {
    this.day = day;
    this.#outside = outside;
    outside.source = { status: () => 3, games: (date) => (date === formatDay(day) && this.#announcedAfter === null ? [] : gamesOn(date)) };
  }

  get isAnnounced(): boolean {
    return this.#announcedAfter !== null;
  }

  /** Somebody has to have these read again. */
  announce(): readonly [page: CellKey, schedule: CellKey] {
    this.#announcedAfter ??= this.#outside.runs.length;
    return [{ processor: 'SchedulePage', day: this.day }, { processor: 'Schedule', day: this.day }];
  }

  /** Its page has been read since; what is made of that has to be read again then. */
  get isRead(): boolean {
    return this.#outside.runs.includes(`SchedulePage ${formatDay(this.day)}`, this.#announcedAfter ?? Infinity);
  }

  /** Cells that are others with the date than without it. */
  reached(pipeline: Pipeline): ReadonlySet<string> {
    const date = formatDay(this.day);
    return reachableFrom(pipeline, [...FILLING, 'BoxPage', 'Box'].map((name) => `${name} ${date}`));
  }

  /** Whether its games were in the schedule while there was still something to run: then it has to be filled. Later it may have come too late. */
  isInTime(): boolean {
    const runs = this.#outside.runs.slice(this.#announcedAfter ?? Infinity);
    const known = runs.indexOf(`Schedule ${formatDay(this.day)}`, runs.indexOf(`SchedulePage ${formatDay(this.day)}`));
    return this.isRead && known >= 0 && runs.slice(known + 1).some((run) => !FILLING.some((name) => run.startsWith(`${name} `)));
  }
}
