import assert from 'node:assert/strict';
import { join } from 'node:path';
import { z } from 'zod';
import { ended, parsed, Sandbox } from './harness.ts';

const cell = z.strictObject({ processor: z.string(), game_date: z.string() });
const root = cell.extend({ kind: z.enum(['cell', 'source']), because: z.string() });
const gapsOutput = z.strictObject({
  schema_version: z.literal(1), from: z.string(), to: z.string(), judged: z.number(),
  cells: z.array(cell.extend({
    status: z.string(), root_cause: root,
    facts: z.strictObject({
      data: z.string(), trace: z.string(), activity: z.string(), shortcomings: z.array(z.string()), changed_edges: z.array(z.string()), read_incomplete: z.boolean(), code_changed: z.boolean(),
    }),
  })),
  gaps: z.array(z.strictObject({ processor: z.string(), dates: z.array(z.string()), missing: z.number(), short: z.number(), root_cause: root })),
  readers: z.array(cell), calendar_findings: z.array(z.unknown()), stuck_games: z.array(z.unknown()),
});
const leftOut = z.array(cell.extend({ code: z.string(), reason: z.string(), because: cell.nullable() }));
const outages = z.array(z.strictObject({ processor: z.string(), dates: z.array(z.string()), cells: z.number() }));
const planOutput = z.strictObject({
  schema_version: z.literal(1), from: z.string(), to: z.string(), steps: z.array(cell.extend({ action: z.enum(['fill', 'redo', 'check']), reason: z.string(), is_root_cause: z.boolean() })), left_out: leftOut, outages, over_bounds: outages,
});
const recoverOutput = z.strictObject({
  schema_version: z.literal(1), plan_id: z.string(), rounds: z.number(), duration_ms: z.number(), interrupted: z.boolean(),
  runs: z.array(cell.extend({ action: z.string(), reason: z.string(), outcome: z.string(), cut_off: z.boolean(), duration_ms: z.number(), rows: z.number().nullable(), note: z.string() })), left_out: leftOut, unfinished: z.array(cell),
});
const whyOutput = z.strictObject({
  schema_version: z.literal(1), chain: z.array(cell.extend({ status: z.string(), data: z.string(), trace: z.string(), activity: z.string(), because: z.string() })),
  root_cause: cell.extend({ because: z.string() }).nullable(), not_expected: z.string().nullable(),
  differences: z.array(z.strictObject({ input: z.string(), game_date: z.string(), read: z.string(), now: z.string() })).nullable(), runs: z.array(z.looseObject({ processing_decision: z.string() })),
  mend: z.strictObject({ command: z.array(z.string()).nullable(), text: z.string() }),
});
const followed = z.strictObject({
  schema_version: z.literal(1), messages: z.array(z.strictObject({ message_id: z.string(), refused: z.string().nullable(), summary: z.string().nullable(), cells: z.array(cell.extend({ outcome: z.string(), note: z.string() })) })),
});

