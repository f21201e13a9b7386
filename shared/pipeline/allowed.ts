import type { z } from 'zod';
import { enumerated } from './problems.ts';

/** What a definition may hold at a path, in words, read from its JSON Schema. */

type Schema = z.core.JSONSchema.JSONSchema;

/** Every schema that may stand at a path: more than one below a choice. Empty where the path leads out of the schema. */
export function schemasAt(root: Schema, path: readonly PropertyKey[]): readonly Schema[] {
  let found = alternatives(root);
  for (const step of path) found = found.flatMap((schema) => below(schema, step)).flatMap(alternatives);
  return found;
}

/** Keys that a mapping at a path may have; empty where any key will do. */
export function keysAllowed(root: Schema, path: readonly PropertyKey[]): readonly string[] {
  return [...new Set(schemasAt(root, path).flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

/** Words that may stand at a path, where a text is one of a few. */
export function wordsAllowed(root: Schema, path: readonly PropertyKey[]): readonly string[] {
  return schemasAt(root, path).flatMap(choices).filter((choice) => typeof choice === 'string');
}

export function allowedAt(root: Schema, path: readonly PropertyKey[]): string {
  const schemas = schemasAt(root, path);
  const oneKey = schemas.flatMap((schema) => singleKey(schema));
  const others = schemas.filter((schema) => singleKey(schema).length === 0).map(inWords);
  const parts = [...new Set([...(oneKey.length > 0 ? [`a mapping with one of ${oneKey.join(', ')}`] : []), ...others])];
  return parts.length === 0 ? 'nothing' : parts.join(', or ');
}

function alternatives(schema: Schema): readonly Schema[] {
  const inner = schema.anyOf ?? [];
  if (inner.length === 0) return [schema];
  return inner.flatMap((alternative) => (typeof alternative === 'object' ? alternatives(alternative) : []));
}

function below(schema: Schema, step: PropertyKey): readonly Schema[] {
  const next = typeof step === 'number' ? schema.items : schema.properties?.[String(step)] ?? schema.additionalProperties;
  return typeof next === 'object' && !Array.isArray(next) ? [next] : [];
}

function singleKey({ properties, required }: Schema): readonly string[] {
  const keys = Object.keys(properties ?? {});
  return keys.length === 1 && required?.length === 1 ? keys : [];
}

function choices(schema: Schema): readonly unknown[] {
  return schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
}

function inWords(schema: Schema): string {
  const words = choices(schema);
  if (words.length > 0) return words.map(String).join(', ');
  switch (schema.type) {
    case 'object': {
      const keys = Object.keys(schema.properties ?? {});
      return keys.length > 0 ? `a mapping with ${enumerated(keys)}` : 'a mapping';
    }
    case 'array': return (schema.minItems ?? 0) > 0 ? `a list of at least ${schema.minItems}` : 'a list';
    case 'string': return schema.pattern === undefined ? 'a text' : `a text that matches ${schema.pattern}`;
    case 'boolean': return 'true or false';
    case 'integer': return `a whole number${bounds(schema)}`;
    case 'number': return `a number${bounds(schema)}`;
    default: return 'anything';
  }
}

function bounds({ minimum, maximum, exclusiveMinimum }: Schema): string {
  const low = typeof exclusiveMinimum === 'number' ? ` over ${exclusiveMinimum}` : minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? '' : ` from ${minimum}`;
  const high = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : `${low === '' ? ' up' : ''} to ${maximum}`;
  return low + high;
}
