/** CSV with a header, LF line ends and neither quotes nor commas inside fields, as the archives in `data/` are written. */

export interface CsvRecord {
  readonly file: string;
  /** Counted from 1, the header included. */
  readonly line: number;
  readonly columns: ReadonlyMap<string, number>;
  readonly fields: readonly string[];
}

export function* csvRecords(text: string, file: string): Generator<CsvRecord> {
  const lines = text.split('\n');
  const header = (lines[0] ?? '').split(',');
  const columns = new Map(header.map((name, index) => [name, index]));
  for (const [index, content] of lines.entries()) {
    if (index === 0 || content === '') continue;
    const fields = content.split(',');
    if (fields.length !== header.length) {
      throw new Error(`${file}:${index + 1}: received ${fields.length} fields, the header names ${header.length}; restore the file from the repository`);
    }
    yield { file, line: index + 1, columns, fields };
  }
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
