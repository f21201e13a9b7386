import { z } from 'zod';
import { invalid, notModelled } from './api-error.ts';
import { tableRef, type Catalog, type Partitioning, type TableRef } from './catalog.ts';
import { granularity } from './create-table.ts';
import type { QueryOrder } from './query-order.ts';
import { schemaSchema, type Field } from './schema.ts';
import { parameterSchema } from './values.ts';
import { CREATE_DISPOSITIONS, WRITE_DISPOSITIONS, type WriteOptions } from './write.ts';

/** A job's configuration as it is sent. A setting that is not modelled is refused by its name. */

export type JobSettings =
  | { readonly kind: 'query'; readonly order: QueryOrder }
  | { readonly kind: 'load'; readonly ref: TableRef; readonly fields: readonly Field[] | null; readonly options: WriteOptions; readonly ignoreUnknown: boolean; readonly maxBadRecords: number; readonly uris: readonly string[] | null }
  | { readonly kind: 'copy'; readonly sources: readonly TableRef[]; readonly ref: TableRef; readonly options: WriteOptions };

const reference = z.object({ projectId: z.string().optional(), datasetId: z.string(), tableId: z.string() });
const bytes = z.union([z.string().regex(/^\d+$/), z.number().int().nonnegative()]).transform(Number);
const timePartitioning = z.object({ type: z.string().default('DAY'), field: z.string().optional(), requirePartitionFilter: z.boolean().nullish(), expirationMs: z.union([z.string(), z.number()]).nullish() });
const clustering = z.object({ fields: z.array(z.string()) });
const writing = {
  writeDisposition: z.enum(WRITE_DISPOSITIONS).optional(), createDisposition: z.enum(CREATE_DISPOSITIONS).default('CREATE_IF_NEEDED'), schemaUpdateOptions: z.array(z.string()).default([]),
  timePartitioning: timePartitioning.nullish(), clustering: clustering.nullish(),
};

/** Sent by clients, without meaning here. */
const ignored = z.unknown().optional();
export const querySettingsSchema = z.strictObject({
  query: z.string(), useLegacySql: z.boolean().default(true), parameterMode: z.string().optional(), queryParameters: z.array(parameterSchema).default([]),
  defaultDataset: z.object({ datasetId: z.string(), projectId: z.string().optional() }).nullish(), maximumBytesBilled: bytes.nullish(), destinationTable: reference.nullish(), ...writing,
  useQueryCache: ignored, priority: ignored, allowLargeResults: ignored, flattenResults: ignored, wrapIntegers: ignored, parseJSON: ignored,
});
const loadSettingsSchema = z.strictObject({
  destinationTable: reference, schema: schemaSchema.optional(), sourceFormat: z.string().default('CSV'), ignoreUnknownValues: z.boolean().default(false), maxBadRecords: z.number().int().nonnegative().default(0),
  sourceUris: z.array(z.string()).optional(), autodetect: z.literal(false, 'schema detection (autodetect)').optional(), encoding: z.literal('UTF-8').optional(), ...writing,
});
const copySettingsSchema = z.strictObject({
  sourceTable: reference.optional(), sourceTables: z.array(reference).optional(), destinationTable: reference, operationType: z.string().optional(), destinationExpirationTime: z.string().optional(),
  writeDisposition: writing.writeDisposition, createDisposition: writing.createDisposition,
});
const configurationSchema = z.looseObject({
  query: ignored, load: ignored, copy: ignored, labels: z.record(z.string().max(63), z.string().max(63)).default({}), dryRun: z.boolean().default(false), jobTimeoutMs: bytes.nullish(),
});
export const jobRequestSchema = z.object({
  jobReference: z.object({ projectId: z.string().optional(), jobId: z.string().regex(/^[A-Za-z0-9_-]{1,1024}$/).optional(), location: z.string().optional() }).default({}), configuration: configurationSchema,
});
export type Configuration = z.infer<typeof configurationSchema>;

/** Throws what Google says of a wrong value, 501 of a setting that is not modelled. */
export function read<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') throw notModelled(`${what}.${issue.keys.join(', ')}`);
  if (issue?.code === 'invalid_value' && issue.message.startsWith('schema detection')) throw notModelled(issue.message);
  throw invalid(`Invalid value at '${[what, ...(issue?.path ?? [])].join('.')}': ${issue?.message ?? 'unknown'}`);
}

