import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BigQuery } from '@google-cloud/bigquery';
import { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import { MemoryCoverageMemo } from '../google-warehouse/memory-coverage-memo.ts';
import { FolderObjects } from '../../shared/google/objects-folder.ts';
import { MemoryPromotionMarkers } from '../google-warehouse/memory-promotion-markers.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { bigQueryClient } from '../../scripts/local-cloud/bigquery/client.ts';
import { warehouseContract } from '../contract/warehouse.ts';
import type { WarehouseUnderTest } from '../contract/warehouse-under-test.ts';
import { changeOutside } from '../google-warehouse/change-outside.ts';
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
    outside: (processor, day, rows) => changeOutside({
      folder: parts.folder, table: (ref) => `\`${project}.${parts.prefix}${ref}\``, run: (query) => google.query({ query, location }),
    }, processor, day, rows),
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

warehouseContract(`BigQuery in ${project}`, (pipeline) => open(pipeline), { sql: true, durable: true });
