import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ended, mini, parsed, Sandbox, type Ended } from './harness.ts';

/** `verify` and `needs`, over the mini pipeline. */

const gate = z.strictObject({
  schema_version: z.literal(1), from: z.string(), to: z.string(), passed: z.boolean(), reasons: z.array(z.strictObject({ rule: z.string(), text: z.string() })), notes: z.array(z.string()),
  rules: z.strictObject({ min_coverage_percent: z.number(), max_nulls: z.number().nullable(), doubtful: z.string() }),
  tables: z.array(z.strictObject({
    processor: z.string(), phase: z.string(), table: z.string(), critical: z.boolean(), expected: z.number(), complete: z.number(), accepted: z.number(), coverage_percent: z.number().nullable(),
    missing: z.number(), short: z.number(), lacking: z.array(z.string()), stale: z.number(), altered: z.number(), suspect: z.number(), pending: z.number(), required_values: z.number(), nulls: z.number(),
  })),
  unresolved: z.array(z.strictObject({ processor: z.string(), game_date: z.string(), category: z.string(), message: z.string(), cooling: z.boolean() })),
  checks: z.array(z.strictObject({
    name: z.string(), demands: z.string(), table: z.string(), outcome: z.string(), rows: z.number().nullable(), sample: z.array(z.record(z.string(), z.unknown())), error: z.string().nullable(),
  })),
});
const readiness = z.strictObject({
  schema_version: z.literal(1), phase: z.string(), game_date: z.string().nullable(), ready: z.boolean(), judged: z.number(), because: z.string().nullable(),
  blocking: z.array(z.strictObject({ processor: z.string(), game_date: z.string(), because: z.string(), critical: z.boolean() })),
});
const band = z.enum(['not_needed', 'borderline', 'justified']);
const needs = z.strictObject({
  schema_version: z.literal(1), from: z.string(), to: z.string(), days: z.number(), verdict: band,
  gaps: z.strictObject({ game_dates: z.array(z.string()), lacking_now: z.number(), per_30_days: z.number(), per_week: z.number(), band }),
  dependency_failures: z.strictObject({ runs: z.number(), failures: z.number(), dependency_failures: z.number(), percent: z.number(), band, by_processor: z.array(z.unknown()) }),
  manual: z.strictObject({ requests: z.number(), minutes_per_manual: z.number(), minutes: z.number(), minutes_per_week: z.number(), band }),
  recovered: z.strictObject({
    completed: z.number(), failed: z.number(), open: z.number(), dates: z.number(), minutes_saved_per_week: z.number(), median_minutes: z.number().nullable(), median_minutes_by_itself: z.number().nullable(),
  }),
  checklist: z.array(z.strictObject({ demands: z.string(), met: z.boolean() })), not_all_read: z.array(z.string()),
});