export function jobSettings(catalog: Catalog, configuration: Configuration): JobSettings {
  const dryRun = configuration.dryRun;
  if (configuration.query !== undefined) return { kind: 'query', order: queryOrder(catalog, read(querySettingsSchema, configuration.query, 'configuration.query'), dryRun) };
  if (dryRun) throw invalid('Dry run is only supported for query jobs');
  if (configuration.load !== undefined) {
    const load = read(loadSettingsSchema, configuration.load, 'configuration.load');
    if (load.sourceFormat !== 'NEWLINE_DELIMITED_JSON') throw notModelled(`the source format ${load.sourceFormat}`);
    return {
      kind: 'load', ref: referenceOf(catalog, load.destinationTable), fields: load.schema ? load.schema.fields : null, options: writeOptions(load, 'WRITE_APPEND'),
      ignoreUnknown: load.ignoreUnknownValues, maxBadRecords: load.maxBadRecords, uris: load.sourceUris ?? null,
    };
  }
  if (configuration.copy !== undefined) {
    const copy = read(copySettingsSchema, configuration.copy, 'configuration.copy');
    if (copy.operationType !== undefined && !['COPY', 'CLONE'].includes(copy.operationType)) throw notModelled(`the copy operation ${copy.operationType}`);
    const sources = [...(copy.sourceTable ? [copy.sourceTable] : []), ...(copy.sourceTables ?? [])].map((source) => referenceOf(catalog, source));
    const options = writeOptions({ ...copy, schemaUpdateOptions: [], timePartitioning: null, clustering: null }, 'WRITE_EMPTY');
    const expirationMs = copy.destinationExpirationTime === undefined ? null : Date.parse(copy.destinationExpirationTime);
    if (Number.isNaN(expirationMs)) throw invalid(`Invalid value for destinationExpirationTime: ${copy.destinationExpirationTime ?? ''}`);
    return { kind: 'copy', sources, ref: referenceOf(catalog, copy.destinationTable), options: { ...options, expirationMs } };
  }
  const other = Object.keys(configuration).find((name) => ['extract'].includes(name));
  throw other === undefined ? invalid('Job configuration must contain exactly one job-specific configuration object (e.g., query, load, extract, spark), but there were 0: ') : notModelled(`an ${other} job`);
}

function queryOrder(catalog: Catalog, query: z.infer<typeof querySettingsSchema>, dryRun: boolean): QueryOrder {
  if (query.useLegacySql) throw notModelled('legacy SQL (useLegacySql is true unless it is sent as false)');
  return {
    sql: query.query, parameters: query.queryParameters, defaultDataset: query.defaultDataset?.datasetId ?? null, dryRun,
    // 0 is what the API takes for no limit.
    maximumBytesBilled: query.maximumBytesBilled || null,
    destination: query.destinationTable ? { ref: referenceOf(catalog, query.destinationTable), options: writeOptions(query, 'WRITE_EMPTY') } : null,
  };
}

function referenceOf(catalog: Catalog, { projectId, datasetId, tableId }: z.infer<typeof reference>): TableRef {
  if (projectId !== undefined && projectId !== catalog.projectId) throw notModelled(`a table of another project (${projectId})`);
  return tableRef(datasetId, tableId);
}

const writingSchema = z.object(writing);
type Writing = z.infer<typeof writingSchema>;

function writeOptions(settings: Writing, usual: WriteOptions['writeDisposition']): WriteOptions {
  const unknown = settings.schemaUpdateOptions.find((option) => option !== 'ALLOW_FIELD_ADDITION');
  if (unknown !== undefined) throw notModelled(`the schema update option ${unknown}`);
  return {
    writeDisposition: settings.writeDisposition ?? usual, createDisposition: settings.createDisposition, partitioning: partitioningOf(settings.timePartitioning),
    clustering: settings.clustering?.fields ?? [], expirationMs: null, mayAddFields: settings.schemaUpdateOptions.includes('ALLOW_FIELD_ADDITION'),
  };
}

export const tablePartsSchema = { timePartitioning: timePartitioning.nullish(), clustering: clustering.nullish() };

export function partitioningOf(given: z.infer<typeof timePartitioning> | null | undefined): Partitioning | null {
  if (!given) return null;
  if (given.field === undefined) throw notModelled('a table partitioned by ingestion time');
  if (given.expirationMs !== undefined && given.expirationMs !== null && Number(given.expirationMs) > 0) throw notModelled('the expiration of partitions');
  return { type: granularity(given.type), field: given.field, requireFilter: given.requirePartitionFilter ?? false };
}
