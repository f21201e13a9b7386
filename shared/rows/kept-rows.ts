import { createHash } from 'node:crypto';
import { z } from 'zod';
import { formatDay, type Day } from '../calendar/day.ts';
import { NeverRetryError } from '../failures/errors.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Keep, OldRows, Row } from '../ports/warehouse.ts';
import { linesOf, rowsOfLines } from './json-lines.ts';

/** What of keeping is the same wherever the rows are. */

export function nothingKept({ name }: Processor, day: Day, source: OldRows): NeverRetryError {
  const where = source.kind === 'kept' ? `nothing is kept of it for ${source.name}` : `this warehouse does not remember what it held at ${new Date(source.at).toISOString()}`;
  return new NeverRetryError(`the old rows of ${name} ${formatDay(day)} can't be put back: ${where}`);
}

/** Names whoever overwrites where its id may not stand: in names of tables and files. */
export function keptName(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

const keptFileSchema = z.object({ name: z.string(), until: z.number(), fingerprint: z.string(), lines: z.string() });

/** A date's landed rows as one text. */
export function keptText({ name, until, fingerprint }: Keep, rows: readonly Row[]): string {
  return JSON.stringify({ name, until, fingerprint, lines: linesOf(rows) });
}

export interface KeptFile {
  readonly until: number;
  readonly fingerprint: string;
  readonly rows: readonly Row[];
}

/** Null of a text that somebody damaged: it is as good as none. */
export function keptFile(text: string, path: string): KeptFile | null {
  try {
    const { until, fingerprint, lines } = keptFileSchema.parse(JSON.parse(text));
    return { until, fingerprint, rows: rowsOfLines(lines, path) };
  } catch {
    return null;
  }
}
