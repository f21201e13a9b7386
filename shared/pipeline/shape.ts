import type { z } from 'zod';
import { allowedAt, keysAllowed, wordsAllowed } from './allowed.ts';
import { pipelineJsonSchema } from './json-schema.ts';
import { nearestName, suggestion } from './nearest.ts';
import { shown, type Mistake } from './problems.ts';

/** What zod found wrong with the shape of a definition, as mistakes that a person can act on. */

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.JSONSchema;

export function shapeMistakes(issues: readonly Issue[], data: unknown, schema: JsonSchema = pipelineJsonSchema()): readonly Mistake[] {
  return issues.flatMap((issue) => mistakesOf(issue, [], data, schema));
}

function mistakesOf(issue: Issue, prefix: readonly PropertyKey[], data: unknown, schema: JsonSchema): readonly Mistake[] {
  const path = [...prefix, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys': return issue.keys.map((key) => unknownKey([...path, key], key, data, schema));
    case 'invalid_union': {
      const meant = likeliest(flattened(issue), valueAt(data, path));
      if (meant) return meant.flatMap((inner) => mistakesOf(inner, path, data, schema));
      return [wrongChoice(path, data, schema)];
    }
    case 'invalid_key': return [{
      path, at: 'key', what: 'this name cannot be one', received: shown(lastOf(path)), allowed: 'letters, digits and _, up to 63',
      hint: issue.issues[0]?.message ?? 'rename it',
    }];
    default: return [wrongValue(issue, path, data, schema)];
  }
}

function unknownKey(path: readonly PropertyKey[], key: string, data: unknown, schema: JsonSchema): Mistake {
  const around = path.slice(0, -1);
  const keys = keysAllowed(schema, around);
  // A key of another form of the same mapping, as two targets in one.
  if (keys.includes(key)) return { path, at: 'key', what: `${key} cannot stand beside the others`, received: shown(valueAt(data, around)), allowed: allowedAt(schema, around), hint: 'keep one form' };
  return { path, at: 'key', what: `unknown key ${key}`, received: shown(key), allowed: keys.join(', '), hint: suggestion(key, keys, 'remove it') };
}

function wrongValue(issue: Issue, path: readonly PropertyKey[], data: unknown, schema: JsonSchema): Mistake {
  const value = valueAt(data, path);
  const allowed = allowedAt(schema, path);
  if (value === undefined) return { path, what: `${String(lastOf(path))} is missing`, received: 'nothing', allowed, hint: `add ${String(lastOf(path))}` };
  const nearest = typeof value === 'string' ? nearestName(value, wordsAllowed(schema, path)) : undefined;
  const own = OWN_WORDS.has(issue.code) && !/^(?:Invalid|Too)/.test(issue.message) ? issue.message : undefined;
  const hint = nearest === undefined ? own ?? 'write what is allowed' : `did you mean ${nearest}?`;
  const inWords = own !== undefined && issue.code === 'custom' ? own.replace(/^write /, '') : allowed;
  return { path, what: `${fieldName(path)} cannot be ${shown(value)}`, received: `${shown(value)} (${typeName(value)})`, allowed: inWords, hint };
}

/** Issues whose message comes from the schema, in our words. */
const OWN_WORDS: ReadonlySet<string> = new Set(['invalid_format', 'custom']);

/** A value that fits none of several forms, and of which it can't be said which was meant. */
function wrongChoice(path: readonly PropertyKey[], data: unknown, schema: JsonSchema): Mistake {
  const value = valueAt(data, path);
  const allowed = allowedAt(schema, path);
  if (value === undefined) return { path, what: `${fieldName(path)} is missing`, received: 'nothing', allowed, hint: `add ${fieldName(path)}` };
  const key = isMapping(value) ? Object.keys(value)[0] : undefined;
  if (key !== undefined) {
    const keys = keysAllowed(schema, path);
    return { path: [...path, key], at: 'key', what: `unknown key ${key} of ${fieldName(path)}`, received: shown(value), allowed, hint: suggestion(key, keys, 'write what is allowed') };
  }
  const nearest = typeof value === 'string' ? nearestName(value, wordsAllowed(schema, path)) : undefined;
  const hint = nearest === undefined ? 'write what is allowed' : `did you mean ${nearest}?`;
  return { path, what: `${fieldName(path)} cannot be ${shown(value)}`, received: `${shown(value)} (${typeName(value)})`, allowed, hint };
}

type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** The issues of each form, choices within a choice laid side by side. */
function flattened(issue: UnionIssue): readonly (readonly Issue[])[] {
  return issue.errors.flatMap((form) => {
    const inner = form.length === 1 ? form[0] : undefined;
    return inner?.code === 'invalid_union' && inner.path.length === 0 ? flattened(inner) : [form];
  });
}

/** The issues of the form that was meant: the one that knows most of the mapping's keys. */
function likeliest(forms: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  const keys = isMapping(value) ? Object.keys(value).length : 0;
  let best: readonly Issue[] | undefined;
  let most = 0;
  for (const form of forms) {
    if (form.some((issue) => issue.path.length === 0 && issue.code !== 'unrecognized_keys')) continue;
    const unknown = form.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys.length : 0), 0);
    if (keys - unknown > most) [best, most] = [form, keys - unknown];
  }
  return best;
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step];
    else if (isMapping(value) && Object.hasOwn(value, step)) value = value[String(step)];
    else return undefined;
  }
  return value;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lastOf(path: readonly PropertyKey[]): PropertyKey {
  return path.at(-1) ?? 'the definition';
}

/** The last name on a path: `key`, or `key[0]` for an entry of a list. */
function fieldName(path: readonly PropertyKey[]): string {
  const last = lastOf(path);
  return typeof last === 'number' ? `${String(path.at(-2) ?? '')}[${last}]` : String(last);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'mapping' : typeof value === 'string' ? 'text' : typeof value;
}
