import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { compilePipeline } from '../../shared/pipeline/compile.ts';
import { pipelineSchema } from '../../shared/pipeline/schema.ts';
import { validateDefinition } from '../../shared/pipeline/validate.ts';
import { changed, GOOD, GOOD_SQL, pipelineOf } from './fixture.ts';

describe('pipeline/compile', () => {
  const pipeline = pipelineOf();
  const processor = (name: string, of = pipeline) => {
    const found = of.byName.get(name);
    if (!found) throw new Error(`no processor ${name}`);
    return found;
  };
  const summaryWindow = (window: string) => processor('Summary', pipelineOf(changed(['{game_dates: 43, critical: 10}', window]))).upstreams[0]?.window;

  it('orders processors by phase, then by what they read', () => {
    assert.deepEqual(pipeline.processors.map(({ name }) => name), ['Schedule', 'Boxscore', 'Summary']);
    assert.deepEqual(pipeline.phases.map(({ processors }) => processors), [['Schedule', 'Boxscore'], ['Summary']]);
    for (const [rank, { rank: own }] of pipeline.processors.entries()) assert.equal(own, rank);
  });

  it('orders alike what stands in another order in the file', () => {
    const definitions = (names: readonly string[]) => compilePipeline(pipelineSchema.parse({ ...base, processors: Object.fromEntries(names.map((name) => [name, node(name, [])])) }), noFiles);
    assert.deepEqual(definitions(['B', 'A', 'C']).processors.map(({ name }) => name), ['A', 'B', 'C']);
  });

  it('ranks every upstream below its readers', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 4 }), { minLength: 1, maxLength: 30 }), fc.infiniteStream(fc.nat()), (links, keys) => {
      // Processor i reads some of those before it; names say nothing of the order.
      const names = links.map((_, index) => `P${Number(keys.next().value ?? 0) % 1000}_${index}`);
      const processors = Object.fromEntries(links.map((upstreams, index) => [names[index], node(`t${index}`, [...new Set(upstreams)].filter((at) => at < index).map((at) => names[at] ?? ''))]));
      const definition = pipelineSchema.parse({ ...base, processors });
      assert.deepEqual(validateDefinition(definition), []);
      const compiled = compilePipeline(definition, noFiles);
      for (const reader of compiled.processors) for (const { upstream } of reader.upstreams) assert.ok((compiled.byName.get(upstream)?.rank ?? 99) < reader.rank);
    }));
  });

  const WINDOWS: readonly (readonly [string, unknown])[] = [
    ['own_date', { reach: { kind: 'none' }, ownDate: true, critical: 0 }],
    ['season_to_date', { reach: { kind: 'season_to_date' }, ownDate: true, critical: 10 }],
    ['{season_to_date: true, critical: 20, include_own_date: false}', { reach: { kind: 'season_to_date' }, ownDate: false, critical: 20 }],
    ['{days: 40}', { reach: { kind: 'days', days: 40 }, ownDate: true, critical: 10 }],
    ['{days: 5}', { reach: { kind: 'days', days: 5 }, ownDate: true, critical: 5 }],
    ['{game_dates: 43, critical: 12}', { reach: { kind: 'game_dates', gameDates: 43 }, ownDate: true, critical: 12 }],
    ['{include_own_date: false}', { reach: { kind: 'days', days: 30 }, ownDate: false, critical: 10 }],
  ];
  for (const [written, expected] of WINDOWS) it(`takes window: ${written}`, () => { assert.deepEqual(summaryWindow(written), expected); });

  it('takes 30 days with 10 critical ones where no window is written', () => {
    const { upstreams } = processor('Summary', pipelineOf(changed(['        window: {game_dates: 43, critical: 10}\n', ''])));
    assert.deepEqual(upstreams[0]?.window, { reach: { kind: 'days', days: 30 }, ownDate: true, critical: 10 });
  });

  it('keeps from what is due before the games what is there after them', () => {
    const before = (...more: (readonly [string, string])[]) => processor('Summary', pipelineOf(changed(['phase: phase_3_analytics\n', 'phase: phase_3_analytics\n    expected: before_games\n'], ...more))).upstreams;
    assert.equal(before()[0]?.window.ownDate, false);
    assert.equal(before(['window: {game_dates: 43, critical: 10}', 'window: season_to_date'])[0]?.window.ownDate, false);
    // The schedule's named columns are known before.
    const schedule = pipelineOf(changed(
      ['phase: phase_3_analytics\n', 'phase: phase_3_analytics\n    expected: before_games\n'],
      ['- processor: Boxscore\n        window: {game_dates: 43, critical: 10}', '- processor: Schedule\n        columns: [game_id, game_date]'],
    ), 'SELECT game_date, game_id FROM schedule');
    assert.equal(processor('Summary', schedule).upstreams[0]?.window.ownDate, true);
  });

  it("adds a processor's own history without its own date", () => {
    const yaml = changed(['    target: {bigquery_sql: sql/summary.sql}', '    reads_own_history: {window: {game_dates: 5}}\n    target: {bigquery_sql: sql/summary.sql}']);
    const summary = processor('Summary', pipelineOf(yaml));
    const edge = { reader: 'Summary', upstream: 'Summary', window: { reach: { kind: 'game_dates', gameDates: 5 }, ownDate: false, critical: 5 }, columns: null, view: '*', ownHistory: true };
    assert.deepEqual(summary.upstreams.at(-1), edge);
    assert.deepEqual(summary.readers, [edge]);
  });

  it('names views of upstreams whose columns are named, sorted', () => {
    const yaml = changed(['window: own_date', 'columns: [game_status, game_id]']);
    const { views, readers } = processor('Schedule', pipelineOf(yaml));
    assert.deepEqual(views, [{ view: 'game_id,game_status', columns: ['game_id', 'game_status'] }]);
    assert.equal(readers[0]?.view, 'game_id,game_status');
  });

  it('leaves volatile columns out of the fingerprint', () => {
    assert.deepEqual(processor('Schedule').fingerprintColumns, ['game_date', 'game_id', 'game_status']);
  });

  it('knows what fills the calendar', () => {
    assert.deepEqual(pipeline.processors.map(({ fillsCalendar, everyDay }) => [fillsCalendar, everyDay]), [[true, true], [false, false], [false, false]]);
  });

  it('takes policies from the phase', () => {
    const policies = pipeline.processors.map(({ stalePolicy, alteredPolicy, codeChangePolicy }) => [stalePolicy, alteredPolicy, codeChangePolicy]);
    assert.deepEqual(policies, [['reprocess', 'report', 'report'], ['reprocess', 'report', 'report'], ['report', 'reprocess', 'report']]);
    const own = pipelineOf(changed(['    target: {bigquery_sql', '    stale_policy: reprocess\n    altered_policy: report\n    target: {bigquery_sql']));
    assert.deepEqual([processor('Summary', own).stalePolicy, processor('Summary', own).alteredPolicy], ['reprocess', 'report']);
  });

  it('finds games by the key column of the schedule', () => {
    assert.equal(processor('Boxscore').gameColumn, 'game_id');
    const none = pipelineOf(changed(['    target: {bigquery_sql', '    expectations: {expected_keys: none}\n    target: {bigquery_sql']));
    assert.deepEqual([processor('Summary', none).gameColumn, processor('Summary', none).expectGames], [null, false]);
  });

  it('runs the same SQL in both runtimes, and an embedded target in one', () => {
    assert.deepEqual(processor('Summary').googleTarget, { bigquery_sql: 'sql/summary.sql' });
    assert.equal(processor('Boxscore').googleTarget, null);
    const split = pipelineOf(changed(["target: {in_process: './land.ts#boxscore'}", "target: {embedded: {in_process: './land.ts#boxscore'}, google: {cloud_run_job: box}}"]));
    assert.deepEqual(processor('Boxscore', split).googleTarget, { cloud_run_job: 'box' });
  });

  it('never backfills what its phase does not', () => {
    const yaml = changed(['{name: phase_3_analytics, completion_topic: analytics-complete}', '{name: phase_3_analytics, completion_topic: analytics-complete, backfillable: false}']);
    assert.equal(processor('Summary', pipelineOf(yaml)).backfillable, false);
  });

  describe('definition hash', () => {
    const hash = (yaml = GOOD, sql = GOOD_SQL) => processor('Summary', pipelineOf(yaml, sql)).definitionHash;
    const same: readonly (readonly [string, string])[] = [
      ['comments', hash(GOOD, `-- other\n${GOOD_SQL}`)],
      ['layout', hash(GOOD, GOOD_SQL.replaceAll('\n', '  \n  ').replace('-- grain', '\n-- grain'))],
      ['the critical part of a window', hash(changed(['critical: 10', 'critical: 20']))],
      ['a time limit', hash(changed(['    target: {bigquery_sql', '    timeout_seconds: 60\n    target: {bigquery_sql']))],
    ];
    for (const [what, other] of same) it(`does not change with ${what}`, () => { assert.equal(other, hash()); });
    const other: readonly (readonly [string, string])[] = [
      ['the SQL', hash(GOOD, GOOD_SQL.replace('points AS', 'points + 0 AS'))],
      ['a window', hash(changed(['game_dates: 43', 'game_dates: 44']))],
      ['named columns', hash(changed(['window: {game_dates: 43, critical: 10}', 'window: {game_dates: 43, critical: 10}\n        columns: [points]']))],
      ['a column', hash(changed(['points_last_10: INT64', 'points_last_10: INT64, more: STRING']))],
    ];
    for (const [what, changedHash] of other) it(`changes with ${what}`, () => { assert.notEqual(changedHash, hash()); });
  });
});

const noFiles = { directory: 'p', sql: new Map<string, string>() };
const base = {
  version: 1, name: 'generated', time_zone: 'UTC',
  topics: { backfill_requests: 'requests', dead_letters: 'dead', alerts: 'alerts' },
  subscriptions: { backfill_worker: 'worker', phase_router: 'router' },
  calendar: { seasons: [{ name: 'all', from: '2023-01-01', to: '2023-12-31' }] },
  phases: [{ name: 'one', completion_topic: 'one-complete' }],
};
function node(table: string, upstreams: readonly string[]) {
  return { phase: 'one', table: `d.${table}`, key: ['game_date'], columns: { game_date: 'DATE' }, upstream: upstreams.map((upstream) => ({ processor: upstream })), target: { in_process: 'a#b' } };
}
