import assert from 'node:assert/strict';
import { z } from 'zod';
import { mini, parsed, Sandbox, type Ended, type Running } from './harness.ts';

const DATE = '2024-01-08';
const keys = z.array(z.strictObject({ processor: z.string(), game_date: z.string() }));
const stoppedOutput = z.looseObject({ schema_version: z.literal(1), running: z.union([z.number(), keys]), stopped: z.array(z.string()), completed: keys, stopping: keys });
const listOutput = z.looseObject({ asks: z.array(z.looseObject({ id: z.string(), outcomes: z.record(z.string(), z.number()) })), open: z.array(z.looseObject({ processor: z.string(), state: z.string() })) });

describe('stopping what runs at once', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  let complete: string;
  before(async () => {
    ({ state: complete } = await sandbox.complete());
  });
  after(() => sandbox.remove());

  /** `up`, and a request whose run hangs until it is aborted. */
  const hanging = async (): Promise<{ readonly state: string; readonly up: Running; readonly request: Promise<Ended> }> => {
    const state = sandbox.state(complete);
    sandbox.tell(state, 'hang', DATE);
    const place = ['--pipeline', mini, '--state', state];
    const up = sandbox.start(['up', '--json', '--now', '2024-01-13', ...place]);
    await up.says('stdout', /"event":"detection"/);
    const request = sandbox.run(state, 'request', 'Scores', DATE, '--reprocess', 'completed', '--json');
    await sandbox.reached(state);
    return { state, up, request };
  };
  const drained = async (up: Running): Promise<void> => {
    up.interrupt();
    assert.equal((await up.ended).code, 130);
  };

  it('pause --now says what it stopped; the run goes back into the queue, and is run when the pipeline is resumed', async () => {
    const { state, up, request } = await hanging();
    const paused = await sandbox.run(state, 'pause', '--now', '--reason', 'the source is down', '--json');
    assert.equal(paused.code, 0, paused.stderr);
    const { running, stopped, completed, stopping } = parsed(stoppedOutput, paused);
    assert.deepEqual([running, completed, stopping], [0, [], []]);
    assert.match(stopped.join(), new RegExp(`^the run \\S+ of Scores ${DATE}$`));
    assert.equal((await request).code, 5, 'the request is held back by the pause');
    assert.deepEqual(parsed(listOutput, await sandbox.run(state, 'requests', 'list', '--json')).open.map((one) => [one.processor, one.state]), [['Scores', 'queued']]);
    sandbox.untell(state, 'hang', DATE);
    assert.equal((await sandbox.run(state, 'resume')).code, 0);
    await up.says('stdout', new RegExp(`"event":"run"[^\\n]*"processor":"Scores","game_date":"${DATE}","outcome":"(?:ran|unchanged)"`));
    assert.deepEqual(parsed(listOutput, await sandbox.run(state, 'requests', 'list', '--json')).open, []);
    await drained(up);
  });

  it('pause without --now lets what runs go on, and says so', async () => {
    const { state, up, request } = await hanging();
    const paused = await sandbox.run(state, 'pause', '--reason', 'a look at the source');
    assert.match(paused.stdout, /1 cell still running; go on with: {2}npx smart-backfill resume/);
    assert.deepEqual(parsed(listOutput, await sandbox.run(state, 'requests', 'list', '--json')).open.map((one) => one.state), ['processing']);
    await drained(up);
    await request;
  });

  it('requests cancel --now stops the run and ends its request; retry asks for it again', async () => {
    const { state, up, request } = await hanging();
    const [ask] = parsed(listOutput, await sandbox.run(state, 'requests', 'list', '--json')).asks;
    assert.deepEqual(ask?.outcomes, { open: 1 });
    const spared = await sandbox.run(state, 'requests', 'cancel', ask.id, '--reason', 'not now');
    assert.equal(spared.code, 5, spared.stderr);
    assert.match(spared.stdout, new RegExp(`cancelled 0 requests[^]*Scores ${DATE} is running, and is finished; to stop it: {2}npx smart-backfill requests cancel ${ask.id} --now --reason 'not now'`));
    const cancelled = await sandbox.run(state, 'requests', 'cancel', ask.id, '--now', '--reason', 'wrong date');
    assert.equal(cancelled.code, 0, cancelled.stderr);
    assert.match(cancelled.stdout, new RegExp(`stopped the run \\S+ of Scores ${DATE}`));
    const followed = await request;
    assert.equal(followed.code, 5, followed.stderr);
    assert.match(followed.stdout, /"outcome": "cancelled"[^]*wrong date/);
    sandbox.untell(state, 'hang', DATE);
    const again = await sandbox.run(state, 'requests', 'retry', ask.id, '--json');
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /"outcome": "(?:ran|already_complete)"/);
    await drained(up);
  });
});
