import { sqlTokens, type SqlToken } from '../pipeline/sql-tokens.ts';
import { isGroup, sqlTree, tokenOf, wordOf, type SqlGroup, type SqlItem } from '../pipeline/sql-tree.ts';
import { UntranslatableSql } from './googlesql-error.ts';
import { NO_EXTENSION, type Extension } from './googlesql-extension.ts';
import { castTo, divisor, REWRITTEN, SAME_MEANING, type Refuse } from './googlesql-functions.ts';
import { numericPlaceholder, parameterPlaceholder } from './googlesql-placeholders.ts';
import { operandEnd, splitAtCommas, withNullOrder } from './googlesql-syntax.ts';

/** GoogleSQL in words that the transpiler renders right: what it would get wrong is written otherwise, or refused. */
export function rewriteQuery(sql: string, extension: Extension = NO_EXTENSION): string {
  const tokens = sqlTokens(sql).filter((token, index, all) => !(token.text === ';' && index === all.length - 1));
  const unfinished = tokens.find((token) => token.kind === 'unterminated');
  if (unfinished) throw new UntranslatableSql(sql, unfinished.offset, 'a text or comment that never ends', 'close it');
  return new Rewriter(sql, extension).render(sqlTree(tokens).root.items);
}

/** Words that stand before a parenthesis and are no function. */
const NO_FUNCTION: ReadonlySet<string> = new Set([
  'AS', 'IN', 'OVER', 'ON', 'AND', 'OR', 'NOT', 'WHERE', 'SELECT', 'FROM', 'JOIN', 'BY', 'USING', 'WHEN', 'THEN', 'ELSE', 'CASE', 'BETWEEN', 'LIKE',
  'HAVING', 'QUALIFY', 'UNION', 'ALL', 'DISTINCT', 'INTERSECT', 'EXCEPT', 'INTERVAL', 'LIMIT', 'IS', 'WITH', 'WEEK', 'VALUES', 'INSERT',
]);

const UNTESTED_WORDS: ReadonlyMap<string, string> = new Map([
  ['TABLESAMPLE', 'read all rows'], ['PIVOT', 'use SUM(IF(…))'], ['UNPIVOT', 'use UNION ALL'],
]);
const UNTESTED_LITERALS: ReadonlySet<string> = new Set(['TIMESTAMP', 'DATETIME', 'TIME', 'BIGNUMERIC', 'JSON']);

class Rewriter {
  readonly sql: string;
  readonly #extension: Extension;

  constructor(sql: string, extension: Extension) {
    this.sql = sql;
    this.#extension = extension;
  }

  render(items: readonly SqlItem[]): string {
    const parts: string[] = [];
    const ordered = withNullOrder(items);
    for (let index = 0; index < ordered.length;) {
      const { text, next } = this.#next(ordered, index);
      parts.push(text);
      index = next;
    }
    return joined(parts);
  }

  #next(items: readonly SqlItem[], index: number): { readonly text: string; readonly next: number } {
    const item = items[index];
    if (isGroup(item)) return { text: `(${this.render(item.items)})`, next: index + 1 };
    const token = tokenOf(item);
    const word = wordOf(item);
    if (!token) return { text: '', next: index + 1 };
    const following = items[index + 1];
    if (word === '/') {
      const end = operandEnd(items, index + 1);
      return { text: `/ ${divisor(this.render(items.slice(index + 1, end)))}`, next: end };
    }
    // DuckDB wants parentheses around an interval's length that is no literal.
    if (word === 'INTERVAL' && tokenOf(following)?.kind === 'word') {
      const end = operandEnd(items, index + 1);
      return { text: `INTERVAL (${this.render(items.slice(index + 1, end))})`, next: end };
    }
    if (token.kind === 'word' && isGroup(following) && !NO_FUNCTION.has(word)) {
      if (wordOf(items[index - 1]) === '.') this.#refuse(token, `${wordOf(items[index - 2])}.${word}`, 'use the function without a prefix, on arguments that cannot fail');
      return { text: this.#call(token, word, following), next: index + 2 };
    }
    if (token.kind === 'word' && tokenOf(following)?.kind === 'string') {
      if (word === 'NUMERIC' || word === 'DECIMAL') return { text: `CAST(${wordOf(following)} AS ${numericPlaceholder('')})`, next: index + 2 };
      const literal = this.#extension.literals.get(word);
      if (literal) return { text: literal(wordOf(following)), next: index + 2 };
      if (UNTESTED_LITERALS.has(word)) this.#refuse(token, `a ${word} literal`, 'use a DATE literal or a column');
    }
    return { text: this.#plain(items, index, token, word), next: index + 1 };
  }

  #plain(items: readonly SqlItem[], index: number, token: SqlToken, word: string): string {
    const next = items[index + 1];
    const isAfterDot = wordOf(items[index - 1]) === '.';
    if (token.kind === 'parameter') return token.text.startsWith('@@') ? this.#refuse(token, token.text, 'remove it') : parameter(token.text);
    // Whole-path backticks: `project.dataset.table` is one name to the transpiler. The project is the warehouse file.
    if (token.kind === 'quoted') return token.text.slice(1, -1).split('.').slice(-2).map((part) => `\`${part}\``).join('.');
    // A number with a point is FLOAT64 in BigQuery, and DECIMAL in DuckDB.
    if (token.kind === 'number') return /^[\d.]*\.[\d.]*$/.test(token.text) ? `${token.text}e0` : token.text;
    if (token.kind === 'word' && !isAfterDot) {
      const instead = UNTESTED_WORDS.get(word);
      if (instead !== undefined && (isGroup(next) || word === 'TABLESAMPLE')) this.#refuse(token, word, instead);
      if (word === 'WITH' && wordOf(next) === 'OFFSET') this.#refuse(token, 'UNNEST WITH OFFSET', 'use ROW_NUMBER() OVER (ORDER BY …)');
      if (word === 'AS' && wordOf(items[index - 1]) === 'SELECT') this.#refuse(token, `SELECT AS ${wordOf(next)}`, 'select the columns');
      if (word === 'LIKE' && tokenOf(next)?.text.includes('\\')) this.#refuse(token, 'LIKE with an escaped character', 'use STARTS_WITH, ENDS_WITH or REGEXP_CONTAINS');
    }
    if (token.text === '|>') this.#refuse(token, 'pipe syntax', 'write SELECT … FROM … WHERE …');
    return token.text;
  }

