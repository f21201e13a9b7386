import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { ApiError, invalidQuery } from './api-error.ts';
import type { Catalog, Table } from './catalog.ts';
import { writeInformationSchema } from './information-schema.ts';
import { resolvePath, tableMentions, type Mention } from './references.ts';
import { fieldOf, type Field } from './schema.ts';
import { translated, withParameters, withPaths } from './translate.ts';
import type { Parameter } from './values.ts';

/** A statement's text bound to the tables that are there now. */

export interface QuerySettings {
  readonly parameters: readonly Parameter[];
  readonly defaultDataset: string | null;
}

export interface BoundQuery {
  readonly duckDbSql: string;
  /** Tables read, views not resolved. */
  readonly tables: readonly Table[];
  readonly readsInformationSchema: boolean;
}

/** Throws `notFound` for a table that is not there. `written`: the table whose stored rows the statement changes. */
export async function bind(session: Session, catalog: Catalog, given: string, settings: QuerySettings, written: Table | null = null): Promise<BoundQuery> {
  const { googleSql, times } = withoutTimes(given);
  const mentions = tableMentions(googleSql);
  const places = new Map<Mention, readonly [string, string]>();
  const tables = new Map<string, Table>();
  let readsInformationSchema = false;
  for (const mention of mentions) {
    const resolved = resolvePath(mention.parts, catalog.projectId, settings.defaultDataset);
    if (resolved.kind === 'information_schema') {
      places.set(mention, await writeInformationSchema(session, catalog, resolved.datasetId, resolved.view));
      readsInformationSchema = true;
      continue;
    }
    const table = catalog.table(resolved);
    tables.set(catalog.name(table), table);
    const time = times.get(mention.end);
    if (time !== undefined) {
      places.set(mention, catalog.pastRows(table, Number(await valueOf(session, catalog, `UNIX_MICROS(${time})`, settings)) / 1000));
      continue;
    }
    const isWritten = written !== null && mention === mentions[0] && written.bufferedSinceMs !== null;
    places.set(mention, [table.datasetId, isWritten ? `${table.tableId}$stored` : table.tableId]);
  }
  const own = withPaths(googleSql, mentions, (mention) => places.get(mention) ?? ['', '']);
  return { duckDbSql: withParameters(await translated(own), settings.parameters, catalog.now()), tables: [...tables.values()], readsInformationSchema };
}

/** `FOR SYSTEM_TIME AS OF` with one call or literal; the clause gives way to blanks, so that places in the text stay. */
const SYSTEM_TIME = /\s+FOR\s+SYSTEM_TIME\s+AS\s+OF\s+(\w+\s*(?:\([^()]*\)|'[^']*'))/gi;

/** Times by the place where their table's name ends. */
function withoutTimes(given: string): { readonly googleSql: string; readonly times: ReadonlyMap<number, string> } {
  const times = new Map<number, string>();
  const googleSql = given.replaceAll(SYSTEM_TIME, (clause: string, time: string, at: number) => {
    times.set(at, time);
    return ' '.repeat(clause.length);
  });
  return { googleSql, times };
}

/** One expression's value as DuckDB gives it: an option of DDL. */
export async function valueOf(session: Session, catalog: Catalog, expression: string, settings: QuerySettings): Promise<unknown> {
  const { duckDbSql } = await bind(session, catalog, `SELECT ${expression} AS v`, settings);
  const [[value] = []] = await running(session, duckDbSql);
  return value;
}

export async function running(session: Session, duckDbSql: string): Promise<readonly (readonly unknown[])[]> {
  try {
    return await (await session.run(duckDbSql)).getRows();
  } catch (thrown) {
    throw queryError(thrown);
  }
}

/** What DuckDB says, in Google's words where they are known. */
export function queryError(thrown: unknown): Error {
  if (thrown instanceof ApiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/INTERRUPT/i.test(message)) return new ApiError('stopped');
  const column = /Referenced column "([^"]+)" (?:was )?not found/.exec(message)?.[1];
  if (column !== undefined) return invalidQuery(`Unrecognized name: ${column} at [1:1]`);
  const field = /does not have a column named "([^"]+)"/.exec(message)?.[1];
  if (field !== undefined) return invalidQuery(`Name ${field} not found inside the table at [1:1]`);
  return invalidQuery((message.split('\n')[0] ?? message).replace(/^(?:Invalid Input|Conversion|Binder|Parser|Out of Range) Error: /, ''));
}

/** The columns that a query would give, without running it. */
export async function described(session: Session, duckDbSql: string): Promise<readonly Field[]> {
  try {
    const result = await session.run(`SELECT * FROM (${duckDbSql}\n) LIMIT 0`);
    const types = result.columnTypes();
    return result.columnNames().flatMap((name, index) => {
      const type = types[index];
      return type ? [fieldOf(/^(?:\d.*|_t\d+|.*\(.*\)|.*[^\p{L}\p{N}_ -].*)$/u.test(name) ? `f${index}_` : name, type)] : [];
    });
  } catch (thrown) {
    throw queryError(thrown);
  }
}
