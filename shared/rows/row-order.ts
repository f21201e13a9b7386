import { dayOf } from '../calendar/day.ts';
import type { CalendarRow } from '../calendar/games.ts';
import type { Processor, ScheduleSource } from '../pipeline/pipeline.ts';
import type { Row } from '../ports/warehouse.ts';

/** Rows at hand, as readers of a warehouse get them. */

/** Nulls first, numbers by size, the rest by text. */
export function byKey(key: readonly string[]): (a: Row, b: Row) => number {
  return (a, b) => {
    for (const name of key) {
      const [left, right] = [a[name] ?? null, b[name] ?? null];
      if (left === right) continue;
      if (left === null || right === null) return left === null ? -1 : 1;
      if (typeof left === 'number' && typeof right === 'number') return left - right;
      return String(left) < String(right) ? -1 : 1;
    }
    return 0;
  };
}

export function calendarRowsOf(processor: Processor, schedule: ScheduleSource, rows: readonly Row[]): readonly CalendarRow[] {
  const { keyColumn, statusColumn, narrowBy } = schedule;
  return rows.flatMap((row) => {
    const key = row[keyColumn] ?? null;
    if (key === null) return [];
    const narrow = narrowBy === null ? null : row[narrowBy] ?? null;
    return [{ day: dayOf(String(row[processor.dateColumn])), key: String(key), status: Number(row[statusColumn] ?? 0), narrow: narrow === null ? null : String(narrow) }];
  });
}
