import { formatDay, type Day } from '../calendar/day.ts';
import type { BigQueryJobs, QueryResult } from './bigquery-jobs.ts';
import { arrayParameter, parameter } from './bigquery-parameters.ts';
import { dayOfPartition, partitionId } from './bigquery-values.ts';

/** What a dataset's metadata says of its tables: columns, and the partitions in a range. One query a dataset. */

export interface PartitionMark {
  readonly rows: number;
  /** `rows:microseconds of the last change`. */
  readonly mark: string;
}

export interface TableMetadata {
  readonly columns: ReadonlySet<string>;
  readonly partitionedBy: string | null;
  /** Every partition seen is a day. */
  readonly daily: boolean;
  readonly partitions: ReadonlyMap<Day, PartitionMark>;
  /** Rows in the streaming buffer, which no partition counts yet (P19). */
  readonly buffered: number;
}

/** `view`: a metadata view as SQL names it. */
export function metadataSql(view: (name: 'COLUMNS' | 'PARTITIONS') => string): string {
  return `SELECT 'column' AS kind, table_name, column_name AS name, IF(is_partitioning_column = 'YES', 1, 0) AS number, CAST(NULL AS INT64) AS changed
FROM ${view('COLUMNS')}
WHERE table_name IN UNNEST(@tables)
UNION ALL
SELECT 'partition' AS kind, table_name, partition_id AS name, total_rows AS number, UNIX_MICROS(last_modified_time) AS changed
FROM ${view('PARTITIONS')}
WHERE table_name IN UNNEST(@tables)
  AND (partition_id IS NULL OR LENGTH(partition_id) < 8 OR partition_id IN ('__NULL__', '__UNPARTITIONED__') OR partition_id BETWEEN @from_partition AND @to_partition)`;
}

/** By table name; a table that is not there is absent. */
export async function readMetadata(jobs: BigQueryJobs, dataset: string, tables: readonly string[], from: Day, to: Day): Promise<ReadonlyMap<string, TableMetadata>> {
  const result = await jobs.query({
    purpose: 'metadata',
    sql: metadataSql((name) => `\`${jobs.api.project}.${dataset}.INFORMATION_SCHEMA.${name}\``),
    parameters: [
      arrayParameter('tables', 'STRING', tables),
      parameter('from_partition', 'STRING', partitionId(formatDay(from))), parameter('to_partition', 'STRING', partitionId(formatDay(to))),
    ],
  });
  return metadataOf(result);
}

interface Building {
  readonly columns: Set<string>;
  partitionedBy: string | null;
  daily: boolean;
  readonly partitions: Map<Day, PartitionMark>;
  buffered: number;
}

function metadataOf({ rows }: QueryResult): ReadonlyMap<string, TableMetadata> {
  const tables = new Map<string, Building>();
  for (const [kind, table, name, number, changed] of rows) {
    if (table === null || table === undefined) continue;
    let found = tables.get(table);
    if (!found) tables.set(table, found = { columns: new Set(), partitionedBy: null, daily: true, partitions: new Map(), buffered: 0 });
    if (kind === 'column') addColumn(found, name ?? '', number === '1');
    else addPartition(found, name ?? null, Number(number ?? 0), changed ?? '');
  }
  return tables;
}

function addColumn(table: Building, name: string, isPartitioning: boolean): void {
  table.columns.add(name);
  if (isPartitioning) table.partitionedBy = name;
}

function addPartition(table: Building, id: string | null, rows: number, changed: string): void {
  if (id === '__UNPARTITIONED__') table.buffered += rows;
  if (id === '__UNPARTITIONED__' || id === '__NULL__') return;
  const day = id === null ? undefined : dayOfPartition(id);
  if (day === undefined) table.daily = false;
  else table.partitions.set(day, { rows, mark: `${rows}:${changed}` });
}
