/** The part of Terraform's expression language that terraform/ uses: https://developer.hashicorp.com/terraform/language/expressions */
export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'template'; readonly parts: readonly Expression[] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'attribute'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly of: Expression; readonly key: Expression }
  | { readonly kind: 'splat'; readonly of: Expression; readonly names: readonly string[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[]; readonly spread: boolean }
  | { readonly kind: 'unary'; readonly operator: string; readonly of: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'conditional'; readonly if: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'tuple'; readonly items: readonly Expression[] }
  | { readonly kind: 'object'; readonly items: readonly (readonly [Expression, Expression])[] }
  | For;

export interface For {
  readonly kind: 'for';
  readonly object: boolean;
  readonly keyName: string | null;
  readonly valueName: string;
  readonly over: Expression;
  readonly key: Expression | null;
  readonly value: Expression;
  readonly grouped: boolean;
  readonly condition: Expression | null;
}

const LEVELS: readonly (readonly string[])[] = [['||'], ['&&'], ['==', '!='], ['<=', '>=', '<', '>'], ['+', '-'], ['*', '/', '%']];
const NAME = /[A-Za-z_][\w-]*/y;

/** An attribute's text as hcl2json gives it: a template, in which `${` and `}` enclose what the file has as an expression. */
export function parseAttribute(text: string): Expression {
  const parts = new Parser(text).template(null);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: 'template', parts };
}

export function parseExpression(text: string): Expression {
  const parser = new Parser(text);
  const expression = parser.expression();
  parser.end();
  return expression;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    if (!this.#peek('')) throw this.#wrong('the end');
  }

  /** Up to the quote, which is consumed, or to the end of the text. */
  template(quote: '"' | null): readonly Expression[] {
    const parts: Expression[] = [];
    let literal = '';
    const flush = () => {
      if (literal !== '') parts.push({ kind: 'literal', value: literal });
      literal = '';
    };
    while (this.#at < this.#text.length) {
      const rest = this.#text.slice(this.#at, this.#at + 3);
      if (quote !== null && rest.startsWith(quote)) break;
      if (rest.startsWith('$${')) {
        literal += '${';
        this.#at += 3;
      } else if (rest.startsWith('${')) {
        flush();
        this.#at += 2;
        parts.push(this.expression());
        this.#expect('}');
      } else if (quote !== null && rest.startsWith('\\')) {
        const escaped = rest[1] ?? '';
        literal += { n: '\n', t: '\t', r: '\r' }[escaped] ?? escaped;
        this.#at += 2;
      } else {
        literal += rest[0] ?? '';
        this.#at += 1;
      }
    }
    flush();
    if (quote !== null) this.#at += 1;
    return parts.length === 0 ? [{ kind: 'literal', value: '' }] : parts;
  }

  expression(): Expression {
    const condition = this.#binary(0);
    if (!this.#take('?')) return condition;
    const yes = this.expression();
    this.#expect(':');
    return { kind: 'conditional', if: condition, yes, no: this.expression() };
  }

  #binary(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators.find((each) => this.#take(each));
      if (operator === undefined) return left;
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1) };
    }
  }

  #unary(): Expression {
    if (this.#peek('!') && !this.#peek('!=')) {
      this.#take('!');
      return { kind: 'unary', operator: '!', of: this.#unary() };
    }
    if (this.#take('-')) return { kind: 'unary', operator: '-', of: this.#unary() };
    return this.#postfix(this.#primary());
  }

  #postfix(start: Expression): Expression {
    let of = start;
    for (;;) {
      if (this.#take('[*]')) {
        const names: string[] = [];
        while (this.#take('.')) names.push(this.#name());
        of = { kind: 'splat', of, names };
      } else if (this.#take('[')) {
        of = { kind: 'index', of, key: this.expression() };
        this.#expect(']');
      } else if (this.#peek('.') && !this.#peek('...')) {
        this.#take('.');
        of = { kind: 'attribute', of, name: this.#name() };
      } else return of;
    }
  }

  #primary(): Expression {
    if (this.#take('(')) {
      const inner = this.expression();
      this.#expect(')');
      return inner;
    }
    if (this.#take('"')) return { kind: 'template', parts: this.template('"') };
    if (this.#take('[')) return this.#peekName('for') ? this.#for(false) : { kind: 'tuple', items: this.#list(']').items };
    if (this.#take('{')) return this.#peekName('for') ? this.#for(true) : this.#object();
    const number = this.#match(/\d+(?:\.\d+)?/y);
    if (number !== null) return { kind: 'literal', value: Number(number) };
    const name = this.#name();
    if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true' };
    if (name === 'null') return { kind: 'literal', value: null };
    if (this.#text[this.#at] !== '(') return { kind: 'name', name };
    this.#take('(');
    const { items, spread } = this.#list(')');
    return { kind: 'call', name, args: items, spread };
  }

  #list(close: string): { items: readonly Expression[]; spread: boolean } {
    const items: Expression[] = [];
    let spread = false;
    while (!this.#take(close)) {
      items.push(this.expression());
      spread = this.#take('...');
      if (!this.#peek(close)) this.#expect(',');
    }
    return { items, spread };
  }

  #object(): Expression {
    const items: (readonly [Expression, Expression])[] = [];
    while (!this.#take('}')) {
      const key = this.expression();
      if (!this.#take('=')) this.#expect(':');
      items.push([key.kind === 'name' ? { kind: 'literal', value: key.name } : key, this.expression()]);
      this.#take(',');
    }
    return { kind: 'object', items };
  }

  #for(object: boolean): Expression {
    this.#name();
    const first = this.#name();
    const second = this.#take(',') ? this.#name() : null;
    if (this.#name() !== 'in') throw this.#wrong("'in'");
    const over = this.expression();
    this.#expect(':');
    const head = this.expression();
    const value = object && this.#take('=>') ? this.expression() : null;
    const grouped = this.#take('...');
    const condition = this.#peekName('if') ? (this.#name(), this.expression()) : null;
    this.#expect(object ? '}' : ']');
    return {
      kind: 'for', object, keyName: second === null ? null : first, valueName: second ?? first, over,
      key: value === null ? null : head, value: value ?? head, grouped, condition,
    };
  }

  #space(): void {
    this.#match(/(?:\s|#[^\n]*|\/\/[^\n]*)+/y, false);
  }

  #match(pattern: RegExp, space = true): string | null {
    if (space) this.#space();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #name(): string {
    const name = this.#match(NAME);
    if (name === null) throw this.#wrong('a name');
    return name;
  }

  #peekName(name: string): boolean {
    this.#space();
    return new RegExp(`${name}\\b`, 'y').exec(this.#text.slice(this.#at)) !== null;
  }

  #peek(token: string): boolean {
    this.#space();
    return token === '' ? this.#at === this.#text.length : this.#text.startsWith(token, this.#at);
  }

  #take(token: string): boolean {
    const there = this.#peek(token);
    if (there) this.#at += token.length;
    return there;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw this.#wrong(`'${token}'`);
  }

  #wrong(wanted: string): Error {
    return new Error(`expected ${wanted} at '${this.#text.slice(this.#at, this.#at + 30)}' of '${this.#text}'`);
  }
}
