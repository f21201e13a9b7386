import { createHash } from 'node:crypto';
import type { DuckDBMaterializedResult } from '@duckdb/node-api';
import type { Day } from '../calendar/day.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { fingerprint } from '../gaps/fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import { columnsOf, dayOfValue, quoted } from './duckdb-values.ts';

/**
 * Coverage of rows in DuckDB. SQL gives one short line a row (its hashes, game, key, nulls), which is added up here.
 *
 * On a stage these statements stay planned, and DuckDB keeps a plan that relied on a table's statistics although its rows
 * changed: an aggregate may crash ("statistics corrupt"), IS NULL and coalesce may have become constants, length() a count
 * of bytes. So they consist of casts, ||, concat_ws, strlen, substr and hashes, for which there are no such rules.
 */

/** One form of text a value, whatever version of DuckDB prints it. Numbers, dates and truth hold no separator. */
const CANONICAL: Readonly<Record<ColumnType, (column: string) => string>> = {
  STRING: (column) => `strlen(${column}) || ':' || ${column}`,
  INT64: (column) => `${column}::VARCHAR`,
  FLOAT64: (column) => `printf('%.17g', ${column} + 0.0)`,
  NUMERIC: (column) => `${column}::VARCHAR`,
  BOOL: (column) => `${column}::INTEGER::VARCHAR`,
  DATE: (column) => `${column}::VARCHAR`,
  TIMESTAMP: (column) => `epoch_us(${column})::VARCHAR`,
};

/** The hash of a row over named columns, an unsigned 64-bit number. */
export function rowHashSql(processor: Processor, columns: readonly string[]): string {
  return `md5_number_lower(${joinedSql(processor, columns)})`;
}

/** Named columns as one text in which no two rows look alike; concat_ws leaves nulls out. */
function joinedSql(processor: Processor, columns: readonly string[]): string {
  const types = new Map(processor.columns.map((column) => [column.name, column.type]));
  const parts = columns.map((name) => `'${name}=' || ${CANONICAL[types.get(name) ?? 'STRING'](quoted(name))}`);
  return `concat_ws(chr(31), ${parts.length === 0 ? "''" : parts.join(', ')})`;
}

/**
 * A quick hash, over all columns that coverage depends on: only to tell whether rows are still those of a coverage that
 * was kept. It is not stable over DuckDB's versions, so `contentRule` names the version.
 */
export function contentHashSql(processor: Processor): string {
  const game = processor.gameColumn === null ? [] : [processor.gameColumn];
  const counted = new Set([...processor.fingerprintColumns, ...processor.key, ...processor.required, ...game, ...processor.views.flatMap(({ columns }) => columns)]);
  return `hash(${[...counted].sort().map(quoted).join(', ')})`;
}

/** Everything besides the rows that a kept coverage depends on. */
export function contentRule(processor: Processor, duckDbVersion: string): string {
  const rule = [1, duckDbVersion, processor.columns, processor.fingerprintColumns, processor.views, processor.required, processor.key, processor.gameColumn];
  return createHash('sha256').update(JSON.stringify(rule)).digest('hex').slice(0, 16);
}

/** A SELECT whose rows `measured` adds up: date, required columns filled, game, key, content, hash, and a hash for each view. */
export function measuringSql(processor: Processor, relation: string, where: string): string {
  const columns = [
    quoted(processor.dateColumn),
    filledSql(processor),
    processor.gameColumn === null ? 'NULL' : `${quoted(processor.gameColumn)}::VARCHAR`,
    keySql(processor),
    contentHashSql(processor),
    rowHashSql(processor, processor.fingerprintColumns),
    ...processor.views.map(({ columns }) => rowHashSql(processor, columns)),
  ];
  return `SELECT ${columns.join(', ')} FROM ${relation} ${where}`;
}

/** How many required columns have a value: one letter each. */
function filledSql(processor: Processor): string {
  const letters = processor.required.map((name) => `'x' || substr(${quoted(name)}::VARCHAR, 1, 0)`);
  return letters.length === 0 ? '0' : `strlen(concat_ws('', ${letters.join(', ')}))`;
}

function keySql(processor: Processor): string {
  return joinedSql(processor, processor.key);
}

interface Sums {
  rows: number;
  nulls: number;
  readonly games: Record<string, number>;
  readonly keys: Set<unknown>;
  readonly hashes: bigint[];
}

export interface Measured {
  readonly coverage: Coverage;
  /** Sum of the quick hashes. */
  readonly content: bigint;
}

export function measured(processor: Processor, result: DuckDBMaterializedResult): Map<Day, Measured> {
  const [dates = [], filled = [], games = [], keys = [], ...hashes] = columnsOf(result);
  const days = new Map<Day, Sums>();
  for (let row = 0; row < dates.length; row += 1) {
    const day = dayOfValue(dates[row]);
    if (day === undefined) continue;
    let sums = days.get(day);
    if (!sums) days.set(day, sums = noSums(hashes.length));
    sums.rows += 1;
    sums.nulls += processor.required.length - Number(filled[row]);
    sums.keys.add(keys[row]);
    const game = games[row];
    if (typeof game === 'string') sums.games[game] = (sums.games[game] ?? 0) + 1;
    hashes.forEach((column, index) => { sums.hashes[index] = (sums.hashes[index] ?? 0n) + unsigned(column[row]); });
  }
  return new Map([...days].map(([day, sums]) => [day, measuredOf(processor, sums)]));
}

export function nothingMeasured(processor: Processor): Measured {
  return measuredOf(processor, noSums(processor.views.length + 2));
}

/** The sum of the hashes in a result's first column. */
export function hashSum(result: DuckDBMaterializedResult): bigint {
  const [hashes = []] = columnsOf(result);
  return hashes.reduce<bigint>((sum, hash) => sum + unsigned(hash), 0n);
}

function unsigned(value: unknown): bigint {
  return typeof value === 'bigint' ? value : 0n;
}

function noSums(hashes: number): Sums {
  return { rows: 0, nulls: 0, games: Object.create(null), keys: new Set(), hashes: Array<bigint>(hashes).fill(0n) };
}

function measuredOf(processor: Processor, { rows, nulls, games, keys, hashes: [content = 0n, whole = 0n, ...views] }: Sums): Measured {
  const coverage: Coverage = {
    rows,
    games: processor.gameColumn === null ? null : games,
    duplicates: rows - keys.size,
    nulls,
    fingerprint: fingerprint(rows, whole),
    views: Object.fromEntries(processor.views.map(({ view }, index) => [view, fingerprint(rows, views[index] ?? 0n)])),
  };
  return { coverage, content };
}
