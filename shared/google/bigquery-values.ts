import { dayOf, parseDay, type Day } from '../calendar/day.ts';
import type { Column, Processor } from '../pipeline/pipeline.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import type { Row } from '../ports/warehouse.ts';
import { integerOf, numericOf, scaledNumeric, timestampText } from '../rows/checked-rows.ts';

/** Names and values in GoogleSQL's text and in the API's answers. */

/** A name of the definition, which has letters, digits and _ only, as SQL. */
export function quoted(name: string): string {
  return `\`${name}\``;
}

export function columnList(columns: readonly string[]): string {
  return columns.map(quoted).join(', ');
}

/** ` AND …`: of a table that several fill, the rows of this one; '' where the table is its own. */
export function andOwnRows({ tableFilter }: Processor): string {
  if (tableFilter === null) return '';
  const { column, equals } = tableFilter;
  return ` AND ${quoted(column)} = ${typeof equals === 'string' ? stringLiteral(equals) : String(equals)}`;
}

/** GoogleSQL takes JSON's escapes of a text in double quotes. */
function stringLiteral(text: string): string {
  return JSON.stringify(text);
}

/** A column as `rows` selects it: TIMESTAMP in microseconds, whose text is exact whatever the answer's format. */
export function selected({ name, type }: Column): string {
  return type === 'TIMESTAMP' ? `UNIX_MICROS(${quoted(name)}) AS ${quoted(name)}` : quoted(name);
}

/** A value of an answer as a row holds it; TIMESTAMP comes as microseconds. */
export function fromAnswer(type: ColumnType, text: string | null): Row[string] {
  if (text === null) return null;
  switch (type) {
    case 'STRING':
    case 'DATE':
      return text;
    case 'INT64':
      return integerOf(BigInt(text)) ?? text;
    case 'FLOAT64':
      return Number(text);
    case 'NUMERIC': {
      const scaled = scaledNumeric(text);
      return scaled === undefined ? text : numericOf(scaled);
    }
    case 'BOOL':
      return text === 'true';
    case 'TIMESTAMP':
      return timestampText(BigInt(text));
  }
}

/** `20231115`: a daily partition's id. */
export function partitionId(date: string): string {
  return date.replaceAll('-', '');
}

/** The day of a daily partition's id; undefined of `__NULL__`, `__UNPARTITIONED__` and of months. */
export function dayOfPartition(id: string): Day | undefined {
  return /^\d{8}$/.test(id) ? parseDay(`${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6)}`) : undefined;
}

export function dayOfText(text: string | null | undefined): Day | undefined {
  return text === null || text === undefined ? undefined : dayOf(text);
}
