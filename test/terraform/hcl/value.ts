export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** Something whose attributes are found one by one, as `local` and `var`. */
export class Lazy {
  readonly attribute: (name: string) => Value | Lazy;

  constructor(attribute: (name: string) => Value | Lazy) {
    this.attribute = attribute;
  }
}

export function isMap(value: Value | Lazy): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Lazy);
}

/** Keys and values of a collection, a map's in the order of its keys, as Terraform has them. */
export function entriesOf(value: Value): readonly (readonly [string | number, Value])[] {
  if (Array.isArray(value)) return value.map((each: Value, index): readonly [number, Value] => [index, each]);
  if (isMap(value)) return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  throw new Error(`expected a collection, got ${JSON.stringify(value)}`);
}

/** The text of a simple value, as Terraform converts it. */
export function textOf(value: Value): string {
  if (value === null || typeof value === 'object') throw new Error(`${JSON.stringify(value)} is no text`);
  return String(value);
}

/** A set: each value once, in order. */
export function setOf(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}
