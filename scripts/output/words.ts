import { addDays, formatDay, type Day } from '../../shared/calendar/day.ts';
import type { CellKey } from '../../shared/requests/cell.ts';

/** `2,345`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 cell`, `2 cells`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `340 ms`, `4.2 s`, `3 min 05 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, '0')} min`;
}

/** `2023-11-16 04:10:22`, in UTC: instants are never game dates. */
export function instant(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().slice(0, 19).replace('T', ' ');
}

/** A text of the system's with its instants, `2023-11-16T04:10:22.123Z`, as people write them. */
export function withInstants(text: string): string {
  return text.replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (found) => `${instant(Date.parse(found))} UTC`);
}

/** `2023-11-16 04:10:22 to 04:11:03`; of two days `2023-11-16 23:59:58 to 2023-11-17 00:00:04`. In UTC. */
export function span(first: number, last: number): string {
  const [from, to] = [instant(first), instant(last)];
  return `${from} to ${from.slice(0, 11) === to.slice(0, 11) ? to.slice(11) : to}`;
}

/** `2023-11-15`, or `2023-11-10..2023-11-15`. */
export function range(from: Day, to: Day): string {
  return from === to ? formatDay(from) : `${formatDay(from)}..${formatDay(to)}`;
}

/** Days as a list of dates and ranges: `2023-11-10..2023-11-12, 2023-11-15`; of more than `limit` parts, the ends only: `2023-11-10 … 2023-12-31`. */
export function dayList(days: readonly Day[], limit = 6): string {
  const sorted = [...new Set(days)].sort((a, b) => a - b);
  const parts: string[] = [];
  let start: Day | undefined;
  let end: Day | undefined;
  for (const day of [...sorted, undefined]) {
    if (start !== undefined && end !== undefined && day !== addDays(end, 1)) {
      parts.push(range(start, end));
      start = day;
    }
    start ??= day;
    end = day;
  }
  const [first] = sorted;
  const last = sorted.at(-1);
  return parts.length <= limit || first === undefined || last === undefined ? parts.join(', ') : `${formatDay(first)} … ${formatDay(last)}`;
}

export function cellText(key: CellKey): string {
  return `${key.processor} ${formatDay(key.day)}`;
}

/** A word of a command line, quoted where a shell would take it apart. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The core's commands within a text; "made by smart-backfill 0.1.0" and "that smart-backfill made" are none. */
const CORE_COMMAND = /(?<![\w/.-])(?<!npx )smart-backfill (?=(?:up|gaps|why|plan|recover|backfill|requests?|publish|cascades|accept|unaccept|hold|unhold|rollback|verify|needs|pause|resume|doctor|pipeline)\b)/g;

/** A text of the core with its commands (`smart-backfill gaps …`) as they have to be typed here: `place` goes before the command's name. */
export function withCommands(core: string, program: string, place: readonly string[]): string {
  return core.replace(CORE_COMMAND, () => `${[program, ...place].join(' ')} `);
}
