import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BigQuery } from '@google-cloud/bigquery';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import { MemoryCoverageMemo } from '../../shared/google/coverage-memo.ts';
import { FolderObjects } from '../../shared/google/objects-folder.ts';
import { MemoryPromotionMarkers } from '../../shared/google/promotion-markers.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { bigQueryClient } from '../../scripts/local-cloud/bigquery/client.ts';
import { warehouseContract } from '../contract/warehouse.ts';
import type { WarehouseUnderTest } from '../contract/warehouse-under-test.ts';
import { prefixed, realProject } from './real-project.ts';

const DATASETS = ['raw', 'analytics', 'staging'] as const;
const real = realProject();
const { project, location, bigqueryEndpoint } = real;
const google = bigqueryEndpoint === null ? new BigQuery({ projectId: project, location }) : bigQueryClient({ endpoint: bigqueryEndpoint, projectId: project, location });
let opened = 0;

/** What outlives an instance. */
interface Parts {
  readonly prefix: string;
  readonly memo: MemoryCoverageMemo;
  readonly markers: MemoryPromotionMarkers;
  readonly folder: string;
}

async function open(pipeline: Pipeline, given?: Parts): Promise<WarehouseUnderTest> {
  opened += given ? 0 : 1;
  const parts = given ?? { prefix: `${real.prefix}${opened}_`, memo: new MemoryCoverageMemo(), markers: new MemoryPromotionMarkers(), folder: mkdtempSync(join(tmpdir(), 'smart-backfill-real-')) };
  const client = prefixed(google, real, parts.prefix, DATASETS);
  const warehouse = new BigQueryWarehouse({
    pipeline, client: async () => client, project, location, stagingDataset: 'staging', maximumBytesBilled: 10 ** 9,
    memo: parts.memo, markers: parts.markers, objects: new FolderObjects(parts.folder), now: Date.now, newId: randomUUID,
  });
  await warehouse.ensureTables();
  return {
    warehouse,
    outside: (processor, day, rows) => changeOutside(parts, processor, day, rows),
    reopen: async (other) => {
      await warehouse.close();
      return open(other, parts);
    },
    dispose: async () => {
      await warehouse.close();
      rmSync(parts.folder, { recursive: true, force: true });
      await Promise.all(DATASETS.map((dataset) => google.dataset(`${parts.prefix}${dataset}`).delete({ force: true }).catch(() => undefined)));
    },
  };
}

/** Rows of a date as another program leaves them. */
async function changeOutside({ prefix, folder }: Parts, { output, dateColumn, columns }: Processor, day: Day, rows: readonly Row[] | null): Promise<void> {
  const date = formatDay(day);
  if (output.kind === 'landing') {
    const objects = new FolderObjects(folder);
    const name = `${output.folder}/game_date=${date}/${output.folder}.jsonl`;
    if (rows === null) await objects.remove(name);
    else await objects.write(name, new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join('')), (await objects.read(name))?.version ?? null);
    return;
  }
  const table = `\`${project}.${prefix}${output.ref}\``;
  await google.query({ query: `DELETE FROM ${table} WHERE ${dateColumn} = DATE '${date}'`, location });
  if (rows === null || rows.length === 0) return;
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const literal = (name: string, value: Row[string]): string => (typeof value === 'string' ? `CAST(${JSON.stringify(value)} AS ${types.get(name)})` : String(value));
  const values = rows.map((row) => `(${columns.map(({ name }) => literal(name, row[name] ?? null)).join(', ')})`);
  await google.query({ query: `INSERT INTO ${table} (${columns.map(({ name }) => name).join(', ')}) VALUES ${values.join(', ')}`, location });
}

warehouseContract(`BigQuery in ${project}`, (pipeline) => open(pipeline), { sql: true, durable: true });
