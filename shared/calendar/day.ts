/**
 * A game date as a whole number of days since 1970-01-01. It is a label in the pipeline's time zone, never an instant:
 * arithmetic on it needs no zone, and a window is a plain range of integers.
 */
export type Day = number & { readonly __brand: 'Day' };

const MILLISECONDS_A_DAY = 86_400_000;
const GAME_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Wraps a count of days since 1970-01-01. */
export function day(daysSinceEpoch: number): Day {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where the brand is given
  return daysSinceEpoch as Day;
}

/** The day of `YYYY-MM-DD`, or undefined when the text is no date of the calendar (2023-02-30, 23-1-1, …). */
export function parseDay(text: string): Day | undefined {
  const match = GAME_DATE.exec(text);
  if (!match) return undefined;
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(milliseconds)) return undefined;
  const result = day(milliseconds / MILLISECONDS_A_DAY);
  // Date.parse takes 2023-02-30 on some engines for 2 March; only a date that reads back the same is one.
  return formatDay(result) === text ? result : undefined;
}

/** The day of `YYYY-MM-DD`; throws a RangeError that names what was received. */
export function dayOf(text: string): Day {
  const result = parseDay(text);
  if (result === undefined) throw new RangeError(`received '${text}', which is no date; write YYYY-MM-DD, for example 2023-11-15`);
  return result;
}

const formatted = new Map<Day, string>();
const MOST_FORMATTED = 20_000;

/** `YYYY-MM-DD`. Kept: a pipeline has some thousand dates, and every cell of a plan names one. */
export function formatDay(value: Day): string {
  let text = formatted.get(value);
  if (text === undefined) {
    if (formatted.size >= MOST_FORMATTED) formatted.clear();
    text = new Date(value * MILLISECONDS_A_DAY).toISOString().slice(0, 10);
    formatted.set(value, text);
  }
  return text;
}

export function addDays(value: Day, days: number): Day {
  return day(value + days);
}

/** Days from `from` to `to`, both included: the way people write a range. Empty when `to` is before `from`. */
export function daysBetween(from: Day, to: Day): Day[] {
  const days: Day[] = [];
  for (let at: number = from; at <= to; at += 1) days.push(day(at));
  return days;
}

/** The date that it is at `epochMilliseconds` in an IANA time zone. */
export function dayAt(epochMilliseconds: number, timeZone: string): Day {
  return dayOf(dateFormat(timeZone).format(epochMilliseconds));
}

/** The first instant, in epoch milliseconds, of a day in an IANA time zone: midnight, or what follows where clocks skip it. */
export function startOfDay(value: Day, timeZone: string): number {
  const asIfUtc = value * MILLISECONDS_A_DAY;
  // Clocks change at most once around one midnight: it has the offset of the day before or that of the day after.
  const before = asIfUtc - zoneOffset(asIfUtc - MILLISECONDS_A_DAY, timeZone);
  const after = asIfUtc - zoneOffset(asIfUtc + MILLISECONDS_A_DAY, timeZone);
  const earlier = Math.min(before, after);
  return earlier + zoneOffset(earlier, timeZone) >= asIfUtc ? earlier : Math.max(before, after);
}

const dateFormats = new Map<string, Intl.DateTimeFormat>();
function dateFormat(timeZone: string): Intl.DateTimeFormat {
  let format = dateFormats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    dateFormats.set(timeZone, format);
  }
  return format;
}

const clockFormats = new Map<string, Intl.DateTimeFormat>();
function zoneOffset(instant: number, timeZone: string): number {
  let format = clockFormats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    clockFormats.set(timeZone, format);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant)) if (type !== 'literal') part[type] = Number(value);
  const wall = Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'] ?? 1, part['hour'] ?? 0, part['minute'] ?? 0, part['second'] ?? 0);
  return wall - Math.floor(instant / 1000) * 1000;
}
