import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { makePlan } from '../../../shared/flows/recover.ts';
import { orderBackfill } from '../../../shared/flows/staged/orders.ts';
import { planStage } from '../../../shared/staged/plan.ts';
import { paused } from '../../../shared/staged/transitions.ts';
import { counts, FROM, kim, OVERWRITTEN, RollbackBench, scopeOf } from './bench.ts';

describe('flows/rollback/roll-back', () => {
  let bench: RollbackBench;
  beforeEach(async () => { bench = await RollbackBench.open(); });
  afterEach(() => bench.close());

  it('empties a date that had no rows, and it stays empty: no detector fills it again', async () => {
    const day = dayOf('2024-01-09');
    for (const name of OVERWRITTEN) await bench.loses(name, day);
    await bench.site.engine.reread();
    const before = await bench.tables();
    const id = await bench.badBackfill(100, { reprocess: 'none' });
    const result = await bench.back(scopeOf(id));
    assert.deepEqual(await bench.tables(), before);
    assert.equal(counts(result)['emptied'], 3, 'what reads them was overwritten, and is restored');
    const runs = bench.outside.runs.length;
    for (let hours = 0; hours < 48; hours += 12) {
      bench.league.clock.advance(12 * 3_600_000);
      await bench.detect();
    }
    assert.deepEqual(bench.outside.runs.slice(runs).filter((cell) => cell.endsWith('2024-01-09') && OVERWRITTEN.some((name) => cell.startsWith(name))), []);
    assert.equal(bench.status('Box', '2024-01-09'), 'held');
    assert.deepEqual((await bench.tables()).get('Box'), before.get('Box'));
  });

  it('stays held where what it reads is rolled back after it, phase by phase in the other order', async () => {
    const day = dayOf('2024-01-09');
    for (const name of OVERWRITTEN) await bench.loses(name, day);
    await bench.site.engine.reread();
    const id = await bench.badBackfill(100, { reprocess: 'none' });
    await bench.back(scopeOf(id, { processors: new Set(['TeamForm', 'Context']) }));
    await bench.back(scopeOf(id, { processors: new Set(['Box']) }));
    await bench.site.engine.reread();
    assert.deepEqual(OVERWRITTEN.map((name) => bench.status(name, '2024-01-09')), ['held', 'held', 'held']);
    const runs = bench.outside.runs.length;
    await bench.detect();
    assert.deepEqual(bench.outside.runs.slice(runs).filter((cell) => cell.endsWith('2024-01-09') && OVERWRITTEN.some((name) => cell.startsWith(name))), []);
  });

  it('is taken up again by a person, by a staged backfill that is started, and when what it reads changes', async () => {
    const day = dayOf('2024-01-09');
    await bench.loses('Box', day);
    await bench.site.engine.reread();
    const id = await bench.badBackfill(100, { reprocess: 'none', from: day, to: day });
    await bench.back(scopeOf(id));
    const scope = { from: day, to: day, processors: new Set(['Box']) };
    const [held] = (await makePlan(bench.site.engine, { scope, by: 'detector', all: false, altered: 'policy' })).leftOut;
    assert.deepEqual([held?.code, held?.reason.startsWith('its last run rolled_back: ')], ['held', true]);
    assert.deepEqual((await makePlan(bench.site.engine, { scope, by: 'person', all: true, altered: 'policy' })).steps.filter(({ action }) => action !== 'check').map(({ processor, action }) => [processor, action]), [['Box', 'fill']]);
    const next = await bench.start({}, 'next');
    assert.ok(planStage(bench.site.engine.world, next, 0).cells.some((cell) => cell.processor === 'Box' && cell.day === day && cell.action === 'fill'));
    await orderBackfill(bench.site.engine, next.id, (current, now) => paused(current, kim, now));
    await bench.rewrite('BoxPage', day, { points: 1 });
    await bench.site.engine.reread();
    assert.notEqual(bench.status('Box', '2024-01-09'), 'held', 'another page is another input');
  });

  it('says who is stale because of it, with the command that redoes those and no others', async () => {
    const id = await bench.badBackfill();
    await bench.detect();
    const { plan, readers } = await bench.back(scopeOf(id));
    assert.deepEqual(plan.readers.stale, [], 'before it, nobody was');
    assert.deepEqual(readers.stale.map(({ processor }) => processor).filter((name) => ['Features', 'Ratings', 'Outlook'].includes(name)).toSorted(), ['Features', 'Outlook', 'Ratings']);
    assert.ok(readers.stale.every(({ processor }) => plan.readers.reading.some((reader) => reader.processor === processor)), 'the plan had named them');
    assert.match(bench.site.alerts.at(-1)?.command ?? '', /^smart-backfill recover --processor \S*Features\S* --from 2024-01-08 --to 2024-01-/);
    assert.match(bench.site.alerts.at(-1)?.lines.join('\n') ?? '', /Features: \d+ cells are stale because of it/);
  });

  it('takes rows away where nothing is kept, and only if that is asked for', async () => {
    const scope = scopeOf(null, { day: dayOf(FROM), processors: new Set(['TeamForm']) });
    const refused = await bench.back(scope);
    assert.match(refused.cells[0]?.decision.kind === 'refuse' ? refused.cells[0].decision.reason : '', /no backfill is known to have written it.*--delete takes its rows away/);
    const { cells, readers } = await bench.back({ ...scope, deletes: true });
    assert.deepEqual(cells.map(({ outcome }) => outcome), ['emptied']);
    await bench.site.engine.reread();
    assert.equal(bench.status('TeamForm', FROM), 'held');
    assert.ok(readers.stale.some(({ processor }) => processor === 'Features'), 'who read rows that are gone now');
    const runs = bench.outside.runs.length;
    await bench.detect();
    assert.deepEqual(bench.outside.runs.slice(runs).filter((cell) => cell === `TeamForm ${FROM}`), []);
  });
});
