import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mini, Sandbox } from './harness.ts';

interface BadInput {
  readonly words: readonly string[];
  readonly says: RegExp;
}

/** Each is refused before anything is opened, with what was received, what is allowed, and what to do. */
const refused: readonly BadInput[] = [
  { words: ['gasp'], says: /received the command 'gasp'.*did you mean gaps\?.*allowed are demo, up, gaps/ },
  { words: ['nonsense'], says: /received the command 'nonsense'.*--help; allowed are/ },
  { words: ['gaps', '--fro', '2024-01-01'], says: /unknown option '--fro'[^]*Did you mean --from\?[^]*gaps --help/ },
  { words: ['why', 'Form'], says: /missing required argument 'date'/ },
  { words: ['gaps', 'Form'], says: /too many arguments/ },
  { words: ['gaps', '--from', '2024-02-30'], says: /received --from '2024-02-30', which is no date; allowed is .*YYYY-MM-DD/ },
  { words: ['gaps', '--to', 'yesterday'], says: /received --to 'yesterday', which is no date/ },
  { words: ['gaps', '--from', '2024-01-09', '--to', '2024-01-05'], says: /the last may not be before the first; did you mean --from 2024-01-05 --to 2024-01-09\?/ },
  { words: ['gaps', '--from', '2019-01-01', '--to', '2019-01-05'], says: /received 2019-01-01\.\.2019-01-05, which is not within the calendar of mini; allowed are .*2024 \(2024-01-01\.\.2024-01-12\)/ },
  { words: ['gaps', '--from', '2023-06-01', '--to', '2023-06-05'], says: /between the seasons of mini/ },
  { words: ['gaps', '--season', '2025'], says: /received the season '2025'.*allowed are 2023, 2024; did you mean 2023|received the season '2025'.*did you mean/ },
  { words: ['gaps', '--season', '2023', '--from', '2024-01-01', '--to', '2024-01-02'], says: /received --season 2023 and the dates 2024-01-01\.\.2024-01-02/ },
  { words: ['plan', '--processor', 'Frm'], says: /received the processor 'Frm'.*did you mean Form\?.*allowed are Schedule, Scores, Form/ },
  { words: ['recover', '--phase', 'phase_2_compute'], says: /received the phase 'phase_2_compute'.*did you mean phase_2_computed\?/ },
  { words: ['recover', '--phase', 'phase_1_raw', '--processor', 'Form'], says: /nothing in common/ },
  { words: ['recover', '--altered', 'maybe'], says: /Allowed choices are report, reprocess, accept/ },
  { words: ['recover', '--yes', '--altered', 'accept'], says: /received no reason; accepting rows is recorded.*--reason/ },
  { words: ['why', 'Form', '2024-01-02..2024-01-04'], says: /allowed is one date/ },
  { words: ['request', 'Scorse', '2024-01-02'], says: /did you mean Scores\?/ },
  { words: ['request', 'Form', '2024-01-04..2024-01-02'], says: /did you mean 2024-01-02\.\.2024-01-04\?/ },
  { words: ['request', 'Form', '2024-01-02..'], says: /received the date '', which is no date/ },
  { words: ['request', 'Form', '2024-01-02', '--priority', 'urgent'], says: /Allowed choices are high, normal, low/ },
  { words: ['publish', 'mini-request', '{}'], says: /received the topic 'mini-request'.*did you mean mini-requests\?/ },
  { words: ['accept', 'Form', '2024-01-02'], says: /received no reason; accepting is recorded with who and why; add --reason/ },
  { words: ['hold', 'Form', '2024-01-02', '--reason', ' '], says: /received no reason/ },
  { words: ['accept', 'Form', '2024-01-02', '--reason', 'x', '--until', 'never'], says: /received --until 'never', which is no date/ },
  { words: ['pause'], says: /received no reason; pausing/ },
  { words: ['requests', 'list', '--limit', 'all'], says: /--limit that is no number/ },
  { words: ['cascades', 'show', 'phase_9', '2024-01-02'], says: /received the phase 'phase_9'/ },
  { words: ['gaps', '--state='], says: /received --state '', which names no folder; allowed is a path; leave --state out/ },
  { words: ['pipeline', 'validate', '--pipeline', ''], says: /received --pipeline '', which names no folder/ },
  { words: ['pipeline', 'schema', 'backfill'], says: /'backfill' is invalid for argument 'of'\. Allowed choices are pipeline, backfills, messages/ },
  { words: ['pipeline', 'validate', '--bad'], says: /unknown option '--bad'; see: npx smart-backfill pipeline validate --help\n/ },
  { words: ['why', 'Qqqqq', '2024-01-02'], says: /see: npx smart-backfill --pipeline \S+mini --state \S+ pipeline show; allowed are Schedule, Scores, Form/ },
  { words: ['publish', 'mini-requests', '@no-such-file'], says: /received @no-such-file, which can't be read .*allowed are @FILE, - for standard input/ },
  { words: ['gaps', '--runtime', 'google'], says: /received --state \S+ with --runtime google, whose state is in Firestore and not in a folder; .*leave one of the two out/ },
  { words: ['gaps', '--runtime', 'gogle'], says: /received --runtime 'gogle'; allowed are embedded, google; did you mean google\?/ },
  { words: ['gaps', '--now', 'tomorrow'], says: /received --now 'tomorrow', which is no time/ },
  { words: ['backfill', 'strt'], says: /received the command 'backfill strt', which there is not; did you mean start\? allowed are start, watch, / },
  { words: ['requests', 'nonsense'], says: /received the command 'requests nonsense', which there is not; see: npx smart-backfill requests --help; allowed are .*show/ },
  { words: ['backfill', 'start', '--concurrency', '--season', '2024'], says: /received --concurrency without a value: --season comes next; write --concurrency <count>\n/ },
  { words: ['backfill', 'start', '--definition', 'season', '--season', '2024', '--concurrency', '1.5'], says: /^error: received --concurrency '1\.5'; allowed is a whole number from 1 to 100; write for example --concurrency 4\n/ },
  { words: ['backfill', 'start', '--definition', 'season', '--season', '2024', '--delay', '-1'], says: /^error: received --delay '-1'; allowed is a number from 0 to 86400/ },
  { words: ['gaps', '--log-level', 'loud'], says: /Allowed choices are error, warn, info, debug/ },
];

describe('bad input ends with exit code 2, a clear error on stderr, and nothing made', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());

  for (const { words, says } of refused) {
    it(words.join(' '), async () => {
      const state = sandbox.state();
      const { code, stdout, stderr } = await (['gasp', 'nonsense'].includes(words[0] ?? '') || words.some((word) => word === '' || word.endsWith('=')) ? sandbox.call(words) : sandbox.run(state, ...words));
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /\n {4}at /);
      assert.ok(!existsSync(state), 'a state folder was made');
    });
  }

  it('a date on which nothing is expected', async () => {
    const state = sandbox.state();
    const built = await sandbox.run(state, 'recover', '--all', '--yes', '--from', '2024-01-05', '--to', '2024-01-07');
    assert.equal(built.code, 0, built.stderr);
    const held = await sandbox.run(state, 'hold', 'Scores', '2024-01-06', '--reason', 'x');
    assert.equal(held.code, 2);
    assert.match(held.stderr, /received 2024-01-06, on which Scores is not expected/);
    const asked = await sandbox.run(state, 'request', 'Scores', '2024-01-06');
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /received 2024-01-06, on which Scores is not expected/);
    assert.equal((await sandbox.run(state, 'requests', 'show', 'no-such-id')).code, 2);
  });

  describe('a definition', () => {
    const definition = (text: string): string => {
      const folder = join(sandbox.folder, `pipeline-${Math.floor(performance.now() * 1000)}`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'pipeline.yaml'), text);
      return folder;
    };
    it('that is no YAML is refused with file, line and column', async () => {
      const folder = definition('version: 1\nname: [mini\n');
      const { code, stderr } = await sandbox.call(['gaps', '--pipeline', folder, '--state', sandbox.state()]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /pipeline\.yaml:\d+:\d+: /);
    });
    it('with several mistakes is refused with all of them', async () => {
      const folder = definition('version: 2\nname: Mini\n');
      const { code, stdout } = await sandbox.call(['pipeline', 'validate', '--pipeline', folder]);
      assert.equal(code, 2);
      assert.match(stdout, /pipeline\.yaml:1:\d+: [^]*pipeline\.yaml:2:\d+: /);
    });
    it('whose backfills.yaml is wrong is refused with its places, once each, whether pipeline.yaml is right or not', async () => {
      const folder = join(sandbox.state(), '..', 'wrong-backfills');
      cpSync(mini, folder, { recursive: true });
      writeFileSync(join(folder, 'checks', 'wrong.sql'), 'SELECT team\nFROM scorse\n');
      const backfills = (stage: string): void => writeFileSync(join(folder, 'backfills.yaml'), `version: 1\nbackfills:\n  season:\n    stages:\n      - ${stage}\n`);
      const validate = () => sandbox.call(['pipeline', 'validate', '--pipeline', folder]);
      backfills('{ name: raw, phases: [phase_1_rwa], gate: { checks: [checks/wrong.sql] } }');
      const meaning = await validate();
      assert.equal(meaning.code, 2, meaning.stderr);
      assert.match(meaning.stdout, /backfills\.yaml:5:\d+: unknown phase phase_1_rwa.*did you mean phase_1_raw\?/);
      assert.equal(meaning.stdout.match(/checks\/wrong\.sql:2:6: unknown table scorse/g)?.length, 1, meaning.stdout);
      backfills('{ name: raw, phases: [phase_1_raw], concurency: 3 }');
      writeFileSync(join(folder, 'pipeline.yaml'), 'version: 2\n');
      const shape = await validate();
      assert.equal(shape.code, 2);
      assert.match(shape.stdout, /pipeline\.yaml:1:[^]*backfills\.yaml:5:\d+: unknown key concurency; did you mean concurrency\?/);
      assert.match(shape.stderr, /docs\/backfills\.md those of backfills\.yaml/);
    });
    it('that is not there is refused with what to do', async () => {
      const { code, stderr } = await sandbox.call(['gaps', '--pipeline', join(sandbox.folder, 'nowhere'), '--state', sandbox.state()]);
      assert.equal(code, 2);
      assert.match(stderr, /there is no pipeline\.yaml in .*nowhere.*--pipeline/);
    });
    it('that is wrong is what doctor names', async () => {
      const { code, stdout } = await sandbox.call(['doctor', '--pipeline', definition('version: 2\n'), '--state', sandbox.state()]);
      assert.equal(code, 3);
      assert.match(stdout, /wrong {2}definition:\s/);
    });
  });

  describe('a state folder', () => {
    it('that is a file, or can not be written, is refused', async () => {
      const file = join(sandbox.folder, 'file');
      writeFileSync(file, '');
      const { code, stderr } = await sandbox.run(file, 'gaps');
      assert.equal(code, 2);
      assert.match(stderr, /is, or lies in, a file.*\n.*--state/);
      // Permissions don't stop root; a folder of /proc does.
      if (!existsSync('/proc/self')) return;
      const readOnly = await sandbox.run('/proc/self', 'gaps');
      assert.equal(readOnly.code, 2, readOnly.stderr);
      assert.match(readOnly.stderr, /\/proc\/self/);
      assert.match((await sandbox.run('/proc/self', 'doctor')).stdout, /wrong {2}state folder: /);
    });
    it('of another version is refused with the version that made it', async () => {
      const state = sandbox.state();
      mkdirSync(state);
      writeFileSync(join(state, 'version'), '{"state_version":7,"program_version":"9.1.0"}\n');
      const { code, stderr } = await sandbox.run(state, 'gaps');
      assert.equal(code, 2);
      assert.match(stderr, /of version 7, made by smart-backfill 9\.1\.0/);
    });
    for (const file of ['state.sqlite', 'warehouse.duckdb']) {
      it(`whose ${file} is damaged is refused with the file's name, and left as it was`, async () => {
        const state = sandbox.state();
        mkdirSync(state);
        writeFileSync(join(state, file), 'this is no database at all '.repeat(1000));
        const { code, stderr } = await sandbox.run(state, 'gaps');
        assert.equal(code, 2, stderr);
        assert.match(stderr, new RegExp(file.replace('.', '\\.')));
        assert.ok(!existsSync(join(state, 'owner.json')), 'the folder is still owned');
      });
    }
    it('owned by a process that does not answer is held back with its pid, exit code 5', async () => {
      const state = sandbox.state();
      const owner = spawn(process.execPath, [join(import.meta.dirname, '../embedded/owner-child.ts'), state, 'own'], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await once(owner.stdout, 'data');
        const { code, stderr } = await sandbox.run(state, 'gaps');
        assert.equal(code, 5);
        assert.match(stderr, new RegExp(`owned by process ${owner.pid}, which does not answer[^]*kill ${owner.pid}`));
      } finally {
        owner.kill('SIGKILL');
        await once(owner, 'exit');
      }
    });
  });
});
