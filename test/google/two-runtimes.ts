import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Firestore } from '@google-cloud/firestore';
import { bigQueryClient } from '../../scripts/local-cloud/bigquery/client.ts';
import { startBigQuery } from '../../scripts/local-cloud/bigquery/server.ts';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { translateWithInputs } from '../../shared/embedded/googlesql.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import { FirestoreCoverageMemo } from '../../shared/google/coverage-memo-firestore.ts';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import { FolderObjects } from '../../shared/google/objects-folder.ts';
import { FirestorePromotionMarkers } from '../../shared/google/promotion-markers-firestore.ts';
import { compilePipeline } from '../../shared/pipeline/compile.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import { pipelineSchema } from '../../shared/pipeline/schema.ts';
import type { ProcessorRunner } from '../../shared/ports/processor-runner.ts';
import type { RequestStore } from '../../shared/ports/request-store.ts';
import type { Row, Warehouse } from '../../shared/ports/warehouse.ts';
import type { ManualClock } from '../manual-clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';

/** The parts of both runtimes under the same engine, with the same clock, in this process. */

const SQL = new Map([
  ['Form', `SELECT @game_date AS game_date, n, SUM(value) AS total, COUNT(*) AS games FROM raw GROUP BY n`],
  ['Sums', `SELECT @game_date AS game_date, f.n AS n, SUM(f.total) AS season, COUNT(*) AS days FROM form AS f GROUP BY f.n`],
]);

export function twoRuntimesPipeline(): Pipeline {
  const definition = pipelineSchema.parse({
    version: 1, name: 'same', time_zone: 'America/New_York',
    topics: { backfill_requests: 'same-requests', dead_letters: 'same-dead', alerts: 'same-alerts' },
    subscriptions: { backfill_worker: 'same-worker', phase_router: 'same-router' },
    calendar: { seasons: [{ name: '2024', from: '2024-01-01', to: '2024-01-06' }] },
    phases: [
      { name: 'raw', completion_topic: 'same-raw-complete', mode: 'enforce', altered_policy: 'report' },
      { name: 'analytics', completion_topic: 'same-analytics-complete', mode: 'enforce', altered_policy: 'reprocess' },
    ],
    settings: { detect_from: '2024-01-01' },
    processors: {
      Raw: { phase: 'raw', table: 'same_raw.raw', key: ['n'], columns: { game_date: 'DATE', n: 'INT64', value: 'INT64' }, expectations: { min_rows: 3 }, target: { in_process: './run.ts#run' } },
      Form: {
        phase: 'analytics', table: 'same_analytics.form', key: ['n'], columns: { game_date: 'DATE', n: 'INT64', total: 'INT64', games: 'INT64' }, expectations: { min_rows: 3 },
        upstream: [{ processor: 'Raw', window: { days: 2, include_own_date: true } }], target: { bigquery_sql: 'form.sql' },
      },
      Sums: {
        phase: 'analytics', table: 'same_analytics.sums', key: ['n'], columns: { game_date: 'DATE', n: 'INT64', season: 'INT64', days: 'INT64' }, expectations: { min_rows: 3 },
        upstream: [{ processor: 'Form', window: 'season_to_date' }], target: { bigquery_sql: 'sums.sql' },
      },
    },
  });
  return compilePipeline(definition, { directory: '.', sql: SQL });
}

export interface Side {
  readonly engine: Engine;
  readonly warehouse: Warehouse;
  /** Changes a date as another program would. */
  outside(processor: Processor, day: Day, rows: readonly Row[]): Promise<void>;
  close(): Promise<void>;
}

/** The league's site: the same rows for a date, whoever asks. */
const site: ProcessorRunner = {
  run: async ({ day }) => ({ kind: 'rows', rows: [1, 2, 3].map((n) => ({ game_date: formatDay(day), n, value: (day * 7 + n * 3) % 11 })) }),
  cancel: async () => null,
  sourceHas: async () => 'unknown',
};

function engineOn(pipeline: Pipeline, clock: ManualClock, store: RequestStore, warehouse: Warehouse, shared: boolean): Engine {
  // One lane: what is decided then has one order.
  return new Engine({ pipeline, clock, store, warehouse, runner: site, notifier: { notify: async () => undefined }, ids: new RandomIds(), owner: 'test', lanes: 1, shared });
}

function statements(processor: Processor, day: Day, rows: readonly Row[]): readonly string[] {
  if (processor.output.kind !== 'table') throw new RangeError(`${processor.name} has no table`);
  const { ref } = processor.output;
  const columns = processor.columns.map(({ name }) => name);
  const values = rows.map((row) => `(${columns.map((name) => (name === processor.dateColumn ? `DATE '${formatDay(day)}'` : String(row[name] ?? 'NULL'))).join(', ')})`);
  return [`DELETE FROM ${ref} WHERE ${processor.dateColumn} = DATE '${formatDay(day)}'`, ...(values.length === 0 ? [] : [`INSERT INTO ${ref} (${columns.join(', ')}) VALUES ${values.join(', ')}`])];
}

export async function embeddedSide(pipeline: Pipeline, clock: ManualClock): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), 'sbf-same-'));
  const database = SqliteDatabase.open(join(folder, 'state.sqlite'));
  const store = new SqliteRequestStore(database, { rankOf: (name) => pipeline.byName.get(name)?.rank ?? 0 });
  const warehouse = await DuckDbWarehouse.open({ pipeline, stateDirectory: folder, translate: translateWithInputs });
  return {
    engine: engineOn(pipeline, clock, store, warehouse, false), warehouse,
    outside: async (processor, day, rows) => { for (const sql of statements(processor, day, rows)) await warehouse.outside(sql); },
    close: async () => {
      await warehouse.close();
      await store.close();
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function googleSide(pipeline: Pipeline, clock: ManualClock, firestore: Firestore, root: string): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), 'sbf-same-'));
  // Two writes never fall in one millisecond, which is how closely a partition's last change is told.
  let calls = 0;
  const server = await startBigQuery({ projectId: 'demo-same', now: () => clock.now() + (calls += 1) });
  const store = new FirestoreRequestStore(firestore, { rankOf: (name) => pipeline.byName.get(name)?.rank ?? 0, root });
  const collection = (name: string) => async () => firestore.doc(root).collection(name);
  const warehouse = new BigQueryWarehouse({
    pipeline, client: async () => bigQueryClient(server), project: server.projectId, location: server.location, stagingDataset: 'same_staging', maximumBytesBilled: 10 ** 9,
    memo: new FirestoreCoverageMemo(collection('coverage_memo')), markers: new FirestorePromotionMarkers(collection('promotions')), objects: new FolderObjects(folder), now: () => clock.now(), newId: randomUUID,
  });
  await warehouse.ensureTables();
  return {
    engine: engineOn(pipeline, clock, store, warehouse, true), warehouse,
    outside: async (processor, day, rows) => { for (const sql of statements(processor, day, rows)) await server.outside(sql); },
    close: async () => {
      await warehouse.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
