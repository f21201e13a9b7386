import assert from 'node:assert/strict';
import { compileCheck, loadChecks } from '../../shared/pipeline/checks.ts';
import { formatProblems } from '../../shared/pipeline/problems.ts';
import { makePipeline } from '../core-builders.ts';

const pipeline = makePipeline({
  processors: {
    Landed: { landing: 'landed', table: undefined }, Box: {}, Form: { phase: 'analytics', upstream: [{ processor: 'Box', window: 'own_date' }] },
    Home: { table: 'data.shared', table_filter: { column: 'n', equals: 1 } }, Away: { table: 'data.shared', table_filter: { column: 'n', equals: 2 } },
  },
});

function mistakes(sql: string): string {
  const compiled = compileCheck('x', sql, pipeline);
  return compiled.kind === 'wrong' ? compiled.mistakes.map(({ what, received, hint }) => `${what}; received ${received}; ${hint}`).join('\n') : '';
}

describe("A pipeline's checks", () => {
  it('belong to the last processor that they read, and say what they demand in their first comment', () => {
    const sql = '-- form is of known players\n-- and more\nWITH known AS (SELECT n FROM Box) SELECT form.n FROM form LEFT JOIN known ON known.n = form.n WHERE known.n IS NULL';
    const compiled = compileCheck('form_known', sql, pipeline);
    assert.ok(compiled.kind === 'ok');
    const { name, file, demands, of, reads } = compiled.check;
    assert.deepEqual([name, file, demands, of.name, reads.map((processor) => processor.name)], ['form_known', 'checks/form_known.sql', 'form is of known players', 'Form', ['Box', 'Form']]);
  });

  it('without a comment demand what their name says', () => {
    const compiled = compileCheck('values_known', 'SELECT n FROM box WHERE value IS NULL', pipeline);
    assert.equal(compiled.kind === 'ok' ? compiled.check.demands : '', 'values_known');
  });

  for (const { words, sql, says } of [
    { words: 'an unknown table', sql: 'SELECT n FROM bix', says: /unknown table bix.*did you mean box/ },
    { words: 'a landing, which SQL cannot read', sql: 'SELECT n FROM landed', says: /unknown table landed/ },
    { words: 'a table past its dates', sql: 'SELECT n FROM data.box', says: /unknown table data\.box.*write box: its rows are supplied/ },
    { words: 'a table of several processors', sql: 'SELECT n FROM shared', says: /shared is a table of several processors; received shared, of (Away, Home|Home, Away)/ },
    { words: 'no table', sql: 'SELECT 1 AS one', says: /reads no table/ },
    { words: 'a WITH clause that hides a table', sql: 'WITH box AS (SELECT 1 AS n) SELECT n FROM box', says: /the WITH clause box has the name of a table/ },
    { words: 'the parameter of runs', sql: 'SELECT n FROM box WHERE game_date = @game_date', says: /a check has no parameter @game_date/ },
    { words: 'another parameter', sql: 'SELECT n FROM box WHERE n = @n', says: /unknown parameter @n/ },
    { words: 'something else than a query', sql: 'DELETE FROM box', says: /DELETE/ },
    { words: 'two statements', sql: 'SELECT n FROM box; SELECT n FROM form', says: /several statements/ },
    { words: 'nothing', sql: '-- to do', says: /there is no query/ },
  ]) {
    it(`are refused with ${words}`, () => assert.match(mistakes(sql), says));
  }

  it('are read from their folder in the order of their names, each mistake with its file and place', () => {
    const files: Readonly<Record<string, string>> = { 'p/checks/b.sql': 'SELECT n FROM box', 'p/checks/a.sql': 'SELECT n FROM form', 'p/checks/c.sql': 'SELECT n\nFROM bix', 'p/checks/notes.md': 'no check' };
    const { checks, problems } = loadChecks('p', pipeline, { listFiles: (folder) => (folder === 'p/checks' ? ['c.sql', 'b.sql', 'notes.md', 'a.sql'] : []), readText: (path) => files[path] });
    assert.deepEqual(checks.map(({ name }) => name), ['a', 'b']);
    assert.match(formatProblems(problems), /^p\/checks\/c\.sql:2:6: unknown table bix/);
  });

  it('are none where there is no folder', () => {
    assert.deepEqual(loadChecks('p', pipeline, { listFiles: () => [], readText: () => undefined }), { checks: [], problems: [] });
  });
});
