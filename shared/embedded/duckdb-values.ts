import {
  BIGINT, BOOLEAN, DATE, DECIMAL, DOUBLE, DuckDBDataChunk, DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampTZValue, TIMESTAMPTZ, VARCHAR,
  type DuckDBMaterializedResult, type DuckDBType, type DuckDBValue,
} from '@duckdb/node-api';
import { formatDay, day, dayOf, type Day } from '../calendar/day.ts';
import type { Column } from '../pipeline/pipeline.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import type { Row } from '../ports/warehouse.ts';
import { integerOf, microsOf, numericOf, scaledNumeric, timestampText } from '../rows/checked-rows.ts';

/** Column types and values of the definition, and what DuckDB calls and holds them as. */

export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  STRING: 'VARCHAR', INT64: 'BIGINT', FLOAT64: 'DOUBLE', NUMERIC: 'DECIMAL(38,9)', BOOL: 'BOOLEAN', DATE: 'DATE', TIMESTAMP: 'TIMESTAMP WITH TIME ZONE',
};

const VALUE_TYPES: Readonly<Record<ColumnType, DuckDBType>> = {
  STRING: VARCHAR, INT64: BIGINT, FLOAT64: DOUBLE, NUMERIC: DECIMAL(38, 9), BOOL: BOOLEAN, DATE, TIMESTAMP: TIMESTAMPTZ,
};

/** A name of the definition, which has letters, digits and _ only, as SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function columnList(columns: readonly string[]): string {
  return columns.map(quoted).join(', ');
}

export function dateLiteral(value: Day): string {
  return `DATE '${formatDay(value)}'`;
}

export function dateValue(value: Day): DuckDBDateValue {
  return new DuckDBDateValue(value);
}

export function dayOfValue(value: DuckDBValue | undefined): Day | undefined {
  return value instanceof DuckDBDateValue ? day(value.days) : undefined;
}

/** A result that is there as a whole, column by column: DuckDB's own reader takes a turn of a thread for each of its chunks. */
export function columnsOf(result: DuckDBMaterializedResult): readonly DuckDBValue[][] {
  const columns: DuckDBValue[][] = [];
  for (let index = 0; index < result.chunkCount; index += 1) result.getChunk(index).appendToColumns(columns);
  return columns;
}

const CHUNK = 2048;

/** Checked rows as DuckDB's chunks, columns in the definition's order. */
export function* chunksOf(columns: readonly Column[], rows: readonly Row[]): Generator<DuckDBDataChunk> {
  const types = columns.map((column) => VALUE_TYPES[column.type]);
  for (let start = 0; start < rows.length; start += CHUNK) {
    const part = rows.slice(start, start + CHUNK);
    const chunk = DuckDBDataChunk.create(types, part.length);
    columns.forEach(({ name, type }, index) => chunk.setColumnValues(index, part.map((row) => toDuckDb(type, row[name] ?? null))));
    yield chunk;
  }
}

function toDuckDb(type: ColumnType, value: Row[string]): DuckDBValue {
  if (value === null) return null;
  switch (type) {
    case 'INT64': return BigInt(value);
    case 'NUMERIC': return new DuckDBDecimalValue(scaledNumeric(String(value)) ?? 0n, 38, 9);
    case 'DATE': return new DuckDBDateValue(dayOf(String(value)));
    case 'TIMESTAMP': return new DuckDBTimestampTZValue(microsOf(String(value)) ?? 0n);
    default: return value;
  }
}

/** One value of a table's column as a row holds it. */
export function fromDuckDb(value: DuckDBValue | undefined): Row[string] {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return integerOf(value) ?? value.toString();
  if (value instanceof DuckDBDecimalValue) return numericOf(value.value * 10n ** BigInt(9 - value.scale));
  if (value instanceof DuckDBDateValue) return formatDay(day(value.days));
  if (value instanceof DuckDBTimestampTZValue) return timestampText(value.micros);
  return String(value);
}
