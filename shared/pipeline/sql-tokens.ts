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

/** The forms in the order in which they are tried, each a group of TOKEN. */
const KINDS: readonly (SqlTokenKind | 'skipped')[] = ['skipped', 'string', 'quoted', 'number', 'parameter', 'word', 'unterminated', 'symbol'];

const BLANK_OR_COMMENT = /\s+|--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\//;
const RAW_STRING = /(?:[rR][bB]?|[bB][rR])(?:'''[\s\S]*?'''|"""[\s\S]*?"""|'[^'\n]*'|"[^"\n]*")/;
const STRING = /[bB]?(?:'''(?:\\[\s\S]|[^\\])*?'''|"""(?:\\[\s\S]|[^\\])*?"""|'(?!'')(?:\\.|[^'\\\n])*'|"(?!"")(?:\\.|[^"\\\n])*")/;
const QUOTED_NAME = /`(?:\\.|[^`\\\n])+`/;
const NUMBER = /0[xX][0-9A-Fa-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/;
const PARAMETER = /@@?[A-Za-z_][A-Za-z0-9_.]*/;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/;
const UNTERMINATED = /(?:'|"|`|\/\*)[\s\S]*/;
const SYMBOL = /\|\||<=|>=|<>|!=|<<|>>|=>|\|>|[\s\S]/;

const FORMS = [BLANK_OR_COMMENT, new RegExp(`${RAW_STRING.source}|${STRING.source}`), QUOTED_NAME, NUMBER, PARAMETER, WORD, UNTERMINATED, SYMBOL];
const TOKEN = new RegExp(FORMS.map(({ source }) => `(${source})`).join('|'), 'g');

export function sqlTokens(text: string): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const kind = KINDS[match.indexOf(match[0], 1) - 1];
    if (kind !== undefined && kind !== 'skipped') tokens.push({ kind, text: match[0], offset: match.index });
  }
  return tokens;
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
