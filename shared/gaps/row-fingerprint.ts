import type { Coverage } from './coverage.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { add64, hash64, hex64, ZERO, type Hash64 } from './fingerprint.ts';

/** Coverage of rows that are at hand as values: landed files, and the warehouse in memory. */

type Value = string | number | boolean | null;
type RowValues = Readonly<Record<string, Value>>;

type Measured = Pick<Processor, 'columns' | 'fingerprintColumns' | 'views' | 'key' | 'required' | 'gameColumn'>;

/** What the rows of one date amount to; of no rows too. */
export function coverageOfRows(processor: Measured, rows: readonly RowValues[]): Coverage {
  const games: Record<string, number> = Object.create(null);
  const keys = new Set<string>();
  const sums = processor.views.map(() => ZERO);
  let sum = ZERO;
  let nulls = 0;
  for (const row of rows) {
    sum = add64(sum, rowHash(row, processor.columns.length > 0 ? processor.fingerprintColumns : Object.keys(row).sort()));
    processor.views.forEach(({ columns }, index) => { sums[index] = add64(sums[index] ?? ZERO, rowHash(row, columns)); });
    keys.add(processor.key.map((name) => canonical(row[name] ?? null)).join('\u001f'));
    for (const name of processor.required) if ((row[name] ?? null) === null) nulls += 1;
    const game = processor.gameColumn === null ? null : row[processor.gameColumn] ?? null;
    if (game !== null) games[String(game)] = (games[String(game)] ?? 0) + 1;
  }
  const print = (total: Hash64): string => `${rows.length}:${hex64(total)}`;
  return {
    rows: rows.length,
    games: processor.gameColumn === null ? null : games,
    duplicates: rows.length - keys.size,
    nulls,
    fingerprint: print(sum),
    views: Object.fromEntries(processor.views.map(({ view }, index) => [view, print(sums[index] ?? ZERO)])),
  };
}

/** The hash of a row over named columns: nulls are left out, so that a new nullable column changes nothing. */
function rowHash(row: RowValues, columns: readonly string[]): Hash64 {
  let text = '';
  for (const name of columns) {
    const value = row[name] ?? null;
    if (value !== null) text += `${name}=${canonical(value)}\u001f`;
  }
  return hash64(text);
}

/** A text with its length before it, so that no value can pass for two; `1` the number is not `1` the text. */
function canonical(value: Value): string {
  if (typeof value === 'string') return `${value.length}:${value}`;
  return Object.is(value, -0) ? '0' : String(value);
}
