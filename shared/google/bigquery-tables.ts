import { z } from 'zod';
import { InputError, NeverRetryError } from '../failures/errors.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import type { ColumnType } from '../pipeline/schema.ts';
import { anyAnswer, httpStatusOf, type BigQueryApi, type TableReference } from './bigquery-api.ts';

/** Tables as the API describes them. */

/** What the API calls a column's type, first as it answers. */
const TYPE_NAMES: Readonly<Record<ColumnType, readonly string[]>> = {
  STRING: ['STRING'], INT64: ['INTEGER', 'INT64'], FLOAT64: ['FLOAT', 'FLOAT64'], NUMERIC: ['NUMERIC'], BOOL: ['BOOLEAN', 'BOOL'], DATE: ['DATE'], TIMESTAMP: ['TIMESTAMP'],
};

const fieldSchema = z.looseObject({ name: z.string(), type: z.string(), mode: z.string().optional() });
export type TableField = z.infer<typeof fieldSchema>;

const tableSchema = z.object({
  schema: z.object({ fields: z.array(fieldSchema).default([]) }).default({ fields: [] }),
  timePartitioning: z.object({ type: z.string(), field: z.string().optional() }).optional(),
  clustering: z.object({ fields: z.array(z.string()) }).optional(),
});

/** How a table's rows lie, as the API describes it. */
export interface TableLayout {
  readonly timePartitioning: { readonly type: 'DAY'; readonly field: string };
  readonly clustering?: { readonly fields: readonly string[] };
}

export interface DescribedTable {
  readonly fields: readonly TableField[];
  /** Of a table partitioned by day on the processor's date column, whose date can be replaced by a copy job; null of any other. */
  readonly daily: TableLayout | null;
}

export interface DatasetTable {
  readonly dataset: string;
  readonly table: string;
}

/** A processor's table; landed files have none. */
export function tableOf({ name, output }: Processor): DatasetTable {
  if (output.kind !== 'table') throw new InputError(`${name} lands files in ${output.ref}; SQL can read tables only`);
  return output;
}

/** The table as it is. Throws NeverRetryError that names the table and each column that is not as declared. */
export async function describeTable(api: BigQueryApi, processor: Processor): Promise<DescribedTable> {
  const { dataset, table } = tableOf(processor);
  const { schema, timePartitioning, clustering } = await api.call(tableSchema, { method: 'GET', path: `/datasets/${dataset}/tables/${table}` });
  refuseOtherTable(processor, new Map(schema.fields.map(({ name, type }) => [name, type])));
  const isDaily = timePartitioning?.type === 'DAY' && timePartitioning.field === processor.dateColumn;
  // Without what else is said of the partitions: their expiration would take an old date from its stage at once.
  return { fields: schema.fields, daily: isDaily ? { timePartitioning: { type: 'DAY', field: processor.dateColumn }, ...(clustering ? { clustering } : {}) } : null };
}

/** A table's columns as they are. */
export async function fieldsOfTable(api: BigQueryApi, { dataset, table }: DatasetTable): Promise<readonly TableField[]> {
  return (await api.call(tableSchema, { method: 'GET', path: `/datasets/${dataset}/tables/${table}` })).schema.fields;
}

/** `found`: types by name; a type that is null was not looked at. */
export function refuseOtherTable(processor: Processor, found: ReadonlyMap<string, string | null>): void {
  const wrong = processor.columns.flatMap(({ name, type }) => {
    const there = found.get(name);
    if (there === undefined) return [`it lacks '${name}'`];
    return there === null || TYPE_NAMES[type].includes(there) ? [] : [`its '${name}' is ${there}, declared is ${type}`];
  });
  if (wrong.length === 0) return;
  throw new NeverRetryError(`table ${processor.output.ref} is not as ${processor.name} declares it: ${wrong.join('; ')}. It has ${[...found.keys()].join(', ')}. Give the column its name back, or change the definition`);
}

export async function createTable(api: BigQueryApi, { dataset, table }: DatasetTable, fields: readonly TableField[], more: object): Promise<TableReference> {
  const tableReference = api.table(dataset, table);
  await api.call(anyAnswer, { method: 'POST', path: `/datasets/${dataset}/tables`, body: { tableReference, schema: { fields }, ...more } });
  return tableReference;
}

/** It is fine if it cannot be dropped: a staging table expires. */
export async function dropTable(api: BigQueryApi, { dataset, table }: DatasetTable): Promise<void> {
  await api.call(anyAnswer, { method: 'DELETE', path: `/datasets/${dataset}/tables/${table}` }).catch(() => undefined);
}

export function fieldsOf({ columns }: Processor): readonly TableField[] {
  return columns.map(({ name, type }) => ({ name, type: TYPE_NAMES[type][0] ?? type, mode: 'NULLABLE' }));
}

/** At most four columns, and none of FLOAT64: BigQuery's rule for clustering. */
export function clusteringOf({ key, columns, dateColumn }: Processor): readonly string[] {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  return key.filter((name) => name !== dateColumn && types.get(name) !== 'FLOAT64').slice(0, 4);
}

/** Creates what is missing, for tests and the local cloud; in production Terraform does. A column that was gained is added. */
export async function ensureTables(api: BigQueryApi, pipeline: Pipeline, stagingDataset: string): Promise<void> {
  const processors = pipeline.processors.filter(({ output }) => output.kind === 'table');
  const datasets = new Set([...processors.map((processor) => tableOf(processor).dataset), stagingDataset]);
  await Promise.all([...datasets].map((dataset) => ensureDataset(api, dataset)));
  await Promise.all(processors.map((processor) => ensureTable(api, processor)));
}

export async function ensureDataset(api: BigQueryApi, dataset: string): Promise<void> {
  await unlessThere(() => api.call(anyAnswer, { method: 'POST', path: '/datasets', body: { datasetReference: { projectId: api.project, datasetId: dataset }, location: api.location } }));
}

async function ensureTable(api: BigQueryApi, processor: Processor): Promise<void> {
  const { dataset, table } = tableOf(processor);
  const clustering = clusteringOf(processor);
  const made = await unlessThere(() => createTable(api, { dataset, table }, fieldsOf(processor), {
    timePartitioning: { type: 'DAY', field: processor.dateColumn }, ...(clustering.length > 0 ? { clustering: { fields: clustering } } : {}),
  }));
  if (made) return;
  await addFields(api, { dataset, table }, fieldsOf(processor));
}

/** Gives a table those of these columns that it lacks. Returns the columns that it has then. */
export async function addFields(api: BigQueryApi, where: DatasetTable, wanted: readonly TableField[]): Promise<readonly TableField[]> {
  const there = await fieldsOfTable(api, where);
  const gained = wanted.filter(({ name }) => there.every((field) => field.name !== name));
  if (gained.length === 0) return there;
  const fields = [...there, ...gained];
  await api.call(anyAnswer, { method: 'PATCH', path: `/datasets/${where.dataset}/tables/${where.table}`, body: { schema: { fields } } });
  return fields;
}

/** False where it was there. */
export async function unlessThere(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create();
    return true;
  } catch (thrown) {
    if (httpStatusOf(thrown) === 409) return false;
    throw thrown;
  }
}
