import { sqlTokens, type SqlToken } from '../../../shared/pipeline/sql-tokens.ts';
import { invalidQuery } from './api-error.ts';

/** A statement's tokens, read from left to right. */
export class TokenCursor {
  readonly sql: string;
  readonly tokens: readonly SqlToken[];
  #at = 0;

  constructor(sql: string) {
    this.sql = sql;
    // ">>" closes two types at once.
    this.tokens = sqlTokens(sql).flatMap((token) => (token.text === '>>' ? [{ ...token, text: '>' }, { kind: token.kind, text: '>', offset: token.offset + 1 }] : [token]));
  }

  peek(ahead = 0): string {
    const token = this.tokens[this.#at + ahead];
    return token === undefined ? '' : token.kind === 'word' ? token.text.toUpperCase() : token.text;
  }

  get isDone(): boolean {
    return this.#at >= this.tokens.length || (this.peek() === ';' && this.#at === this.tokens.length - 1);
  }

  /** Steps over the words if they come next. */
  takes(...words: readonly string[]): boolean {
    if (!words.every((word, index) => this.peek(index) === word)) return false;
    this.#at += words.length;
    return true;
  }

  expect(word: string): void {
    if (!this.takes(word)) throw this.unexpected(`Expected ${word} but got`);
  }

  next(): SqlToken {
    const token = this.tokens[this.#at];
    if (!token) throw this.unexpected('Unexpected');
    this.#at += 1;
    return token;
  }

  /** `a.b.c` in any form of backticks. */
  path(): readonly string[] {
    const parts: string[] = [];
    do {
      const token = this.next();
      if (token.kind === 'quoted') parts.push(...token.text.slice(1, -1).split('.'));
      else if (token.kind === 'word') parts.push(token.text);
      else throw invalidQuery(`Syntax error: Unexpected ${JSON.stringify(token.text)}${this.#where(token.offset)}`);
    } while (this.takes('.'));
    return parts;
  }

  name(): string {
    return this.path().at(-1) ?? '';
  }

  /** The text up to the first of these at this depth, or to the end. */
  textUntil(...ends: readonly string[]): string {
    const start = this.tokens[this.#at]?.offset ?? this.sql.length;
    let depth = 0;
    while (!this.isDone) {
      const word = this.peek();
      if (depth === 0 && ends.includes(word)) break;
      if (['(', '['].includes(word)) depth += 1;
      if ([')', ']'].includes(word)) depth -= 1;
      if (depth < 0) break;
      this.#at += 1;
    }
    return this.sql.slice(start, this.tokens[this.#at]?.offset ?? this.sql.length).trim();
  }

  /** All that is left. */
  rest(): string {
    return this.textUntil();
  }

  finish(): void {
    if (!this.isDone) throw this.unexpected('Expected end of input but got');
  }

  unexpected(problem: string): Error {
    const token = this.tokens[this.#at];
    return invalidQuery(`Syntax error: ${problem} ${token ? JSON.stringify(token.text) : 'end of statement'}${this.#where(token?.offset ?? this.sql.length)}`);
  }

  #where(offset: number): string {
    const lines = this.sql.slice(0, offset).split('\n');
    return ` at [${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}]`;
  }
}
