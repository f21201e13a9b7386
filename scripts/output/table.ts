import { widthOf, wrap, type Style } from './style.ts';

/** A column of a table over rows of one kind. */
export interface Column<Row> {
  readonly header: string;
  readonly value: (row: Row) => string | number;
  /** Numbers stand at the right. */
  readonly align?: 'left' | 'right';
  /** Gives way when the table is too wide: `wrap` goes on in the next line, `cut` ends in …, `middle` has … in it. Others keep their width. */
  readonly fit?: 'wrap' | 'cut' | 'middle';
  /** Dresses a cell after it was measured and padded. */
  readonly dress?: (text: string, row: Row) => string;
}

const LEAST_WIDTH = 12;
const GAP = '  ';

/** A table that fits the style's columns. No rows give an empty text. */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], style: Style, indent = 0): string {
  if (rows.length === 0) return '';
  const texts = rows.map((row) => columns.map((column) => String(column.value(row))));
  const widths = fitted(columns, texts, style.columns - indent);
  const pad = ' '.repeat(indent);
  const lines = [pad + style.dim(line(columns.map((column) => column.header), columns, widths))];
  texts.forEach((cells, index) => {
    const row = rows[index];
    if (row === undefined) return;
    const wrapped = cells.map((cell, at) => fit(cell, columns[at]?.fit, widths[at] ?? 0));
    const height = Math.max(...wrapped.map((part) => part.length));
    for (let level = 0; level < height; level += 1) {
      const parts = wrapped.map((part) => part[level] ?? '');
      lines.push((pad + line(parts, columns, widths, (text, at) => columns[at]?.dress?.(text, row) ?? text)).trimEnd());
    }
  });
  return `${lines.join('\n')}\n`;
}

function fitted<Row>(columns: readonly Column<Row>[], texts: readonly (readonly string[])[], total: number): number[] {
  const widths = columns.map((column, at) => Math.max(column.header.length, ...texts.map((cells) => widthOf(cells[at] ?? ''))));
  // First what wraps, down to its longest word; then names are shortened; only where that is not enough, words are broken.
  const words = columns.map((column, at) => Math.max(LEAST_WIDTH, ...(column.fit === 'wrap' ? texts.flatMap((cells) => (cells[at] ?? '').split(/\s/).map(widthOf)) : [])));
  const whole = columns.map((column, at) => (column.fit === 'wrap' ? words[at] ?? LEAST_WIDTH : widths[at] ?? 0));
  let over = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1) - total;
  for (const least of [whole, words, columns.map(() => LEAST_WIDTH)]) {
    while (over > 0) {
      // The widest of those that give way gives way first.
      let widest = -1;
      columns.forEach((column, at) => {
        if (column.fit && (widths[at] ?? 0) > (least[at] ?? 0) && (widest < 0 || (widths[at] ?? 0) > (widths[widest] ?? 0))) widest = at;
      });
      if (widest < 0) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
      over -= 1;
    }
  }
  return widths;
}

function fit(text: string, how: Column<never>['fit'], width: number): string[] {
  if (widthOf(text) <= width || how === undefined) return [text];
  if (how === 'middle') return [shortened(text, width)];
  return how === 'wrap' ? wrap(text, width) : [`${text.slice(0, Math.max(1, width - 1))}…`];
}

/** A name with … in its middle: its start says what it is, its end which. */
function shortened(text: string, width: number): string {
  const start = Math.ceil((width - 1) / 2);
  return `${text.slice(0, start)}…${text.slice(text.length - (width - 1 - start))}`;
}

function line<Row>(cells: readonly string[], columns: readonly Column<Row>[], widths: readonly number[], dress: (text: string, at: number) => string = (text) => text): string {
  return cells.map((cell, at) => {
    const blanks = ' '.repeat(Math.max(0, (widths[at] ?? 0) - widthOf(cell)));
    const dressed = dress(cell, at);
    return columns[at]?.align === 'right' ? blanks + dressed : dressed + blanks;
  }).join(GAP).trimEnd();
}
