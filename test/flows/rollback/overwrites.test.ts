import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { openAsk } from '../../../shared/flows/open.ts';
import { askOf } from '../../core-builders.ts';
import { counts, FROM, RollbackBench, scopeOf, TO } from './bench.ts';

describe('flows/rollback/roll-back', () => {
  let bench: RollbackBench;
  beforeEach(async () => { bench = await RollbackBench.open(); });
  afterEach(() => bench.close());

  it('refuses rows that somebody has changed since, and restores them too with --force', async () => {
    const before = await bench.tables();
    const id = await bench.badBackfill();
    const day = dayOf(FROM);
    await bench.rewrite('Box', day, { points: 7 });
    const result = await bench.back(scopeOf(id));
    const [left, ...others] = result.cells.filter((cell) => cell.outcome === 'left');
    assert.deepEqual([left?.processor, left?.day, others], ['Box', day, []]);
    assert.match(left?.decision.kind === 'refuse' ? left.decision.reason : '', /its rows are not those that \S+ wrote: somebody has changed them since; --force restores all the same/);
    assert.deepEqual((await bench.rows('Box', day)).every((row) => row['points'] === 7), true);
    assert.match(bench.site.alerts.at(-1)?.lines.join('\n') ?? '', /1 cells were not rolled back/);
    const forced = await bench.back(scopeOf(id, { force: true }));
    assert.deepEqual(counts(forced), { done: result.cells.length - 1, restored: 1 });
    assert.deepEqual(await bench.tables(), before);
  });

  it('rolls back one backfill after the other, the newest first', async () => {
    const first = await bench.tables();
    const one = await bench.badBackfill(100);
    const second = await bench.tables();
    const two = await bench.badBackfill(200);
    const wrong = await bench.back(scopeOf(one));
    assert.deepEqual(counts(wrong), { newer: wrong.cells.length });
    assert.match(wrong.cells[0]?.decision.kind === 'refuse' ? wrong.cells[0].decision.reason : '', new RegExp(`${two} wrote it after ${one}: roll that one back first \\(smart-backfill rollback --backfill ${two}\\)`));
    await bench.back(scopeOf(two));
    assert.deepEqual(await bench.tables(), second);
    await bench.back(scopeOf(one));
    assert.deepEqual(await bench.tables(), first);
  });

  it('by force goes back past a newer one, whose rows are gone with it', async () => {
    const first = await bench.tables();
    const one = await bench.badBackfill(100);
    const two = await bench.badBackfill(200);
    await bench.back(scopeOf(one, { force: true }));
    assert.deepEqual(await bench.tables(), first);
    const rest = await bench.back(scopeOf(two));
    assert.deepEqual(counts(rest), { done: rest.cells.length });
  });

  it('brings back what was there before a backfill that wrote the same cells twice', async () => {
    const before = await bench.tables();
    const id = await bench.badBackfill(100);
    await bench.deploy(200);
    const { engine } = bench.site;
    await engine.refresh(dayOf(FROM), dayOf(TO));
    await openAsk(engine, askOf({ id: 'second', asker: 'backfill', by: 'kim', at: bench.league.clock.now(), priority: 'low', reprocess: 'completed', backfillId: id }), [{ processor: 'Box', day: dayOf(FROM) }]);
    await bench.wait(bench.site.worker.ring(bench.site.stop.signal));
    assert.equal((await bench.record('Box', FROM)).overwrites?.length, 1);
    await bench.back(scopeOf(id));
    assert.deepEqual(await bench.tables(), before);
  });

  it('brings back what it overwrote by a request that was open before it', async () => {
    const before = await bench.tables();
    await bench.deploy(100);
    const { engine } = bench.site;
    await engine.refresh(dayOf(FROM), dayOf(TO));
    const common = { at: bench.league.clock.now(), priority: 'low', reprocess: 'completed' } as const;
    await openAsk(engine, askOf({ ...common, id: 'by-hand' }), [{ processor: 'Box', day: dayOf(FROM) }]);
    await openAsk(engine, askOf({ ...common, id: 'staged', asker: 'backfill', backfillId: 'winter' }), [{ processor: 'Box', day: dayOf(FROM) }]);
    await bench.wait(bench.site.worker.ring(bench.site.stop.signal));
    const result = await bench.back(scopeOf('winter'));
    assert.deepEqual(counts(result), { restored: 1 });
    assert.deepEqual(await bench.tables(), before);
  });
});
