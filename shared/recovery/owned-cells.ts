import { z } from 'zod';
import { day as dayNumber, type Day } from '../calendar/day.ts';
import { HeldBackError } from '../failures/errors.ts';
import { keyOf } from '../gaps/detect.ts';
import type { CellKey } from '../requests/cell.ts';

/**
 * The cells that belong to a plan or a rollback while it is under way, as its lease names them. A lease is one document, and
 * one of Firestore holds 1 MiB: by processor, days as ranges, numbers to the base 36. 100,000 cells are some hundred kilobytes
 * however they lie.
 */

/** With room for the document's other fields, and for its name. */
const MOST_BYTES = 900_000;
const BASE = 36;
/** A day before 1970 begins with the same sign. */
const BETWEEN = /(?<=\w)-/;

const ownership = z.object({
  planId: z.string(),
  days: z.record(z.string(), z.string()).default({}),
  /** Of leases that were taken by programs of before. */
  cells: z.array(z.string()).default([]),
});

/**
 * What a lease says of its cells.
 * @throws {HeldBackError} Where they are too many for one document. `inParts`: what to do then.
 */
export function encodeOwned(planId: string, cells: readonly CellKey[], inParts: string): string {
  const days = Object.fromEntries([...Map.groupBy(cells, ({ processor }) => processor)].map(([processor, own]) => [processor, rangesOf(own.map(({ day }) => day))]));
  const text = JSON.stringify({ planId, days });
  if (text.length > MOST_BYTES) throw new HeldBackError(`${planId} has ${cells.length} cells, more than can belong to it at once (${text.length} of at most ${MOST_BYTES} bytes name them); nothing was changed; ${inParts}`);
  return text;
}

/** Whose the cells are, and their keys, by `keyOf`; null: the lease names none. */
export function decodeOwned(detail: string): { readonly planId: string; readonly keys: readonly string[] } | null {
  const read = ownership.safeParse(JSON.parse(detail));
  if (!read.success) return null;
  const { planId, days, cells } = read.data;
  return { planId, keys: [...cells, ...Object.entries(days).flatMap(([processor, ranges]) => daysOf(ranges).map((day) => keyOf({ processor, day })))] };
}

function rangesOf(days: readonly Day[]): string {
  const ranges: { readonly from: number; to: number }[] = [];
  for (const day of days.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && day <= last.to + 1) last.to = day;
    else ranges.push({ from: day, to: day });
  }
  return ranges.map(({ from, to }) => (from === to ? from.toString(BASE) : `${from.toString(BASE)}-${to.toString(BASE)}`)).join(',');
}

function daysOf(ranges: string): readonly Day[] {
  return ranges.split(',').flatMap((range) => {
    const [from = Number.NaN, to = from] = range.split(BETWEEN).map((number) => Number.parseInt(number, BASE));
    return Array.from({ length: to - from + 1 }, (_, index) => dayNumber(from + index));
  });
}
