import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BigQueryClient } from '../../shared/google/bigquery-api.ts';
import { BigQueryWarehouse, type BigQueryWarehouseOptions } from '../../shared/google/bigquery-warehouse.ts';
import { MemoryCoverageMemo } from './memory-coverage-memo.ts';
import { FolderObjects } from '../../shared/google/objects-folder.ts';
import { MemoryPromotionMarkers } from './memory-promotion-markers.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { bigQueryClient } from '../../scripts/local-cloud/bigquery/client.ts';
import { startBigQuery, type BigQueryOptions, type FakeBigQuery } from '../../scripts/local-cloud/bigquery/server.ts';
import type { WarehouseUnderTest } from '../contract/warehouse-under-test.ts';
import { changeOutside } from './change-outside.ts';

/** What outlives an instance: the service, the state, the files. */
export interface GoogleParts {
  readonly server: FakeBigQuery;
  readonly client: BigQueryClient;
  readonly memo: MemoryCoverageMemo;
  readonly markers: MemoryPromotionMarkers;
  readonly folder: string;
}

/** A client that notes what it is asked to send. */
export function noting(client: BigQueryClient, sent: unknown[]): BigQueryClient {
  return {
    apiEndpoint: client.apiEndpoint,
    request: (options, callback) => {
      sent.push(options.json ?? options.body);
      client.request(options, callback);
    },
  };
}

export async function startParts(options: BigQueryOptions = {}): Promise<GoogleParts> {
  const server = await startBigQuery(options);
  return {
    server, client: bigQueryClient(server), memo: new MemoryCoverageMemo(), markers: new MemoryPromotionMarkers(),
    folder: mkdtempSync(join(tmpdir(), 'smart-backfill-bigquery-')),
  };
}

export async function stopParts({ server, folder }: GoogleParts): Promise<void> {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}

export function warehouseOn({ server, client, memo, markers, folder }: GoogleParts, pipeline: Pipeline, change: Partial<BigQueryWarehouseOptions> = {}): BigQueryWarehouse {
  return new BigQueryWarehouse({
    pipeline, client: async () => client, project: server.projectId, location: server.location, stagingDataset: 'staging', maximumBytesBilled: 10 ** 9,
    memo, markers, objects: new FolderObjects(folder), now: Date.now, newId: randomUUID, ...change,
  });
}

export async function openBigQuery(pipeline: Pipeline, given?: GoogleParts): Promise<WarehouseUnderTest & { readonly warehouse: BigQueryWarehouse; readonly parts: GoogleParts }> {
  const parts = given ?? await startParts();
  const warehouse = warehouseOn(parts, pipeline);
  await warehouse.ensureTables();
  return {
    warehouse,
    parts,
    outside: (processor, day, rows) => changeOutside({ folder: parts.folder, table: (ref) => ref, run: (statement) => parts.server.outside(statement) }, processor, day, rows),
    reopen: async (other) => {
      await warehouse.close();
      return openBigQuery(other, parts);
    },
    dispose: async () => {
      await warehouse.close();
      await stopParts(parts);
    },
  };
}