  #call(token: SqlToken, name: string, group: SqlGroup): string {
    const refuse: Refuse = (what, instead) => this.#refuse(token, what, instead);
    if (name === 'CAST' || name === 'SAFE_CAST') return this.#cast(name, group, refuse);
    if (name === 'EXTRACT') return this.#extract(group, refuse);
    if (name === 'ARRAY_AGG' || name === 'STRING_AGG') return this.#aggregate(name, group, refuse);
    if (name === 'OFFSET' || name === 'SAFE_OFFSET' || name === 'ORDINAL' || name === 'SAFE_ORDINAL') return `${name}(${this.render(group.items)})`;
    if (name === 'REPLACE' && group.items.some((item) => wordOf(item) === 'AS')) return `REPLACE (${this.render(group.items)})`;
    const rewrite = this.#extension.functions.get(name) ?? REWRITTEN.get(name);
    if (rewrite) return rewrite(splitAtCommas(group.items).map((argument) => this.render(argument)), refuse);
    if (SAME_MEANING.has(name)) return `${name}(${this.render(group.items)})`;
    return refuse(`the function ${name}`, 'write it with another one, or add it to shared/embedded/googlesql-functions.ts with a test');
  }

  #cast(cast: 'CAST' | 'SAFE_CAST', group: SqlGroup, refuse: Refuse): string {
    const as = group.items.findLastIndex((item) => wordOf(item) === 'AS');
    const type = wordOf(group.items[as + 1]);
    const size = group.items[as + 2];
    if (as < 0 || group.items.length > as + (isGroup(size) ? 3 : 2)) return refuse(`this form of ${cast}`, `write ${cast}(value AS TYPE)`);
    const extended = this.#extension.cast(cast, this.render(group.items.slice(0, as)), type);
    if (extended !== null) return extended;
    return castTo(cast, this.render(group.items.slice(0, as)), type, isGroup(size) ? this.render(size.items) : '', refuse);
  }

  #extract(group: SqlGroup, refuse: Refuse): string {
    const part = wordOf(group.items[0]);
    const date = this.render(group.items.slice(2));
    // Sunday is 1 in BigQuery and 0 in DuckDB.
    if (part === 'DAYOFWEEK') return `(EXTRACT(DAYOFWEEK FROM ${date}) + 1)`;
    const same = ['DAY', 'MONTH', 'QUARTER', 'YEAR', 'DAYOFYEAR', 'ISOYEAR'];
    if (part === 'ISOWEEK') return `EXTRACT(WEEK FROM ${date})`;
    if (!same.includes(part) || wordOf(group.items[1]) !== 'FROM') return refuse(`EXTRACT of ${part || 'nothing'}`, `use one of DAYOFWEEK, ISOWEEK, ${same.join(', ')}`);
    return `EXTRACT(${part} FROM ${date})`;
  }

  /** LIMIT within an aggregate is dropped by the transpiler, or left to a parser that does not know it. */
  #aggregate(name: string, group: SqlGroup, refuse: Refuse): string {
    const limit = group.items.findIndex((item) => wordOf(item) === 'LIMIT');
    if (limit < 0) return `${name}(${this.render(group.items)})`;
    if (name === 'STRING_AGG') return refuse('STRING_AGG with LIMIT', 'take the first rows in a subquery');
    return `LIST_SLICE(${name}(${this.render(group.items.slice(0, limit))}), 1, ${this.render(group.items.slice(limit + 1))})`;
  }

  #refuse(token: SqlToken, what: string, instead: string): never {
    throw new UntranslatableSql(this.sql, token.offset, what, instead);
  }
}

/** The one parameter that processors have is a date; others are bound as they come. */
function parameter(text: string): string {
  return text === '@game_date' ? `CAST(${parameterPlaceholder(text)} AS DATE)` : parameterPlaceholder(text);
}

function joined(parts: readonly string[]): string {
  let text = '';
  for (const [index, part] of parts.entries()) {
    const isTight = index === 0 || part === '.' || part === ',' || parts[index - 1] === '.';
    text += isTight ? part : ` ${part}`;
  }
  return text;
}
