import assert from 'node:assert/strict';
import { changed, problemsOf } from './fixture.ts';

/** What is wrong, the change of the good definition that makes it so, and every message it must bring, with its place. */

describe('pipeline/validate', () => {
  const MISTAKES: readonly (readonly [string, readonly (readonly [string, string])[], readonly string[]])[] = [
    ['an unknown time zone', [['America/New_York', 'America/NewYork']], [
      `pipeline.yaml:3:12: unknown time zone America/NewYork; write for example America/New_York or UTC; received: 'America/NewYork'; allowed: a name of the IANA time zone database`,
    ]],
    ['one topic for two phases', [['analytics-complete', 'raw-complete']], [
      `pipeline.yaml:16:49: topic raw-complete is used twice; name another topic; received: 'raw-complete', already the completion topic of phase_2_raw; allowed: a topic of its own`,
    ]],
    ['a cascade to a completion topic', [['mode: enforce', 'cascade_target: {topic: analytics-complete}']], [
      `pipeline.yaml:15:81: a cascade cannot be published to analytics-complete; name a topic of its own; received: 'analytics-complete', which is the completion topic of phase_3_analytics; allowed: requests, or a topic that only triggers the next phase`,
    ]],
    ['one subscription for two', [['router-sub', 'worker-sub']], [
      `pipeline.yaml:5:60: subscription worker-sub is used twice; name another subscription; received: 'worker-sub'; allowed: a subscription of its own`,
    ]],
    ['a phase defined twice', [['name: phase_3_analytics', 'name: phase_2_raw'], ['phase: phase_3_analytics', 'phase: phase_2_raw']], [
      `pipeline.yaml:16:12: phase phase_2_raw is defined twice; rename or remove one; received: 'phase_2_raw'; allowed: each phase once`,
    ]],
    ['a phase after one that is never backfilled', [['mode: enforce', 'backfillable: false']], [
      'pipeline.yaml:16:12: phase phase_3_analytics follows phase_2_raw, which is never backfilled; write backfillable: false, or move it before phase_2_raw; received: backfillable: true (the default); allowed: backfillable: false, since its inputs could never be refilled',
    ]],
    ['predictions that would be backfilled', [['phases:', 'phases:\n  - {name: phase_5_predictions, completion_topic: predictions}']], [
      'pipeline.yaml:15:12: phase_5_predictions looks forward and is never backfilled; write backfillable: false; received: backfillable: true (the default); allowed: backfillable: false',
    ]],
    ['a season that ends before it starts', [['to: 2024-04-14', 'to: 2023-04-14']], [
      'pipeline.yaml:8:45: season 2023-24 ends before it starts; exchange from and to; received: 2023-10-24 to 2023-04-14; allowed: a last day on or after the first',
    ]],
    ['seasons that overlap', [['  schedule:\n', '    - {name: 2024-25, from: 2024-04-14, to: 2025-04-13}\n  schedule:\n']], [
      'pipeline.yaml:9:29: season 2024-25 overlaps season 2023-24; move one of the dates; received: 2024-04-14 to 2025-04-13, and 2023-10-24 to 2024-04-14; allowed: seasons that share no day',
    ]],
    ['a season named twice', [['  schedule:\n', '    - {name: 2023-24, from: 2024-10-22, to: 2025-04-13}\n  schedule:\n']], [
      `pipeline.yaml:9:14: season 2023-24 is defined twice; rename or remove one; received: '2023-24'; allowed: each season once`,
    ]],
    ['an excluded date out of the seasons', [['phases:', '  exclude:\n    - {date: 2022-02-20, reason: All-Star}\nphases:']], [
      'pipeline.yaml:15:14: the excluded date 2022-02-20 lies in no season; correct or remove it; received: 2022-02-20; allowed: a date of 2023-24 (2023-10-24 to 2024-04-14)',
    ]],
    ['a date excluded twice', [['phases:', '  exclude:\n    - {date: 2024-02-18, reason: All-Star}\n    - {date: 2024-02-18, reason: again}\nphases:']], [
      'pipeline.yaml:16:14: 2024-02-18 is excluded twice; remove one; received: 2024-02-18; allowed: each date once',
    ]],
    ['an unknown schedule processor', [['    processor: Schedule', '    processor: Schedul']], [
      `pipeline.yaml:10:16: unknown processor Schedul; did you mean Schedule? received: 'Schedul'; allowed: Schedule, Boxscore, Summary`,
    ]],
    ['an unknown schedule column', [['key_column: game_id', 'key_column: gameid']], [
      `pipeline.yaml:11:17: unknown column gameid of Schedule; did you mean game_id? received: 'gameid'; allowed: game_date, game_id, game_status, processed_at`,
    ]],
    ['a status column of text', [['status_column: game_status', 'status_column: game_id']], [
      'pipeline.yaml:12:20: the status column game_id holds no whole numbers; name an INT64 column, which final_when lists values of; received: STRING; allowed: INT64',
    ]],
    ['a schedule that is a landing', [['    table: raw.schedule\n', '    landing: schedule\n']], [
      `pipeline.yaml:10:16: Schedule fills no table; name the processor that fills the schedule table; received: a processor with landing 'schedule'; allowed: a processor with a table`,
    ]],
    ['an unknown phase', [['phase: phase_3_analytics\n', 'phase: phase_3_analytic\n']], [
      `pipeline.yaml:35:12: unknown phase phase_3_analytic; did you mean phase_3_analytics? received: 'phase_3_analytic'; allowed: phase_2_raw, phase_3_analytics`,
    ]],
    ['two outputs', [['    table: raw.boxscore\n', '    table: raw.boxscore\n    landing: boxscore\n']], [
      'pipeline.yaml:28:14: Boxscore has two outputs; remove one; received: table raw.boxscore and landing boxscore; allowed: either table: dataset.table, or landing: folder',
      'pipeline.yaml:41:20: the SQL of Summary cannot read the files of Boxscore; put a processor between that loads the files into a table; received: landing boxscore; allowed: upstreams that fill a table',
    ]],
    ['no output', [['    table: raw.boxscore\n', '']], [
      'pipeline.yaml:25:3: Boxscore has no output; add one; received: neither table nor landing; allowed: either table: dataset.table, or landing: folder',
    ]],
    ['a table without columns', [['    columns: {game_date: DATE, game_id: STRING, team_id: INT64, points: INT64}\n', '']], [
      'pipeline.yaml:27:12: Boxscore fills a table and names no columns; add columns, as {game_date: DATE, …}; received: nothing; allowed: columns: a mapping of each column to its type',
    ]],
    ['an unknown key column', [['key: [game_id, team_id]\n    columns: {game_date: DATE, game_id: STRING, team_id: INT64, points: INT64}', 'key: [game_id, teamid]\n    columns: {game_date: DATE, game_id: STRING, team_id: INT64, points: INT64}']], [
      `pipeline.yaml:28:20: unknown column teamid of Boxscore; did you mean team_id? received: 'teamid'; allowed: game_date, game_id, team_id, points`,
    ]],
    ['an unknown required column', [['    volatile: [processed_at]', '    volatile: [processed_at]\n    expectations: {required: [game_status, statsu]}']], [
      `pipeline.yaml:24:44: unknown column statsu of Schedule; add it to columns; received: 'statsu'; allowed: game_date, game_id, game_status, processed_at`,
    ]],
    ['an unknown volatile column', [['volatile: [processed_at]', 'volatile: [processed]']], [
      `pipeline.yaml:23:16: unknown column processed of Schedule; did you mean processed_at? received: 'processed'; allowed: game_date, game_id, game_status, processed_at`,
    ]],
    ['a volatile key', [['volatile: [processed_at]', 'volatile: [processed_at, game_id]']], [
      `pipeline.yaml:23:30: game_id is part of the key and cannot be volatile; remove it from volatile; received: 'game_id'; allowed: columns that do not count, as processed_at`,
    ]],
    ['a date column that is none', [['volatile: [processed_at]', 'volatile: [processed_at]\n    date_column: game_id']], [
      'pipeline.yaml:22:41: the date column game_id is no date; make it DATE, or name another date_column; received: STRING; allowed: DATE',
    ]],
    ['columns that differ in case', [['points: INT64', 'points: INT64, Points: INT64']], [
      `pipeline.yaml:29:80: columns points and Points differ in case only; rename one; received: 'Points'; allowed: names that differ in more than case`,
    ]],
    ['a narrowing of nothing', [['volatile: [processed_at]', 'volatile: [processed_at]\n    only: [Playoffs]']], [
      'pipeline.yaml:24:5: Schedule narrows a calendar that has nothing to narrow by; add narrow_by to calendar.schedule, or remove only; received: only: Playoffs; allowed: only together with calendar.schedule.narrow_by',
    ]],
    ['two processors on one table', [['table: raw.boxscore', 'table: raw.Schedule']], [
      'pipeline.yaml:27:12: table raw.Schedule is filled by two processors; name another table, or say by table_filter which rows each fills; received: Schedule and Boxscore; allowed: one processor a table, or a table_filter on each',
    ]],
    ['two processors on one landing', [['    table: raw.boxscore\n', '    landing: x\n'], ['    table: analytics.summary\n', '    landing: x\n']], [
      'pipeline.yaml:36:14: landing x is filled by two processors; name another landing; received: Boxscore and Summary; allowed: one processor a landing',
      'pipeline.yaml:40:20: the SQL of Summary cannot read the files of Boxscore; put a processor between that loads the files into a table; received: landing x; allowed: upstreams that fill a table',
      `pipeline.yaml:42:28: Summary lands files, which no SQL can; choose another target, or fill a table; received: 'sql/summary.sql'; allowed: in_process, command, http, cloud_run_job, pubsub`,
    ]],
    ['a landing by SQL', [['    table: analytics.summary\n', '    landing: summary\n']], [
      `pipeline.yaml:42:28: Summary lands files, which no SQL can; choose another target, or fill a table; received: 'sql/summary.sql'; allowed: in_process, command, http, cloud_run_job, pubsub`,
    ]],
    ['a path out of the folder', [['sql/summary.sql', '../summary.sql']], [
      `pipeline.yaml:42:28: '../summary.sql' is no .sql file of this folder; write for example sql/Summary.sql; received: '../summary.sql'; allowed: a path below the definition's folder that ends in .sql`,
    ]],
    ['an HTTP target that takes too long', [[`target: {in_process: './land.ts#boxscore'}`, `target: {http: 'https://box.example'}\n    timeout_seconds: 900`]], [
      'pipeline.yaml:34:22: an http target cannot take 900 s; shorten it, or use cloud_run_job or pubsub; received: 900; allowed: at most 480',
    ]],
    ['an HTTP target without an address', [[`target: {in_process: './land.ts#boxscore'}`, 'target: {http: box}']], [
      `pipeline.yaml:33:20: 'box' is no address; write the address of the service; received: 'box'; allowed: https://…, or {service: name, path: /…}`,
    ]],
    ['an embedded target on Google', [[`target: {in_process: './land.ts#boxscore'}`, `target: {embedded: {in_process: './land.ts#boxscore'}, google: {command: [node, x.js]}}`]], [
      'pipeline.yaml:33:60: this target exists in the embedded runtime only; choose another target for google; received: a mapping with command; allowed: bigquery_sql, http, cloud_run_job, pubsub',
    ]],
    ['a Cloud Run job in the embedded runtime', [[`target: {in_process: './land.ts#boxscore'}`, 'target: {embedded: {cloud_run_job: box}}']], [
      'pipeline.yaml:33:14: there are no Cloud Run jobs in the embedded runtime; choose another target for embedded; received: a mapping with cloud_run_job; allowed: bigquery_sql, in_process, command, http, pubsub',
    ]],
    ['other SQL in each runtime', [['{bigquery_sql: sql/summary.sql}', '{embedded: {bigquery_sql: sql/summary.sql}, google: {bigquery_sql: sql/other.sql}}']], [
      'pipeline.yaml:42:80: the runtimes have different SQL; write target: {bigquery_sql: …} once; received: sql/summary.sql and sql/other.sql; allowed: one .sql file, which runs in both',
    ]],
    ['an unknown upstream', [['processor: Boxscore', 'processor: Boxscor']], [
      `pipeline.yaml:40:20: unknown processor Boxscor; did you mean Boxscore? received: 'Boxscor'; allowed: Schedule, Boxscore, Summary`,
    ]],
    ['an unknown upstream of Object', [['processor: Boxscore', 'processor: constructor']], [
      `pipeline.yaml:40:20: unknown processor constructor; name a processor of this pipeline; received: 'constructor'; allowed: Schedule, Boxscore, Summary`,
    ]],
    ['an upstream named twice', [['      - processor: Boxscore\n', '      - processor: Boxscore\n      - processor: Boxscore\n']], [
      `pipeline.yaml:41:20: Boxscore is named twice; merge the two: the longer window, all columns; received: 'Boxscore'; allowed: each upstream once`,
    ]],
    ['a processor that reads itself', [['processor: Boxscore', 'processor: Summary']], [
      `pipeline.yaml:40:20: Summary is its own upstream; use reads_own_history: {window: …} to read earlier dates of its own table; received: 'Summary'; allowed: another processor`,
    ]],
    ['an upstream of a later phase', [['      - processor: Schedule\n', '      - processor: Summary\n'], ['      - processor: Boxscore\n        window: {game_dates: 43, critical: 10}', '      - processor: Schedule\n']], [
      'pipeline.yaml:31:20: Boxscore of phase_2_raw reads Summary of the later phase_3_analytics; move one of the two to another phase; received: Summary (phase_3_analytics); allowed: processors of phase_2_raw',
      'sql/summary.sql:3:6: unknown input boxscore; declare its processor as an upstream in pipeline.yaml; received: boxscore; allowed: schedule (the declared upstreams)',
    ]],
    ['an unknown column of an upstream', [['window: own_date', 'columns: [game_id, status]']], [
      `pipeline.yaml:32:28: unknown column status of Schedule; add it to the columns of Schedule, or remove it here; received: 'status'; allowed: game_date, game_id, game_status, processed_at`,
    ]],
    ['a volatile column of an upstream', [['window: own_date', 'columns: [game_id, processed_at]']], [
      `pipeline.yaml:32:28: column processed_at of Schedule is volatile; a change of it would go unseen: remove it here, or from volatile there; received: 'processed_at'; allowed: game_date, game_id, game_status`,
    ]],
    ['SQL that reads files', [['    table: raw.boxscore\n', '    landing: boxscore\n']], [
      'pipeline.yaml:40:20: the SQL of Summary cannot read the files of Boxscore; put a processor between that loads the files into a table; received: landing boxscore; allowed: upstreams that fill a table',
    ]],
    ['two inputs of one name', [['      - processor: Boxscore\n', '      - processor: Schedule\n      - processor: Boxscore\n'], ['table: raw.boxscore', 'table: other.schedule']], [
      'pipeline.yaml:41:20: the tables of Schedule and Boxscore have one name in the SQL of Summary; rename one table; received: other.schedule; allowed: upstreams whose table names differ without the dataset',
    ]],
    ['a window with two reaches', [['{game_dates: 43, critical: 10}', '{game_dates: 43, days: 10}']], [
      'pipeline.yaml:41:9: a window has one reach; keep the one that is meant; received: days and game_dates; allowed: one of days, game_dates, season_to_date',
    ]],
    ['a critical part that is too long', [['critical: 10', 'critical: 44']], [
      'pipeline.yaml:41:44: the critical part is longer than its window; shorten it, or leave it out; received: critical: 44 of 43; allowed: 1 to 43',
    ]],
    ['its own date before the games', [['phase: phase_3_analytics\n', 'phase: phase_3_analytics\n    expected: before_games\n'], ['critical: 10', 'include_own_date: true']], [
      'pipeline.yaml:42:9: Summary is due before the games and cannot read Boxscore of its own date, which is there after them; remove include_own_date, or write a window of earlier dates; received: include_own_date: true; allowed: earlier dates only',
    ]],
    ['the whole schedule of its own date before the games', [['phase: phase_3_analytics\n', 'phase: phase_3_analytics\n    expected: before_games\n'], ['processor: Boxscore\n        window: {game_dates: 43, critical: 10}', 'processor: Schedule\n        window: own_date']], [
      `pipeline.yaml:42:17: Summary is due before the games and cannot read Schedule of its own date, which is there after them; add columns: [game_id, …] without scores; received: 'own_date'; allowed: named columns of the schedule that are known before the games`,
    ]],
    ['an own history of its own date', [['    target: {bigquery_sql', '    reads_own_history: {window: own_date}\n    target: {bigquery_sql']], [
      `pipeline.yaml:42:33: Summary cannot read the date that it is filling; remove include_own_date, or reads_own_history; received: 'own_date'; allowed: days, game_dates or season_to_date: earlier dates`,
    ]],
    ['a cycle', [[`    target: {in_process: './land.ts#schedule'}`, `    upstream: [{processor: Boxscore}]\n    target: {in_process: './land.ts#schedule'}`]], [
      'pipeline.yaml:32:20: a cycle: Schedule reads Boxscore reads Schedule; remove one of these upstreams; a processor reads its own earlier dates by reads_own_history; received: 2 processors that wait for each other; allowed: upstreams that do not lead back',
    ]],
    ['game dates without games', [['  schedule:\n    processor: Schedule\n    key_column: game_id\n    status_column: game_status\n    final_when: [3]\n', '']], [
      'pipeline.yaml:36:30: a window in game dates needs a calendar of games; add calendar.schedule, or count in days; received: game_dates: 43; allowed: days, or season_to_date, where calendar.schedule is missing',
    ]],
  ];
  for (const [what, changes, messages] of MISTAKES) {
    it(`refuses ${what}`, () => { assert.deepEqual(problemsOf(changed(...changes)), messages.map((message) => `p/${message}`)); });
  }

  it('names a longer cycle whole', () => {
    const yaml = changed(
      ["    target: {in_process: './land.ts#schedule'}", "    upstream: [{processor: Third}]\n    target: {in_process: './land.ts#schedule'}"],
      ['  Summary:', "  Third:\n    phase: phase_2_raw\n    table: raw.third\n    key: [game_date]\n    columns: {game_date: DATE}\n    upstream: [{processor: Boxscore}]\n    target: {in_process: './land.ts#third'}\n  Summary:"],
    );
    assert.match(problemsOf(yaml).join('\n'), /a cycle: Schedule reads Third reads Boxscore reads Schedule;/);
  });
});