describe('the command line verifies, and assesses needs', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  let complete: string;

  before(async () => {
    ({ state: complete } = await sandbox.complete());
  });
  after(() => sandbox.remove());

  const damaged = (...sql: readonly string[]): Promise<string> => sandbox.damaged(complete, ...sql);
  const verify = async (state: string, code: number, ...words: readonly string[]) => parsed(gate, ended(await sandbox.run(state, 'verify', '--json', ...words), code));

  it('a complete season passes, each table by its own calendar, each check run', async () => {
    const { passed, tables, checks, reasons, unresolved } = await verify(complete, 0, '--season', '2024');
    assert.equal(passed, true);
    assert.deepEqual(tables.map(({ table, expected, coverage_percent: percent }) => [table, expected, percent]), [['mini_raw.schedule', 12, 100], ['mini_raw.scores', 11, 100], ['mini_computed.form', 11, 100]]);
    assert.deepEqual([reasons, unresolved], [[], []]);
    assert.deepEqual(checks.map(({ name, outcome, rows }) => [name, outcome, rows]), [['points_in_range', 'passed', 0]]);
    const { stdout } = ended(await sandbox.run(complete, 'verify', '--season', '2024'), 0);
    assert.match(stdout, /mini, 2024-01-01\.\.2024-01-12: the gate is passed/);
    assert.ok(stdout.split('\n').every((line) => line.length <= 80), stdout);
  });

  it('a lost date holds the gate with exit code 3, and names the command that looks further', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-04'");
    const { passed, reasons, tables } = await verify(state, 3, '--season', '2024');
    assert.equal(passed, false);
    assert.deepEqual(reasons, [{ rule: 'coverage', text: 'mini_raw.scores: 90.9 % of 11 dates (1 missing); at least 100 % is needed' }]);
    assert.deepEqual(tables[1]?.lacking, ['2024-01-04']);
    const { stdout, stderr } = ended(await sandbox.run(state, 'verify', '--season', '2024'), 3);
    assert.match(stdout, /the gate is not passed[\s\S]*It is held, because[\s\S]*Dates that lack\n {2}mini_raw\.scores: 2024-01-04/);
    assert.match(stderr, /plan --season 2024 --pipeline/);
    assert.equal((await verify(state, 0, '--season', '2024', '--min-coverage', '90')).passed, true);
    assert.equal((await verify(state, 0, '--season', '2024', '--phase', 'phase_2_computed')).passed, true, 'the gate of another phase');
    assert.equal((await verify(state, 0, '--from', '2024-01-05', '--to', '2024-01-12')).passed, true);
  });

  it('a date without a schedule holds it too, and the command that fills the schedule is named', async () => {
    const state = await damaged("DELETE FROM mini_raw.schedule WHERE game_date = DATE '2024-01-12'");
    const { stdout, stderr } = ended(await sandbox.run(state, 'verify', '--season', '2024', '--phase', 'phase_2_computed'), 3);
    assert.match(stdout, /no schedule is there of 2024-01-12: what is expected then is not known/);
    assert.match(stderr, /the schedule is filled by: {2}.* recover --all --processor Schedule --from 2024-01-12 --to 2024-01-12 /);
  });

  it('what a person accepted counts as complete, and is said to', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-04'");
    ended(await sandbox.run(state, 'accept', 'Scores', '2024-01-04', '--reason', 'the hall was flooded'), 0);
    const { tables, notes } = await verify(state, 0, '--processor', 'Scores', '--season', '2024');
    assert.deepEqual([tables[0]?.accepted, tables[0]?.complete, tables[0]?.coverage_percent], [1, 10, 100]);
    assert.deepEqual(notes, ['1 accepted by a person: counted as complete']);
  });

  it('rows that a check returns hold the gate, and are shown; altered rows are shown, and hold it when strict', async () => {
    const state = await damaged("UPDATE mini_raw.scores SET points = 4711 WHERE game_date = DATE '2024-01-04' AND team = 'ATL'");
    const { reasons, checks, notes } = await verify(state, 3, '--season', '2024');
    assert.deepEqual(reasons.map(({ rule }) => rule), ['checks']);
    assert.deepEqual(checks[0]?.sample, [{ game_date: '2024-01-04', game_id: 'g2024-01-04', team: 'ATL', points: 4711 }]);
    assert.ok(notes.includes('mini_raw.scores: 1 date is altered: counted as complete'), notes.join('\n'));
    const strict = await verify(state, 3, '--season', '2024', '--strict');
    assert.deepEqual([...new Set(strict.reasons.map(({ rule }) => rule))], ['doubtful', 'checks']);
    assert.equal((await verify(state, 0, '--from', '2024-01-05', '--to', '2024-01-12')).passed, true, 'a check sees the dates of the gate only');
    assert.deepEqual((await verify(state, 0, '--season', '2024', '--processor', 'Form')).checks, [], 'a check is run where its table is judged');
    assert.match(ended(await sandbox.run(state, 'verify', '--season', '2024', '--processor', 'Form'), 0).stdout, /Checks\n {2}none is about what is judged/);
  });

  it('an unresolved failure holds the gate', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-04'");
    sandbox.tell(state, 'fail', '2024-01-04');
    ended(await sandbox.run(state, 'recover', '--yes', '--from', '2024-01-04', '--to', '2024-01-04'), 4);
    const { reasons, unresolved } = await verify(state, 3, '--season', '2024', '--min-coverage', '50');
    assert.deepEqual(reasons.map(({ rule }) => rule), ['failures']);
    assert.deepEqual(unresolved.map(({ processor, game_date: date, category }) => [processor, date, category]), [['Scores', '2024-01-04', 'processing']]);
    assert.match(unresolved[0]?.message ?? '', /the page of 2024-01-04 has no table/);
  });

  describe('with checks of its own', () => {
    const withCheck = (name: string, sql: string): string => {
      const folder = join(sandbox.state(), '..', `mini-${name}`);
      cpSync(mini, folder, { recursive: true });
      writeFileSync(join(folder, 'checks', `${name}.sql`), sql);
      return folder;
    };
    const run = (folder: string, ...words: readonly string[]): Promise<Ended> => sandbox.call([...words, '--pipeline', folder]);

    it('a check that fails while it runs holds the gate: it never passes by error', async () => {
      const folder = withCheck('fails', "-- it cannot be\nSELECT CAST('x' || team AS INT64) AS n FROM scores");
      const { checks, reasons } = parsed(gate, ended(await run(folder, 'verify', '--json', '--season', '2024', '--state', sandbox.state(complete)), 3));
      assert.deepEqual(checks.map(({ name, outcome, rows }) => [name, outcome, rows]), [['fails', 'did_not_run', null], ['points_in_range', 'passed', 0]]);
      assert.match(reasons[0]?.text ?? '', /the check fails could not be run, so that nothing is known: Invalid Input Error: Bad int64 value/);
    });

    it('a check that is wrong is refused with its place, by verify and by pipeline validate', async () => {
      const wrong = withCheck('wrong', 'SELECT team\nFROM scorse');
      assert.match(ended(await run(wrong, 'verify', '--state', sandbox.state(complete)), 2).stderr, /checks\/wrong\.sql:2:6: unknown table scorse; did you mean scores\?/);
      assert.match(ended(await run(wrong, 'pipeline', 'validate'), 2).stdout, /checks\/wrong\.sql:2:6: unknown table scorse/);
      const column = withCheck('column', 'SELECT team\nFROM scores\nWHERE pionts > 3');
      assert.match(ended(await run(column, 'pipeline', 'validate'), 2).stdout, /checks\/column\.sql:3:7: .*pionts/);
    });
  });

  it('tells whether a phase can start on its next date', async () => {
    const ready = async (state: string, code: number, ...words: readonly string[]) => parsed(readiness, ended(await sandbox.run(state, 'verify', '--json', '--ready-for', 'phase_3_forecast', ...words), code));
    assert.deepEqual(await ready(complete, 0, '--from', '2024-01-11'), { schema_version: 1, phase: 'phase_3_forecast', game_date: '2024-01-11', ready: true, judged: 1, because: null, blocking: [] });
    assert.equal((await ready(complete, 0, '--now', '2024-01-11')).game_date, '2024-01-11');
    const state = await damaged("DELETE FROM mini_computed.form WHERE game_date = DATE '2024-01-10'");
    assert.deepEqual((await ready(state, 3, '--from', '2024-01-11')).blocking, [{ processor: 'Form', game_date: '2024-01-10', because: 'missing', critical: true }]);
    assert.match(ended(await sandbox.run(state, 'verify', '--ready-for', 'phase_3_forecast', '--from', '2024-01-11'), 3).stdout, /not ready; 1 of 1 input may not be read\n {2}Form 2024-01-10: missing/);
    assert.match((await ready(complete, 3, '--now', '2024-03-01')).because ?? '', /knows no expected date/);
  });

  for (const { words, says } of [
    { words: ['verify', '--min-coverage', '101'], says: /received --min-coverage '101'.*0 to 100/ },
    { words: ['verify', '--max-nulls', 'few'], says: /received --max-nulls 'few'.*whole number from 0 on/ },
    { words: ['verify', '--phase', 'phase_9'], says: /received the phase 'phase_9'/ },
    { words: ['verify', '--ready-for', 'phase_9'], says: /received the phase 'phase_9'/ },
    { words: ['verify', '--ready-for', 'phase_3_forecast', '--season', '2024'], says: /received --ready-for with --season/ },
    { words: ['verify', '--ready-for', 'phase_3_forecast', '--min-coverage', '90'], says: /received --ready-for with --min-coverage/ },
    { words: ['verify', '--ready-for', 'phase_3_forecast', '--strict'], says: /received --ready-for with --strict/ },
    { words: ['needs', '--minutes-per-manual', '0'], says: /received --minutes-per-manual '0'/ },
    { words: ['needs', '--from', 'soon'], says: /received --from 'soon'/ },
    { words: ['needs', '--from', '2024-01-05', '--to', '2024-01-04'], says: /the last may not be before the first/ },
  ]) {
    it(`refuses ${words.join(' ')}`, async () => assert.match(ended(await sandbox.run(complete, ...words), 2).stderr, says));
  }

  it('needs: counts the gap that was filled, what was asked for by hand, and what failed for its inputs', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date IN (DATE '2024-01-04', DATE '2024-01-09')");
    const at = ['--now', '2024-01-14T12:00:00Z'];
    ended(await sandbox.run(state, 'request', 'Scores', '2024-01-04', ...at), 0);
    const found = parsed(needs, ended(await sandbox.run(state, 'needs', '--json', '--from', '2024-01-04', '--to', '2024-01-14', '--minutes-per-manual', '30', ...at), 0));
    assert.deepEqual([found.from, found.to, found.days], ['2024-01-04', '2024-01-14', 11]);
    // The first filling of the season counts as well: all nine dates with games were missing once.
    assert.ok(found.gaps.game_dates.includes('2024-01-04') && found.gaps.lacking_now === 1, JSON.stringify(found.gaps));
    assert.deepEqual([found.manual.requests, found.manual.minutes, found.manual.minutes_per_week, found.manual.band], [1, 30, 19.1, 'not_needed']);
    assert.equal(found.dependency_failures.band, 'not_needed');
    assert.equal(found.recovered.completed, 0, 'a person asked for all of it');
    const { stdout } = ended(await sandbox.run(state, 'needs', '--from', '2024-01-04', '--to', '2024-01-14', ...at), 0);
    assert.match(stdout, /gap frequency[\s\S]*dependency failures[\s\S]*manual time[\s\S]*Recovered by itself[\s\S]*Checklist of source document 003/);
    assert.ok(stdout.split('\n').every((line) => line.length <= 80), stdout);
  });

  it('needs: between the seasons there is nothing to go by, and it says so', async () => {
    const { stdout } = ended(await sandbox.run(complete, 'needs', '--now', '2025-06-01'), 0);
    assert.match(stdout, /not needed: by\s+hand is fine[\s\S]*No run of these dates is known/);
  });
});
