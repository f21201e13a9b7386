import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { z } from 'zod';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import { invalid, notModelled } from './api-error.ts';

/** Schemas as BigQuery's API writes them, and what DuckDB calls their types. */

export interface Field {
  readonly name: string;
  /** The API's names: INTEGER, FLOAT, BOOLEAN, RECORD, …. */
  readonly type: string;
  readonly mode: 'NULLABLE' | 'REQUIRED' | 'REPEATED';
  readonly description?: string;
  readonly fields?: readonly Field[];
}

const ALIASES: Readonly<Record<string, string>> = {
  INT64: 'INTEGER', INT: 'INTEGER', SMALLINT: 'INTEGER', BIGINT: 'INTEGER', TINYINT: 'INTEGER', BYTEINT: 'INTEGER', FLOAT64: 'FLOAT', BOOL: 'BOOLEAN', STRUCT: 'RECORD',
  DECIMAL: 'NUMERIC', BIGDECIMAL: 'BIGNUMERIC',
};

const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  STRING: 'VARCHAR', INTEGER: 'BIGINT', FLOAT: 'DOUBLE', NUMERIC: 'DECIMAL(38,9)', BIGNUMERIC: 'DECIMAL(38,10)', BOOLEAN: 'BOOLEAN', DATE: 'DATE',
  TIMESTAMP: 'TIMESTAMP WITH TIME ZONE', DATETIME: 'TIMESTAMP', BYTES: 'BLOB', JSON: 'JSON',
};

/** The API's name of a type that a schema, a parameter or DDL may write otherwise. */
export function typeName(written: string): string {
  const upper = written.toUpperCase();
  const name = ALIASES[upper] ?? upper;
  if (name !== 'RECORD' && DUCKDB_TYPES[name] === undefined) {
    if (['TIME', 'GEOGRAPHY', 'INTERVAL', 'RANGE', 'FOREIGN'].includes(name)) throw notModelled(`the type ${name}`);
    throw invalid(`Invalid value for type: ${written} is not a valid value`);
  }
  return name;
}

const nested: z.ZodType<Field> = z.lazy(() => fieldSchema);
const fieldSchema = z.object({
  name: z.string().regex(/^[\p{L}_][\p{L}\p{N}\p{M}_ -]{0,299}$/u), type: z.string().transform(typeName), mode: z.string().default('NULLABLE').transform((mode) => mode.toUpperCase()).pipe(z.enum(['NULLABLE', 'REQUIRED', 'REPEATED'])),
  description: z.string().optional(), fields: z.array(nested).optional(),
});

export const schemaSchema = z.object({ fields: z.array(fieldSchema).default([]) });

export function duckDbType(field: Field): string {
  const one = field.type === 'RECORD'
    ? `STRUCT(${(field.fields ?? []).map((inner) => `${quoted(inner.name)} ${duckDbType(inner)}`).join(', ')})`
    : DUCKDB_TYPES[field.type] ?? 'VARCHAR';
  return field.mode === 'REPEATED' ? `${one}[]` : one;
}

/** The field that a query's column becomes. */
export function fieldOf(name: string, type: DuckDBType): Field {
  if (type.typeId === DuckDBTypeId.LIST && 'valueType' in type) {
    return { ...fieldOf(name, type.valueType), mode: 'REPEATED' };
  }
  if (type.typeId === DuckDBTypeId.STRUCT && 'entryNames' in type) {
    const fields = type.entryNames.flatMap((entry, index) => {
      const inner = type.entryTypes[index];
      return inner ? [fieldOf(/^_\d+$/.test(entry) ? `_field_${Number(entry.slice(1)) + 1}` : entry, inner)] : [];
    });
    return { name, type: 'RECORD', mode: 'NULLABLE', fields };
  }
  return { name, type: scalarOf(type), mode: 'NULLABLE' };
}

function scalarOf(type: DuckDBType): string {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN: return 'BOOLEAN';
    case DuckDBTypeId.FLOAT: case DuckDBTypeId.DOUBLE: return 'FLOAT';
    case DuckDBTypeId.DECIMAL: return 'scale' in type && type.scale > 9 ? 'BIGNUMERIC' : 'NUMERIC';
    case DuckDBTypeId.DATE: return 'DATE';
    case DuckDBTypeId.TIMESTAMP_TZ: return 'TIMESTAMP';
    case DuckDBTypeId.TIMESTAMP: case DuckDBTypeId.TIMESTAMP_S: case DuckDBTypeId.TIMESTAMP_MS: case DuckDBTypeId.TIMESTAMP_NS: return 'DATETIME';
    case DuckDBTypeId.BLOB: return 'BYTES';
    case DuckDBTypeId.VARCHAR: case DuckDBTypeId.ENUM: return type.alias === 'JSON' ? 'JSON' : 'STRING';
    default: return 'INTEGER';
  }
}

/** Names of INFORMATION_SCHEMA.COLUMNS.data_type: INT64, ARRAY<STRUCT<a STRING>>, …. */
export function googleSqlType(field: Field): string {
  const back: Readonly<Record<string, string>> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL' };
  const one = field.type === 'RECORD' ? `STRUCT<${(field.fields ?? []).map((inner) => `${inner.name} ${googleSqlType(inner)}`).join(', ')}>` : back[field.type] ?? field.type;
  return field.mode === 'REPEATED' ? `ARRAY<${one}>` : one;
}
