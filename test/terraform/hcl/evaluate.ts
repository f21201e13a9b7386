import type { Expression, For } from './expression.ts';
import { FUNCTIONS } from './functions.ts';
import { entriesOf, isMap, Lazy, textOf, type Value } from './value.ts';

/** What a name stands for; throws where there is no such name. */
export type Scope = (name: string) => Value | Lazy;

/** A function of Terraform that functions.ts leaves out: not a failure that `try` and `can` are there for. */
class UnknownFunctionError extends Error {
  constructor(name: string) {
    super(`function ${name} is not known to this test; add it to test/terraform/hcl/functions.ts`);
  }
}

export function evaluate(expression: Expression, scope: Scope): Value {
  const value = lazily(expression, scope);
  if (value instanceof Lazy) throw new Error(`expected a value, got a namespace, in ${JSON.stringify(expression)}`);
  return value;
}

function lazily(expression: Expression, scope: Scope): Value | Lazy {
  switch (expression.kind) {
    case 'literal': return expression.value;
    case 'template': return templated(expression.parts, scope);
    case 'name': return scope(expression.name);
    case 'attribute': return attributeOf(lazily(expression.of, scope), expression.name);
    case 'index': return attributeOf(lazily(expression.of, scope), textOf(evaluate(expression.key, scope)));
    case 'splat': return entriesOf(evaluate(expression.of, scope)).map(([, each]) => expression.names.reduce<Value>((of, name) => whole(attributeOf(of, name)), each));
    case 'call': return called(expression.name, expression.args, expression.spread, scope);
    case 'unary': return expression.operator === '!' ? evaluate(expression.of, scope) !== true : -Number(evaluate(expression.of, scope));
    case 'binary': return computed(expression.operator, expression.left, expression.right, scope);
    case 'conditional': return lazily(evaluate(expression.if, scope) === true ? expression.yes : expression.no, scope);
    case 'tuple': return expression.items.map((item) => evaluate(item, scope));
    case 'object': return Object.fromEntries(expression.items.map(([key, value]) => [textOf(evaluate(key, scope)), evaluate(value, scope)]));
    case 'for': return comprehended(expression, scope);
  }
}

function whole(value: Value | Lazy): Value {
  if (value instanceof Lazy) throw new Error('expected a value, got a namespace');
  return value;
}

function templated(parts: readonly Expression[], scope: Scope): Value {
  return parts.map((part) => textOf(evaluate(part, scope))).join('');
}

function attributeOf(of: Value | Lazy, name: string): Value | Lazy {
  if (of instanceof Lazy) return of.attribute(name);
  if (Array.isArray(of)) {
    const found: Value | undefined = of[Number(name)];
    if (found !== undefined) return found;
  } else if (isMap(of)) {
    const found = Object.hasOwn(of, name) ? of[name] : undefined;
    if (found !== undefined) return found;
  }
  throw new Error(`no ${name} in ${JSON.stringify(of).slice(0, 200)}`);
}

function called(name: string, args: readonly Expression[], spread: boolean, scope: Scope): Value {
  const attempt = (arg: Expression): { readonly value: Value } | null => {
    try {
      return { value: evaluate(arg, scope) };
    } catch (error) {
      if (error instanceof UnknownFunctionError) throw error;
      return null;
    }
  };
  if (name === 'can') return args[0] !== undefined && attempt(args[0]) !== null;
  if (name === 'try') {
    for (const arg of args) {
      const tried = attempt(arg);
      if (tried !== null) return tried.value;
    }
    throw new Error('every argument of try failed');
  }
  const implementation = FUNCTIONS.get(name);
  if (implementation === undefined) throw new UnknownFunctionError(name);
  const values = args.map((arg) => evaluate(arg, scope));
  const last = spread ? values.at(-1) : undefined;
  return implementation(...(last === undefined ? values : [...values.slice(0, -1), ...entriesOf(last).map(([, value]) => value)]));
}

function computed(operator: string, left: Expression, right: Expression, scope: Scope): Value {
  const value = evaluate(left, scope);
  if (operator === '&&') return value === true && evaluate(right, scope) === true;
  if (operator === '||') return value === true || evaluate(right, scope) === true;
  const other = evaluate(right, scope);
  if (operator === '==') return JSON.stringify(value) === JSON.stringify(other);
  if (operator === '!=') return JSON.stringify(value) !== JSON.stringify(other);
  const [a, b] = [Number(value), Number(other)];
  switch (operator) {
    case '<': return a < b;
    case '>': return a > b;
    case '<=': return a <= b;
    case '>=': return a >= b;
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    case '%': return a % b;
    default: throw new Error(`operator ${operator} is not known to this test`);
  }
}

function comprehended({ object, keyName, valueName, over, key, value, grouped, condition }: For, scope: Scope): Value {
  const scopes = entriesOf(evaluate(over, scope)).map(([index, each]): Scope => (name) => (name === valueName ? each : name === keyName ? index : scope(name)));
  const taken = scopes.filter((inner) => condition === null || evaluate(condition, inner) === true);
  if (!object || key === null) return taken.map((inner) => evaluate(value, inner));
  const made: Record<string, Value> = {};
  for (const inner of taken) {
    const name = textOf(evaluate(key, inner));
    const one = evaluate(value, inner);
    const before = made[name];
    if (grouped) made[name] = [...(Array.isArray(before) ? before : []), one];
    else if (before === undefined) made[name] = one;
    else throw new Error(`two elements have the key ${name}`);
  }
  return made;
}
