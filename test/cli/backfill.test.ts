import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ended, mini, Sandbox, type Ended } from './harness.ts';

const BACKFILLS = `version: 1
backfills:
  season:
    stages:
      - { name: raw, phases: [phase_1_raw], calendar_first: true, concurrency: 3, error_policy: continue, gate: { coverage_percent: 100 } }
      - { name: computed, phases: [phase_2_computed], order: by_date, gate: { coverage_percent: 100, success_rate_percent: 99, max_nulls: 0, checks: [checks/form.sql] } }
  approved:
    stages:
      - { name: raw, phases: [phase_1_raw], needs_approval: true }
  by_date:
    stages:
      - { name: calendar, phases: [phase_1_raw], calendar_first: true }
      - { name: dates, phases: [phase_1_raw, phase_2_computed], order: by_date, cascade: true, reprocess: completed, gate: { coverage_percent: 100 } }
`;

const shown = z.looseObject({
  schema_version: z.literal(1), id: z.string(), state: z.string(), note: z.string(), asked: z.looseObject({ by: z.string(), reason: z.string() }),
  stages: z.array(z.looseObject({ name: z.string(), gate: z.looseObject({ passed: z.boolean(), reasons: z.array(z.string()) }).nullable() })),
  failures: z.array(z.looseObject({ processor: z.string(), game_date: z.string(), category: z.string(), became: z.string() })), journal: z.array(z.looseObject({ event: z.string() })),
});
const planned = z.looseObject({ plan: z.string(), stages: z.array(z.looseObject({ stage: z.string(), cells: z.array(z.looseObject({ processor: z.string(), game_date: z.string(), action: z.string() })), left_out: z.array(z.looseObject({ reason: z.string() })) })) });

