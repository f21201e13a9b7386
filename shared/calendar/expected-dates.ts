import type { Calendar } from './calendar.ts';
import { covers } from './games.ts';
import { addDays, day, type Day } from './day.ts';

/**
 * The dates expected of every processor of one narrowing, with constant-time questions: is this date expected, which
 * keys, the n-th expected date before it, how far into its season it is.
 */
export class ExpectedDates {
  /** All expected dates, in order. */
  readonly dates: readonly Day[];
  readonly #first: Day;
  /** 1 where the date is expected, by days since the first. */
  readonly #expected: Uint8Array;
  /** How many expected dates lie before a day, by days since the first; one longer than the calendar. */
  readonly #before: Uint32Array;
  readonly #keys = new Map<Day, readonly string[]>();
  readonly #seasonStart: Int32Array;

  /** `every_day`: all days of a season. The others: days with a game that is not called off. */
  constructor(calendar: Calendar, kind: 'every_day' | 'after_final' | 'before_games', only: readonly string[] | null) {
    this.#first = calendar.first;
    const length = calendar.last - calendar.first + 1;
    this.#expected = new Uint8Array(length);
    this.#before = new Uint32Array(length + 1);
    this.#seasonStart = new Int32Array(length).fill(-1);
    const dates: Day[] = [];
    for (const season of calendar.seasons) {
      for (let at: number = season.from; at <= season.to; at += 1) {
        const date = day(at);
        this.#seasonStart[at - this.#first] = season.from;
        if (calendar.isExcluded(date) !== undefined) continue;
        const games = calendar.games(date).filter((game) => covers({ only }, game) && (game.final || !game.settled));
        if (kind !== 'every_day' && games.length === 0) continue;
        this.#expected[at - this.#first] = 1;
        dates.push(date);
        // Rows of a game come with its end: one still to be played keeps the date pending, and stuck it leaves the rest to be judged.
        const withRows = kind === 'after_final' ? games.filter((game) => game.final) : games;
        if (withRows.length > 0) this.#keys.set(date, withRows.map((game) => game.key));
      }
    }
    let count = 0;
    for (let index = 0; index < length; index += 1) {
      this.#before[index] = count;
      count += this.#expected[index] ?? 0;
    }
    this.#before[length] = count;
    this.dates = dates;
  }

  has(date: Day): boolean {
    return this.#expected[date - this.#first] === 1;
  }

  /** Keys of the games whose rows are expected on a date; empty where none are known. */
  keys(date: Day): readonly string[] {
    return this.#keys.get(date) ?? [];
  }

  /** Start of the season that a date is in, or undefined outside all seasons. */
  seasonStart(date: Day): Day | undefined {
    const start = this.#seasonStart[date - this.#first];
    return start === undefined || start < 0 ? undefined : day(start);
  }

  /** How many expected dates of its season lie before a date: 0 on an opening night. */
  ordinalInSeason(date: Day): number {
    const start = this.seasonStart(date);
    return start === undefined ? 0 : this.countBefore(date) - this.countBefore(start);
  }

  /** How many expected dates lie before a date. */
  countBefore(date: Day): number {
    const index = Math.min(Math.max(date - this.#first, 0), this.#before.length - 1);
    return this.#before[index] ?? 0;
  }

  /** The first of the `count` expected dates just before `date`, no older than `notBefore`; undefined when there is none. */
  startOfLast(count: number, date: Day, notBefore: Day): Day | undefined {
    const end = this.countBefore(date);
    const start = Math.max(end - count, this.countBefore(notBefore));
    return start < end ? this.dates[start] : undefined;
  }

  within(from: Day, to: Day): readonly Day[] {
    return this.dates.slice(this.countBefore(from), this.countBefore(addDays(to, 1)));
  }

  next(date: Day): Day | undefined {
    return this.dates[this.countBefore(addDays(date, 1))];
  }

  previous(date: Day): Day | undefined {
    const before = this.countBefore(date);
    return before === 0 ? undefined : this.dates[before - 1];
  }
}