describe('the command line', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  let complete: string;

  before(async () => {
    const { state, made } = await sandbox.complete('--json');
    complete = state;
    const { runs } = parsed(recoverOutput, made);
    assert.equal(runs.filter((run) => run.outcome === 'ran' || run.outcome === 'unchanged').length, 34);
  });
  after(() => sandbox.remove());

  const damaged = (...sql: readonly string[]): Promise<string> => sandbox.damaged(complete, ...sql);
  const names = (cells: readonly { readonly processor: string; readonly game_date: string }[]): string[] => cells.map((one) => `${one.processor} ${one.game_date}`);

  it('says that a complete season is complete, with exit code 0', async () => {
    const { stdout } = ended(await sandbox.run(complete, 'gaps'), 0);
    assert.match(stdout, /all of 34 cells complete/);
  });

  it('finds what another program deleted, halved and changed, by name, with root causes and readers', async () => {
    const state = await damaged(
      "DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-03'", "DELETE FROM mini_computed.form WHERE game_date = DATE '2024-01-03'",
      "DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-05' AND team = 'ATL'", "UPDATE mini_raw.scores SET points = 1 WHERE game_date = DATE '2024-01-09'",
    );
    const found = parsed(gapsOutput, ended(await sandbox.run(state, 'gaps', '--json'), 3));
    assert.deepEqual(found.cells.map((one) => [one.processor, one.game_date, one.status, names([one.root_cause])[0]]), [
      ['Scores', '2024-01-03', 'missing', 'Scores 2024-01-03'], ['Form', '2024-01-03', 'missing', 'Scores 2024-01-03'],
      ['Scores', '2024-01-05', 'short', 'Scores 2024-01-05'], ['Scores', '2024-01-09', 'altered', 'Scores 2024-01-09'],
    ]);
    assert.deepEqual(names(found.readers), ['Form 2024-01-04', 'Form 2024-01-05', 'Form 2024-01-07', 'Form 2024-01-08', 'Form 2024-01-09', 'Form 2024-01-10', 'Form 2024-01-11']);
    assert.deepEqual(found.gaps.map((gap) => [gap.processor, gap.dates.join(), gap.missing, gap.short]), [['Scores', '2024-01-03', 1, 0], ['Form', '2024-01-03', 1, 0], ['Scores', '2024-01-05', 0, 1]]);

    const text = ended(await sandbox.run(state, 'gaps'), 3);
    assert.match(text.stdout, /4 cells of 34 not complete, 3 gaps, 3 root causes/);
    assert.ok(text.stdout.split('\n').every((line) => line.length <= 80), text.stdout);
    assert.match(text.stderr, /smart-backfill plan --pipeline/);

    const plan = parsed(planOutput, ended(await sandbox.run(state, 'plan', '--json'), 0));
    assert.deepEqual(names(plan.steps.filter((step) => step.is_root_cause)), ['Scores 2024-01-03', 'Scores 2024-01-05']);
    assert.deepEqual(plan.left_out.map((left) => [left.game_date, left.code]), [['2024-01-09', 'altered']]);

    const recovered = parsed(recoverOutput, ended(await sandbox.run(state, 'recover', '--yes', '--altered', 'reprocess', '--json'), 0));
    assert.deepEqual(names(recovered.runs.filter((run) => run.outcome === 'ran')).sort(), ['Form 2024-01-03', 'Scores 2024-01-03', 'Scores 2024-01-05', 'Scores 2024-01-09']);
    assert.ok(recovered.runs.every((run) => run.cut_off === (run.outcome === 'cut_off')));
    ended(await sandbox.run(state, 'gaps'), 0);
  });

  it('recovers nothing where nobody can be asked: it prints the plan and the command, with exit code 5', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-03'");
    const { stdout, stderr } = ended(await sandbox.run(state, 'recover', '--from', '2024-01-03', '--to', '2024-01-03'), 5);
    assert.match(stdout, /fill +Scores/);
    assert.match(stderr, /nothing was run.*recover --yes --from 2024-01-03 --to 2024-01-03 --pipeline .*mini --state /);
    ended(await sandbox.run(state, 'gaps'), 3);
  });

  it('leaves an outage over the bounds to a person, with the command, and exit code 5; --all runs it', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date BETWEEN DATE '2024-01-02' AND DATE '2024-01-05'");
    const { stdout } = ended(await sandbox.run(state, 'recover', '--yes'), 5);
    assert.match(stdout, /over the bounds: 1 outage/);
    assert.match(stdout, /recover --all --from 2024-01-02 --to 2024-01-05 --pipeline/);
    ended(await sandbox.run(state, 'recover', '--yes', '--all'), 0);
  });

  it('accepts altered rows with a reason and redoes what had read others', async () => {
    const state = await damaged("UPDATE mini_raw.scores SET points = 1 WHERE game_date = DATE '2024-01-09'");
    ended(await sandbox.run(state, 'recover', '--yes', '--altered', 'accept'), 2);
    const recovered = parsed(recoverOutput, ended(await sandbox.run(state, 'recover', '--yes', '--altered', 'accept', '--reason', 'corrected by the league', '--json'), 0));
    assert.deepEqual(names(recovered.runs.filter((run) => run.outcome === 'ran')).toSorted(), ['Form 2024-01-09', 'Form 2024-01-10', 'Form 2024-01-11']);
  });

  it('explains a cell down to its root cause, with the input that changed and both fingerprints', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-03'", "DELETE FROM mini_computed.form WHERE game_date = DATE '2024-01-03'");
    const lost = parsed(whyOutput, ended(await sandbox.run(state, 'why', 'Form', '2024-01-03', '--json'), 0));
    assert.deepEqual(names(lost.chain), ['Form 2024-01-03', 'Scores 2024-01-03']);
    assert.equal(lost.root_cause?.because, 'no rows');
    assert.deepEqual(lost.differences?.map(({ input, game_date, now }) => [input, game_date, now]), [['Scores', '2024-01-03', 'absent']]);
    assert.match(lost.differences?.[0]?.read ?? '', /[0-9a-f]{16}/);
    assert.deepEqual(lost.mend.command, ['smart-backfill', 'recover', '--processor', 'Form', '--from', '2024-01-03', '--to', '2024-01-03']);
    assert.match(ended(await sandbox.run(state, 'why', 'Form', '2024-01-06'), 0).stdout, /an off-day/);
    const [, ...words] = lost.mend.command;
    ended(await sandbox.run(state, ...words, '--yes'), 0);
  });

  it('holds and says what a failed run blocks, exit code 4, and retries it when a person asks', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-03'", "DELETE FROM mini_computed.form WHERE game_date = DATE '2024-01-03'");
    sandbox.tell(state, 'fail', '2024-01-03');
    const failed = parsed(followed, ended(await sandbox.run(state, 'request', 'Form', '2024-01-03', '--json'), 4 - 1));
    assert.deepEqual(failed.messages[0]?.cells.map((one) => one.outcome), ['open']);
    const recovered = ended(await sandbox.run(state, 'recover', '--yes'), 4);
    assert.match(recovered.stderr, /failed +Scores 2024-01-03: ValueError: the page of 2024-01-03 has no table/);
    sandbox.untell(state, 'fail', '2024-01-03');
    const listed = z.looseObject({ asks: z.array(z.looseObject({ id: z.string(), outcomes: z.record(z.string(), z.number()) })) });
    const { asks } = parsed(listed, ended(await sandbox.run(state, 'requests', '--json'), 0));
    const withFailure = asks.find((ask) => (ask.outcomes['failed'] ?? 0) > 0);
    assert.ok(withFailure);
    assert.match(ended(await sandbox.run(state, 'requests', 'show', withFailure.id), 0).stdout, /failed +ValueError/);
    const retried = parsed(followed, ended(await sandbox.run(state, 'requests', 'retry', withFailure.id, '--json'), 0));
    assert.deepEqual(retried.messages.flatMap((message) => message.cells.map((one) => [one.processor, one.outcome])), [['Scores', 'ran']]);
    ended(await sandbox.run(state, 'recover', '--yes'), 0);
  });

  it('queues nothing that cannot succeed: a source without data is named, exit code 3', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-03'");
    sandbox.tell(state, 'none', '2024-01-03');
    const plan = parsed(planOutput, ended(await sandbox.run(state, 'plan', '--json'), 0));
    assert.deepEqual([plan.steps.length, plan.left_out.map((left) => left.code)], [0, ['source_empty']]);
    const recovered = ended(await sandbox.run(state, 'recover', '--yes'), 3);
    assert.match(recovered.stdout, /nothing was run[^]*source_empty: its source has nothing/);
    assert.match(ended(await sandbox.run(state, 'why', 'Scores', '2024-01-03'), 0).stdout, /accept Scores 2024-01-03/);
  });

  it('publishes the request that a person would publish, and shows what became of each cell', async () => {
    const state = sandbox.state(complete);
    const done = parsed(followed, ended(await sandbox.run(state, 'request', 'Form', '2024-01-03..2024-01-04,2024-01-08', '--reprocess', 'completed', '--reason', 'check', '--json'), 0));
    assert.deepEqual(done.messages.map((message) => message.cells.map((one) => `${one.game_date} ${one.outcome}`)), [['2024-01-03 ran', '2024-01-04 ran'], ['2024-01-08 ran']]);
    assert.match(ended(await sandbox.run(state, 'request', 'Form', '2024-01-03'), 0).stdout, /already_complete/);
    assert.match(ended(await sandbox.run(state, 'request', 'Form', '2024-01-03', '--dry-run'), 0).stdout, /dry run of Form 2024-01-03/);
    const published = await sandbox.run(state, 'publish', 'mini-requests', '{"processor_name":"Form","start_date":"2024-01-03","end_date":"2024-01-03"}');
    assert.match(ended(published, 0).stdout, /already_complete/);
  });

  it('keeps a message that can never be right as a dead letter with its reason, exit code 2, until a person has looked', async () => {
    const state = sandbox.state(complete);
    assert.match(ended(await sandbox.run(state, 'publish', 'mini-requests', '{"processor_name":"Frm","start_date":"2024-01-03","end_date":"2024-01-03"}'), 2).stderr, /received processor_name 'Frm'.*did you mean Form\?/);
    assert.match(ended(await sandbox.run(state, 'doctor'), 3).stdout, /wrong {2}dead letters: 1; the newest: received processor_name 'Frm'/);
    ended(await sandbox.run(state, 'doctor', '--drop-dead-letters'), 0);
  });

  it('accepts, takes back, holds and lets go by hand, each with a reason', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-12'", "DELETE FROM mini_computed.form WHERE game_date = DATE '2024-01-12'");
    assert.match(ended(await sandbox.run(state, 'accept', 'Scores', '2024-01-12', '--reason', 'never played'), 0).stdout, /2024-01-12 +accepted/);
    ended(await sandbox.run(state, 'unaccept', 'Scores', '2024-01-12', '--reason', 'played after all'), 0);
    assert.match(ended(await sandbox.run(state, 'accept', 'Scores,Form', '2024-01-12', '--reason', 'never played'), 0).stdout, /accepted 2 cells of Scores, Form: never played\n.*\n +Scores +2024-01-12 +accepted\n +Form +2024-01-12 +accepted/);
    ended(await sandbox.run(state, 'unaccept', 'Form,Scores', '2024-01-12', '--reason', 'played after all'), 0);
    assert.match(ended(await sandbox.run(state, 'hold', 'Scores', '2024-01-12', '--reason', 'wait for the league', '--json'), 0).stdout, /"status": "held"/);
    assert.match(ended(await sandbox.run(state, 'recover', '--yes'), 5).stdout, /held: held by .*: wait for the league/);
    assert.match(ended(await sandbox.run(state, 'why', 'Scores', '2024-01-12'), 0).stdout, /unhold Scores 2024-01-12/);
    ended(await sandbox.run(state, 'unhold', 'Scores', '2024-01-12', '--reason', 'it is there'), 0);
    ended(await sandbox.run(state, 'recover', '--yes'), 0);
  });

  it('runs nothing while the pipeline is paused, exit code 5, and goes on when it is resumed', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-12'");
    assert.match(ended(await sandbox.run(state, 'pause', '--reason', 'maintenance'), 0).stdout, /go on with: .*resume/);
    assert.match(ended(await sandbox.run(state, 'recover', '--yes'), 5).stderr, /paused by .*: maintenance/);
    assert.match(ended(await sandbox.run(state, 'request', 'Scores', '2024-01-12'), 5).stderr, /paused/);
    assert.match(ended(await sandbox.run(state, 'doctor'), 3).stdout, /paused: by/);
    ended(await sandbox.run(state, 'resume'), 0);
    ended(await sandbox.run(state, 'recover', '--yes'), 0);
  });

  it('shows cascades: parked with its reasons, released when they are gone', async () => {
    const state = await damaged("DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-11'", "DELETE FROM mini_raw.scores WHERE game_date = DATE '2024-01-12'", "DELETE FROM mini_computed.form WHERE game_date = DATE '2024-01-12'");
    const now = ['--now', '2024-01-13'];
    ended(await sandbox.run(state, 'hold', 'Scores', '2024-01-11', '--reason', 'not yet', ...now), 0);
    ended(await sandbox.run(state, 'request', 'Scores', '2024-01-12', ...now), 0);
    const message = { phase: 'phase_1_raw', processor_name: 'Scores', game_date: '2024-01-12', status: 'success', rows_processed: 2 };
    ended(await sandbox.run(state, 'publish', 'mini-raw-complete', JSON.stringify(message), ...now), 0);
    const list = z.looseObject({ cascades: z.array(z.looseObject({ phase: z.string(), game_date: z.string(), state: z.string(), reasons: z.array(z.strictObject({ condition: z.number(), text: z.string() })) })) });
    const { cascades } = parsed(list, ended(await sandbox.run(state, 'cascades', '--json', ...now), 0));
    const parked = cascades.find((one) => one.game_date === '2024-01-12' && one.phase === 'phase_1_raw');
    assert.equal(parked?.state, 'parked', JSON.stringify(cascades));
    assert.match(ended(await sandbox.run(state, 'cascades', 'show', 'phase_1_raw', '2024-01-12', ...now), 0).stdout, /Scores 2024-01-11 is missing/);
    ended(await sandbox.run(state, 'cascades', 'release', 'phase_1_raw', '2024-01-12', '--reason', 'try', ...now), 5);
    assert.match(ended(await sandbox.run(state, 'cascades', 'report', ...now), 0).stdout, /phase_1_raw +enforce/);
    ended(await sandbox.run(state, 'unhold', 'Scores', '2024-01-11', '--reason', 'now', ...now), 0);
    ended(await sandbox.run(state, 'recover', '--yes', ...now), 0);
    assert.match(ended(await sandbox.run(state, 'cascades', 'list', '--all', ...now), 0).stdout, /2024-01-12 +phase_1_raw +released/);
  });

  it('checks itself, and shows, validates and describes the definition', async () => {
    assert.match(ended(await sandbox.run(complete, 'doctor'), 0).stdout, /ok {5}state folder: [^]*writable, version/);
    assert.match(ended(await sandbox.run(complete, 'pipeline', 'show'), 0).stdout, /Scores +11 dates +mini_raw\.scores/);
    const shown = z.looseObject({ processors: z.array(z.looseObject({ name: z.string(), expected_dates: z.number() })) });
    assert.deepEqual(parsed(shown, ended(await sandbox.run(complete, 'pipeline', 'show', '--json'), 0)).processors.map((one) => [one.name, one.expected_dates]), [['Schedule', 12], ['Scores', 11], ['Form', 11]]);
    assert.match(ended(await sandbox.call(['pipeline', 'validate', '--pipeline', join(import.meta.dirname, '../fixtures/mini')]), 0).stdout, /valid .*3 phases, 3 processors/);
    assert.equal(parsed(z.looseObject({ title: z.string() }), ended(await sandbox.call(['pipeline', 'schema']), 0)).title, 'smart-backfill pipeline');
    assert.equal(parsed(z.looseObject({ title: z.string() }), ended(await sandbox.call(['pipeline', 'schema', 'backfills']), 0)).title, 'smart-backfill backfills');
    const messages = await Promise.all([['messages'], ['--messages']].map((words) => sandbox.call(['pipeline', 'schema', ...words])));
    assert.ok(messages[0]?.stdout !== '' && messages[0]?.stdout === messages[1]?.stdout);
  });

  it('takes options before the name of the command as well', async () => {
    ended(await sandbox.call(['--state', complete, '--pipeline', join(import.meta.dirname, '../fixtures/mini'), 'gaps', '--quiet']), 0);
  });

  it('has a --help for each command, on stdout', async () => {
    const all = await sandbox.call(['--help']);
    assert.equal(all.code, 0);
    const commands = [...all.stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((match) => match[1] ?? '').filter((name) => name !== 'demo');
    assert.ok(commands.length >= 17, all.stdout);
    const helps = await Promise.all(['gaps', 'recover', 'requests', 'pipeline'].map((name) => sandbox.call([name, '--help'])));
    for (const help of helps) assert.match(ended(help, 0).stdout, /Usage: /);
  });
});
