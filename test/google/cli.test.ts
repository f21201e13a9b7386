import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as after_ } from 'node:timers/promises';
import { z } from 'zod';
import { fill } from '../../scripts/local-cloud/fill.ts';
import { startLocalCloud, type LocalCloud } from '../../scripts/local-cloud/local-cloud.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { keptSubscriptionOf } from '../../shared/pipeline/topology.ts';
import { ended, parsed, Sandbox, type Ended, type Running } from '../cli/harness.ts';
import { describeWithEmulators } from './emulated.ts';

/** The command line, as a process where it is interrupted, against a cloud of its own with two nights of a real season. */

const PROJECT = 'demo-cli';
const [FIRST, LAST] = ['2023-10-24', '2023-10-25'];
const SUMMARY = 'PlayerGameSummaryProcessor';
const range = ['--from', FIRST, '--to', LAST];

const cell = z.looseObject({ processor: z.string(), game_date: z.string() });
const gapsOutput = z.looseObject({ cells: z.array(cell.extend({ status: z.string() })) });
const whyOutput = z.looseObject({ root_cause: cell.nullable(), runs: z.array(z.looseObject({ processing_decision: z.string() })), mend: z.looseObject({ command: z.array(z.string()).nullable() }) });
const followedOutput = z.looseObject({ messages: z.array(z.looseObject({ message_id: z.string(), refused: z.string().nullable(), cells: z.array(cell.extend({ outcome: z.string() })) })) });
const recoverOutput = z.looseObject({ runs: z.array(cell.extend({ outcome: z.string() })) });
const listOutput = z.looseObject({ asks: z.array(z.looseObject({ id: z.string(), by: z.string(), outcomes: z.record(z.string(), z.number()) })), open: z.array(cell) });

