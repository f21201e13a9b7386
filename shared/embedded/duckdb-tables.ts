import { InputError } from '../failures/errors.ts';
import type { Column, Processor } from '../pipeline/pipeline.ts';
import type { Session } from './duckdb-connections.ts';
import { quoted, SQL_TYPES } from './duckdb-values.ts';

/** The tables of a definition: BigQuery's datasets as schemas, columns as declared, and the markers beside them. */

export const MARKERS = '"smart_backfill"."promotions"';

const CREATE_MARKERS = `CREATE TABLE IF NOT EXISTS ${MARKERS} (
  processor VARCHAR, game_date DATE, generation BIGINT NOT NULL, token BIGINT NOT NULL, run_id VARCHAR NOT NULL,
  fingerprint VARCHAR NOT NULL, trace VARCHAR NOT NULL, content VARCHAR, coverage VARCHAR, PRIMARY KEY (processor, game_date))`;

/** A processor's table as SQL names it; landed files have none. */
export function tableOf({ name, output }: Processor): string {
  if (output.kind !== 'table') throw new InputError(`${name} lands files in ${output.ref}; SQL can read tables only`);
  return `${quoted(output.dataset)}.${quoted(output.table)}`;
}

/** ` AND …`: of a table that several fill, the rows of this one; '' where the table is its own. */
export function andOwnRows({ tableFilter }: Processor): string {
  if (tableFilter === null) return '';
  const { column, equals } = tableFilter;
  return ` AND ${quoted(column)} = ${typeof equals === 'string' ? `'${equals.replaceAll("'", "''")}'` : String(equals)}`;
}

/** Creates what is missing. A column that the definition has gained is added, empty; anything else that differs is refused. Two may share a table. */
export async function ensureTables(session: Session, processors: readonly Processor[]): Promise<void> {
  const found = await existingColumns(session);
  await session.run(`CREATE SCHEMA IF NOT EXISTS "smart_backfill"; ${CREATE_MARKERS}`);
  for (const processor of processors) {
    if (processor.output.kind !== 'table') continue;
    const columns = found.get(processor.output.ref);
    if (columns) await compare(session, processor, columns);
    else await create(session, processor, processor.output.dataset);
  }
}

async function create(session: Session, processor: Processor, dataset: string): Promise<void> {
  if (processor.columns.length === 0) throw new InputError(`${processor.name} writes ${processor.output.ref} but declares no columns; list them under 'columns'`);
  const columns = processor.columns.map((column) => `${quoted(column.name)} ${SQL_TYPES[column.type]}`).join(', ');
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(dataset)}; CREATE TABLE IF NOT EXISTS ${tableOf(processor)} (${columns})`);
}

async function compare(session: Session, processor: Processor, found: ReadonlyMap<string, string>): Promise<void> {
  const declared = new Map(processor.columns.map((column) => [column.name, SQL_TYPES[column.type]]));
  const wrong = [
    ...[...found.keys()].filter((name) => !declared.has(name)).map((name) => `it has '${name}', which is not declared`),
    ...[...declared].flatMap(([name, type]) => {
      const there = found.get(name);
      return there === undefined || there === type ? [] : [`its '${name}' is ${there}, declared is ${type}`];
    }),
  ];
  if (wrong.length > 0) {
    throw new InputError(`table ${processor.output.ref} is not as ${processor.name} declares it: ${wrong.join('; ')}. Change the definition, or move the table away`);
  }
  for (const column of processor.columns.filter(({ name }) => !found.has(name))) await addColumn(session, processor, column);
}

async function addColumn(session: Session, processor: Processor, column: Column): Promise<void> {
  await session.run(`ALTER TABLE ${tableOf(processor)} ADD COLUMN IF NOT EXISTS ${quoted(column.name)} ${SQL_TYPES[column.type]}`);
}

/** Columns and their types by `dataset.table`. */
async function existingColumns(session: Session): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const result = await session.run('SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal AND database_name = current_database()');
  const tables = new Map<string, Map<string, string>>();
  for (const [schema, table, column, type] of await result.getRows()) {
    const ref = `${String(schema)}.${String(table)}`;
    const columns = tables.get(ref) ?? new Map<string, string>();
    tables.set(ref, columns.set(String(column), String(type)));
  }
  return tables;
}
