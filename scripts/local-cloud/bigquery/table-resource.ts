import { z } from 'zod';
import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import type { Catalog, Dataset, Table } from './catalog.ts';
import { tablePartsSchema } from './job-settings.ts';
import { bytesSql, inPartition } from './partitions.ts';
import { schemaSchema } from './schema.ts';
import { numberOf } from './storage.ts';
import { buffer, stored } from './tables.ts';

/** Datasets and tables as the API shows and takes them. */

const labels = z.record(z.string(), z.string());
const ms = z.union([z.string().regex(/^\d+$/), z.number()]).nullish().transform((value) => (value === null || value === undefined ? null : Number(value)));

export const datasetRequest = z.object({
  datasetReference: z.object({ datasetId: z.string().regex(/^\w{1,1024}$/, 'a dataset ID has letters, digits and _ only') }), location: z.string().optional(), labels: labels.default({}), defaultTableExpirationMs: ms,
});
export const tableRequest = z.looseObject({
  tableReference: z.object({ tableId: z.string() }).optional(), schema: schemaSchema.optional(), ...tablePartsSchema, expirationTime: ms, description: z.string().nullish(), labels: labels.optional(),
  view: z.object({ query: z.string(), useLegacySql: z.boolean().default(true) }).optional(), requirePartitionFilter: z.boolean().optional(),
});
export const tablePatch = z.looseObject({ schema: schemaSchema.optional(), expirationTime: ms.optional(), description: z.string().nullish(), labels: labels.optional() });

export function datasetResource({ projectId }: Catalog, dataset: Dataset): unknown {
  return {
    kind: 'bigquery#dataset', id: `${projectId}:${dataset.datasetId}`, datasetReference: { projectId, datasetId: dataset.datasetId }, location: dataset.location, labels: dataset.labels,
    creationTime: String(dataset.createdMs), lastModifiedTime: String(dataset.createdMs), ...(dataset.defaultTableExpirationMs === null ? {} : { defaultTableExpirationMs: String(dataset.defaultTableExpirationMs) }),
  };
}

export function listedTable({ projectId }: Catalog, table: Table): Readonly<Record<string, unknown>> {
  const { datasetId, tableId, kind, partitioning, clustering, createdMs, expirationMs } = table;
  return {
    id: `${projectId}:${datasetId}.${tableId}`, tableReference: { projectId, datasetId, tableId }, type: kind, labels: table.labels, creationTime: String(createdMs),
    ...(expirationMs === null ? {} : { expirationTime: String(expirationMs) }), ...(clustering.length === 0 ? {} : { clustering: { fields: clustering } }),
    ...(partitioning ? { timePartitioning: { type: partitioning.type, field: partitioning.field, ...(partitioning.requireFilter ? { requirePartitionFilter: true } : {}) } } : {}),
  };
}

/** `partition`: counts are those of one partition. */
export async function tableResource(session: Session, catalog: Catalog, table: Table, partition: string | null): Promise<unknown> {
  const { kind, fields, description, modifiedMs, query } = table;
  const head = {
    kind: 'bigquery#table', etag: `"${modifiedMs}"`, ...listedTable(catalog, table), location: catalog.location, lastModifiedTime: String(modifiedMs), schema: { fields },
    ...(description === null ? {} : { description }), ...(table.partitioning?.requireFilter ? { requirePartitionFilter: true } : {}),
  };
  if (kind === 'VIEW') return { ...head, view: { query, useLegacySql: false } };
  const where = inPartition(table, partition);
  const rows = await numberOf(session, `SELECT count(*) FROM ${stored(table)} WHERE ${where}`);
  const bytes = await numberOf(session, `SELECT CAST(coalesce(sum(${bytesSql(fields)}), 0) AS BIGINT) FROM ${stored(table)} WHERE ${where}`);
  const waiting = table.bufferedSinceMs === null ? 0 : await numberOf(session, `SELECT count(*) FROM ${buffer(table)}`);
  return {
    ...head, numRows: String(rows), numBytes: String(bytes), numLongTermBytes: '0',
    ...(waiting > 0 ? { streamingBuffer: { estimatedRows: String(waiting), estimatedBytes: '1', oldestEntryTime: String(table.bufferedSinceMs) } } : {}),
  };
}
