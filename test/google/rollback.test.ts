import assert from 'node:assert/strict';
import { z } from 'zod';
import { dayOf } from '../../shared/calendar/day.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { planRollback, type RollbackScope } from '../../shared/flows/rollback/plan.ts';
import { rollBackCell } from '../../shared/flows/rollback/cell.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { work } from '../../shared/flows/work.ts';
import type { Ask } from '../../shared/requests/ask.ts';
import { askOf } from '../core-builders.ts';
import { Sandbox, type Ended } from '../cli/harness.ts';
import { describeWithEmulators } from './emulated.ts';
import { sharedPlaces, startSmallCloud, type SmallCloud } from './small-cloud.ts';

const rolledBackOutput = z.looseObject({
  cells: z.array(z.looseObject({ processor: z.string(), game_date: z.string(), outcome: z.string(), rows_from: z.string().optional(), code: z.string().optional() })), stale: z.array(z.looseObject({ processor: z.string() })),
});

describeWithEmulators('a rollback on Google', () => {
  const sandbox = new Sandbox();
  let cloud: SmallCloud;
  before(async function () {
    cloud = await startSmallCloud(sharedPlaces());
  });
  after(() => cloud.dispose());
  after(() => sandbox.remove());

  const signal = new AbortController().signal;
  const engineOf = (owner: string): Engine => new Engine({ ...cloud.runtime.engine.parts, owner, lanes: 1 });
  let asks = 0;
  /** Runs both processors of a date, as somebody else wants it. */
  async function filled(date: string, points: readonly number[], changes: Partial<Ask> = {}): Promise<void> {
    const engine = engineOf(`of-${date}`);
    cloud.team.answer = async (run) => {
      await cloud.team.write(run.start_date, points);
      return { status: 200, body: { status: 'success', rows_processed: points.length } };
    };
    try {
      for (const processor of ['Scores', 'Totals']) {
        await engine.refresh(dayOf(date), dayOf(date));
        await openAsk(engine, askOf({ id: `rollback-${asks += 1}`, at: engine.parts.clock.now(), reprocess: 'completed', ...changes }), [{ processor, day: dayOf(date) }]);
        await work(engine, { signal });
      }
    } finally {
      cloud.team.answer = () => null;
    }
  }
  const rows = async (processor: string, date: string) => {
    const found = cloud.runtime.pipeline.byName.get(processor);
    assert.ok(found);
    return cloud.runtime.warehouse.rows(found, { from: dayOf(date), to: dayOf(date) }, ['points']);
  };
  const run = (...words: readonly string[]): Promise<Ended> => sandbox.call([...words, '--runtime', 'google'], { env: cloud.environment });
  const read = ({ stdout, stderr, code }: Ended, expected: number) => {
    assert.equal(code, expected, stdout + stderr);
    return rolledBackOutput.parse(JSON.parse(stdout));
  };
  const BACK = ['--reason', 'the service counts twice', '--yes', '--json'] as const;

  it('brings back what a service and a query overwrote, by the command line, and holds it', async () => {
    const date = '2024-03-20';
    await filled(date, [100, 90]);
    const before = { scores: (await cloud.record('Scores', date)).last, totals: (await cloud.record('Totals', date)).last };
    await filled(date, [1000, 900], { backfillId: 'winter' });
    assert.deepEqual((await rows('Totals', date)).map((row) => row['points']), [1000, 900]);
    const { cells } = read(await run('rollback', '--backfill', 'winter', ...BACK), 0);
    assert.deepEqual(cells.map(({ processor, outcome, rows_from: from }) => [processor, outcome, from]), [['Scores', 'restored', 'kept'], ['Totals', 'restored', 'kept']]);
    for (const name of ['Scores', 'Totals']) assert.deepEqual((await rows(name, date)).map((row) => row['points']), [100, 90], name);
    const [scores, totals] = [await cloud.record('Scores', date), await cloud.record('Totals', date)];
    assert.deepEqual([scores.last, totals.last], [before.scores, before.totals]);
    assert.deepEqual([scores.failure?.outcome, totals.failure?.outcome, scores.request, totals.request], ['rolled_back', 'rolled_back', null, null]);
    const again = await run('rollback', '--backfill', 'winter', ...BACK.slice(0, 3));
    assert.deepEqual([again.code, again.stdout], [0, 'nothing to roll back\n2 cells rolled back already\n']);
  });

  it('empties a date that had no rows, and takes none that somebody changed since', async () => {
    const [none, changed] = ['2024-03-21', '2024-03-22'];
    await filled(changed, [100, 90]);
    for (const date of [none, changed]) await filled(date, [1000, 900], { backfillId: 'spring' });
    await cloud.team.write(changed, [5, 6]);
    const { cells } = read(await run('rollback', '--backfill', 'spring', ...BACK), 5);
    const found = new Map(cells.map((cell) => [`${cell.processor} ${cell.game_date}`, cell.code ?? cell.outcome]));
    assert.deepEqual([`Scores ${none}`, `Totals ${none}`, `Scores ${changed}`, `Totals ${changed}`].map((key) => found.get(key)), ['emptied', 'emptied', 'changed', 'restored']);
    assert.equal(found.size, 4);
    assert.deepEqual(await rows('Scores', none), []);
    assert.deepEqual((await rows('Scores', changed)).map((row) => row['points']), [5, 6]);
    read(await run('rollback', '--backfill', 'spring', ...BACK, '--force'), 0);
    assert.deepEqual((await rows('Scores', changed)).map((row) => row['points']), [100, 90]);
  });

  it('is finished by another instance where the one that promoted has died', async () => {
    const date = '2024-03-25';
    await filled(date, [100, 90]);
    await filled(date, [1000, 900], { backfillId: 'autumn' });
    const dying = engineOf('dying');
    const scope: RollbackScope = { backfillId: 'autumn', day: null, processors: new Set(['Totals']), force: false, deletes: false };
    const [step] = (await planRollback(dying, scope)).steps;
    assert.ok(step);
    const change = dying.change.bind(dying);
    let changes = 0;
    // The beginning is written down, and nothing after it.
    dying.change = (reads, decide) => ((changes += 1) > 1 ? Promise.reject(new Error('the process died')) : change(reads, decide));
    await assert.rejects(rollBackCell(dying, step, scope, { by: 'kim', reason: 'wrong' }, signal), /died/);
    assert.equal((await cloud.record('Totals', date)).request?.rollback?.backfillId, 'autumn');
    const other = engineOf('other');
    await other.refresh(dayOf(date), dayOf(date));
    assert.equal((await sweep(other, (owner) => owner === 'dying')).finished, 1);
    const { failure, request, last } = await cloud.record('Totals', date);
    assert.deepEqual([failure?.outcome, request, (await rows('Totals', date)).map((row) => row['points'])], ['rolled_back', null, [100, 90]]);
    assert.equal(last?.rows, 2);
  });
});
