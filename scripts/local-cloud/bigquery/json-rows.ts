import { z } from 'zod';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { duckDbType, type Field } from './schema.ts';
import { isOfType, text } from './values.ts';

/** Rows in JSON, as load jobs and insertAll bring them: checked against a schema, then given to DuckDB as text. */

export type JsonRow = Readonly<Record<string, unknown>>;
export const jsonRowSchema = z.record(z.string(), z.unknown());

export class RowProblem extends Error {
  override readonly name = 'RowProblem';
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

type TextValue = string | null | readonly TextValue[] | { readonly [name: string]: TextValue };

/** A row with each scalar as text that its type can be read from. Throws RowProblem. */
export function checkedRow(fields: readonly Field[], row: JsonRow, ignoreUnknown: boolean, path = ''): Readonly<Record<string, TextValue>> {
  const given = new Map(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));
  const known = new Set(fields.map(({ name }) => name.toLowerCase()));
  const unknown = Object.keys(row).find((name) => !known.has(name.toLowerCase()));
  if (unknown !== undefined && !ignoreUnknown) throw new RowProblem(`${path}${unknown}`, `no such field: ${path}${unknown}.`);
  return Object.fromEntries(fields.map((field) => [field.name, checkedValue(field, given.get(field.name.toLowerCase()), ignoreUnknown, path)]));
}

function checkedValue(field: Field, value: unknown, ignoreUnknown: boolean, path: string): TextValue {
  const name = `${path}${field.name}`;
  if (field.mode === 'REPEATED') {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw new RowProblem(name, `Array specified for non-repeated field, or a single value for a repeated one: ${name}.`);
    return value.map((item: unknown) => {
      if (item === null) throw new RowProblem(name, `Only optional fields can be set to NULL. Field: ${name}; Value: NULL`);
      return checkedValue({ ...field, mode: 'NULLABLE' }, item, ignoreUnknown, path);
    });
  }
  if (value === undefined || value === null) {
    if (field.mode === 'REQUIRED') throw new RowProblem(name, `Missing required field: ${name}.`);
    return null;
  }
  if (field.type === 'RECORD') {
    const inner = jsonRowSchema.safeParse(value);
    if (!inner.success) throw new RowProblem(name, `This field: ${name} is not a record.`);
    return checkedRow(field.fields ?? [], inner.data, ignoreUnknown, `${name}.`);
  }
  if (field.type === 'JSON') return typeof value === 'string' ? value : JSON.stringify(value);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') throw new RowProblem(name, `This field: ${name} is not a record.`);
  return scalarText(field, name, String(value), typeof value);
}

function scalarText(field: Field, name: string, written: string, kind: string): string {
  const fits = kind === 'boolean' ? ['BOOLEAN', 'STRING'].includes(field.type) : kind === 'number' && ['BOOLEAN', 'DATE', 'DATETIME'].includes(field.type) ? false : isOfType(field.type, written);
  if (!fits) throw new RowProblem(name, `Could not convert value '${kind === 'string' ? `string_value: "${written}"` : written}' to ${field.type.toLowerCase()}. Field: ${name}; Value: ${written}`);
  if (field.type === 'INTEGER' && (BigInt(written) > 9_223_372_036_854_775_807n || BigInt(written) < -9_223_372_036_854_775_808n)) throw new RowProblem(name, `Integer overflow. Field: ${name}; Value: ${written}`);
  // A number for a TIMESTAMP is seconds since 1970.
  if (field.type === 'TIMESTAMP' && /^-?\d+(?:\.\d+)?$/.test(written)) return new Date(Number(written) * 1000).toISOString();
  if (field.type === 'TIMESTAMP') return /(?:Z|z|UTC|[-+]\d{1,2}(?::?\d{2})?)$/.test(written.slice(10)) ? written.replace(/ ?UTC$/, 'Z') : `${written}Z`.replace(/^(\S{8,10})Z$/, '$1 00:00:00Z');
  return written;
}

const ROWS_A_STATEMENT = 2000;

/** Puts checked rows into a table of DuckDB. */
export async function insertChecked(session: Session, relation: string, fields: readonly Field[], rows: readonly Readonly<Record<string, TextValue>>[]): Promise<void> {
  if (fields.length === 0) return;
  const structure = JSON.stringify([Object.fromEntries(fields.map((field) => [field.name, texts(field)]))]);
  const columns = fields.map((field) => (field.type === 'BYTES' && field.mode !== 'REPEATED' ? `from_base64(r.${quoted(field.name)})` : `CAST(r.${quoted(field.name)} AS ${duckDbType(field)})`)).join(', ');
  for (let from = 0; from < rows.length; from += ROWS_A_STATEMENT) {
    const json = JSON.stringify(rows.slice(from, from + ROWS_A_STATEMENT));
    await session.run(`INSERT INTO ${relation} (${fields.map(({ name }) => quoted(name)).join(', ')}) SELECT ${columns} FROM (SELECT unnest(from_json(${text(json)}, ${text(structure)})) AS r)`);
  }
}

/** A field's shape with VARCHAR for each scalar. */
function texts(field: Field): unknown {
  const one = field.type === 'RECORD' ? Object.fromEntries((field.fields ?? []).map((inner) => [inner.name, texts(inner)])) : 'VARCHAR';
  return field.mode === 'REPEATED' ? [one] : one;
}
