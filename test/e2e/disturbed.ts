import assert from 'node:assert/strict';
import { compareWarehouses } from '../../scripts/demo/proof.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { failureCategories } from '../../shared/failures/category.ts';
import type { Sandbox } from '../cli/harness.ts';
import { nbaPipeline } from '../pipelines/nba/built-season.ts';
import { Random } from '../simulation/random.ts';
import { Operator, shownBy, type Failing, type Shown } from './operator.ts';

export interface Disturbed {
  readonly from: string;
  readonly to: string;
  /** The words that say which dates. */
  readonly scope: readonly string[];
  readonly id: string;
  readonly failing: readonly Failing[];
  readonly kills: number;
  /** About so many cells the backfill has: moments are picked among them. */
  readonly cells: number;
  readonly seed: number;
}

/** What came of it, for tests and for people. */
export interface Story {
  readonly record: Shown;
  readonly markdown: string;
  readonly commands: readonly string[];
  readonly kills: number;
}

const KILLED = 'killed';

/** More commands than any operator needs here: what does not end by then never does. */
const MOST_COMMANDS = 80;

/**
 * Runs a backfill from an empty warehouse while cells fail, the process is killed and the operator goes to bed, and holds
 * what came of it against one that was never disturbed.
 */
export async function disturbedBackfill(sandbox: Sandbox, disturbed: Disturbed): Promise<Story> {
  const { from, to, scope, kills } = disturbed;
  const calm = new Operator(sandbox, '2024-07-01T08:00:00Z');
  const undisturbed = calm.run('backfill', 'start', '--definition', 'season', ...scope, '--yes', '--quiet');
  const operator = new Operator(sandbox, '2024-07-01T08:00:00Z');
  operator.fail(disturbed.failing);
  const story = await operate(operator, disturbed);

  assert.equal(story.kills, kills);
  assert.deepEqual(operator.unmended, [], 'every failure was met');
  const reference = await undisturbed;
  assert.equal(reference.code, 0, reference.stderr);
  const proofs = await compareWarehouses(nbaPipeline(), calm.state, operator.state, dayOf(from), dayOf(to));
  assert.deepEqual(proofs.filter((proof) => proof.differing > 0 || proof.rows === 0), []);
  await assertComplete(operator, scope);
  assertHistory(operator, story.record);
  assertReport(story, disturbed);
  return story;
}

