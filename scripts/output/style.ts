import type { Status } from '../../shared/gaps/facts.ts';
import type { Io, Stream } from './io.ts';

/** How text is dressed for one stream. Without colour every function hands its text back. */
export interface Style {
  readonly columns: number;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

export function styleOf(stream: Pick<Stream, 'colour'>, columns: number): Style {
  const code = (on: number, off: number) => (text: string): string => (stream.colour && text !== '' ? `\u001B[${on}m${text}\u001B[${off}m` : text);
  return { columns, bold: code(1, 22), dim: code(2, 22), red: code(31, 39), green: code(32, 39), yellow: code(33, 39), cyan: code(36, 39) };
}

export function outStyle(io: Io): Style {
  return styleOf(io.out, io.columns);
}

export function errStyle(io: Io): Style {
  return styleOf(io.err, io.columns);
}

/** A status in its colour: red needs work, yellow needs a look, green is well. */
export function statusText(style: Style, status: Status): string {
  if (status === 'missing' || status === 'short' || status === 'failed') return style.red(status);
  if (status === 'complete' || status === 'accepted') return style.green(status);
  if (status === 'not_expected' || status === 'pending') return style.dim(status);
  return style.yellow(status);
}

// oxlint-disable-next-line no-control-regex -- an ANSI sequence begins with a control character
const ANSI = /\u001B\[[0-9;]*m/g;

/** Width of a text on a terminal, its colours left out. */
export function widthOf(text: string): number {
  return text.replace(ANSI, '').length;
}

/** A text that is too wide for a line, cut; its colours end where it does. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let room = width - 1;
  // oxlint-disable-next-line no-control-regex -- an ANSI sequence begins with a control character
  const parts = text.split(/(\u001B\[[0-9;]*m)/).map((part, at) => {
    if (at % 2 === 1) return part;
    const kept = part.slice(0, room);
    room -= kept.length;
    return kept;
  });
  return `${parts.join('')}…`;
}

/** Breaks a text at blanks so that no line is wider; what has no blank is cut in two, a range behind its dots. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      let rest = word;
      if (line !== '' && line.length + 1 + rest.length > width) {
        lines.push(line);
        line = '';
      }
      while (rest.length > width) {
        const dots = rest.lastIndexOf('..', width - 2);
        const end = dots > 0 ? dots + 2 : width;
        lines.push(rest.slice(0, end));
        rest = rest.slice(end);
      }
      line = line === '' ? rest : `${line} ${rest}`;
    }
    lines.push(line);
  }
  return lines;
}

/** A text, wrapped and indented; lines after the first are indented by two more. */
export function paragraph(text: string, style: Style, indent = 0): string {
  const [first = '', ...rest] = wrap(text, style.columns - indent - 2);
  const pad = ' '.repeat(indent);
  return [`${pad}${first}`, ...rest.map((line) => `${pad}  ${line}`)].join('\n');
}
