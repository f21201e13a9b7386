import { createHash } from 'node:crypto';
import type { Day } from '../calendar/day.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { fingerprint } from '../gaps/fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import type { QueryResult } from './bigquery-jobs.ts';
import { dayOfText, quoted } from './bigquery-values.ts';

/**
 * Coverage measured by BigQuery: one scan, one short line a date and game. A row's hash is FARM_FINGERPRINT of a text in
 * which no two rows look alike; hashes are summed as NUMERIC, which holds 10^10 of them, and cut to 64 bits here.
 */

/** One form of text a value. Numbers, dates and truth hold no separator. */
const CANONICAL: Readonly<Record<ColumnType, (column: string) => string>> = {
  STRING: (column) => `CONCAT(CAST(LENGTH(${column}) AS STRING), ':', ${column})`,
  INT64: (column) => `CAST(${column} AS STRING)`,
  // Adding 0 makes 0 of -0.
  FLOAT64: (column) => `CAST(${column} + 0 AS STRING)`,
  NUMERIC: (column) => `CAST(${column} AS STRING)`,
  BOOL: (column) => `CAST(${column} AS STRING)`,
  DATE: (column) => `CAST(${column} AS STRING)`,
  TIMESTAMP: (column) => `CAST(UNIX_MICROS(${column}) AS STRING)`,
};

/** Named columns as one text; CONCAT with a null is null, so that nulls are left out. */
function textSql({ columns: declared }: Processor, columns: readonly string[]): string {
  const types = new Map(declared.map(({ name, type }) => [name, type]));
  const parts = columns.map((name) => `IFNULL(CONCAT('${name}=', ${CANONICAL[types.get(name) ?? 'STRING'](quoted(name))}, ';'), '')`);
  return parts.length === 0 ? "''" : `CONCAT(${parts.join(', ')})`;
}

/** A query whose rows `measured` adds up. `relation`: a table as SQL names it. */
export function measuringSql(processor: Processor, relation: string, where: string): string {
  const { dateColumn, gameColumn, required, fingerprintColumns, views } = processor;
  const date = quoted(dateColumn);
  const hashes = [fingerprintColumns, ...views.map(({ columns }) => columns)].map((columns) => textSql(processor, columns));
  const nulls = required.map((name) => `IF(${quoted(name)} IS NULL, 1, 0)`);
  return `SELECT day, game, COUNT(*) AS row_count, COUNTIF(nth > 1) AS duplicate_count, SUM(null_count) AS null_count${hashes.map((_, index) => `, SUM(CAST(hash_${index} AS NUMERIC)) AS hash_${index}`).join('')}
FROM (
  SELECT day, game, ROW_NUMBER() OVER (PARTITION BY day, row_key ORDER BY row_key) AS nth, null_count${hashes.map((_, index) => `, hash_${index}`).join('')}
  FROM (
    SELECT
      ${date} AS day,
      ${gameColumn === null ? 'CAST(NULL AS STRING)' : `CAST(${quoted(gameColumn)} AS STRING)`} AS game,
      ${textSql(processor, processor.key)} AS row_key,
      ${nulls.length === 0 ? '0' : nulls.join(' + ')} AS null_count,
      ${hashes.map((text, index) => `FARM_FINGERPRINT(${text}) AS hash_${index}`).join(',\n      ')}
    FROM ${relation}
    ${where}
  ) AS hashed
) AS numbered
GROUP BY day, game`;
}

/** Everything besides the rows that a coverage depends on. */
export function measuringRule(processor: Processor): string {
  return createHash('sha256').update(measuringSql(processor, '', '')).update(JSON.stringify(processor.tableFilter)).digest('hex').slice(0, 16);
}

export interface Measured {
  readonly days: ReadonlyMap<Day, Coverage>;
  /** Rows whose date is null. */
  readonly undated: number;
}

interface Sums {
  rows: number;
  duplicates: number;
  nulls: number;
  readonly games: Map<string, number>;
  readonly hashes: bigint[];
}

export function measured(processor: Processor, { rows }: QueryResult): Measured {
  const sums = new Map<Day, Sums>();
  let undated = 0;
  for (const [date, game, count, duplicates, nulls, ...hashes] of rows) {
    const day = dayOfText(date);
    if (day === undefined) {
      undated += Number(count);
      continue;
    }
    let sum = sums.get(day);
    if (!sum) sums.set(day, sum = noSums());
    sum.rows += Number(count);
    sum.duplicates += Number(duplicates);
    sum.nulls += Number(nulls);
    if (game !== null && game !== undefined) sum.games.set(game, (sum.games.get(game) ?? 0) + Number(count));
    hashes.forEach((hash, index) => { sum.hashes[index] = (sum.hashes[index] ?? 0n) + wholeNumber(hash); });
  }
  return { days: new Map([...sums].map(([day, sum]) => [day, coverageOf(processor, sum)])), undated };
}

export function nothingMeasured(processor: Processor): Coverage {
  return coverageOf(processor, noSums());
}

function noSums(): Sums {
  return { rows: 0, duplicates: 0, nulls: 0, games: new Map(), hashes: [] };
}

/** A sum of whole numbers, which NUMERIC may write with zeros after a point. */
function wholeNumber(text: string | null): bigint {
  return BigInt((text ?? '0').replace(/\.0*$/, ''));
}

function coverageOf({ gameColumn, views }: Processor, { rows, duplicates, nulls, games, hashes: [whole = 0n, ...others] }: Sums): Coverage {
  return {
    rows,
    games: gameColumn === null ? null : Object.fromEntries(games),
    duplicates,
    nulls,
    fingerprint: fingerprint(rows, whole),
    views: Object.fromEntries(views.map(({ view }, index) => [view, fingerprint(rows, others[index] ?? 0n)])),
  };
}