/** What an operator does: starts it, looks when it stands, mends, goes on; and starts it again after each crash. */
async function operate(operator: Operator, { scope, id, failing, kills, cells, seed }: Disturbed): Promise<Story> {
  const random = new Random(seed);
  const times = Array.from({ length: kills + 1 }, () => 1 + random.below(cells - 2)).sort((a, b) => a - b);
  // One of the moments is bedtime.
  const bedtime = random.below(times.length);
  const start = ['backfill', 'start', '--definition', 'season', ...scope, '--reason', 'the season was never loaded', '--yes', '--json'];
  const commands: string[] = [];
  let next = start;
  let killed = 0;
  let moment = 0;
  for (let turn = 0; turn < MOST_COMMANDS; turn += 1) {
    const at = times[moment];
    const done = killed + moment === 0 && commands.length === 0 ? 0 : operator.history().length;
    const running = operator.start(next, at === undefined ? null : { seed: random, cell: Math.max(1, at - done) });
    commands.push(next.join(' '));
    const reached = at === undefined ? running.ended : Promise.race([running.says('stderr', /\[reached /).then(() => KILLED, () => null), running.ended]);
    if (await reached === KILLED) {
      if (moment === bedtime) {
        const paused = await operator.run('backfill', 'pause', id, '--reason', 'for the night');
        commands.push(`backfill pause ${id}`);
        // It may have stopped by itself at that very moment: then bedtime is at the next one.
        assert.ok(paused.code === 0 || paused.code === 5, paused.stderr);
        if (paused.code === 0) moment += 1;
      } else {
        running.child.kill('SIGKILL');
        moment += 1;
      }
    }
    const ended = await running.ended;
    if (ended.signal === 'SIGKILL') {
      killed += 1;
      next = ['backfill', 'watch', id, '--json'];
      continue;
    }
    switch (ended.code) {
      case 0: {
        const markdown = (await operator.run('backfill', 'report', id)).stdout;
        return { record: await operator.report(id), markdown, commands, kills: killed };
      }
      case 3: case 4: {
        const record = shownBy(ended);
        const open = record.failures.filter((failure) => failure.became === 'open');
        assert.ok(open.length > 0, `${record.state}: ${record.note}`);
        const unknown = open.filter((failure) => failure.category !== 'defensive_block' && !failing.some((one) => one.processor === failure.processor && one.date === failure.game_date));
        assert.deepEqual(unknown, [], 'nothing failed by itself');
        const mended = operator.mend(open);
        assert.ok(mended > 0, `nothing of ${open.map((failure) => `${failure.processor} ${failure.game_date}`).join(', ')} can be mended: ${record.note}`);
        next = ['backfill', 'resume', id, '--reason', `${mended} mended`, '--json'];
        break;
      }
      case 5:
        operator.sleepOvernight();
        next = ['backfill', 'resume', id, '--reason', 'good morning', '--json'];
        break;
      default:
        assert.fail(`${next.join(' ')} ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
    }
  }
  assert.fail(`it did not end: ${commands.join('\n')}`);
}

async function assertComplete(operator: Operator, scope: readonly string[]): Promise<void> {
  const verified = await operator.run('verify', ...scope);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  const gaps = await operator.run('gaps', ...scope);
  assert.equal(gaps.code, 0, gaps.stdout + gaps.stderr);
}

/** No cell has two effective runs, and every failed attempt stands in the report with its category. */
function assertHistory(operator: Operator, record: Shown): void {
  const history = operator.history();
  const effective = new Map<string, number>();
  for (const run of history) {
    if (run.status !== 'success' || run.processing_decision !== 'ran') continue;
    const cell = `${run.processor_name} ${run.data_date}`;
    effective.set(cell, (effective.get(cell) ?? 0) + 1);
  }
  assert.deepEqual([...effective].filter(([, runs]) => runs > 1), [], 'no cell has two effective runs');
  const failed = history.filter((run) => run.status === 'failed');
  const met = new Set(failed.map((run) => run.category));
  assert.deepEqual(failureCategories.filter((category) => !met.has(category)), [], 'all six categories were met');
  const told = new Set([...record.failures, ...record.tried_again].map((failure) => `${failure.processor} ${failure.game_date} ${failure.category} ${failure.run_id ?? ''}`));
  assert.deepEqual(failed.map((run) => `${run.processor_name} ${run.data_date} ${run.category} ${run.run_id}`).filter((run) => !told.has(run)), [], 'every failed attempt is in the report');
}

function assertReport({ record, markdown }: Story, { failing }: Disturbed): void {
  assert.deepEqual(record.failures.filter((failure) => failure.became === 'open'), [], 'nothing is unresolved');
  assert.equal(record.state, 'finished');
  assert.ok(record.tried_again.length > 0 && record.tried_again.every((attempt) => attempt.outcome !== null), 'what its own retries took up is told, and what became of it');
  assert.ok(record.stages.every((stage) => stage.gate?.passed !== false));
  const events = new Set(record.journal.map((entry) => entry.event));
  for (const event of ['started', 'stopped', 'gate_held', 'paused', 'resumed', 'gate_passed', 'finished']) assert.ok(events.has(event), event);
  assert.match(markdown, /\(stood 14 h \d\d min\)/, 'the night is told apart from the work');
  // One that passes by itself may have passed in a process that was killed before it could say so.
  for (const { processor, date, category, times } of failing) if (times === null) assert.match(markdown, new RegExp(`\\| ${date} \\| ${processor} \\| ${category} \\|`), `${processor} ${date} is in the report`);
}
