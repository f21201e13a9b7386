import type { Pipeline, Processor, ScheduleSource, Season } from '../pipeline/pipeline.ts';
import type { Day } from './day.ts';
import type { Moment } from './moment.ts';
import { ExpectedDates } from './expected-dates.ts';
import { covers, type CalendarRow } from './games.ts';
import { seasonAt } from './season.ts';

export interface Game extends CalendarRow {
  /** Played to its end: its rows are expected. */
  readonly final: boolean;
  /** Final, postponed, cancelled or suspended: nothing of it is still to be played on this date. */
  readonly settled: boolean;
}

/**
 * Which dates, and which games on them, are expected. Without a schedule every day of a season is expected and no keys
 * are known. Expectation is by processor, since a processor may cover some season types only.
 */
export class Calendar {
  readonly seasons: readonly Season[];
  readonly first: Day;
  readonly last: Day;
  readonly #schedule: ScheduleSource | null;
  readonly #excluded: ReadonlyMap<Day, string>;
  readonly #games = new Map<Day, Game[]>();
  readonly #byNarrowing = new Map<string, ExpectedDates>();

  constructor(pipeline: Pick<Pipeline, 'seasons' | 'schedule' | 'excluded'>, rows: Iterable<CalendarRow>) {
    const [firstSeason] = pipeline.seasons;
    const lastSeason = pipeline.seasons.at(-1);
    if (!firstSeason || !lastSeason) throw new RangeError('received a pipeline without a season; it needs at least one');
    this.seasons = pipeline.seasons;
    this.first = firstSeason.from;
    this.last = lastSeason.to;
    this.#schedule = pipeline.schedule;
    this.#excluded = pipeline.excluded;
    for (const row of rows) {
      if (this.#excluded.has(row.day)) continue;
      const game = toGame(row, pipeline.schedule);
      const games = this.#games.get(row.day);
      if (games) games.push(game);
      else this.#games.set(row.day, [game]);
    }
    for (const games of this.#games.values()) games.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Whether dates come from a schedule, so that games are known by key. */
  get hasSchedule(): boolean {
    return this.#schedule !== null;
  }

  games(day: Day): readonly Game[] {
    return this.#games.get(day) ?? [];
  }

  /** Dates with games, in order. */
  gameDates(from: Day = this.first, to: Day = this.last): Day[] {
    return [...this.#games.keys()].filter((day) => day >= from && day <= to).sort((a, b) => a - b);
  }

  seasonOf(day: Day): Season | undefined {
    return seasonAt(this.seasons, day);
  }

  seasonNamed(name: string): Season | undefined {
    return this.seasons.find((season) => season.name === name);
  }

  /** The season that `today` is in, else the newest that has begun, else the first. */
  currentSeason(today: Day): Season {
    const begun = this.seasons.filter((season) => season.from <= today);
    return begun.at(-1) ?? this.seasons[0] ?? { name: '', from: this.first, to: this.last };
  }

  isExcluded(day: Day): string | undefined {
    return this.#excluded.get(day);
  }

  /** The dates that are expected of a processor, whatever the time is. Kept: two processors of one narrowing share it. */
  expectedOf(processor: Pick<Processor, 'everyDay' | 'only' | 'expected'>): ExpectedDates {
    const kind = processor.everyDay || !this.hasSchedule ? 'every_day' : processor.expected;
    const narrowing = `${kind}|${processor.only ? [...processor.only].sort().join('|') : '*'}`;
    let dates = this.#byNarrowing.get(narrowing);
    if (!dates) {
      dates = new ExpectedDates(this, kind, processor.only);
      this.#byNarrowing.set(narrowing, dates);
    }
    return dates;
  }

  /** A cell is due when its date has settled (looks back) or has begun (looks forward), and no game of it is still to be played. */
  isDue(processor: Pick<Processor, 'everyDay' | 'only' | 'expected'>, day: Day, moment: Moment): boolean {
    if (processor.expected === 'before_games') return day <= moment.today;
    if (day > moment.settledThrough) return false;
    if (day <= moment.stuckThrough) return true;
    return this.games(day).every((game) => game.settled || !covers(processor, game));
  }

  /** A date of stuck games only: there is nothing on it to judge, the finding says why. */
  isStuckWhole(processor: Pick<Processor, 'everyDay' | 'only' | 'expected'>, day: Day, moment: Moment): boolean {
    if (day > moment.stuckThrough || processor.everyDay || processor.expected === 'before_games' || !this.hasSchedule) return false;
    const games = this.#games.get(day);
    return games !== undefined && !games.some((game) => game.final && covers(processor, game));
  }

  /** Games without a final status although their date is long over: found, while the rest of the date is judged. */
  stuckGames(from: Day, to: Day, moment: Moment): Game[] {
    const until = Math.min(to, moment.stuckThrough);
    return this.gameDates(from, to).filter((day) => day <= until).flatMap((day) => this.games(day).filter((game) => !game.settled));
  }
}

function toGame(row: CalendarRow, schedule: ScheduleSource | null): Game {
  const final = schedule?.finalWhen.includes(row.status) ?? true;
  return { ...row, final, settled: final || (schedule?.settledWhen.includes(row.status) ?? false) };
}
