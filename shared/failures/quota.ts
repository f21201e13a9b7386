import { addDays, dayAt, startOfDay } from '../calendar/day.ts';

/** How long a used-up quota pauses a processor: source document 002, emergency 3. */
export type QuotaPause = 'minutes' | 'next_day';

const MINUTES_MS = 5 * 60 * 1000;
/** Google's daily quotas start anew at midnight there. */
const QUOTA_ZONE = 'America/Los_Angeles';

/** Load jobs and appends are counted by table and day, which their message does not say: https://cloud.google.com/bigquery/quotas#standard_tables */
const DAILY = /\bdaily\b|per[ _-]?day|perday|\bbytes\b|imports or query appends per table/i;

/** Which of the two a message about a quota means. Where it doesn't say: minutes, which costs one probe each five. */
export function quotaPauseOf(message: string): QuotaPause {
  return DAILY.test(message) ? 'next_day' : 'minutes';
}

/** The instant until which nothing of that quota is tried again. */
export function pausedUntil(pause: QuotaPause, now: number): number {
  if (pause === 'minutes') return now + MINUTES_MS;
  return startOfDay(addDays(dayAt(now, QUOTA_ZONE), 1), QUOTA_ZONE);
}
