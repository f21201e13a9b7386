import { z } from 'zod';
import { NeverRetryError } from '../failures/errors.ts';
import type { Row } from '../ports/warehouse.ts';

/** Rows as JSON lines, the form of landed files. */

const rowSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/** One line a row, keys sorted: the same rows are the same text. */
export function linesOf(rows: readonly Row[]): string {
  return rows.map((row) => `${JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))))}\n`).join('');
}

/** `place`: the file, for messages. Throws NeverRetryError that names the line where one is no row. */
export function rowsOfLines(text: string, place: string): readonly Row[] {
  return text.split('\n').flatMap((line, index) => (line === '' ? [] : [rowOf(line, `${place}, line ${index + 1}`)]));
}

/** A line that is no row is not skipped: the date would look complete with a row too few. */
function rowOf(line: string, at: string): Row {
  try {
    return rowSchema.parse(JSON.parse(line));
  } catch (thrown) {
    throw new NeverRetryError(`${at} is no JSON object of plain values: ${line.slice(0, 80)}; land this date again, or delete the file`, { cause: thrown });
  }
}
