import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { entriesOf, isMap, setOf, textOf, type Value } from './value.ts';

/** Terraform's functions, as far as terraform/ uses them in what tests evaluate. Sets are lists without doubles, sorted. */
export const FUNCTIONS: ReadonlyMap<string, (...args: readonly Value[]) => Value> = new Map(Object.entries({
  alltrue: (list: Value = []) => items(list).every((each) => each === true),
  anytrue: (list: Value = []) => items(list).includes(true),
  coalesce: (...args: readonly Value[]) => {
    const found = args.find((each) => each !== null && each !== '');
    if (found === undefined) throw new Error('coalesce has nothing to give');
    return found;
  },
  concat: (...lists: readonly Value[]) => lists.flatMap(items),
  contains: (list: Value = [], value: Value = null) => items(list).includes(value),
  distinct: (list: Value = []) => [...new Set(items(list))],
  file: (path: Value = '') => readFileSync(textOf(path), 'utf8'),
  join: (separator: Value = '', list: Value = []) => items(list).map(textOf).join(textOf(separator)),
  jsondecode: (text: Value = '') => json(textOf(text)),
  jsonencode: (value: Value = null) => JSON.stringify(value),
  keys: (map: Value = {}) => entriesOf(map).map(([key]) => key),
  length: (value: Value = null) => (typeof value === 'string' ? value.length : entriesOf(value).length),
  merge: (...maps: readonly Value[]) => Object.assign({}, ...maps.filter(isMap)),
  min: (...numbers: readonly Value[]) => Math.min(...numbers.map(Number)),
  regex: (pattern: Value = '', text: Value = '') => {
    const found = new RegExp(textOf(pattern)).exec(textOf(text));
    if (found === null) throw new Error(`${textOf(text)} does not match ${textOf(pattern)}`);
    return found[0];
  },
  replace: (text: Value = '', part: Value = '', by: Value = '') => textOf(text).replaceAll(textOf(part), textOf(by)),
  slice: (list: Value = [], from: Value = 0, to: Value = 0) => items(list).slice(Number(from), Number(to)),
  sort: (list: Value = []) => items(list).map(textOf).sort(),
  split: (separator: Value = '', text: Value = '') => textOf(text).split(textOf(separator)),
  startswith: (text: Value = '', start: Value = '') => textOf(text).startsWith(textOf(start)),
  tonumber: (value: Value = 0) => Number(value),
  toset: (list: Value = []) => setOf(items(list)),
  tostring: (value: Value = '') => textOf(value),
  values: (map: Value = {}) => entriesOf(map).map(([, value]) => value),
  yamldecode: (text: Value = '') => decoded(textOf(text)),
}));

function items(value: Value): readonly Value[] {
  return entriesOf(value).map(([, each]) => each);
}

function json(text: string): Value {
  const value: Value = JSON.parse(text);
  return value;
}

function decoded(text: string): Value {
  const value: Value = parse(text);
  return value;
}
