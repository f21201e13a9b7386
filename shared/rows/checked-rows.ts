import type { Column, Processor } from '../pipeline/pipeline.ts';
import type { Row } from '../ports/warehouse.ts';
import { formatDay, parseDay, type Day } from '../calendar/day.ts';
import { NeverRetryError } from '../failures/errors.ts';

/**
 * Rows that a target handed over, each value checked against its column and brought into one form: INT64 and NUMERIC as
 * a number where a number holds them exactly, else as decimal text; TIMESTAMP as RFC 3339 in UTC.
 */

type Value = Row[string];

export function checkedRows(processor: Processor, day: Day, rows: readonly Row[]): readonly Row[] {
  const date = formatDay(day);
  const known = new Set(processor.columns.map((column) => column.name));
  return rows.map((row, index) => {
    const at = `${processor.name} for ${date}: row ${index + 1} of ${rows.length}`;
    const checked = known.size === 0 ? row : typedRow(processor.columns, known, row, at);
    const found = checked[processor.dateColumn];
    if (found !== date && (known.size > 0 || found !== undefined)) {
      throw new NeverRetryError(`${at} has ${processor.dateColumn} ${JSON.stringify(found ?? null)}; a run may only hand over rows of its own date`);
    }
    const { tableFilter } = processor;
    if (tableFilter !== null && checked[tableFilter.column] !== tableFilter.equals) {
      throw new NeverRetryError(`${at} has ${tableFilter.column} ${JSON.stringify(checked[tableFilter.column] ?? null)}; allowed is ${JSON.stringify(tableFilter.equals)}, its table_filter: the other rows of ${processor.output.ref} are another service's`);
    }
    return checked;
  });
}

function typedRow(columns: readonly Column[], known: ReadonlySet<string>, row: Row, at: string): Row {
  for (const name in row) {
    if (!known.has(name)) throw new NeverRetryError(`${at} has a column '${name}' that the table does not have; it has ${[...known].join(', ')}`);
  }
  const typed: Record<string, Value> = {};
  for (const column of columns) {
    const value = row[column.name] ?? null;
    const kept = value === null ? null : FORMS[column.type](value);
    if (kept === undefined) throw new NeverRetryError(`${at}, column '${column.name}': received ${shown(value)}, which is no ${column.type}`);
    typed[column.name] = kept;
  }
  return typed;
}

function shown(value: Value): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The value in its column's form, or undefined where it is no value of that type. */
const FORMS: Readonly<Record<Column['type'], (value: NonNullable<Value>) => Value | undefined>> = {
  STRING: (value) => (typeof value === 'string' ? value : undefined),
  BOOL: (value) => (typeof value === 'boolean' ? value : undefined),
  FLOAT64: (value) => (typeof value === 'number' ? value + 0 : undefined),
  DATE: (value) => (typeof value === 'string' && parseDay(value) !== undefined ? value : undefined),
  INT64: (value) => {
    if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : undefined;
    return typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value) ? integerOf(BigInt(value)) : undefined;
  },
  NUMERIC: (value) => {
    const text = typeof value === 'number' ? plainText(value) : value;
    const scaled = typeof text === 'string' ? scaledNumeric(text) : undefined;
    return scaled === undefined ? undefined : numericOf(scaled);
  },
  TIMESTAMP: (value) => {
    const micros = typeof value === 'string' ? microsOf(value) : undefined;
    return micros === undefined ? undefined : timestampText(micros);
  },
};

const INT64_LIMIT = 2n ** 63n;

/** An INT64 as a row holds it; undefined out of range. */
export function integerOf(value: bigint): number | string | undefined {
  if (value >= INT64_LIMIT || value < -INT64_LIMIT) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

const NUMERIC_LIMIT = 10n ** 38n;
const ONE = 10n ** 9n;

/** A decimal text times 10^9, rounded half away from zero as BigQuery does; undefined where NUMERIC cannot hold it. */
export function scaledNumeric(text: string): bigint | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const digits = BigInt(whole + fraction.slice(0, 9).padEnd(9, '0')) + (fraction.charAt(9) >= '5' ? 1n : 0n);
  if (digits >= NUMERIC_LIMIT) return undefined;
  return sign === '-' ? -digits : digits;
}

/** A NUMERIC, times 10^9, as a row holds it: a number if that reads back the same, else decimal text. */
export function numericOf(scaled: bigint): number | string {
  const size = scaled < 0n ? -scaled : scaled;
  const fraction = (size % ONE).toString().padStart(9, '0').replace(/0+$/, '');
  const text = `${scaled < 0n ? '-' : ''}${size / ONE}${fraction === '' ? '' : `.${fraction}`}`;
  const number = Number(text);
  return plainText(number) === text ? number : text;
}

function plainText(value: number): string | undefined {
  const text = String(value);
  if (!text.includes('e')) return Number.isFinite(value) ? text : undefined;
  return Math.abs(value) < 1 ? value.toFixed(20) : undefined;
}

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Microseconds since 1970 of an RFC 3339 time; undefined where it is none. */
export function microsOf(text: string): bigint | undefined {
  const match = RFC_3339.exec(text);
  const [, date = '', time = '', fraction = '', zone = ''] = match ?? [];
  if (!match || parseDay(date) === undefined) return undefined;
  const seconds = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  return Number.isNaN(seconds) ? undefined : BigInt(seconds) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

/** RFC 3339 in UTC, with microseconds only where there are some. */
export function timestampText(micros: bigint): string {
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const text = new Date(Number((micros - rest) / 1000n)).toISOString();
  return rest === 0n ? text : `${text.slice(0, -1)}${rest.toString().padStart(3, '0')}Z`;
}
