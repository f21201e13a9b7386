import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startLocalCloud, type EmulatorPlaces, type LocalCloud } from '../../scripts/local-cloud/local-cloud.ts';
import type { ServedFunction } from '../../scripts/local-cloud/served-function.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import type { PushedFunction } from '../../shared/pipeline/topology.ts';
import type { CellRecord } from '../../shared/requests/cell.ts';
import { LogLines } from './log-lines.ts';
import { TeamService } from './team-service.ts';
import { until } from './until.ts';

/** A pipeline of two processors, one run by a service and one by BigQuery, in which every date is independent: each test takes dates of its own. */
const DEFINITION = `version: 1
name: small
time_zone: America/New_York
topics: { backfill_requests: small-requests, dead_letters: small-dead-letters, alerts: small-alerts, gap_detection: small-detection }
subscriptions: { backfill_worker: small-worker-sub, phase_router: small-router-sub, gap_detector: small-detector-sub }
calendar: { seasons: [{ name: '2024', from: 2024-01-01, to: 2024-12-31 }] }
phases:
  - { name: phase_2_raw, completion_topic: small-raw-complete, mode: enforce, altered_policy: report }
  - { name: phase_3_analytics, completion_topic: small-analytics-complete, mode: enforce }
processors:
  Scores:
    phase: phase_2_raw
    table: small_raw.scores
    key: [team]
    columns: { game_date: DATE, team: STRING, points: INT64 }
    expectations: { min_rows: 2, required: [points] }
    target: { http: { service: team-service, path: /run } }
  Totals:
    phase: phase_3_analytics
    table: small_analytics.totals
    key: [team]
    columns: { game_date: DATE, team: STRING, points: INT64, total: INT64 }
    upstream: [{ processor: Scores, window: own_date }]
    expectations: { min_rows: 2 }
    target: { bigquery_sql: sql/totals.sql }
`;
const TOTALS = `SELECT game_date, team, points, SUM(points) OVER () AS total FROM scores
`;
const BACKFILLS = `version: 1
backfills:
  season:
    stages:
      - name: raw
        phases: [phase_2_raw]
        concurrency: 3
        retries: 1
        retry_delay_seconds: 1
        error_policy: continue
        gate: { coverage_percent: 100 }
      - name: analytics
        phases: [phase_3_analytics]
        order: by_date
        needs_approval: true
        gate: { coverage_percent: 100 }
  by_cascade:
    stages:
      - name: dates
        phases: [phase_2_raw, phase_3_analytics]
        order: by_date
        cascade: true
        gate: { coverage_percent: 100 }
`;
/** The clock at the start. Gaps are filled by themselves from this day on, so that a detection leaves the tests' dates alone. */
export const NOW = '2024-06-15T16:00:00Z';

export interface SmallCloud extends LocalCloud {
  readonly lines: LogLines;
  readonly team: TeamService;
  function(name: PushedFunction): ServedFunction;
  /** A push as Pub/Sub sends it, to the function itself. */
  push(name: PushedFunction, body: unknown, options?: PushOptions): Promise<Response>;
  /** The record of a cell, as Firestore has it. */
  record(processor: string, date: string): Promise<CellRecord>;
  /** Waits until a cell's request is over, and hands its record back. */
  ended(processor: string, date: string, withinMs?: number): Promise<CellRecord>;
  dispose(): Promise<void>;
}

export interface PushOptions {
  readonly id?: string;
  readonly subscription?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

const subscriptionOf: Readonly<Record<PushedFunction, string>> = { 'backfill-worker': 'small-worker-sub', 'phase-router': 'small-router-sub-phase_2_raw', 'gap-detector': 'small-detector-sub', 'stage-coordinator': 'stage-coordinator-sub' };
let clouds = 0;

/** A local cloud of the small pipeline, in a project of its own; on emulators of its own where none are given. */
export async function startSmallCloud(places: EmulatorPlaces | null): Promise<SmallCloud> {
  clouds += 1;
  const folder = mkdtempSync(join(tmpdir(), 'sbf-small-cloud-'));
  const definition = join(folder, 'definition');
  mkdirSync(join(definition, 'sql'), { recursive: true });
  writeFileSync(join(definition, 'pipeline.yaml'), DEFINITION);
  writeFileSync(join(definition, 'sql', 'totals.sql'), TOTALS);
  writeFileSync(join(definition, 'backfills.yaml'), BACKFILLS);
  const lines = new LogLines();
  const team = await TeamService.listen();
  const project = `demo-small-${process.pid}-${clouds}`;
  const cloud = await startLocalCloud({
    root: resolve(import.meta.dirname, '../..'), pipelineDirectory: definition, folder, project, now: NOW, detectFrom: NOW.slice(0, 10), env: process.env, onLine: lines.hear,
    functionEnv: { LOG_LEVEL: 'DEBUG' }, services: { 'team-service': team.url }, ...(places ? { places } : {}),
  });
  team.bigquery = cloud.bigquery;
  const served = (name: PushedFunction): ServedFunction => {
    const found = cloud.functions.get(name);
    if (!found) throw new Error(`${name} is not served`);
    return found;
  };
  const record = (processor: string, date: string): Promise<CellRecord> => cloud.runtime.store.cell({ processor, day: dayOf(date) });
  return {
    ...cloud, lines, team, record, function: served,
    push: (name, body, options = {}) => post(served(name).url, pushOf(body, { subscription: `projects/${project}/subscriptions/${subscriptionOf[name]}`, ...options })),
    ended: (processor, date, withinMs) => until(`${processor} ${date} to end`, async () => {
      const found = await record(processor, date);
      return found.request === null && (found.last !== null || found.failure !== null) && found;
    }, withinMs, () => lines.all.slice(-30).map((line) => JSON.stringify(line).slice(0, 400)).join('\n')),
    dispose: async () => {
      await cloud.stop();
      await team.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let messages = 0;

/** https://cloud.google.com/pubsub/docs/push#receive_push */
export function pushOf(body: unknown, { id, subscription = 'projects/p/subscriptions/small-worker-sub', attributes }: PushOptions = {}): object {
  messages += 1;
  const messageId = id ?? `m-${process.pid}-${messages}`;
  const data = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)).toString('base64');
  return { message: { data, messageId, message_id: messageId, publishTime: NOW, publish_time: NOW, ...(attributes ? { attributes } : {}) }, subscription };
}

export function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
}

/** The smallest message that a person may publish, for one date. */
export function request(processor: string, date: string, more: object = {}): object {
  return { processor_name: processor, start_date: date, end_date: date, ...more };
}

/** The emulators that `scripts/test-integration.ts` has started. */
export function sharedPlaces(): EmulatorPlaces {
  return { PUBSUB_EMULATOR_HOST: process.env['PUBSUB_EMULATOR_HOST'] ?? '', FIRESTORE_EMULATOR_HOST: process.env['FIRESTORE_EMULATOR_HOST'] ?? '' };
}
