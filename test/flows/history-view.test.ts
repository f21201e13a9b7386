import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import type { HistoryRow, RunHistory } from '../../shared/ports/run-history.ts';
import { historyRowOf, historyViewQuery, withHistoryView, type HistoryViewQuery } from '../../shared/flows/history-view.ts';

const loaded = loadPipeline(join(import.meta.dirname, '../fixtures/adoption'), { readText: (path) => (path.endsWith('.yaml') ? readFileSync(path, 'utf8') : undefined) });
assert.ok(loaded.kind === 'ok');
const { pipeline } = loaded;
const view = pipeline.tables.history_view;
assert.ok(view);

const row = { processor_name: 'odds.espn', game_date: '2023-11-15', status: 'OK', run_id: '4711', started_at: null, completed_at: '2023-11-16 04:10:00+00', rows_processed: '12', error_message: null };

describe("the team's own history, read through a mapped view", () => {
  it('is asked for by the names that it knows processors by', () => {
    const { sql, params } = historyViewQuery(pipeline, view, { processor: 'Feed', from: '2023-11-13', to: '2023-11-15', limit: 5 });
    assert.deepEqual(params, { names: ['Feed', 'feed', 'feed-v2'], from: '2023-11-13', to: '2023-11-15', rows: 5 });
    assert.match(sql, /^SELECT CAST\(`job` AS STRING\) AS processor_name, CAST\(`day` AS STRING\) AS game_date, .*CAST\(NULL AS STRING\) AS started_at.*\nFROM `ops\.job_runs`\nWHERE `day` BETWEEN @from AND @to/);
    assert.equal(historyViewQuery(pipeline, view, { limit: 5 }).params.names.length, 9);
    assert.deepEqual(historyViewQuery(pipeline, view, { processor: 'Other', limit: 5 }).params.names, []);
  });

  it('gives rows of ours', () => {
    assert.deepEqual(historyRowOf(pipeline, view, row), {
      run_id: '4711', processor_name: 'EspnOdds', phase: 'raw', data_date: '2023-11-15', success: true, status: 'success', error_message: null, rows_processed: 12, processing_decision: 'team_history',
      skip_reason: null, backfill_mode: false, created_at: '2023-11-16T04:10:00.000Z', attempt: 0, trace_digest: null, fingerprint: null, category: null, started_at: null,
      completed_at: '2023-11-16T04:10:00.000Z', metadata: '{"source":"ops.job_runs","processor_name":"odds.espn","status":"OK"}',
    } satisfies HistoryRow);
    const other = historyRowOf(pipeline, view, { ...row, status: 'Weird', run_id: null, completed_at: '2023-11-16 00:10:00-04', rows_processed: 'many' });
    assert.deepEqual([other?.status, other?.success, other?.run_id, other?.created_at, other?.rows_processed], ['weird', false, 'ops.job_runs:odds.espn:2023-11-15', '2023-11-16T04:10:00.000Z', null]);
  });

  it('leaves out rows of no processor, without a date, or of another shape', () => {
    for (const bad of [{ ...row, processor_name: 'newsletter' }, { ...row, game_date: 'yesterday' }, { ...row, status: null }, null, 5]) assert.equal(historyRowOf(pipeline, view, bad), null);
  });

  it('stands beside our own, newest first, each run once', async () => {
    const same = historyRowOf(pipeline, view, row);
    assert.ok(same);
    const ours: HistoryRow = { ...same, run_id: 'r-1', created_at: '2023-11-16T05:00:00.000Z', processing_decision: 'external' };
    const own: RunHistory = { runs: async () => [ours, { ...ours, run_id: '4711', created_at: '2023-11-16T04:11:00.000Z' }], changes: async () => [] };
    const asked: HistoryViewQuery[] = [];
    const both = withHistoryView(own, pipeline, view, async (query) => {
      asked.push(query);
      return [row, { ...row, run_id: '4712', completed_at: '2023-11-16 06:00:00+00' }];
    });
    assert.deepEqual((await both.runs({ processor: 'EspnOdds', limit: 3 })).map(({ run_id: id, processing_decision: decision }) => [id, decision]), [['4712', 'team_history'], ['r-1', 'external'], ['4711', 'external']]);
    assert.deepEqual((await both.runs({ limit: 1 })).map(({ run_id: id }) => id), ['4712']);
    assert.deepEqual(asked[0]?.params.names, ['EspnOdds', 'odds.espn']);
  });
});
