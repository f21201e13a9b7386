import { z } from 'zod';
import type { Day } from '../calendar/day.ts';
import type { Coverage } from '../gaps/coverage.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Session } from './duckdb-connections.ts';
import { contentHashSql, measured, measuringSql } from './duckdb-measure.ts';
import { andOwnRows, MARKERS, tableOf } from './duckdb-tables.ts';
import { columnsOf, dateLiteral, dayOfValue, quoted } from './duckdb-values.ts';

/**
 * Coverage of one table over a range, from its rows. Row hashes that last over DuckDB's versions take most of the time,
 * so each promotion keeps the coverage of its rows with a quick hash of them: where that is still so, the kept coverage
 * is true; only the other days are measured anew.
 */
export async function scanCoverage(session: Session, processor: Processor, rule: string, from: Day, to: Day): Promise<ReadonlyMap<Day, Coverage>> {
  const table = tableOf(processor);
  const date = quoted(processor.dateColumn);
  const range = `BETWEEN ${dateLiteral(from)} AND ${dateLiteral(to)}`;
  const present = await session.run(`SELECT ${date}, count(*), sum(${contentHashSql(processor)}) FROM ${table} WHERE ${date} ${range}${andOwnRows(processor)} GROUP BY ALL`);
  const [days = [], rows = [], sums = []] = columnsOf(present);
  if (days.length === 0) return new Map();
  const kept = await keptCoverage(session, processor, range);
  const coverage = new Map<Day, Coverage>();
  const unknown: Day[] = [];
  days.forEach((value, index) => {
    const day = dayOfValue(value);
    if (day === undefined) return;
    const known = kept.get(day);
    if (known && known.content === contentText(rule, Number(rows[index]), BigInt(String(sums[index])))) coverage.set(day, known.coverage);
    else unknown.push(day);
  });
  if (unknown.length === 0) return coverage;
  const dates = unknown.length * 2 > days.length ? range : `IN (${unknown.map(dateLiteral).join(', ')})`;
  const anew = measured(processor, await session.run(measuringSql(processor, table, `WHERE ${date} ${dates}${andOwnRows(processor)}`)));
  for (const day of unknown) {
    const found = anew.get(day);
    if (found) coverage.set(day, found.coverage);
  }
  return coverage;
}

export function contentText(rule: string, rows: number, content: bigint): string {
  return `${rule}:${rows}:${content}`;
}

const coverageText = z.string().transform((text, context) => {
  try {
    return coverageSchema.parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: 'custom', message: 'no coverage' });
    return z.NEVER;
  }
});

const coverageSchema = z.object({
  rows: z.number(), games: z.record(z.string(), z.number()).nullable(), duplicates: z.number(), nulls: z.number(),
  fingerprint: z.string(), views: z.record(z.string(), z.string()),
});

interface Kept {
  readonly content: string;
  readonly coverage: Coverage;
}

async function keptCoverage(session: Session, processor: Processor, range: string): Promise<ReadonlyMap<Day, Kept>> {
  const result = await session.run(`SELECT game_date, content, coverage FROM ${MARKERS} WHERE processor = '${processor.name}' AND game_date ${range}`);
  const kept = new Map<Day, Kept>();
  for (const [date, content, text] of await result.getRows()) {
    const day = dayOfValue(date);
    const coverage = coverageText.safeParse(text);
    if (day !== undefined && typeof content === 'string' && coverage.success) kept.set(day, { content, coverage: coverage.data });
  }
  return kept;
}
