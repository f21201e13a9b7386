import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ended, mini, Sandbox } from './harness.ts';

/** What is printed: errors as JSON, commands that can be copied, tables at 80 columns, messages from files. */

const failure = z.strictObject({ schema_version: z.literal(1), error: z.strictObject({ message: z.string(), exit_code: z.number() }) });

describe('what the command line prints', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  let complete: string;

  before(async () => {
    const { state, made } = await sandbox.complete();
    complete = state;
    assert.match(made.stderr, /the state folder .* was not in use: it was made just now and is empty/);
  });
  after(() => sandbox.remove());

  const request = (from: string, to: string): string => JSON.stringify({ processor_name: 'Scores', start_date: from, end_date: to });

  for (const { words, says } of [
    { words: ['gasp', '--json'], says: /^received the command 'gasp'/ },
    { words: ['gaps', '--json', '--fro', '2024-01-01'], says: /^unknown option '--fro'/ },
    { words: ['gaps', '--json', '--from', 'never'], says: /^received --from 'never', which is no date/ },
    { words: ['why', 'Form', '--json'], says: /^missing required argument 'date'/ },
    { words: ['accept', 'Form', '2024-01-02', '--json'], says: /^received no reason/ },
    { words: ['up', '--json', '--now', 'never'], says: /^received --now 'never'/ },
  ]) {
    it(`one JSON object on stdout for the error of ${words.join(' ')}`, async () => {
      const { stdout, stderr } = ended(await sandbox.call(['--pipeline', mini, '--state', sandbox.state(), ...words]), 2);
      const { error } = failure.parse(JSON.parse(stdout));
      assert.equal(error.exit_code, 2);
      assert.match(error.message, says);
      assert.ok(stderr.includes(error.message), stderr);
    });
  }

  it('refuses a date with a command that runs as it is printed', async () => {
    const state = sandbox.state(complete);
    const refused = ended(await sandbox.run(state, 'publish', 'mini-requests', JSON.stringify({ processor_name: 'Form', start_date: '2024-01-06', end_date: '2024-01-06' })), 2);
    const command = /run: npx smart-backfill (.+)$/m.exec(refused.stderr)?.[1] ?? '';
    assert.equal(command, `--pipeline ${mini} --state ${state} gaps --processor Form --from 2024-01-06 --to 2024-01-06`);
    ended(await sandbox.call(command.split(' ')), 0);
  });

  it('publishes a message from standard input and from a file', async () => {
    const state = sandbox.state(complete);
    const place = ['--pipeline', mini, '--state', state];
    assert.match(ended(await sandbox.call(['publish', 'mini-requests', '-', ...place], { input: `${request('2024-01-03', '2024-01-03')}\n` }), 0).stdout, /already_complete/);
    writeFileSync(join(sandbox.cwd, 'message.json'), request('2024-01-04', '2024-01-05'));
    assert.match(ended(await sandbox.call(['publish', 'mini-requests', '@message.json', ...place]), 0).stdout, /2024-01-05 .*already_complete/);
    // The owner of the folder runs it: file and input are those of the process that was given them.
    const up = sandbox.start(['up', ...place]);
    await up.says('stdout', /\n/);
    assert.match(ended(await sandbox.call(['publish', 'mini-requests', '-', ...place], { input: request('2024-01-07', '2024-01-07') }), 0).stdout, /already_complete/);
    assert.match(ended(await sandbox.call(['publish', ...place, 'mini-requests', '@message.json']), 0).stdout, /2024-01-05 .*already_complete/);
    up.interrupt();
    await up.ended;
  });

  it('lists requests in 80 columns without breaking a word, and takes a shortened id', async () => {
    const state = sandbox.state(complete);
    ended(await sandbox.run(state, 'publish', 'mini-requests', request('2024-01-02', '2024-01-12')), 0);
    const { stdout } = ended(await sandbox.run(state, 'requests'), 0);
    assert.ok(stdout.split('\n').every((line) => line.length <= 80), stdout);
    assert.match(stdout, /already\s/);
    assert.doesNotMatch(stdout, /already_|complet$/m);
    const id = /^(\S+) {2,}20/m.exec(stdout)?.[1] ?? '';
    assert.match(ended(await sandbox.run(state, 'requests', 'show', `${id.slice(0, 4)}…${id.slice(-4)}`), 0).stdout, /2024-01-02 +Scores/);
  });

  it('says that a cell was never accepted, or held', async () => {
    const state = sandbox.state(complete);
    assert.match(ended(await sandbox.run(state, 'unaccept', 'Scores', '2024-01-12', '--reason', 'x'), 0).stdout, /^Scores 2024-01-12 was not accepted: nothing to take back/);
    assert.match(ended(await sandbox.run(state, 'unhold', 'Scores', '2024-01-11..2024-01-12', '--reason', 'x'), 0).stdout, /^2 cells of Scores were not held: nothing to take back/);
  });

  it('shows little of a huge dead letter', async () => {
    const state = sandbox.state(complete);
    ended(await sandbox.run(state, 'publish', 'mini-requests', `{"processor_name": "${'x'.repeat(20_000)}"}`), 2);
    const { stdout } = ended(await sandbox.run(state, 'doctor'), 3);
    assert.ok(stdout.length < 4_000, `${stdout.length} characters`);
  });

  it('looks at a definition without making a state folder', async () => {
    const state = sandbox.state();
    ended(await sandbox.run(state, 'pipeline', 'show'), 0);
    assert.match(ended(await sandbox.run(state, 'pipeline', 'validate'), 0).stdout, /^valid {2}mini \(.*mini\): 3 phases/);
    ended(await sandbox.run(state, 'pipeline', 'schema'), 0);
    assert.ok(!existsSync(state), 'a state folder was made');
  });

  it('finds what SQL cannot work, in every file at once', async () => {
    const folder = join(sandbox.folder, 'with-sql');
    mkdirSync(join(folder, 'sql'), { recursive: true });
    const computed = (name: string): string => `
  ${name}:
    phase: phase_2_computed
    table: t.${name.toLowerCase()}
    key: [team]
    columns: { game_date: DATE, team: STRING, total: INT64 }
    upstream: [{ processor: Raw, window: own_date }]
    target: { bigquery_sql: sql/${name}.sql }`;
    writeFileSync(join(folder, 'pipeline.yaml'), `version: 1
name: sqls
time_zone: America/New_York
topics: { backfill_requests: requests, dead_letters: dead-letters, alerts: alerts }
subscriptions: { backfill_worker: worker, phase_router: router }
calendar: { seasons: [{ name: '2024', from: 2024-01-01, to: 2024-01-12 }] }
phases:
  - { name: phase_1_raw, completion_topic: raw-complete }
  - { name: phase_2_computed, completion_topic: computed-complete }
processors:
  Raw:
    phase: phase_1_raw
    table: t.raw
    key: [team]
    columns: { game_date: DATE, team: STRING, points: INT64 }
    target: { in_process: './raw.ts#raw' }${['Right', 'Ends', 'Unknown', 'Renamed', 'Star'].map(computed).join('')}
`);
    const sql = { Right: 'SELECT game_date, team, points AS total FROM raw\n', Ends: '-- why\nSELECT game_date, team, points AS total\nFROM raw WHERE\n', Unknown: 'SELECT game_date, team,\n  pionts AS total FROM raw\n', Renamed: 'SELECT game_date, team, points AS sum FROM raw\n', Star: 'SELECT * FROM raw\n' };
    const write = (texts: Readonly<Record<string, string>>): void => {
      for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, 'sql', `${name}.sql`), text);
    };
    write(sql);
    const { stdout } = ended(await sandbox.call(['pipeline', 'validate', '--pipeline', folder]), 2);
    assert.match(stdout, /sql\/Ends\.sql:3:\d+: this is no GoogleSQL/);
    assert.match(stdout, /sql\/Unknown\.sql:2:3: .*"pionts" not found.*allowed: raw \(game_date, points, team\)/);
    assert.match(stdout, /sql\/Renamed\.sql:1:1: .*it lacks 'total'; the table does not have 'sum'.*allowed: game_date DATE, team STRING, total INT64/);
    assert.match(stdout, /sql\/Star\.sql:1:8: SELECT \*/);
    assert.doesNotMatch(stdout, /Right\.sql/);
    write(Object.fromEntries(Object.keys(sql).map((name) => [name, sql.Right])));
    assert.match(ended(await sandbox.call(['pipeline', 'validate', '--pipeline', folder, '--json']), 0).stdout, /"valid": true/);

    // What only the data shows names the file when it is run.
    writeFileSync(join(folder, 'raw.ts'), "export const raw = async ({ gameDate }) => ({ status: 'success', rows: [{ game_date: gameDate, team: 'ATL', points: 1 }] });\n");
    write({ Ends: 'SELECT game_date, team, CAST(team AS INT64) AS total FROM raw\n' });
    const run = ended(await sandbox.call(['recover', '--all', '--yes', '--from', '2024-01-02', '--to', '2024-01-02', '--pipeline', folder, '--state', sandbox.state()]), 4);
    assert.match(run.stderr, /failed +Ends 2024-01-02: .*sql\/Ends\.sql of Ends: Invalid Input Error: Bad int64 value/);
  });
});
