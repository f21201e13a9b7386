/** CSV with a header, LF line ends and neither quotes nor commas inside fields, as the archives in `data/` are written. */

export interface CsvRecord {
  readonly file: string;
  /** Counted from 1, the header included. */
  readonly line: number;
  readonly columns: ReadonlyMap<string, number>;
  readonly fields: readonly string[];
}

/** Where a file's columns stand, by its header. */
export function csvColumns(text: string): ReadonlyMap<string, number> {
  const end = text.indexOf('\n');
  return new Map((end < 0 ? text : text.slice(0, end)).split(',').map((name, index) => [name, index]));
}

/** The lines after the header, with their numbers. */
export function* csvLines(text: string): Generator<{ readonly line: number; readonly content: string }> {
  let line = 1;
  for (let start = text.indexOf('\n') + 1; start > 0 && start < text.length; line += 1) {
    const end = text.indexOf('\n', start);
    const content = text.slice(start, end < 0 ? text.length : end);
    if (content !== '') yield { line: line + 1, content };
    start = end < 0 ? 0 : end + 1;
  }
}

export function csvRecord(file: string, columns: ReadonlyMap<string, number>, line: number, content: string): CsvRecord {
  const fields = content.split(',');
  if (fields.length !== columns.size) {
    throw new Error(`${file}:${line}: received ${fields.length} fields, the header names ${columns.size}; restore the file from the repository`);
  }
  return { file, line, columns, fields };
}

export function* csvRecords(text: string, file: string): Generator<CsvRecord> {
  const columns = csvColumns(text);
  for (const { line, content } of csvLines(text)) yield csvRecord(file, columns, line, content);
}

export function textField(record: CsvRecord, name: string): string {
  const index = record.columns.get(name);
  const value = index === undefined ? undefined : record.fields[index];
  if (value === undefined) throw new Error(`${record.file}: no column '${name}'; it has ${[...record.columns.keys()].join(', ')}`);
  if (value === '') throw wrong(record, name, value, 'some text');
  return value;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const GAME_ID = /^\d{10}$/;
/** The archives write some whole numbers with a decimal, `48.0`. */
const INTEGER = /^-?\d+(?:\.0)?$/;

export function dateField(record: CsvRecord, name: string): string {
  return matching(record, name, DATE, 'a date, YYYY-MM-DD');
}

/** Stays text: it starts with zeros. */
export function gameIdField(record: CsvRecord, name: string): string {
  return matching(record, name, GAME_ID, 'a game id of ten digits');
}

export function integerField(record: CsvRecord, name: string): number {
  return Number(matching(record, name, INTEGER, 'a whole number'));
}

/** Null where the field is empty. */
export function optionalIntegerField(record: CsvRecord, name: string): number | null {
  const index = record.columns.get(name);
  return index !== undefined && record.fields[index] === '' ? null : integerField(record, name);
}

function matching(record: CsvRecord, name: string, form: RegExp, allowed: string): string {
  const value = textField(record, name);
  if (!form.test(value)) throw wrong(record, name, value, allowed);
  return value;
}

function wrong(record: CsvRecord, name: string, value: string, allowed: string): Error {
  return new Error(`${record.file}:${record.line}: received '${value}' in column ${name}; allowed: ${allowed}`);
}
