import type { QueryOutcome } from './query-order.ts';
import { cellOf } from './values.ts';

/** A statement's rows by column, values as the API writes them; timestamps in microseconds. */
export function outsideRows({ fields, rows }: QueryOutcome): readonly Readonly<Record<string, unknown>>[] {
  return (rows ?? []).map((row) => Object.fromEntries(fields.map((field, index) => [field.name, cellOf(field, row[index], 'micros').v])));
}
