import { setFlagsFromString } from 'node:v8';
import type * as sdk from '@polyglot-sql/sdk';
import type { Extension } from './googlesql-extension.ts';
import { isCreateTable, rewriteCreateTable } from './googlesql-tables.ts';
import { withoutPlaceholders } from './googlesql-placeholders.ts';
import { rewriteQuery } from './googlesql-rewrite.ts';

/**
 * GoogleSQL for DuckDB: the one place where a `.sql` file is translated. The transpiler renders the syntax; what it gets
 * wrong, and what means something else in DuckDB, is rewritten before it (googlesql-rewrite.ts) or refused
 * (UntranslatableSql). test/embedded/googlesql.test.ts runs each difference on DuckDB.
 *
 * What no rewriting can mend, since types are not known here: NUMERIC / NUMERIC and AVG(NUMERIC) are DOUBLE in DuckDB,
 * the product of two NUMERIC keeps 18 places, SUM(INT64) overflows only when it is stored, [OFFSET(n)] past the end is
 * NULL. Cast such a result to NUMERIC or INT64 where that matters.
 */

/** A declared input: its name in the query, and the DuckDB query that it stands for. */
export interface TranslationInput {
  readonly name: string;
  readonly select: string;
}

/** Translations by text: a backfill runs the same file for hundreds of dates, and one takes 20 ms. */
const translations = new Map<string, Promise<string>>();
const MOST_KEPT = 200;

/** DuckDB's text of one GoogleSQL statement; parameters become `$name`. Throws UntranslatableSql. */
export function translate(sql: string): Promise<string> {
  let translation = translations.get(sql);
  if (!translation) {
    if (translations.size >= MOST_KEPT) translations.clear();
    translation = translateNow(sql);
    translations.set(sql, translation);
  }
  return translation;
}

/** Like `translate`, with functions, casts and literals that the caller's DuckDB has macros for. Nothing is kept. */
export async function translateExtended(sql: string, extension: Extension): Promise<string> {
  return render(rewriteQuery(sql, extension), sql);
}

async function translateNow(sql: string): Promise<string> {
  if (!isCreateTable(sql)) return render(rewriteQuery(sql), sql);
  const { head, query } = rewriteCreateTable(sql);
  return render(query === null ? head : `${head} AS ${rewriteQuery(query)}`, sql);
}

export async function translateWithInputs(sql: string, inputs: readonly TranslationInput[]): Promise<string> {
  return withInputs(await translate(sql), inputs);
}

/** A translated query with its inputs before its own WITH clauses. */
function withInputs(translated: string, inputs: readonly TranslationInput[]): string {
  if (inputs.length === 0) return translated;
  const clauses = inputs.map(({ name, select }) => `"${name.replaceAll('"', '""')}" AS (${select})`).join(', ');
  const own = /^WITH( RECURSIVE)?\s+/i.exec(translated);
  return own ? `WITH${own[1] ?? ''} ${clauses}, ${translated.slice(own[0].length)}` : `WITH ${clauses} ${translated}`;
}

async function render(rewritten: string, original: string): Promise<string> {
  const { Dialect, transpile } = await transpiler();
  const result = transpile(rewritten, Dialect.BigQuery, Dialect.DuckDB);
  const [statement, ...more] = result.sql ?? [];
  if (!result.success || statement === undefined) {
    throw new Error(`this is no GoogleSQL: ${result.error ?? 'no statement'}; received: ${original.trim().slice(0, 120)}; allowed: one SELECT or CREATE TABLE; correct the text`);
  }
  if (more.length > 0) throw new Error(`received ${more.length + 1} statements; allowed: one; put steps into WITH clauses`);
  return withoutPlaceholders(statement);
}

type Transpiler = Pick<typeof sdk, 'Dialect' | 'transpile'>;
let loading: Promise<Transpiler> | null = null;

/**
 * Loaded when the first query is translated, since commands without SQL need not wait for its WebAssembly. It translates a
 * handful of queries a process: V8's baseline compiler is enough for that, while optimizing 23 MB of it in the background
 * was measured to take 600 MB and a core for several seconds.
 */
function transpiler(): Promise<Transpiler> {
  // Each by itself: V8 derives one flag from another (`--liftoff-only`) only when it starts.
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag);
  loading ??= import('@polyglot-sql/sdk');
  return loading;
}
