import { evaluate } from './evaluate.ts';
import type { Expression } from './expression.ts';
import { isMap, setOf, textOf, type Value } from './value.ts';

/** Converts a value to a variable's type: fills what is optional, leaves out what an object type does not name. */
export function converted(type: Expression, value: Value): Value {
  if (value === null) return null;
  if (type.kind === 'name') return primitive(type.name, value);
  if (type.kind !== 'call') throw new Error(`a type can't be ${JSON.stringify(type)}`);
  const [inner] = type.args;
  if (inner === undefined) throw new Error(`type ${type.name} says nothing of its elements`);
  switch (type.name) {
    case 'list': return list(value).map((each) => converted(inner, each));
    case 'set': return setOf(list(value).map((each) => converted(inner, each)));
    case 'map': return Object.fromEntries(Object.entries(map(value)).map(([key, each]) => [key, converted(inner, each)]));
    case 'object': return object(inner, map(value));
    default: throw new Error(`type ${type.name} is not known to this test`);
  }
}

function primitive(name: string, value: Value): Value {
  if (name === 'any') return value;
  if (typeof value === 'object') throw new Error(`${JSON.stringify(value)} is no ${name}`);
  if (name === 'string') return String(value);
  if (name === 'number') return Number(value);
  if (name === 'bool') return value === true || value === 'true';
  throw new Error(`type ${name} is not known to this test`);
}

function object(attributes: Expression, value: { readonly [key: string]: Value }): Value {
  if (attributes.kind !== 'object') throw new Error('an object type names its attributes');
  return Object.fromEntries(attributes.items.map(([key, declared]) => {
    const name = textOf(evaluate(key, () => null));
    const given = value[name] ?? null;
    const optional = declared.kind === 'call' && declared.name === 'optional';
    if (!optional) {
      if (value[name] === undefined) throw new Error(`attribute ${name} is missing in ${JSON.stringify(value)}`);
      return [name, converted(declared, given)];
    }
    const [type, fallback] = declared.args;
    if (type === undefined) throw new Error(`optional ${name} has no type`);
    return [name, converted(type, given ?? (fallback === undefined ? null : evaluate(fallback, () => null)))];
  }));
}

function list(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${JSON.stringify(value)} is no list`);
}

function map(value: Value): { readonly [key: string]: Value } {
  if (isMap(value)) return value;
  throw new Error(`${JSON.stringify(value)} is no map`);
}
