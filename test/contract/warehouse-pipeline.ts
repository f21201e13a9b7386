import { compilePipeline } from '../../shared/pipeline/compile.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { pipelineSchema } from '../../shared/pipeline/schema.ts';

/** The small pipeline of the warehouse's contract: a landing, a schedule, box scores, a summary in SQL. */

const SUMMARY_SQL = `
  SELECT @game_date AS game_date, player_id, COUNT(*) AS games, SUM(points) AS points, CAST(NULL AS STRING) AS note
  FROM boxscores GROUP BY player_id`;

interface Variant {
  /** Another query for the summary. */
  readonly sql?: string;
  /** Columns that the box scores have gained. */
  readonly gained?: Readonly<Record<string, string>>;
}

export function warehousePipeline({ sql = SUMMARY_SQL, gained = {} }: Variant = {}): Pipeline {
  const definition = pipelineSchema.parse({
    version: 1,
    name: 'contract',
    time_zone: 'America/New_York',
    topics: { backfill_requests: 'requests', dead_letters: 'dead-letters', alerts: 'alerts' },
    subscriptions: { backfill_worker: 'worker-sub', phase_router: 'router-sub' },
    calendar: {
      seasons: [{ name: '2023-24', from: '2023-10-24', to: '2024-06-17' }],
      schedule: { processor: 'Schedule', key_column: 'game_id', status_column: 'game_status', final_when: [3], narrow_by: 'season_type' },
    },
    phases: [
      { name: 'phase_1_scrapers', completion_topic: 'scraper-complete' },
      { name: 'phase_2_raw', completion_topic: 'raw-complete' },
      { name: 'phase_3_analytics', completion_topic: 'analytics-complete' },
    ],
    processors: {
      Landed: {
        phase: 'phase_1_scrapers', landing: 'boxscores', key: ['game_id', 'player_id'], target: { in_process: './land.ts#land' },
        columns: { game_date: 'DATE', game_id: 'STRING', player_id: 'INT64', points: 'INT64' },
      },
      Schedule: {
        phase: 'phase_2_raw', table: 'raw.schedule', key: ['game_id'], target: { in_process: './land.ts#schedule' },
        columns: { game_date: 'DATE', game_id: 'STRING', game_status: 'INT64', season_type: 'STRING' },
      },
      Boxscores: {
        phase: 'phase_2_raw', table: 'raw.boxscores', key: ['game_id', 'player_id'], target: { in_process: './land.ts#boxscores' },
        columns: {
          game_date: 'DATE', game_id: 'STRING', player_id: 'INT64', points: 'INT64', minutes: 'NUMERIC', rating: 'FLOAT64', starter: 'BOOL',
          tip_off: 'TIMESTAMP', remark: 'STRING', processed_at: 'TIMESTAMP', ...gained,
        },
        volatile: ['processed_at'],
        expectations: { required: ['points'] },
      },
      Summary: {
        phase: 'phase_3_analytics', table: 'analytics.summary', key: ['player_id'], target: { bigquery_sql: 'sql/summary.sql' },
        columns: { game_date: 'DATE', player_id: 'INT64', games: 'INT64', points: 'INT64', note: 'STRING' },
        upstream: [{ processor: 'Boxscores', window: { days: 10 }, columns: ['player_id', 'points'] }],
        expectations: { expected_keys: 'none', min_rows: 1 },
      },
    },
  });
  return compilePipeline(definition, { directory: '/pipelines/contract', sql: new Map([['Summary', sql]]) });
}
