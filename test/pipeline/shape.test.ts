import assert from 'node:assert/strict';
import { changed, problemsOf } from './fixture.ts';

/** What is wrong, the change of the good definition that makes it so, and every message it must bring, with its place. */

describe('pipeline/shape', () => {
  const MISTAKES: readonly (readonly [string, readonly (readonly [string, string])[], readonly string[]])[] = [
    ['a version that is not known', [['version: 1', 'version: 2']], [
      'pipeline.yaml:1:10: version cannot be 2; write what is allowed; received: 2 (number); allowed: 1',
    ]],
    ['an unknown key at the top', [['name: small', 'name: small\nsetings: {}']], [
      `pipeline.yaml:3:1: unknown key setings; did you mean settings? received: 'setings'; allowed: version, name, time_zone, topics, subscriptions, calendar, phases, message_map, tables, settings, processors`,
    ]],
    ['an unknown key of a processor', [['    phase: phase_3_analytics', '    phase: phase_3_analytics\n    upstreams: []']], [
      `pipeline.yaml:36:5: unknown key upstreams; did you mean upstream? received: 'upstreams'; allowed: phase, aliases, table, table_filter, landing, key, date_column, columns, upstream, reads_own_history, expected, every_day, only, expectations, volatile, order, target, timeout_seconds, slots, source_check, retention_days, code_version, backfillable, critical, stale_policy, altered_policy, code_change_policy`,
    ]],
    ['an unknown key of a window', [['{game_dates: 43, critical: 10}', '{gamedates: 43, critical: 10}']], [
      `pipeline.yaml:41:18: unknown key gamedates; did you mean game_dates? received: 'gamedates'; allowed: days, game_dates, season_to_date, include_own_date, critical`,
    ]],
    ['an unknown target', [['{bigquery_sql: sql/summary.sql}', '{bigqery_sql: sql/summary.sql}']], [
      'pipeline.yaml:42:14: unknown key bigqery_sql of target; did you mean bigquery_sql? received: a mapping with bigqery_sql; allowed: a mapping with one of bigquery_sql, in_process, command, http, cloud_run_job, pubsub, or a mapping with embedded, google',
    ]],
    ['an unknown target of one runtime', [['{bigquery_sql: sql/summary.sql}', '{embedded: {in_process: x}, google: {bigquery: 1}}']], [
      `pipeline.yaml:42:37: in_process cannot be 'x'; write a module and a function, as './processors/land.ts#landSchedule'; received: 'x' (text); allowed: a text that matches ^[^#]+#[A-Za-z_]\\w*$`,
      'pipeline.yaml:42:50: unknown key bigquery of google; write what is allowed; received: a mapping with bigquery; allowed: a mapping with one of bigquery_sql, in_process, command, http, cloud_run_job, pubsub',
    ]],
    ['two targets in one', [['{bigquery_sql: sql/summary.sql}', '{bigquery_sql: sql/summary.sql, http: "https://x"}']], [
      'pipeline.yaml:42:45: http cannot stand beside the others; keep one form; received: a mapping with bigquery_sql, http; allowed: a mapping with one of bigquery_sql, in_process, command, http, cloud_run_job, pubsub, or a mapping with embedded, google',
    ]],
    ['a mode that is not known', [['mode: enforce', 'mode: enforced']], [
      `pipeline.yaml:15:63: mode cannot be 'enforced'; did you mean enforce? received: 'enforced' (text); allowed: observe, assist, enforce`,
    ]],
    ['a type that is not known', [['points: INT64', 'points: INTEGER']], [
      `pipeline.yaml:29:73: points cannot be 'INTEGER'; write what is allowed; received: 'INTEGER' (text); allowed: STRING, INT64, FLOAT64, NUMERIC, BOOL, DATE, TIMESTAMP`,
    ]],
    ['a window that is a word', [['window: own_date', 'window: owndate']], [
      `pipeline.yaml:32:17: window cannot be 'owndate'; did you mean own_date? received: 'owndate' (text); allowed: own_date, or season_to_date, or a mapping with days, game_dates, season_to_date, include_own_date, critical`,
    ]],
    ['a window that is a number', [['window: own_date', 'window: 7']], [
      'pipeline.yaml:32:17: window cannot be 7; write what is allowed; received: 7 (number); allowed: own_date, or season_to_date, or a mapping with days, game_dates, season_to_date, include_own_date, critical',
    ]],
    ['a window of no days', [['{game_dates: 43, critical: 10}', '{days: 0}']], [
      'pipeline.yaml:41:24: days cannot be 0; write what is allowed; received: 0 (number); allowed: a whole number over 0',
    ]],
    ['a number that is a text', [['{game_dates: 43, critical: 10}', '{days: "43"}']], [
      `pipeline.yaml:41:24: days cannot be '43'; write what is allowed; received: '43' (text); allowed: a whole number over 0`,
    ]],
    ['a missing field', [['    phase: phase_3_analytics\n', '']], [
      'pipeline.yaml:34:3: phase is missing; add phase; received: nothing; allowed: a text that matches ^[A-Za-z][A-Za-z0-9_]{0,62}$',
    ]],
    ['a missing target', [['    target: {bigquery_sql: sql/summary.sql}\n', '']], [
      'pipeline.yaml:34:3: target is missing; add target; received: nothing; allowed: a mapping with one of bigquery_sql, in_process, command, http, cloud_run_job, pubsub, or a mapping with embedded, google',
    ]],
    ['an empty key', [['key: [game_id]', 'key: []']], [
      'pipeline.yaml:21:5: key cannot be an empty list; write what is allowed; received: an empty list (list); allowed: a list of at least 1',
    ]],
    ['a table without a dataset', [['table: raw.boxscore', 'table: boxscore']], [
      `pipeline.yaml:27:12: table cannot be 'boxscore'; write a table as dataset.table, letters, digits and _ only; received: 'boxscore' (text); allowed: a text that matches ^[A-Za-z_][A-Za-z0-9_]{0,62}\\.[A-Za-z_][A-Za-z0-9_]{0,62}$`,
    ]],
    ['a table name that could be SQL', [['table: raw.boxscore', 'table: "raw.boxscore; DROP TABLE x"']], [
      `pipeline.yaml:27:12: table cannot be 'raw.boxscore; DROP TABLE x'; write a table as dataset.table, letters, digits and _ only; received: 'raw.boxscore; DROP TABLE x' (text); allowed: a text that matches ^[A-Za-z_][A-Za-z0-9_]{0,62}\\.[A-Za-z_][A-Za-z0-9_]{0,62}$`,
    ]],
    ['a processor name with a dash', [['  Summary:', '  Sum-mary:']], [
      `pipeline.yaml:34:3: this name cannot be one; a name starts with a letter and holds letters, digits and _; received: 'Sum-mary'; allowed: letters, digits and _, up to 63`,
    ]],
    ['a date that does not exist', [['from: 2023-10-24', 'from: 2023-02-30']], [
      `pipeline.yaml:8:29: from cannot be '2023-02-30'; write a date of the calendar as YYYY-MM-DD; received: '2023-02-30' (text); allowed: a date of the calendar as YYYY-MM-DD`,
    ]],
    ['a share over 1', [['name: small', 'name: small\nsettings: {window_completeness: 90}']], [
      'pipeline.yaml:3:33: window_completeness cannot be 90; write what is allowed; received: 90 (number); allowed: a number from 0 to 1',
    ]],
    ['an ack deadline that Pub/Sub refuses', [['phase_router: router-sub', 'phase_router: router-sub, ack_deadline_seconds: 601']], [
      'pipeline.yaml:5:94: ack_deadline_seconds cannot be 601; write what is allowed; received: 601 (number); allowed: a whole number from 10 to 600',
    ]],
    ['a list where a mapping belongs', [['topics: {backfill_requests: backfill-requests, dead_letters: dead-letters, alerts: alerts}', 'topics: [a, b]']], [
      'pipeline.yaml:4:1: topics cannot be a list of 2; write what is allowed; received: a list of 2 (list); allowed: a mapping with backfill_requests, dead_letters, alerts, gap_detection, stage_coordination',
    ]],
    ['processors as a list', [['processors:\n  Schedule:', 'processors:\n - Schedule:']], [
      'pipeline.yaml:25:1: this is no YAML: Sequence item without - indicator; correct the text here or just above; received: MISSING_CHAR; allowed: one YAML document',
    ]],
  ];
  for (const [what, changes, messages] of MISTAKES) {
    it(`refuses ${what}`, () => { assert.deepEqual(problemsOf(changed(...changes)), messages.map((message) => `p/${message}`)); });
  }
});
