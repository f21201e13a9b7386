import assert from 'node:assert/strict';
import { failureCategories } from '../../shared/failures/category.ts';
import { reportOf, shownBy, type Failing, type Operator, type Shown } from './operator.ts';

export interface Disturbed<M> {
  /** The words that say which dates. */
  readonly scope: readonly string[];
  readonly id: string;
  readonly failing: readonly Failing[];
  /** When its process dies. */
  readonly deaths: readonly M[];
  /** Which of these moments is bedtime instead. */
  readonly bedtime: number;
}

/** What came of it, for tests and for people. */
export interface Story {
  readonly record: Shown;
  readonly markdown: string;
  readonly commands: readonly string[];
  readonly kills: number;
}

/** More commands than any operator needs here: what does not end by then never does. */
const MOST_COMMANDS = 80;

/**
 * Runs the shipped `season` from an empty warehouse while cells fail, what runs it is killed and the operator goes to bed;
 * then looks at what came of it: all of it is complete, and told.
 */
export async function disturbedBackfill<M>(operator: Operator<M>, disturbed: Disturbed<M>): Promise<Story> {
  operator.fail(disturbed.failing);
  const story = await operate(operator, disturbed);
  if (process.env['SHOW'] !== undefined) console.log(`${story.commands.join('\n')}\n\n${story.markdown}`);
  assert.equal(story.kills, disturbed.deaths.length - 1);
  assert.deepEqual(operator.unmended, [], 'every failure was met');
  await assertComplete(operator, disturbed.scope);
  await assertHistory(operator, story.record);
  assertReport(story, disturbed);
  return story;
}

/** What an operator does: starts it, looks when it stands, mends, goes on; and looks again after each crash. */
async function operate<M>(operator: Operator<M>, { scope, id, failing, deaths, bedtime }: Disturbed<M>): Promise<Story> {
  const commands: string[] = [];
  let next = ['backfill', 'start', '--definition', 'season', ...scope, '--reason', 'the season was never loaded', '--yes', '--json'];
  let killed = 0;
  let moment = 0;
  for (let turn = 0; turn < MOST_COMMANDS; turn += 1) {
    const running = await operator.follow(next, deaths[moment] ?? null);
    commands.push(next.join(' '));
    if (await Promise.race([running.reached.then(() => true), running.ended.then(() => false)])) {
      if (moment === bedtime) {
        const paused = await operator.run('backfill', 'pause', id, '--reason', 'for the night');
        commands.push(`backfill pause ${id}`);
        // It may have stopped by itself at that very moment: then bedtime is at the next one.
        assert.ok(paused.code === 0 || paused.code === 5, paused.stderr);
        if (paused.code === 0) moment += 1;
        running.letGo();
      } else {
        await running.kill();
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
        return { record: await reportOf(operator, id), markdown, commands, kills: killed };
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
        await operator.sleepOvernight();
        next = ['backfill', 'resume', id, '--reason', 'good morning', '--json'];
        break;
      default:
        assert.fail(`${next.join(' ')} ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
    }
  }
  assert.fail(`it did not end: ${commands.join('\n')}`);
}

async function assertComplete(operator: Operator<never>, scope: readonly string[]): Promise<void> {
  for (const command of ['verify', 'gaps']) {
    const looked = await operator.run(command, ...scope);
    assert.equal(looked.code, 0, looked.stdout + looked.stderr);
  }
}

/** No cell has two effective runs, and every failed attempt stands in the report with its category. */
async function assertHistory(operator: Operator<never>, record: Shown): Promise<void> {
  const history = await operator.history();
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

function assertReport({ record, markdown }: Story, { failing }: Disturbed<unknown>): void {
  assert.deepEqual(record.failures.filter((failure) => failure.became === 'open'), [], 'nothing is unresolved');
  assert.equal(record.state, 'finished');
  assert.ok(record.tried_again.length > 0 && record.tried_again.every((attempt) => attempt.outcome !== null), 'what its own retries took up is told, and what became of it');
  assert.ok(record.stages.every((stage) => stage.gate?.passed !== false));
  const events = new Set(record.journal.map((entry) => entry.event));
  for (const event of ['started', 'stopped', 'gate_held', 'paused', 'resumed', 'gate_passed', 'finished']) assert.ok(events.has(event), event);
  assert.match(markdown, /\(stood 14 h \d\d min\)/, 'the night is told apart from the work');
  assert.match(markdown, /\| canary \| [^|]*after the first phase by cascade/);
  for (const check of ['factors_in_range', 'features_not_null']) assert.equal(markdown.split(new RegExp(`- checks/${check}\\.sql \\([^)]*\\): 0 rows found`)).length, 3, `${check} was run at both of its gates`);
  // One that passes by itself may have passed in a process that was killed before it could say so.
  for (const { processor, date, category, times } of failing) if (times === null) assert.match(markdown, new RegExp(`\\| ${date} \\| ${processor} \\| ${category} \\|`), `${processor} ${date} is in the report`);
}
