import {
  DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, DuckDBListValue, DuckDBStructValue, DuckDBTimestampTZValue, DuckDBTimestampValue, type DuckDBValue,
} from '@duckdb/node-api';
import { z } from 'zod';
import { day, formatDay } from '../../../shared/calendar/day.ts';
import { invalid, notModelled } from './api-error.ts';
import { duckDbType, typeName, type Field } from './schema.ts';

/** Values as the API writes them, and query parameters as DuckDB's literals. */

export interface Cell { readonly v: CellValue }
type CellValue = string | null | readonly Cell[] | { readonly f: readonly Cell[] };
export interface ApiRow { readonly f: readonly Cell[] }

export type TimestampFormat = 'micros' | 'seconds' | 'iso';

export function cellOf(field: Field, value: DuckDBValue | undefined, format: TimestampFormat): Cell {
  if (field.mode === 'REPEATED') {
    const items = value instanceof DuckDBListValue ? value.items : [];
    return { v: items.map((item) => cellOf({ ...field, mode: 'NULLABLE' }, item, format)) };
  }
  if (value === null || value === undefined) return { v: null };
  if (value instanceof DuckDBStructValue) {
    const entries = Object.values(value.entries);
    return { v: { f: (field.fields ?? []).map((inner, index) => cellOf(inner, entries[index], format)) } };
  }
  return { v: scalarText(value, format) };
}

function scalarText(value: DuckDBValue, format: TimestampFormat): string {
  if (value instanceof DuckDBDateValue) return formatDay(day(value.days));
  if (value instanceof DuckDBTimestampTZValue) return timestampText(value.micros, format);
  if (value instanceof DuckDBTimestampValue) return new Date(Number(value.micros / 1000n)).toISOString().slice(0, -4) + String(value.micros % 1_000_000n).padStart(6, '0');
  if (value instanceof DuckDBDecimalValue) return decimalText(value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (typeof value === 'number') return numberText(value);
  return String(value);
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return Number.isInteger(value) && Math.abs(value) < 1e15 ? value.toFixed(1) : String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

function decimalText(value: DuckDBDecimalValue): string {
  const text = value.toString();
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function timestampText(micros: bigint, format: TimestampFormat): string {
  if (format === 'micros') return micros.toString();
  if (format === 'iso') return new Date(Number(micros / 1000n)).toISOString().replace(/\d{3}Z$/, `${(micros % 1_000_000n).toString().padStart(6, '0')}Z`);
  // Seconds as a float in exponential form: 1.6725744E9.
  const digits = micros.toString().replace(/^-/, '');
  if (micros === 0n) return '0.0';
  const mantissa = `${digits.slice(0, 1)}.${digits.slice(1).replace(/0+$/, '') || '0'}`;
  return `${micros < 0n ? '-' : ''}${mantissa}E${digits.length - 7}`;
}

export interface ParameterType {
  readonly type: string;
  readonly arrayType?: ParameterType | undefined;
  readonly structTypes?: readonly { readonly name?: string | undefined; readonly type: ParameterType }[] | undefined;
}
export interface ParameterValue {
  readonly value?: string | number | boolean | null | undefined;
  readonly arrayValues?: readonly ParameterValue[] | undefined;
  readonly structValues?: Readonly<Record<string, ParameterValue>> | undefined;
}

const typeSchema: z.ZodType<ParameterType> = z.lazy(() => z.object({
  type: z.string(), arrayType: typeSchema.optional(), structTypes: z.array(z.object({ name: z.string().optional(), type: typeSchema })).optional(),
}));
const valueSchema: z.ZodType<ParameterValue> = z.lazy(() => z.object({
  value: z.union([z.string(), z.number(), z.boolean()]).nullish(), arrayValues: z.array(valueSchema).optional(), structValues: z.record(z.string(), valueSchema).optional(),
}));
export const parameterSchema = z.object({ name: z.string().optional(), parameterType: typeSchema, parameterValue: valueSchema.default({}) });
export type Parameter = z.infer<typeof parameterSchema>;

/** A parameter as an expression in DuckDB. Throws `invalid` where the value is none of its type. */
export function literalOf({ name, parameterType, parameterValue }: Parameter): string {
  return expression(name ?? '?', parameterType, parameterValue);
}

function expression(name: string, type: ParameterType, value: ParameterValue): string {
  if (type.type.toUpperCase() === 'ARRAY') {
    if (!type.arrayType) throw invalid(`Query parameter '${name}' has no array type`);
    const inner = type.arrayType;
    return `CAST([${(value.arrayValues ?? []).map((item) => expression(name, inner, item)).join(', ')}] AS ${duckDbType(parameterField(name, type))})`;
  }
  if (type.type.toUpperCase() === 'STRUCT') {
    if (!type.structTypes || !value.structValues) return 'NULL';
    const values = value.structValues;
    return `{${type.structTypes.map((part) => `${text(part.name ?? '')}: ${expression(name, part.type, values[part.name ?? ''] ?? {})}`).join(', ')}}`;
  }
  const field = parameterField(name, type);
  if (value.value === null || value.value === undefined) return `CAST(NULL AS ${duckDbType(field)})`;
  const written = String(value.value);
  if (!isOfType(field.type, written)) throw invalid(`Invalid query parameter value for '${name}': ${JSON.stringify(written)} is not a valid ${type.type.toUpperCase()} value`);
  if (field.type === 'BYTES') return `from_base64(${text(written)})`;
  return `CAST(${text(written)} AS ${duckDbType(field)})`;
}

function parameterField(name: string, type: ParameterType): Field {
  if (type.type.toUpperCase() === 'ARRAY') {
    if (!type.arrayType) throw notModelled(`an array parameter without a type (${name})`);
    return { ...parameterField(name, type.arrayType), mode: 'REPEATED' };
  }
  if (type.type.toUpperCase() === 'STRUCT') return { name, type: 'RECORD', mode: 'NULLABLE', fields: (type.structTypes ?? []).map((part) => parameterField(part.name ?? '', part.type)) };
  return { name, type: typeName(type.type), mode: 'NULLABLE' };
}

const FORMS: Readonly<Record<string, RegExp>> = {
  INTEGER: /^[-+]?\d{1,19}$/, FLOAT: /^(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf(?:inity)?|nan)$/i, NUMERIC: /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/,
  BIGNUMERIC: /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/, BOOLEAN: /^(?:true|false)$/i, DATE: /^\d{4}-\d{1,2}-\d{1,2}$/,
  TIMESTAMP: /^(?:\d{4}-\d{1,2}-\d{1,2}(?:[ Tt]\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d{1,6})?)?)?(?: ?(?:Z|z|UTC|[-+]\d{1,2}(?::?\d{2})?))?|-?\d+(?:\.\d+)?)$/,
  DATETIME: /^\d{4}-\d{1,2}-\d{1,2}(?:[ Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d{1,6})?)?$/,
};

/** Whether a text can be read as a value of the type. */
export function isOfType(type: string, written: string): boolean {
  const form = FORMS[type];
  return form === undefined || form.test(written);
}

/** A string as SQL: DuckDB's know no escapes but the doubled quote. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''").replaceAll('\0', '')}'`;
}
