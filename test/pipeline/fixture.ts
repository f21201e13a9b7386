import { loadPipeline, type LoadedPipeline } from '../../shared/pipeline/load.ts';
import { formatProblem } from '../../shared/pipeline/problems.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';

/** A small pipeline that is right; tests replace parts of it. Line numbers in tests count in this text. */
export const GOOD = `version: 1
name: small
time_zone: America/New_York
topics: {backfill_requests: backfill-requests, dead_letters: dead-letters, alerts: alerts}
subscriptions: {backfill_worker: worker-sub, phase_router: router-sub}
calendar:
  seasons:
    - {name: 2023-24, from: 2023-10-24, to: 2024-04-14}
  schedule:
    processor: Schedule
    key_column: game_id
    status_column: game_status
    final_when: [3]
phases:
  - {name: phase_2_raw, completion_topic: raw-complete, mode: enforce, altered_policy: report}
  - {name: phase_3_analytics, completion_topic: analytics-complete}
processors:
  Schedule:
    phase: phase_2_raw
    table: raw.schedule
    key: [game_id]
    columns: {game_date: DATE, game_id: STRING, game_status: INT64, processed_at: TIMESTAMP}
    volatile: [processed_at]
    target: {in_process: './land.ts#schedule'}
  Boxscore:
    phase: phase_2_raw
    table: raw.boxscore
    key: [game_id, team_id]
    columns: {game_date: DATE, game_id: STRING, team_id: INT64, points: INT64}
    upstream:
      - processor: Schedule
        window: own_date
    target: {in_process: './land.ts#boxscore'}
  Summary:
    phase: phase_3_analytics
    table: analytics.summary
    key: [game_id, team_id]
    columns: {game_date: DATE, game_id: STRING, team_id: INT64, points_last_10: INT64}
    upstream:
      - processor: Boxscore
        window: {game_dates: 43, critical: 10}
    target: {bigquery_sql: sql/summary.sql}
`;

export const GOOD_SQL = `-- grain: one row a team and game
SELECT game_date, game_id, team_id, points AS points_last_10
FROM boxscore
WHERE game_date = @game_date
`;

export function load(yaml: string | undefined, sql: string | undefined = GOOD_SQL): LoadedPipeline {
  return loadPipeline('p', { readText: (path) => (path === 'p/pipeline.yaml' ? yaml : path === 'p/sql/summary.sql' ? sql : undefined) });
}

/** The pipeline of a text that must be right. */
export function pipelineOf(yaml: string = GOOD, sql: string = GOOD_SQL): Pipeline {
  const loaded = load(yaml, sql);
  if (loaded.kind === 'ok') return loaded.pipeline;
  throw new Error(loaded.problems.map(formatProblem).join('\n'));
}

/** The problems of a text, formatted; none where it is right. */
export function problemsOf(yaml: string | undefined, sql?: string): readonly string[] {
  const loaded = load(yaml, sql);
  return loaded.kind === 'ok' ? [] : loaded.problems.map(formatProblem);
}

/** The good text with a part replaced; fails when the part is not there. */
export function changed(...replacements: readonly (readonly [string, string])[]): string {
  let text = GOOD;
  for (const [part, replacement] of replacements) {
    if (!text.includes(part)) throw new Error(`the fixture has no ${part}`);
    text = text.replace(part, () => replacement);
  }
  return text;
}
