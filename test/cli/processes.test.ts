import assert from 'node:assert/strict';
import { once } from 'node:events';
import { z } from 'zod';
import { launcher, mini, Sandbox } from './harness.ts';

const gaps = z.looseObject({ cells: z.array(z.looseObject({ processor: z.string(), game_date: z.string(), status: z.string() })) });

describe('commands as processes', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());
  const all = ['recover', '--all', '--yes', '--season', '2024'];
  const place = (state: string): string[] => ['--pipeline', mini, '--state', state];

  it('a recovery that is stopped by Ctrl-C says what is unfinished and the command that goes on, which then does', async () => {
    const state = sandbox.state();
    sandbox.tell(state, 'hang', '2024-01-08');
    const running = sandbox.start([...all, ...place(state)]);
    await sandbox.reached(state);
    running.interrupt();
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /interrupted: \d+ cells done; nothing is in flight any more, \d+ cells? queued and not run[^]*Scores 2024-01-08/);
    assert.match(stdout, /cells? run in/);
    const command = /goes on where it was with: {2}npx smart-backfill (.*)/.exec(stderr)?.[1];
    assert.equal(command, ['recover', '--all', '--yes', '--season', '2024', ...place(state)].join(' '));
    sandbox.untell(state, 'hang', '2024-01-08');
    assert.equal((await sandbox.start(command.split(' ')).ended).code, 0);
    assert.equal((await sandbox.run(state, 'gaps')).code, 0);
  });

  it('the second Ctrl-C leaves at once, and nothing durable is lost', async () => {
    const state = sandbox.state();
    sandbox.tell(state, 'stuck', '2024-01-08');
    const running = sandbox.start([...all, ...place(state)]);
    await sandbox.reached(state);
    running.interrupt();
    await running.says('stderr', /press Ctrl-C again/);
    running.interrupt();
    assert.equal((await running.ended).code, 130);
    sandbox.untell(state, 'stuck', '2024-01-08');
    assert.equal((await sandbox.run(state, ...all)).code, 0);
    assert.equal((await sandbox.run(state, 'gaps')).code, 0);
  });

  it('a recovery that is killed several times ends complete', async () => {
    const state = sandbox.state();
    for (const date of ['2024-01-03', '2024-01-07', '2024-01-11']) {
      sandbox.tell(state, 'stuck', date);
      const running = sandbox.start([...all, ...place(state)]);
      await sandbox.reached(state);
      running.child.kill('SIGKILL');
      await running.ended;
      sandbox.untell(state, 'stuck', date);
    }
    const last = await sandbox.run(state, ...all);
    assert.equal(last.code, 0, last.stdout + last.stderr);
    assert.equal((await sandbox.run(state, 'gaps')).code, 0);
  });

  it('a second process has its command run by the owner, with its own output and exit code', async () => {
    const state = sandbox.state();
    sandbox.tell(state, 'hang', '2024-01-08');
    const owner = sandbox.start([...all, ...place(state)]);
    await sandbox.reached(state);
    const seen = await sandbox.run(state, 'gaps', '--json');
    assert.equal(seen.code, 3, seen.stderr);
    const { cells } = gaps.parse(JSON.parse(seen.stdout));
    assert.ok(cells.some((cell) => cell.processor === 'Scores' && cell.game_date === '2024-01-08' && cell.status === 'in_flight'), seen.stdout);
    assert.equal((await sandbox.run(state, 'why', 'Frm', '2024-01-08')).code, 2);
    const up = await sandbox.run(state, 'up');
    assert.equal(up.code, 5);
    assert.match(up.stderr, new RegExp(`owned by recover, process ${owner.child.pid}`));
    const other = await sandbox.start(['gaps', '--pipeline', 'elsewhere', '--state', state]).ended;
    assert.equal(other.code, 2, other.stderr);
    owner.interrupt();
    assert.equal((await owner.ended).code, 130);
  });

  it('up serves, works off what is published, and drains at Ctrl-C', async () => {
    const state = sandbox.state();
    const built = await sandbox.run(state, ...all);
    assert.equal(built.code, 0, built.stderr);
    const up = sandbox.start(['up', '--json', '--now', '2024-01-13', ...place(state)]);
    await up.says('stdout', /"event":"detection"/);
    const asked = await sandbox.run(state, 'request', 'Form', '2024-01-05', '--reprocess', 'completed', '--json');
    assert.equal(asked.code, 0, asked.stderr);
    assert.match(asked.stdout, /"outcome": "ran"/);
    const gone = once(up.child, 'exit');
    up.interrupt();
    await gone;
    const { code, stdout, stderr } = await up.ended;
    assert.equal(code, 130, stderr);
    const line = z.looseObject({ time: z.iso.datetime(), level: z.enum(['error', 'warn', 'info', 'debug']), event: z.string(), text: z.string() });
    const events = stdout.trim().split('\n').map((text) => line.parse(JSON.parse(text)).event);
    assert.deepEqual([events[0], events.at(-1)], ['up', 'down']);
    assert.ok(events.includes('run') && events.includes('draining'), stdout);
    assert.match(stderr, /it goes on with: {2}npx smart-backfill up/);
  });

  it('the launcher passes output, exit code and Ctrl-C through', async () => {
    assert.match((await sandbox.start(['--version'], { script: launcher }).ended).stdout, /^\d+\.\d+\.\d+\n$/);
    assert.equal((await sandbox.start(['gasp'], { script: launcher }).ended).code, 2);
    const state = sandbox.state();
    sandbox.tell(state, 'hang', '2024-01-08');
    const running = sandbox.start([...all, ...place(state)], { script: launcher });
    await sandbox.reached(state);
    running.interrupt();
    assert.equal((await running.ended).code, 130);
  });
});