describe('smart-backfill backfill', function () {
  this.timeout(120_000);
  const sandbox = new Sandbox();
  let folder: string;

  before(() => {
    folder = join(sandbox.folder, 'mini');
    cpSync(mini, folder, { recursive: true });
    // The copy's processors import only types from the project.
    mkdirSync(join(folder, 'checks'), { recursive: true });
    writeFileSync(join(folder, 'backfills.yaml'), BACKFILLS);
    writeFileSync(join(folder, 'checks', 'form.sql'), 'SELECT game_date, team FROM form WHERE points_last_3 <= 0\n');
  });
  after(() => sandbox.remove());

  const run = (state: string, ...words: readonly string[]): Promise<Ended> => sandbox.call([...words, '--pipeline', folder, '--state', state]);
  const start = (state: string, ...words: readonly string[]): Promise<Ended> => run(state, 'backfill', 'start', '--definition', 'season', '--season', '2024', '--reason', 'the year is missing', '--yes', '--json', ...words);
  const read = ({ stdout, stderr }: Ended): z.infer<typeof shown> => {
    assert.notEqual(stdout, '', stderr);
    return shown.parse(JSON.parse(stdout));
  };

  it('runs a season from an empty state to its end, holds at a gate on the way, and reports it', async () => {
    const state = sandbox.state();
    sandbox.tell(state, 'fail', '2024-01-05');
    const held = await start(state);
    const record = read(held);
    assert.equal(held.code, 3, held.stderr);
    assert.deepEqual([record.id, record.state], ['season-2024', 'gate_held']);
    assert.deepEqual(record.stages[0]?.gate?.reasons, ['mini_raw.scores: 90.9 % of 11 dates (1 missing); at least 100 % is needed', '1 unresolved failure (Scores 1); the first: ValueError: the page of 2024-01-05 has no table']);
    assert.deepEqual(record.failures.map((failure) => [failure.processor, failure.game_date, failure.category, failure.became]), [['Scores', '2024-01-05', 'processing', 'open']]);
    const verified = await run(state, 'verify', '--season', '2024', '--phase', 'phase_1_raw', '--min-coverage', '95');
    assert.equal(verified.code, 3, verified.stderr);
    assert.match(verified.stdout, /scores: 90\.9 % of 11 dates \(1 missing\); at least 95 % is needed/);
    const second = await start(state);
    assert.equal(second.code, 5);
    assert.match(second.stderr, /backfill season-2024 \(gate held, by .*\) has cells in common with this one/);
    sandbox.untell(state, 'fail', '2024-01-05');
    const resumed = await run(state, 'backfill', 'resume', 'season-2024', '--reason', 'the page is there', '--json');
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(read(resumed).state, 'finished');
    assert.equal((await run(state, 'gaps', '--season', '2024')).code, 0);
    assert.equal((await run(state, 'verify', '--season', '2024', '--phase', 'phase_2_computed')).code, 0);
    const report = await run(state, 'backfill', 'report', 'season-2024');
    assert.match(report.stdout, /^# Backfill season-2024\n/);
    assert.match(report.stdout, /the year is missing/);
    assert.match(report.stdout, /\| raw \| 2024-01-05 \| Scores \| processing \| .*the page of 2024-01-05 has no table.* \| tried again; complete now \|/);
    assert.match(report.stdout, /checks\/form\.sql \(form\): 0 rows found/);
    const [listed] = z.looseObject({ backfills: z.array(z.looseObject({ id: z.string(), asked: z.looseObject({ reason: z.string() }) })) }).parse(JSON.parse((await run(state, 'backfill', 'list', '--json')).stdout)).backfills;
    const list = (await run(state, 'backfill', 'list')).stdout;
    assert.match(list, /^season-2024 {2}finished\n {2}2024-01-01\.\.2024-01-\d\d, asked for by .* UTC:\s+the\s+year is missing\n/);
    assert.ok(list.split('\n').every((line) => line.length <= 80), list);
    const status = read(await run(state, 'backfill', 'status', 'season-2024', '--json'));
    for (const [name, value] of Object.entries(listed ?? {})) assert.deepEqual(status[name], value, name);
    assert.deepEqual(read(await run(state, 'backfill', 'report', 'season-2024', '--json')), { ...status, tried_again: [] });
    assert.match(report.stdout, /\| resumed \| the page is there \|/);
    const rerun = planned.parse(JSON.parse((await start(state, '--dry-run', '--reprocess', 'completed')).stdout));
    assert.equal(rerun.stages[0]?.cells.filter((cell) => cell.action === 'rerun').length, 12, 'what the first one ran is not taken for done by a second over the same dates');
    const again = await run(state, 'backfill', 'resume', 'season-2024');
    assert.equal(again.code, 2);
    assert.match(again.stderr, /received resume for backfill season-2024, which is finished/);
  });

  it('starts nothing where nobody can be asked: it prints the plan, what it reads and nobody fills, and the command, with exit code 5', async () => {
    const state = sandbox.state();
    const words = ['backfill', 'start', '--definition', 'season', '--from', '2024-01-04', '--to', '2024-01-08'];
    const unasked = await run(state, ...words);
    assert.equal(unasked.code, 5, unasked.stderr);
    assert.match(unasked.stdout, /^stage raw: 5 cells; more when these have filled the calendar\n[^]*\nstage computed: known when the calendar is filled\n/);
    assert.match(unasked.stderr, /nothing was started: nobody can be asked here; to start it: {2}npx smart-backfill backfill start .* --yes/);
    assert.deepEqual(planned.parse(JSON.parse((await run(state, ...words, '--json')).stdout)).stages.map(({ stage }) => stage), ['raw', 'computed']);
    assert.equal((await run(state, 'backfill', 'list')).stdout, 'no backfill was started yet\n');
    assert.equal((await run(state, 'recover', '--all', '--yes', '--processor', 'Schedule', '--from', '2024-01-01', '--to', '2024-01-12')).code, 0);
    const note = (await run(state, ...words, '--dry-run')).stderr;
    assert.match(note, /note: it also reads what lies before 2024-01-04, and fills none of it; not there, or not good: Scores 2024-01-0[^;]*; what needs that fails; begin with --from 2024-01-0\d, or first: {2}npx smart-backfill recover --all --from 2024-01-0\d --to 2024-01-03 /);
  });

  it('prints in a dry run what it would take, and says when state has changed since', async () => {
    const state = sandbox.state();
    assert.equal((await run(state, 'recover', '--all', '--yes', '--from', '2024-01-01', '--to', '2024-01-05')).code, 0);
    const dry = await start(state, '--dry-run');
    const plan = planned.parse(JSON.parse(dry.stdout));
    assert.deepEqual(plan.stages.map((stage) => stage.stage), ['raw', 'computed']);
    assert.ok(plan.stages[0]?.cells.every((cell) => cell.processor === 'Schedule' && cell.game_date > '2024-01-05'));
    assert.equal((await run(state, 'recover', '--all', '--yes', '--from', '2024-01-06', '--to', '2024-01-08')).code, 0);
    const started = await start(state, '--plan', plan.plan);
    assert.equal(started.code, 0, started.stderr);
    assert.match(started.stderr, /state has changed since the dry run: the plan was \w+, and is \w+ now/);
  });

  it('takes the dates in steps, starts one phase by the cascade of the other, and says that its definition is another by now', async () => {
    const state = sandbox.state();
    const words = ['backfill', 'start', '--definition', 'by_date', '--season', '2024', '--reason', 'again', '--ramp'];
    assert.equal((await run(state, 'recover', '--all', '--yes', '--processor', 'Schedule', '--from', '2024-01-01', '--to', '2024-01-12')).code, 0);
    const dry = await run(state, ...words, '--dry-run');
    assert.match(dry.stdout, /stage calendar: 11 cells, 12 left out\n {2}in steps: the first date \(to 2024-01-\d\d, \d+ cells? by then\), then\s+the\s+first\s+7\s+days\s+\(to /);
    const started = await run(state, ...words, '--yes', '--json');
    assert.equal(started.code, 0, started.stderr);
    const record = read(started);
    assert.equal(record.state, 'finished');
    assert.deepEqual([...new Set(record.journal.map((entry) => entry.event))], ['started', 'stage_started', 'ramp', 'stage_ended', 'gate_passed', 'finished']);
    assert.equal((await run(state, 'gaps', '--season', '2024')).code, 0);
    const first = (await run(state, 'backfill', 'start', '--definition', 'season', '--season', '2024', '--reprocess', 'completed', '--detach', '--yes')).stdout.trim();
    const dryJoin = await run(state, ...words, '--dry-run', '--join', first);
    assert.equal(dryJoin.code, 0, dryJoin.stderr);
    assert.doesNotMatch(dryJoin.stdout, /would be refused/);
    assert.match((await run(state, ...words, '--dry-run')).stdout, new RegExp(`it would be refused: ${first} has cells in common`));
    assert.match((await run(state, ...words, '--yes', '--join', 'nothing')).stderr, new RegExp(`received --join nothing, which there is not; allowed are ${first}`));
    writeFileSync(join(folder, 'backfills.yaml'), BACKFILLS.replace('concurrency: 3', 'concurrency: 2'));
    assert.match((await run(state, 'backfill', 'cancel', first, '--reason', 'enough')).stdout, /is cancelled/);
    const second = (await run(state, 'backfill', 'start', '--definition', 'season', '--season', '2024', '--reprocess', 'completed', '--detach', '--yes')).stdout.trim();
    writeFileSync(join(folder, 'backfills.yaml'), BACKFILLS);
    assert.match((await run(state, 'backfill', 'status', second)).stderr, /nobody advances it now; it goes on with: {2}.* backfill watch [^]*the definition season is another since this backfill was started: it goes on with the one that it was started with/);
  });

  it('goes on after it was killed, with exactly what is left', async () => {
    const state = sandbox.state();
    mkdirSync(join(state, 'source'), { recursive: true });
    sandbox.tell(state, 'stuck', '2024-01-07');
    const running = sandbox.start(['backfill', 'start', '--definition', 'season', '--season', '2024', '--yes', '--pipeline', folder, '--state', state]);
    await sandbox.reached(state);
    const looking = sandbox.start(['backfill', 'watch', 'season-2024', '--pipeline', folder, '--state', state]);
    await looking.says('stderr', /stage \w+ begins/);
    looking.interrupt();
    assert.match(ended(await looking.ended, 130).stderr, /looking on has ended; another process goes on with it; look on again: {2}.* backfill watch season-2024 /);
    running.child.kill('SIGKILL');
    await running.ended;
    sandbox.untell(state, 'stuck', '2024-01-07');
    const watched = await run(state, 'backfill', 'watch', 'season-2024', '--json');
    assert.equal(watched.code, 0, watched.stderr);
    assert.equal(read(watched).state, 'finished');
    assert.equal((await run(state, 'gaps', '--season', '2024')).code, 0);
  });

  it('says of which dates there is no schedule, where none of its stages fills it', async () => {
    const state = sandbox.state();
    ended(await run(state, 'recover', '--all', '--yes', '--processor', 'Schedule', '--from', '2024-01-01', '--to', '2024-01-05'), 0);
    const dry = (...words: readonly string[]) => run(state, 'backfill', 'start', '--definition', 'season', '--season', '2024', '--dry-run', ...words);
    assert.match(ended(await dry('--processor', 'Scores'), 0).stderr, /note: no schedule is there of 7 dates \(2024-01-06\.\.2024-01-12\), and it fills none: .*; first: {2}.* recover --all --processor Schedule --from 2024-01-06 --to 2024-01-12 /);
    assert.doesNotMatch(ended(await dry(), 0).stderr, /no schedule is there/);
    assert.doesNotMatch(ended(await dry('--processor', 'Scores', '--exclude', '2024-01-06..2024-01-12'), 0).stderr, /no schedule is there/);
  });

  it('asks before it starts, detached too', async () => {
    const state = sandbox.state();
    const words = ['backfill', 'start', '--definition', 'approved', '--from', '2024-01-01', '--to', '2024-01-03', '--detach', '--pipeline', folder, '--state', state];
    assert.match(ended(await sandbox.call(words), 5).stderr, /nothing was started: nobody can be asked here; to start it: .* --detach --yes /);
    const no = ended(await sandbox.call(words, { answer: 'n' }), 5);
    assert.match(no.stderr, /stage raw: 3 cells[^]*\nnothing was started; to start it: .* --detach --yes /);
    assert.equal(no.stdout, '');
    assert.equal(ended(await run(state, 'backfill', 'list'), 0).stdout, 'no backfill was started yet\n');
    assert.equal(ended(await sandbox.call(words, { answer: 'yes' }), 0).stdout, 'approved-2024-01-01-to-2024-01-03\n');
    assert.equal(ended(await sandbox.call([...words, '--dry-run']), 0).stdout.match(/it would be refused: approved-\S+/g)?.length, 1);
  });

  it('is advanced by up, and ordered from another terminal', async () => {
    const state = sandbox.state();
    const detached = await run(state, 'backfill', 'start', '--definition', 'approved', '--from', '2024-01-01', '--to', '2024-01-03', '--detach', '--yes');
    assert.deepEqual([detached.code, detached.stdout], [0, 'approved-2024-01-01-to-2024-01-03\n'], detached.stderr);
    const up = sandbox.start(['up', '--pipeline', folder, '--state', state]);
    await up.says('stdout', /up: mini/);
    const approved = await run(state, 'backfill', 'approve', detached.stdout.trim(), '--reason', 'looked at');
    assert.equal(approved.code, 0, approved.stderr);
    assert.match(approved.stdout, /finished/);
    const twice = await run(state, 'backfill', 'approve', detached.stdout.trim());
    assert.equal(twice.code, 2);
    up.interrupt();
    assert.equal((await up.ended).code, 130);
  });

  // What else `start` refuses: backfill-asked.test.ts.
  const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown definition', ['start', '--definition', 'seson', '--season', '2024', '--yes'], /received the definition 'seson', which there is not; did you mean season\? allowed are season, approved, by_date/],
    ['a concurrency of none', ['start', '--definition', 'season', '--season', '2024', '--concurrency', '0', '--yes'], /error: received --concurrency '0'; allowed is a whole number from 1 to 100/],
    ['an unknown policy', ['start', '--definition', 'season', '--season', '2024', '--error-policy', 'halt', '--yes'], /'halt' is invalid\. Allowed choices are stop, continue, skip-deps; see: /],
    ['a backfill that there is not', ['status', 'nothing'], /received the backfill 'nothing', which there is not; none was started yet/],
    ['a pause without a reason', ['pause', 'nothing'], /received no reason/],
    ['Google without its variables', ['list', '--runtime', 'google'], /GOOGLE_CLOUD_PROJECT: received nothing/],
  ];
  it('refuses what can’t be right, with exit code 2', async () => {
    const state = sandbox.state();
    for (const [what, words, message] of WRONG) {
      const google = words.includes('google');
      const refused = google ? await sandbox.call(['backfill', ...words, '--pipeline', folder]) : await run(state, 'backfill', ...words);
      assert.equal(refused.code, 2, `${what}: ${refused.stderr}`);
      assert.match(refused.stderr, message, what);
      if (words[0] === 'start') assert.equal(existsSync(state), false, `${what}: nothing is opened`);
    }
  });
});
