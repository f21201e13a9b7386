import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processorNamed } from '../../shared/pipeline/adoption.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import { changed, pipelineOf, problemsOf } from './fixture.ts';

/** Two services that fill one table, each with its own rows of it. */
const SECOND = `  Summary:
    phase: phase_3_analytics`;
function shared(first: string, second: string, more: readonly (readonly [string, string])[] = []): string {
  return changed(
    [`    table: raw.boxscore\n`, `    table: raw.boxscore\n${first}`],
    [SECOND, `  Other:
    phase: phase_2_raw
    table: raw.boxscore
${second}    key: [game_id, team_id]
    columns: {game_date: DATE, game_id: STRING, team_id: INT64, points: INT64}
    target: {http: {service: other}}
${SECOND}`], ...more,
  );
}
const filter = (text: string): string => `    table_filter: ${text}\n`;

describe('pipeline/adoption', () => {
  it('names the tables beside the processors after the pipeline, unless the definition does', () => {
    assert.deepEqual(pipelineOf(changed(['name: small', 'name: small-league'])).tables, {
      run_history: 'small_league_reference.processor_run_history', backfill_requests: 'small_league_processing.backfill_requests', staging_dataset: 'small_league_staging', history_view: null,
    });
    const { tables } = pipelineOf(changed(['processors:\n', `tables: {run_history: ours.runs, staging_dataset: scratch, history_view: {table: ops.runs, columns: {processor_name: job, game_date: day, status: state}, statuses: {OK: success}}}\nprocessors:\n`]));
    assert.deepEqual([tables.run_history, tables.backfill_requests, tables.staging_dataset, tables.history_view?.columns.run_id], ['ours.runs', 'small_processing.backfill_requests', 'scratch', null]);
    assert.deepEqual([...tables.history_view?.statuses ?? []], [['ok', 'success']]);
  });

  it('takes a Cloud Run service for an http target, at / unless a path is given', () => {
    const targetOf = (text: string): unknown => pipelineOf(changed([`target: {in_process: './land.ts#boxscore'}`, `target: {http: ${text}}`])).byName.get('Boxscore')?.googleTarget;
    assert.deepEqual(targetOf('{service: sources}'), { http: { service: 'sources', path: '/' } });
    assert.deepEqual(targetOf('{service: sources, path: /process}'), { http: { service: 'sources', path: '/process' } });
    assert.deepEqual(targetOf('https://box.example/run'), { http: 'https://box.example/run' });
  });

  it('knows processors by their aliases', () => {
    const pipeline = pipelineOf(changed(['    table: raw.boxscore\n', '    table: raw.boxscore\n    aliases: [box, nba.box]\n']));
    assert.deepEqual(['Boxscore', 'box', 'nba.box', 'Box'].map((name) => processorNamed(pipeline, name)?.name), ['Boxscore', 'Boxscore', 'Boxscore', undefined]);
  });

  it('hashes a table_filter with the definition, and a definition without one as before', () => {
    const hashOf = (text: string): string | undefined => pipelineOf(shared(text, filter('{column: points, equals: 2}'))).byName.get('Boxscore')?.definitionHash;
    assert.notEqual(hashOf(filter('{column: points, equals: 1}')), hashOf(filter('{column: points, equals: 3}')));
    assert.equal(pipelineOf().byName.get('Summary')?.definitionHash, pipelineOf(shared(filter('{column: points, equals: 1}'), filter('{column: points, equals: 2}'))).byName.get('Summary')?.definitionHash);
  });

  it('lets two processors fill one table where each says which rows are its own', () => {
    assert.deepEqual(problemsOf(shared(filter('{column: game_id, equals: a}'), filter('{column: game_id, equals: b}'))), []);
  });

  it('takes the fixture of a running pipeline', () => {
    const folder = join(import.meta.dirname, '../fixtures/adoption');
    const loaded = loadPipeline(folder, { readText: (path) => (path.endsWith('.yaml') ? readFileSync(path, 'utf8') : undefined) });
    assert.equal(loaded.kind, 'ok', JSON.stringify(loaded));
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['an alias that is a processor', changed(['    table: raw.boxscore\n', '    table: raw.boxscore\n    aliases: [Summary]\n']), /the alias Summary of Boxscore is the name of a processor/],
    ['an alias of two processors', changed(['    table: raw.boxscore\n', '    table: raw.boxscore\n    aliases: [x]\n'], ['    table: raw.schedule\n', '    table: raw.schedule\n    aliases: [x]\n']), /Schedule and Boxscore have the alias x/],
    ['its own name as an alias', changed(['    table: raw.boxscore\n', '    table: raw.boxscore\n    aliases: [Boxscore]\n']), /is its own alias/],
    ['an alias twice', changed(['    table: raw.boxscore\n', '    table: raw.boxscore\n    aliases: [x, x]\n']), /has the alias x twice/],
    ['a field that no message of ours has', changed(['processors:\n', 'message_map: {fields: {date: gamedate}}\nprocessors:\n']), /did you mean game_date\?/],
    ['a status that is none', changed(['processors:\n', 'message_map: {statuses: {OK: ok}}\nprocessors:\n']), /allowed: success, failed, skipped, no_data/],
    ['one status with two meanings', changed(['processors:\n', 'message_map: {statuses: {OK: success, ok: failed}}\nprocessors:\n']), /OK and ok are one status, letter case aside/],
    ['a phase of the map that there is not', changed(['processors:\n', 'message_map: {phases: {raw: phase_2_rw}}\nprocessors:\n']), /unknown phase phase_2_rw; did you mean phase_2_raw\?/],
    ['an ignored processor', changed(['processors:\n', 'message_map: {ignore: [Boxscore]}\nprocessors:\n']), /messages of Boxscore would be ignored/],
    ['a filter on an unknown column', shared(filter('{column: sourc, equals: a}'), filter('{column: game_id, equals: b}')), /unknown column sourc of Boxscore/],
    ['a filter with a value of another type', shared(filter('{column: points, equals: a}'), filter('{column: points, equals: 2}')), /points is INT64 and cannot equal 'a'/],
    ['a filter on a date', shared(filter('{column: game_date, equals: "2023-11-15"}'), filter('{column: game_date, equals: "2023-11-16"}')), /a column of type STRING, INT64 or BOOL/],
    ['one filter of two', shared('', filter('{column: game_id, equals: b}')), /say by table_filter which rows Boxscore fills/],
    ['filters on two columns', shared(filter('{column: game_id, equals: a}'), filter('{column: points, equals: 1}')), /tell their rows apart by two columns/],
    ['filters that are the same', shared(filter('{column: game_id, equals: a}'), filter('{column: game_id, equals: a}')), /fill the same rows of raw\.boxscore/],
    ['a shared table with other columns', shared(filter('{column: game_id, equals: a}'), filter('{column: game_id, equals: b}'), [['team_id: INT64, points: INT64}\n    upstream', 'team_id: INT64, points: FLOAT64}\n    upstream']]), /declare other columns of it.*points on one of them/],
    ['a shared table that the engine would write on Google', changed(['    table: analytics.summary\n', `    table: analytics.summary\n${filter('{column: game_id, equals: a}')}`]), /cannot be written by the engine: promoting a date replaces its whole partition/],
    ["a history view on this system's own table", changed(['processors:\n', 'tables: {history_view: {table: small_reference.processor_run_history, columns: {processor_name: a, game_date: b, status: c}}}\nprocessors:\n']), /the team's own history is only read/],
    ["a processor's table as history", changed(['processors:\n', 'tables: {run_history: raw.boxscore}\nprocessors:\n']), /raw\.boxscore is filled by Boxscore and cannot hold run_history too/],
    ['one table for history and requests', changed(['processors:\n', 'tables: {run_history: ours.rows, backfill_requests: ours.rows}\nprocessors:\n']), /run_history and backfill_requests are one table/],
    ['a staging dataset with tables in it', changed(['processors:\n', 'tables: {staging_dataset: raw}\nprocessors:\n']), /fills a table of the staging dataset/],
    ['a trigger on a completion topic', changed([`target: {in_process: './land.ts#boxscore'}`, 'target: {pubsub: raw-complete}']), /Boxscore cannot be started by a message to raw-complete.*the completion topic of phase_2_raw/],
    ['a service that is no name', changed([`target: {in_process: './land.ts#boxscore'}`, 'target: {http: {service: Box_Score}}']), /service cannot be 'Box_Score'/],
    ['a path without a slash', changed([`target: {in_process: './land.ts#boxscore'}`, 'target: {http: {service: box, path: run}}']), /path cannot be 'run'/],
  ];
  for (const [name, text, expected] of wrong) {
    it(`refuses ${name}`, () => {
      const problems = problemsOf(text);
      assert.ok(problems.some((problem) => expected.test(problem)), problems.join('\n') || 'no problem was found');
    });
  }
});
