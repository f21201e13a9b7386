/** GoogleSQL as tokens, comments left out: enough to look at a query without being fooled by strings and comments. */

export type SqlTokenKind =
  | 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'symbol'
  /** A string, a quoted name or a comment that never ends. */
  | 'unterminated';

export interface SqlToken {
  readonly kind: SqlTokenKind;
  /** As written, quotes and `@` included. */
  readonly text: string;
  /** Where it starts in the text, in UTF-16 units. */
  readonly offset: number;
}

/** A line and a column, both counted from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

const BLANK = /\s+/y;
const LINE_COMMENT = /(?:--|#)[^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y;
const RAW_STRING = /(?:[rR][bB]?|[bB][rR])(?:'''[\s\S]*?'''|"""[\s\S]*?"""|'[^'\n]*'|"[^"\n]*")/y;
const STRING = /[bB]?(?:'''(?:\\[\s\S]|[^\\])*?'''|"""(?:\\[\s\S]|[^\\])*?"""|'(?!'')(?:\\.|[^'\\\n])*'|"(?!"")(?:\\.|[^"\\\n])*")/y;
const QUOTED_NAME = /`(?:\\.|[^`\\\n])+`/y;
const NUMBER = /0[xX][0-9A-Fa-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const PARAMETER = /@@?[A-Za-z_][A-Za-z0-9_.]*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const LONG_SYMBOL = /\|\||<=|>=|<>|!=|<<|>>|=>|\|>/y;

const FORMS: readonly (readonly [RegExp, SqlTokenKind | 'skipped'])[] = [
  [BLANK, 'skipped'], [LINE_COMMENT, 'skipped'], [BLOCK_COMMENT, 'skipped'],
  [RAW_STRING, 'string'], [STRING, 'string'], [QUOTED_NAME, 'quoted'], [NUMBER, 'number'],
  [PARAMETER, 'parameter'], [WORD, 'word'], [LONG_SYMBOL, 'symbol'],
];

export function sqlTokens(text: string): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  let offset = 0;
  while (offset < text.length) {
    const found = tokenAt(text, offset);
    if (found.kind !== 'skipped') tokens.push({ kind: found.kind, text: text.slice(offset, found.end), offset });
    offset = found.end;
  }
  return tokens;
}

function tokenAt(text: string, offset: number): { readonly kind: SqlTokenKind | 'skipped'; readonly end: number } {
  for (const [form, kind] of FORMS) {
    form.lastIndex = offset;
    if (form.test(text)) return { kind, end: form.lastIndex };
  }
  const opensAndNeverEnds = /^(?:'|"|`|\/\*)/.test(text.slice(offset, offset + 2));
  return opensAndNeverEnds ? { kind: 'unterminated', end: text.length } : { kind: 'symbol', end: offset + 1 };
}

/** The query with one space between its tokens: equal for two texts that differ in comments and layout only. */
export function normalizedSql(text: string): string {
  return sqlTokens(text).map((token) => token.text).join(' ');
}

export function positionAt(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}
