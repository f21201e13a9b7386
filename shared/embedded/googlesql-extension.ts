import type { Rewrite } from './googlesql-functions.ts';

/**
 * What a caller can translate beyond the embedded runtime's own SQL, into macros of its own DuckDB. The embedded runtime
 * itself uses none: a pipeline's SQL stays within the functions that are tested to mean the same.
 */
export interface Extension {
  readonly functions: ReadonlyMap<string, Rewrite>;
  /** The cast as an expression, or null where it is none of the extension's. */
  readonly cast: (cast: 'CAST' | 'SAFE_CAST', value: string, type: string) => string | null;
  /** By type: a literal's expression, given its quoted text. */
  readonly literals: ReadonlyMap<string, (text: string) => string>;
}

export const NO_EXTENSION: Extension = { functions: new Map(), cast: () => null, literals: new Map() };