describeWithEmulators('the command line with --runtime google, against a local cloud', function () {
  const sandbox = new Sandbox();
  const folder = mkdtempSync(join(tmpdir(), 'sbf-cli-cloud-'));
  let cloud: LocalCloud;

  before(async function () {
    const root = resolve(import.meta.dirname, '../..');
    cloud = await startLocalCloud({
      root, pipelineDirectory: join(root, 'pipelines/nba'), folder, project: PROJECT, env: process.env, now: '2023-10-26T16:00:00Z', detectFrom: FIRST, onLine: () => undefined,
    });
    await fill(cloud.runtime, dayOf(FIRST), dayOf(LAST), new AbortController().signal, () => undefined);
    // Else it fills what a test has lost before the command under test does.
    await cloud.functions.get('gap-detector')?.stop();
  });
  after(async function () {
    await sandbox.remove();
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (words: readonly string[]): Running => sandbox.start([...words, '--runtime', 'google'], { env: cloud.environment });
  const run = (...words: readonly string[]): Promise<Ended> => sandbox.call([...words, '--runtime', 'google'], { env: cloud.environment });
  const lose = async (table: string, date: string): Promise<void> => {
    const response = await fetch(`${cloud.bigquery.endpoint}/bigquery/v2/projects/${PROJECT}/queries`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: `DELETE FROM ${table} WHERE game_date = DATE '${date}'`, useLegacySql: false }),
    });
    assert.equal(response.status, 200, await response.text());
  };
  /** Functions work off what was rung for, in their own time. */
  const untilComplete = async (): Promise<void> => {
    const deadline = Date.now() + 200_000;
    for (;;) {
      const found = await run('gaps', ...range);
      if (found.code === 0) return;
      assert.ok(Date.now() < deadline, found.stdout + found.stderr);
      await after_(500);
    }
  };

  it('verifies the two nights with the pipeline\'s checks, and assesses needs', async () => {
    const verified = parsed(z.looseObject({ passed: z.boolean(), reasons: z.array(z.unknown()), checks: z.array(z.looseObject({ outcome: z.string() })) }), ended(await run('verify', ...range, '--json'), 0));
    assert.deepEqual([verified.passed, verified.reasons, verified.checks.map(({ outcome }) => outcome)], [true, [], ['passed', 'passed', 'passed', 'passed', 'passed']]);
    const assessed = parsed(z.looseObject({ days: z.number(), dependency_failures: z.looseObject({ runs: z.number() }) }), ended(await run('needs', ...range, '--now', '2023-10-26T16:00:00Z', '--json'), 0));
    assert.equal(assessed.days, 2);
    assert.ok(assessed.dependency_failures.runs > 0, 'runs are read from BigQuery');
  });

  it('finds a date that is lost and its root cause, and has the functions fill it by a request', async () => {
    ended(await run('gaps', ...range), 0);
    await lose('nba_analytics.player_game_summary', LAST);
    assert.deepEqual(parsed(gapsOutput, ended(await run('gaps', ...range, '--json'), 3)).cells.map((one) => [one.processor, one.game_date, one.status]), [[SUMMARY, LAST, 'missing']]);
    const why = parsed(whyOutput, ended(await run('why', SUMMARY, LAST, '--json'), 0));
    assert.equal(why.root_cause?.processor, SUMMARY);
    assert.match(ended(await run('plan', ...range), 0).stderr, /do it: {2}npx smart-backfill recover --from 2023-10-24 --to 2023-10-25 --runtime google/);

    const [message] = parsed(followedOutput, ended(await run('request', SUMMARY, LAST, '--json'), 0)).messages;
    assert.deepEqual(message?.cells.map((one) => [one.processor, one.outcome]), [[SUMMARY, 'ran']]);
    assert.match(ended(await run('requests', 'show', message.message_id), 0).stdout, new RegExp(`${LAST} +${SUMMARY} +ran`));
    await untilComplete();
  });

  it('shows a message that can never be right with its reason, and tells that another topic is not followed', async () => {
    const refused = ended(await run('publish', cloud.runtime.pipeline.topics.backfill_requests, '{"processor_name": "Nobody", "start_date": "2023-10-25", "end_date": "2023-10-25"}', '--json'), 2);
    assert.match(parsed(followedOutput, refused).messages[0]?.refused ?? '', /Nobody/);
    assert.match(ended(await run('publish', 'nba-phase3-analytics-complete', '{"is": "nothing"}'), 0).stderr, /nothing tells of it here: a refused message is on nba-\S*dead-letters with its reason/);
  });

  it('recovers by itself, and sends the outbox and the run history at the end', async () => {
    await lose('nba_analytics.player_game_summary', FIRST);
    const before = parsed(whyOutput, ended(await run('why', SUMMARY, FIRST, '--json'), 0)).runs.length;
    const { runs } = parsed(recoverOutput, ended(await run('recover', '--yes', ...range, '--json'), 0));
    assert.deepEqual(runs.filter((one) => one.outcome === 'ran' || one.outcome === 'unchanged').map((one) => [one.processor, one.game_date])[0], [SUMMARY, FIRST]);
    ended(await run('gaps', ...range), 0);
    assert.equal(parsed(whyOutput, ended(await run('why', SUMMARY, FIRST, '--json'), 0)).runs.length, before + 1);
    assert.deepEqual(await cloud.runtime.store.unsent(10), []);
  });

  it('takes up nothing while the pipeline is paused; cancel, resume and retry', async () => {
    await lose('nba_analytics.player_game_summary', LAST);
    ended(await run('pause', '--reason', 'maintenance'), 0);
    assert.match(ended(await run('recover', '--yes', ...range), 5).stderr, /paused by \S+: maintenance/);
    const held = ended(await run('request', SUMMARY, LAST, '--json'), 5);
    const id = parsed(followedOutput, held).messages[0]?.message_id ?? '';
    assert.match(held.stderr, /paused by \S+: maintenance; it goes on with: {2}npx smart-backfill resume --runtime google/);
    assert.match(ended(await run('doctor'), 3).stdout, /wrong {2}paused: by/);
    const cancelled = ended(await run('requests', 'cancel', id, '--reason', 'not now'), 0);
    assert.match(cancelled.stdout, /cancelled 1 request of/, held.stdout);
    assert.match(ended(await run('resume'), 0).stdout, /resumed: it was paused by/);
    const again = parsed(followedOutput, ended(await run('requests', 'retry', id, '--json'), 0));
    assert.deepEqual(again.messages[0]?.cells.map((one) => one.outcome), ['ran']);
    await untilComplete();
  });

  it('has the functions work off what was asked for during a pause, once it is resumed', async () => {
    await lose('nba_analytics.player_game_summary', FIRST);
    ended(await run('pause', '--reason', 'maintenance'), 0);
    ended(await run('request', SUMMARY, FIRST), 5);
    const detector = cloud.functions.get('gap-detector');
    await detector?.start();
    assert.match(ended(await run('resume'), 0).stdout, /1 request open, worked off by the functions/);
    await untilComplete();
    await detector?.stop();
  });

  it('left by Ctrl-C, names the command that looks on; the message waits for its function, and nothing is delivered here', async () => {
    const worker = cloud.functions.get('backfill-worker');
    assert.ok(worker);
    await worker.stop();
    const following = start(['request', SUMMARY, LAST, '--log-level', 'debug']);
    await following.says('stderr', /published to \S+: \S+/);
    following.interrupt();
    const { code, stderr } = await following.ended;
    assert.equal(code, 130, stderr);
    const id = /goes on with: {2}the functions; to look: {2}npx smart-backfill requests show (\S+) --runtime google/.exec(stderr)?.[1] ?? '';
    assert.match(ended(await run('requests', 'show', id), 2).stderr, /which no ask has/);
    await worker.start();
    const deadline = Date.now() + 200_000;
    for (let shown = await run('requests', 'show', id); shown.code !== 0 || / open /.test(shown.stdout); shown = await run('requests', 'show', id)) {
      assert.ok(Date.now() < deadline, shown.stdout + shown.stderr);
      await after_(500);
    }
  });

  it('holds and accepts by hand, and lists who asked', async () => {
    assert.match(ended(await run('hold', SUMMARY, LAST, '--reason', 'wait'), 0).stdout, new RegExp(`${LAST} +held`));
    assert.match(ended(await run('unhold', SUMMARY, LAST, '--reason', 'go'), 0).stdout, new RegExp(`${LAST} +complete`));
    const { asks, open } = parsed(listOutput, ended(await run('requests', 'list', '--json'), 0));
    assert.ok(asks.some(({ by }) => by === 'local-cloud'));
    // A detector that was stopped at work leaves others open until their leases end.
    assert.ok(open.every(({ processor }) => processor !== SUMMARY), JSON.stringify(open));
    assert.match(ended(await run('cascades', 'report', ...range), 0).stdout, /phase_3_analytics +enforce/);
    assert.match(ended(await run('pipeline', 'show', ...range), 0).stdout, new RegExp(`${SUMMARY} +2 dates`));
  });

  it('interrupted in a recovery, gives back what runs, sends what it committed, and prints the command that goes on', async () => {
    await lose('nba_raw.nbac_player_boxscore', FIRST);
    await lose('nba_analytics.player_game_summary', FIRST);
    const recovering = start(['recover', '--yes', ...range, '--log-level', 'debug']);
    // Its first run is under way as soon as a cell of the range is being processed.
    const deadline = Date.now() + 200_000;
    while (!(await cloud.runtime.store.openCells()).some(({ day, request }) => day === dayOf(FIRST) && request?.state === 'processing')) assert.ok(Date.now() < deadline);
    recovering.interrupt();
    const { code, stderr } = await recovering.ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /it goes on where it was with: {2}npx smart-backfill recover --yes --from 2023-10-24 --to 2023-10-25 --runtime google/);
    assert.deepEqual(await cloud.runtime.store.unsent(10), []);
    ended(await run('recover', '--yes', ...range), 0);
  });

  it('says what --now means here', async () => {
    assert.match(ended(await run('gaps', ...range, '--now', '2023-10-27'), 0).stderr, /--now sets the clock of this command only/);
  });

  it('has doctor check all of it, and name what is missing or listens too', async () => {
    const right = ended(await run('doctor'), 0).stdout;
    for (const name of ['variables', 'definition', 'Firestore', 'BigQuery', 'services', 'Pub/Sub', 'listeners']) assert.match(right, new RegExp(`ok {5}${name}: `));
    assert.match(right, /note {3}dead letters: [^]*num_undelivered_messages[^]*gcloud pubsub subscriptions pull/);

    const pubsub = await cloud.runtime.clients.pubsub();
    await pubsub.topic('nba-phase2-raw-complete').createSubscription('old-phase-3-starter');
    await pubsub.subscription(keptSubscriptionOf(cloud.runtime.pipeline.topics.alerts)).delete();
    const dropped = await fetch(`${cloud.bigquery.endpoint}/bigquery/v2/projects/${PROJECT}/datasets/nba_precompute/tables/player_daily_cache`, { method: 'DELETE' });
    assert.ok(dropped.ok, await dropped.text());
    const wrong = ended(await run('doctor'), 3).stdout;
    assert.match(wrong, /wrong {2}listeners of nba-phase2-raw-complete: old-phase-3-starter \(pulled\) too/);
    assert.match(wrong, /wrong {2}subscription \S*alerts-sub: it is not there/);
    assert.match(wrong, /wrong {2}table nba_precompute\.player_daily_cache: it is not there\n[^]*Terraform/);
  });

  it('says in words that a project is not there, with exit code 4', async () => {
    const { stderr } = ended(await sandbox.call(['gaps', ...range, '--runtime', 'google'], { env: { ...cloud.environment, GOOGLE_CLOUD_PROJECT: 'demo-nowhere' } }), 4);
    assert.doesNotMatch(stderr, /fault of smart-backfill/);
  });
});
