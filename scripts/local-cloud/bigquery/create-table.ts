import { invalidQuery, notModelled } from './api-error.ts';
import type { Granularity, Partitioning } from './catalog.ts';
import { typeName, type Field } from './schema.ts';
import { TokenCursor } from './token-cursor.ts';

/** CREATE TABLE in all the forms that are modelled. */

export interface Option { readonly name: string; readonly expression: string }

export interface CreateTable {
  readonly kind: 'create_table';
  readonly path: readonly string[];
  readonly replaces: boolean;
  readonly ifNotExists: boolean;
  readonly fields: readonly Field[] | null;
  readonly partitioning: Partitioning | null;
  readonly clustering: readonly string[];
  readonly options: readonly Option[];
  readonly query: string | null;
  readonly from: { readonly how: 'CLONE' | 'COPY' | 'LIKE'; readonly path: readonly string[] } | null;
}

export function parseCreateTable(cursor: TokenCursor, replaces: boolean): CreateTable {
  const ifNotExists = cursor.takes('IF', 'NOT', 'EXISTS');
  const path = cursor.path();
  const from = (['CLONE', 'COPY', 'LIKE'] as const).find((how) => cursor.takes(how));
  const source = from ? { how: from, path: cursor.path() } : null;
  if (cursor.peek() === 'FOR') throw notModelled('CLONE of a point in time (FOR SYSTEM_TIME AS OF)');
  const fields = cursor.peek() === '(' ? columns(cursor) : null;
  const partitioning = cursor.takes('PARTITION', 'BY') ? partitionBy(cursor.textUntil('CLUSTER', 'OPTIONS', 'AS')) : null;
  const clustering = cursor.takes('CLUSTER', 'BY') ? cursor.textUntil('OPTIONS', 'AS').split(',').map((name) => name.trim().replaceAll('`', '')) : [];
  const options = cursor.takes('OPTIONS') ? parseOptions(cursor) : [];
  const query = cursor.takes('AS') ? cursor.rest() : null;
  cursor.finish();
  if (!fields && query === null && !source) throw invalidQuery('CREATE TABLE needs columns, a query or a table to take them from');
  if (fields && query !== null) throw notModelled('CREATE TABLE with columns and a query');
  const filter = options.find(({ name }) => name === 'require_partition_filter')?.expression.toLowerCase() === 'true';
  return { kind: 'create_table', path, replaces, ifNotExists, fields, partitioning: partitioning && { ...partitioning, requireFilter: filter }, clustering, options, query, from: source };
}

function columns(cursor: TokenCursor): readonly Field[] {
  cursor.expect('(');
  const fields: Field[] = [];
  while (cursor.peek() !== ')') {
    if (['PRIMARY', 'FOREIGN', 'CONSTRAINT'].includes(cursor.peek()) && cursor.peek(1) === 'KEY') throw notModelled(`a ${cursor.peek()} KEY`);
    fields.push(field(cursor, cursor.name()));
    if (!cursor.takes(',')) break;
  }
  cursor.expect(')');
  return fields;
}

/** `INT64`, `ARRAY<STRUCT<a STRING>>`, `NUMERIC(10, 2) NOT NULL OPTIONS (description = 'x')`. */
export function fieldOfText(name: string, type: string): Field {
  const cursor = new TokenCursor(type);
  const parsed = field(cursor, name);
  cursor.finish();
  return parsed;
}

function field(cursor: TokenCursor, name: string): Field {
  const typed = fieldType(cursor, name);
  let isRequired = false;
  for (;;) {
    if (cursor.takes('NOT', 'NULL')) isRequired = true;
    else if (cursor.takes('OPTIONS')) parseOptions(cursor);
    else if (cursor.peek() === 'DEFAULT' || cursor.peek() === 'COLLATE') throw notModelled(`${cursor.peek()} of a column`);
    else break;
  }
  return isRequired ? { ...typed, mode: 'REQUIRED' } : typed;
}

function fieldType(cursor: TokenCursor, name: string): Field {
  if (cursor.takes('ARRAY')) {
    cursor.expect('<');
    const inner = fieldType(cursor, name);
    cursor.expect('>');
    return { ...inner, mode: 'REPEATED' };
  }
  if (cursor.takes('STRUCT')) {
    cursor.expect('<');
    const fields: Field[] = [];
    do fields.push(field(cursor, cursor.name())); while (cursor.takes(','));
    cursor.expect('>');
    return { name, type: 'RECORD', mode: 'NULLABLE', fields };
  }
  const type = typeName(cursor.next().text);
  // STRING(10), NUMERIC(10, 2): the size is a check of Google's that is not made here.
  if (cursor.takes('(')) {
    cursor.textUntil();
    cursor.expect(')');
  }
  return { name, type, mode: 'NULLABLE' };
}

function partitionBy(expression: string): Partitioning {
  const column = /^`?(\w+)`?$/.exec(expression);
  if (column?.[1]?.startsWith('_PARTITION')) throw notModelled('a table partitioned by ingestion time');
  if (column?.[1]) return { type: 'DAY', field: column[1], requireFilter: false };
  const ofDate = /^DATE\s*\(\s*`?(\w+)`?\s*\)$/i.exec(expression);
  if (ofDate?.[1]) return { type: 'DAY', field: ofDate[1], requireFilter: false };
  const truncated = /^(?:DATE|TIMESTAMP|DATETIME)_TRUNC\s*\(\s*`?(\w+)`?\s*,\s*(HOUR|DAY|MONTH|YEAR)\s*\)$/i.exec(expression);
  if (truncated?.[1] && truncated[2]) return { type: granularity(truncated[2]), field: truncated[1], requireFilter: false };
  throw notModelled(`PARTITION BY ${expression}`);
}

export function granularity(text: string): Granularity {
  const found = (['HOUR', 'DAY', 'MONTH', 'YEAR'] as const).find((one) => one === text.toUpperCase());
  if (!found) throw invalidQuery(`Invalid time partitioning type ${text}; allowed: HOUR, DAY, MONTH, YEAR`);
  return found;
}

export function parseOptions(cursor: TokenCursor): readonly Option[] {
  cursor.expect('(');
  const options: Option[] = [];
  while (cursor.peek() !== ')') {
    const name = cursor.name().toLowerCase();
    cursor.expect('=');
    options.push({ name, expression: cursor.textUntil(',') });
    if (!cursor.takes(',')) break;
  }
  cursor.expect(')');
  return options;
}
