import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import { formatProblems } from '../../shared/pipeline/problems.ts';
import { changed, GOOD, load, problemsOf } from './fixture.ts';

describe('pipeline/load', () => {
  it('loads a definition that is right', () => {
    const loaded = load(GOOD);
    assert.equal(loaded.kind, 'ok');
    if (loaded.kind === 'ok') assert.match(loaded.pipeline.byName.get('Summary')?.sql ?? '', /^-- grain/);
  });

  const WHOLE: readonly (readonly [string, string | undefined, RegExp])[] = [
    ['a folder without a definition', undefined, /^p\/pipeline\.yaml:1:1: there is no pipeline\.yaml in p; name another folder with --pipeline.*received: the folder p; allowed: a folder that holds pipeline\.yaml$/],
    ['an empty file', '', /^p\/pipeline\.yaml:1:1: the definition cannot be null; .*allowed: a mapping with version, name, /],
    ['a list', '- 1', /^p\/pipeline\.yaml:1:1: the definition cannot be a list of 1; /],
    ['a text', 'hello', /^p\/pipeline\.yaml:1:1: the definition cannot be 'hello'; /],
    ['a list that never ends', 'version: 1\na: [', /^p\/pipeline\.yaml:2:5: this is no YAML: .*; correct the text here or just above; received: BAD_INDENT; allowed: one YAML document$/],
    ['a tab for an indent', 'a:\n\tb: 1', /^p\/pipeline\.yaml:2:1: this is no YAML: /],
    ['two documents', 'a: 1\n---\nb: 1', /^p\/pipeline\.yaml:2:1: this is no YAML: /],
    ['an alias without an anchor', 'a: *b', /the aliases of this YAML cannot be resolved: /],
    ['a key written twice', changed(['  Boxscore:', '  Schedule:']), /^p\/pipeline\.yaml:25:3: the key Schedule is written twice; rename or remove one; received: 'Schedule' again; allowed: each key of a mapping once$/],
    ['a key that is a prototype', changed(['name: small', 'name: small\n__proto__: {x: 1}']), /^p\/pipeline\.yaml:3:1: unknown key __proto__;/],
  ];
  for (const [what, yaml, message] of WHOLE) it(`refuses ${what}`, () => { assert.match(problemsOf(yaml).join('\n'), message); });

  it('does not resolve aliases without end', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefghi'[index]},`.repeat(9)}]`)].join('\n');
    assert.match(problemsOf(bomb).join('\n'), /the aliases of this YAML cannot be resolved/);
  });

  it('says which .sql file is missing', () => {
    assert.deepEqual(problemsOf(changed(['sql/summary.sql', 'sql/sumary.sql'])), [
      "p/pipeline.yaml:42:28: there is no file sql/sumary.sql; write the file, or correct the path; received: 'sql/sumary.sql'; allowed: a .sql file below p",
    ]);
  });

  it('reads nothing outside its folder', () => {
    const read: string[] = [];
    loadPipeline('p', { readText: (path) => { read.push(path); return path.endsWith('.yaml') ? changed(['sql/summary.sql', 'sql/../../secret.sql']) : ''; } });
    assert.deepEqual(read, ['p/pipeline.yaml']);
  });

  it('places a mistake in the SQL in the .sql file', () => {
    assert.deepEqual(problemsOf(GOOD, '-- grain\nSELECT game_date\nFROM schedule'), [
      'p/sql/summary.sql:3:6: unknown input schedule; declare its processor as an upstream in pipeline.yaml; received: schedule; allowed: boxscore (the declared upstreams)',
    ]);
  });

  it("lets SQL read the processor's own history by its own name, where that is declared", () => {
    const sql = 'SELECT game_date FROM summary';
    assert.equal(problemsOf(GOOD, sql).length, 1);
    assert.deepEqual(problemsOf(changed(['    target: {bigquery', '    reads_own_history: {window: {days: 5}}\n    target: {bigquery']), sql), []);
  });

  it('reports all mistakes at once, in the order of the files', () => {
    const problems = problemsOf(changed(
      ['mode: enforce', 'mode: enforced'], ['volatile: [processed_at]', 'volatile: [processed]'], ['table: raw.boxscore', 'table: boxscore'],
      ['    phase: phase_3_analytics\n', '    phase: phase_3_analytics\n    criticl: true\n'], ['processor: Boxscore', 'processor: Boxscor'],
    ), 'SELECT RAND() AS r');
    assert.deepEqual(problems.map((problem) => /^p\/[^;]+;/.exec(problem)?.[0]), [
      "p/pipeline.yaml:15:63: mode cannot be 'enforced';",
      'p/pipeline.yaml:23:16: unknown column processed of Schedule;',
      "p/pipeline.yaml:27:12: table cannot be 'boxscore';",
      'p/pipeline.yaml:36:5: unknown key criticl;',
      'p/pipeline.yaml:41:20: unknown processor Boxscor;',
      'p/sql/summary.sql:1:8: RAND gives other rows each time;',
    ]);
  });

  it('reports a mistake once, not as others that follow from it', () => {
    // A processor whose shape is wrong still exists for its readers.
    assert.equal(problemsOf(changed(['key: [game_id, team_id]\n    columns: {game_date: DATE, game_id: STRING, team_id: INT64, points: INT64}', 'key: 5\n    columns: {game_date: DATE, game_id: STRNG}'])).length, 2);
  });

  it("loads this project's own pipeline", function () {
    if (!existsSync('pipelines/nba/pipeline.yaml')) this.skip();
    const loaded = loadPipeline('pipelines/nba', { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
    assert.equal(loaded.kind === 'invalid' ? formatProblems(loaded.problems) : '', '');
  });
});
