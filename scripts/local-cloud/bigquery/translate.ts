import { UntranslatableSql } from '../../../shared/embedded/googlesql-error.ts';
import { rewriteQuery } from '../../../shared/embedded/googlesql-rewrite.ts';
import { translateExtended } from '../../../shared/embedded/googlesql.ts';
import { sqlTokens } from '../../../shared/pipeline/sql-tokens.ts';
import { invalidQuery, notModelled } from './api-error.ts';
import { EXTENSION, NOW_PARAMETER, TODAY_PARAMETER } from './functions.ts';
import { tableMentions, type Mention } from './references.ts';
import { literalOf, text, type Parameter } from './values.ts';

/** GoogleSQL as DuckDB's text, ready to run: paths replaced, parameters filled in. */

const kept = new Map<string, Promise<string>>();
const MOST_KEPT = 500;

/** Throws `notImplemented` for what has no tested translation, `invalidQuery` for what is no GoogleSQL. */
export async function translated(googleSql: string): Promise<string> {
  let translation = kept.get(googleSql);
  if (!translation) {
    if (kept.size >= MOST_KEPT) kept.clear();
    translation = translateExtended(positionalNamed(googleSql), EXTENSION);
    kept.set(googleSql, translation);
  }
  try {
    return await translation;
  } catch (thrown) {
    if (thrown instanceof UntranslatableSql) throw notModelled(thrown.message);
    throw invalidQuery(`Syntax error: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

/** Throws `notImplemented` for what has no translation, before anything is run; what is wrong in other ways shows later. */
export function refuseUntranslatable(googleSql: string): void {
  try {
    rewriteQuery(positionalNamed(withPaths(googleSql, tableMentions(googleSql), ({ parts }) => [parts.at(-2) ?? 'dataset', parts.at(-1) ?? ''])), EXTENSION);
  } catch (thrown) {
    if (thrown instanceof UntranslatableSql) throw notModelled(thrown.message);
  }
}

/** Each path in other words: `replacement` gives DuckDB's schema and table. */
export function withPaths(googleSql: string, mentions: readonly Mention[], replacement: (mention: Mention) => readonly [string, string]): string {
  let rewritten = googleSql;
  for (const mention of [...mentions].sort((a, b) => b.start - a.start)) {
    const [schema, table] = replacement(mention);
    rewritten = `${rewritten.slice(0, mention.start)}\`${schema}\`.\`${table}\`${rewritten.slice(mention.end)}`;
  }
  return rewritten;
}

const POSITION = 'sb_position_';

function positionalNamed(googleSql: string): string {
  const places = sqlTokens(googleSql).filter((token) => token.kind === 'symbol' && token.text === '?');
  let rewritten = googleSql;
  places.toReversed().forEach((token, index) => {
    rewritten = `${rewritten.slice(0, token.offset)}@${POSITION}${places.length - 1 - index}${rewritten.slice(token.offset + 1)}`;
  });
  return rewritten;
}

/** Strings and quoted names are skipped over. */
const SKIPPED_OR_PARAMETER = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)/g;

export function withParameters(duckDbSql: string, parameters: readonly Parameter[], nowMs: number): string {
  const literals = new Map(parameters.map((parameter, index) => [(parameter.name ?? `${POSITION}${index}`).toLowerCase(), parameter]));
  const now = new Date(nowMs).toISOString();
  return duckDbSql.replaceAll(SKIPPED_OR_PARAMETER, (all: string, name?: string) => {
    if (name === undefined) return all;
    if (name === NOW_PARAMETER) return `CAST(${text(now)} AS TIMESTAMPTZ)`;
    if (name === TODAY_PARAMETER) return `CAST(${text(now.slice(0, 10))} AS DATE)`;
    const parameter = literals.get(name.toLowerCase());
    if (!parameter) throw invalidQuery(name.startsWith(POSITION) ? 'Query parameter number is too high: no value was given for a ?' : `Query parameter '${name}' not found`);
    return literalOf(parameter);
  });
}
