import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { dayOf } from '../../shared/calendar/day.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { openDuckDb } from '../embedded/duckdb-under-test.ts';
import { ended, mini, Sandbox, type Ended } from './harness.ts';

const BACKFILLS = `version: 1
backfills:
  again: { stages: [{ name: raw, phases: [phase_1_raw] }] }
  paused: { stages: [{ name: raw, phases: [phase_1_raw], needs_approval: true }] }
`;

const readers = z.array(z.looseObject({ processor: z.string(), cells: z.number(), game_dates: z.array(z.string()) }));
const cell = z.looseObject({ processor: z.string(), game_date: z.string(), decision: z.string(), outcome: z.string().optional(), code: z.string().optional() });
const shown = z.looseObject({ schema_version: z.literal(1), dry_run: z.boolean(), cells: z.array(cell), stale: readers.optional(), reading: readers.optional(), recover: z.string().nullable().optional() });

describe('smart-backfill rollback', function () {
  this.timeout(120_000);
  const sandbox = new Sandbox();
  const folder = join(sandbox.folder, 'mini');
  /** A season that a bad version has overwritten: the state, and the scores of before. */
  let bad: string;
  let old: readonly Row[];

  const run = (state: string, ...words: readonly string[]): Promise<Ended> => sandbox.call([...words, '--pipeline', folder, '--state', state]);
  const read = ({ stdout, stderr }: Ended): z.infer<typeof shown> => {
    assert.notEqual(stdout, '', stderr);
    return shown.parse(JSON.parse(stdout));
  };
  /** Scores of a later version, in a file of its own: this process imports a file once. */
  function deploy(points: number): void {
    const file = `processors-${points}.ts`;
    writeFileSync(join(folder, file), readFileSync(join(mini, 'processors.ts'), 'utf8').replace('const points = 100 +', `const points = ${points} +`));
    const definition = readFileSync(join(mini, 'pipeline.yaml'), 'utf8');
    writeFileSync(join(folder, 'pipeline.yaml'), definition.replace("target: { in_process: './processors.ts#scores' }", `code_version: bad\n    target: { in_process: './${file}#scores' }`));
  }
  async function scores(state: string): Promise<readonly Row[]> {
    const loaded = loadPipeline(folder, { readText: (path) => readFileSync(path, 'utf8') });
    if (loaded.kind !== 'ok') throw new Error('the fixture is broken');
    const { warehouse } = await openDuckDb(loaded.pipeline, state);
    try {
      return await warehouse.rows(loaded.pipeline.byName.get('Scores')!, { from: dayOf('2024-01-01'), to: dayOf('2024-01-12') }, null);
    } finally {
      await warehouse.close();
    }
  }
  const outcomes = (ended: Ended): readonly string[] => [...new Set(read(ended).cells.map((one) => `${one.processor} ${one.outcome ?? one.decision}${one.code === undefined ? '' : ` ${one.code}`}`))];

  before(async () => {
    cpSync(mini, folder, { recursive: true });
    writeFileSync(join(folder, 'backfills.yaml'), BACKFILLS);
    bad = sandbox.state();
    ended(await run(bad, 'recover', '--all', '--yes', '--season', '2024'), 0);
    old = await scores(bad);
    deploy(1000);
    const backfill = await run(bad, 'backfill', 'start', '--definition', 'again', '--from', '2024-01-02', '--to', '2024-01-05', '--reprocess', 'completed', '--reason', 'a new version', '--yes');
    assert.equal(backfill.code, 0, backfill.stderr);
    assert.notDeepEqual(await scores(bad), old);
  });
  after(() => sandbox.remove());

  const ID = 'again-2024-01-02-to-2024-01-05';
  const BACK = ['rollback', '--backfill', ID, '--reason', 'the new version is wrong'] as const;

  it('shows in a dry run what it would do, and who reads it, and changes nothing', async () => {
    const state = sandbox.state(bad);
    const dry = await run(state, 'rollback', '--backfill', ID, '--dry-run', '--json');
    assert.equal(dry.code, 0, dry.stderr);
    const plan = read(dry);
    assert.deepEqual([plan.dry_run, plan.cells.map((one) => `${one.processor} ${one.game_date} ${one.decision}`)], [true, ['02', '03', '04', '05'].map((day) => `Scores 2024-01-${day} restore`)]);
    assert.deepEqual(plan.reading?.map(({ processor, game_dates: dates }) => [processor, dates.at(-1)]), [['Form', '2024-01-08']], 'its window has two dates before its own, one of them without games');
    const text = await run(state, 'rollback', '--backfill', ID, '--dry-run');
    assert.match(text.stdout, /4 cells to roll back:\n.*\n +4 {2}Scores +restore {2}its rows of before are kept: 2024-01-02\.\.2024-01-05\n/);
    assert.match(text.stdout, /6 cells read these, and may be stale then:/);
    assert.notDeepEqual(await scores(state), old);
  });

  it('restores the rows, says what is stale because of it, and twice is once', async () => {
    const state = sandbox.state(bad);
    // Somebody has computed on the bad rows already.
    assert.equal((await run(state, 'recover', '--all', '--yes', '--season', '2024')).code, 0);
    const back = await run(state, ...BACK, '--yes', '--json');
    assert.equal(back.code, 0, back.stderr);
    assert.deepEqual(outcomes(back), ['Scores restored']);
    assert.deepEqual(await scores(state), old);
    const { stale, recover } = read(back);
    assert.deepEqual(stale?.map(({ processor, cells }) => [processor, cells]), [['Form', 6]]);
    assert.equal(recover, 'smart-backfill recover --processor Form --from 2024-01-02 --to 2024-01-08');
    assert.match(back.stderr, /again-\S+ rolled back: 4 cells have their rows of before, 0 have none/, 'it is told at once');
    const again = await run(state, ...BACK, '--yes');
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /nothing to roll back\n4 cells rolled back already/);
    const gaps = await run(state, 'gaps', '--season', '2024', '--json');
    assert.match(gaps.stdout, /"held"/);
    assert.equal((await run(state, ...(recover ?? '').split(' ').slice(1), '--yes')).code, 0);
    assert.deepEqual(await scores(state), old, 'which redoes those, and not what was rolled back');
  });

  it('refuses what somebody changed since, with exit code 5, and does it with --force', async () => {
    const state = sandbox.state(bad);
    deploy(5000);
    assert.equal((await run(state, 'request', 'Scores', '2024-01-03', '--reprocess', 'completed', '--reason', 'by hand')).code, 0);
    const refused = await run(state, ...BACK, '--yes', '--json');
    assert.equal(refused.code, 5, refused.stderr);
    assert.deepEqual(read(refused).cells.filter((one) => one.outcome === 'left').map((one) => [one.game_date, one.code]), [['2024-01-03', 'changed']]);
    const forced = await run(state, ...BACK, '--force', '--yes', '--json');
    assert.equal(forced.code, 0, forced.stderr);
    assert.deepEqual(await scores(state), old);
  });

  it('takes a date’s rows away where nothing is kept, only if that is asked for', async () => {
    const state = sandbox.state(bad);
    const words = ['rollback', '--date', '2024-01-08', '--phase', 'phase_1_raw', '--processor', 'Scores', '--reason', 'wrong page', '--yes', '--json'] as const;
    const refused = await run(state, ...words);
    assert.deepEqual([refused.code, outcomes(refused)], [5, ['Scores refuse nothing_kept']], refused.stderr);
    const deleted = await run(state, ...words, '--delete');
    assert.deepEqual([deleted.code, outcomes(deleted)], [0, ['Scores emptied']], deleted.stderr);
    assert.deepEqual((await scores(state)).filter((row) => row['game_date'] === '2024-01-08'), []);
    const restored = await run(state, 'rollback', '--date', '2024-01-05', '--processor', 'Scores', '--reason', 'that one too', '--yes', '--json');
    assert.deepEqual([restored.code, outcomes(restored)], [0, ['Scores restored']], restored.stderr);
  });

  it('does nothing unless it is told to, and prints the command', async () => {
    const state = sandbox.state(bad);
    const asked = await run(state, ...BACK);
    assert.equal(asked.code, 5);
    assert.match(asked.stderr, /nothing was rolled back: nobody can be asked here; to do it: {2}npx smart-backfill rollback --backfill again-\S+ --reason 'the new version is wrong' --yes/);
    assert.notDeepEqual(await scores(state), old);
  });

  const WRONG: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['neither', ['rollback', '--reason', 'x'], 2, /received neither --backfill nor --date; allowed are --backfill ID, and --date DATE with --phase or --processor/],
    ['everything of a date', ['rollback', '--date', '2024-01-05', '--reason', 'x'], 2, /without --phase and --processor, which would be everything of that date/],
    ['no reason', ['rollback', '--backfill', ID, '--yes'], 2, /received no reason; rolling back is recorded/],
    ['an unknown backfill', ['rollback', '--backfill', 'agian-2024-01-02-to-2024-01-05', '--reason', 'x', '--yes'], 2, /received the backfill 'agian-\S+', which there is not; did you mean again-2024-01-02-to-2024-01-05\?/],
    ['a date outside the calendar', ['rollback', '--date', '2022-01-05', '--phase', 'phase_1_raw', '--reason', 'x'], 2, /2022-01-05/],
    ['several dates', ['rollback', '--date', '2024-01-05..2024-01-06', '--phase', 'phase_1_raw', '--reason', 'x'], 2, /allowed is one date/],
    ['an unknown phase', ['rollback', '--date', '2024-01-05', '--phase', 'phase_9', '--reason', 'x'], 2, /received the phase 'phase_9'/],
  ];
  it('refuses what can’t be right', async () => {
    for (const [what, words, exit, message] of WRONG) {
      const ended = await run(bad, ...words);
      assert.equal(ended.code, exit, `${what}: ${ended.stderr}`);
      assert.match(ended.stderr, message, what);
    }
  });

  it('is held back while the backfill is open and runs, with the command that pauses it', async () => {
    const state = sandbox.state(bad);
    const started = await run(state, 'backfill', 'start', '--definition', 'again', '--from', '2024-01-07', '--to', '2024-01-09', '--reprocess', 'completed', '--yes', '--detach');
    assert.equal(started.code, 0, started.stderr);
    const id = started.stdout.trim();
    const early = await run(state, 'rollback', '--backfill', id, '--reason', 'x', '--yes');
    assert.equal(early.code, 5, early.stderr);
    assert.match(early.stderr, new RegExp(`backfill ${id} is running: .*; first: .*backfill pause ${id} --reason`));
    assert.equal((await run(state, 'backfill', 'pause', id, '--reason', 'x')).code, 0);
    const late = await run(state, 'rollback', '--backfill', id, '--reason', 'x', '--yes');
    assert.deepEqual([late.code, late.stdout], [0, 'nothing to roll back\n'], late.stderr);
  });
});
