import assert from 'node:assert/strict';
import { SqliteRunHistory } from '../../shared/embedded/sqlite-run-history.ts';
import { accept } from '../../shared/flows/operate.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { WholeSeason } from '../simulation/season.ts';

const bug = { type: 'ValueError', message: 'invalid literal for int() with base 10' };
const DATE = '2024-01-12';

describe('a backfill request by message', () => {
  let season: WholeSeason;
  beforeEach(async () => { season = await WholeSeason.open(); });
  afterEach(() => season.close());

  it('gives missing inputs requests of their own, root cause first, and wakes what waits for them', async () => {
    for (const processor of ['BoxPage', 'Box', 'TeamForm', 'Features']) season.write(processor, DATE, null);
    await season.ask('Features', DATE, { request_id: 'ask' });
    assert.deepEqual(season.outside.runs, ['BoxPage', 'Box', 'TeamForm', 'Features'].map((processor) => `${processor} ${DATE}`));
    assert.deepEqual(await season.wrong(), []);
    assert.deepEqual(await season.open(), []);
    assert.deepEqual((await season.outcomes('ask')).map(({ processor, outcome }) => [processor, outcome]), [['Features', 'ran']]);
  });

  it('fills inputs of older dates in its windows too', async () => {
    season.write('Box', '2024-01-07', null);
    season.write('TeamForm', DATE, null);
    await season.ask('TeamForm', DATE);
    assert.deepEqual(season.outside.runs.slice(0, 2), ['Box 2024-01-07', `TeamForm ${DATE}`]);
    assert.deepEqual(await season.open(), []);
  });

  it('fills all the inputs that are missing, not only the one that it waits for', async () => {
    for (const date of ['2024-01-06', '2024-01-08', '2024-01-12']) season.write('Box', date, null);
    season.write('TeamForm', DATE, null);
    await season.ask('TeamForm', DATE);
    assert.deepEqual(await season.open(), []);
    assert.equal((await season.rows('TeamForm', DATE)).length > 0, true);
  });

  it('over the bounds it stays waiting, with one alert that names the command', async () => {
    const dates = ['2024-01-06', '2024-01-07', '2024-01-08', '2024-01-09', '2024-01-12'];
    for (const date of dates) season.write('Box', date, null);
    season.write('TeamForm', DATE, null);
    for (let time = 0; time < 3; time += 1) await season.ask('TeamForm', DATE, { request_id: 'ask' });
    assert.deepEqual(season.outside.runs, []);
    assert.deepEqual(await season.open(), [`TeamForm ${DATE} waiting`]);
    assert.equal(season.site.alerts.length, 1, JSON.stringify(season.site.alerts));
    assert.match(season.site.alerts[0]?.command ?? '', /recover --all --from 2024-01-06 --to 2024-01-12/);
  });

  it('is blocked by an input that is held, and runs when that input has succeeded', async () => {
    season.write('Box', DATE, null);
    season.write('TeamForm', DATE, null);
    season.outside.fail(`Box ${DATE}`, bug);
    await season.ask('Box', DATE);
    await season.ask('TeamForm', DATE);
    assert.deepEqual(await season.open(), [`TeamForm ${DATE} blocked`]);
    await season.ask('Box', DATE);
    assert.deepEqual(await season.open(), []);
    assert.deepEqual(season.outside.runs, [`Box ${DATE}`, `TeamForm ${DATE}`]);
  });

  it('is blocked by an input that is held, and runs when that input is accepted', async () => {
    season.write('Box', '2024-01-09', null);
    season.write('TeamForm', DATE, null);
    season.outside.fail('Box 2024-01-09', bug);
    await season.ask('Box', '2024-01-09');
    await season.ask('TeamForm', DATE);
    assert.deepEqual(await season.open(), [`TeamForm ${DATE} blocked`]);
    await accept(season.site.engine, [{ processor: 'Box', day: dayOf('2024-01-09') }], { by: 'a person', reason: 'the league lost it' }, null);
    await season.ask('Ratings', '2024-01-01');
    assert.deepEqual(await season.open(), []);
    assert.ok(season.outside.runs.includes(`TeamForm ${DATE}`));
  });

  it('fails as a defensive block when it was blocked for 72 hours', async () => {
    season.write('Box', DATE, null);
    season.write('TeamForm', DATE, null);
    season.outside.fail(`Box ${DATE}`, bug);
    await season.ask('Box', DATE);
    await season.ask('TeamForm', DATE, { request_id: 'ask' });
    season.clock.advance(73 * 3_600_000);
    await season.tick();
    assert.deepEqual(await season.open(), []);
    assert.equal((await season.record('TeamForm', DATE)).failure?.category, 'defensive_block');
    assert.equal((await season.outcomes('ask'))[0]?.outcome, 'blocked');
  });

  it('force runs at once although inputs are missing, and its trace says so', async () => {
    season.write('Box', '2024-01-09', null);
    await season.ask('TeamForm', DATE, { force: true, reprocess: 'completed' });
    assert.equal(season.outside.runs[0], `TeamForm ${DATE}`);
    const runs = await new SqliteRunHistory(season.site.database).runs({ processor: 'TeamForm', limit: 10 });
    const traces = await Promise.all(runs.map((run) => season.site.store.trace(run.run_id)));
    assert.ok(traces.some((trace) => trace?.includes('["2024-01-09","absent"]')), 'the trace of the forced run');
    assert.deepEqual(await season.wrong(), [], 'what it computed on incomplete history is found and redone');
  });

  it('leaves a complete cell alone, unless it asks for completed ones', async () => {
    await season.ask('TeamForm', DATE, { request_id: 'none' });
    assert.deepEqual(season.outside.runs, []);
    assert.equal((await season.outcomes('none'))[0]?.outcome, 'already_complete');
    await season.ask('TeamForm', DATE, { request_id: 'completed', reprocess: 'completed' });
    assert.deepEqual(season.outside.runs, [`TeamForm ${DATE}`]);
    assert.equal((await season.outcomes('completed'))[0]?.outcome, 'ran');
  });

  it('reprocess failed runs a cell whose last run failed although its rows are good; a plain recovery leaves it', async () => {
    season.outside.fail(`TeamForm ${DATE}`, bug);
    await season.ask('TeamForm', DATE, { reprocess: 'completed' });
    assert.equal((await season.record('TeamForm', DATE)).failure?.category, 'processing');
    await season.ask('TeamForm', DATE, { request_id: 'none' });
    assert.equal((await season.outcomes('none'))[0]?.outcome, 'already_complete');
    await season.ask('TeamForm', DATE, { reprocess: 'failed' });
    assert.deepEqual(season.outside.runs, [`TeamForm ${DATE}`]);
    assert.equal((await season.record('TeamForm', DATE)).failure, null);
  });

  it('publishes no completion unless it is told to', async () => {
    const heard = async (): Promise<number> => (await season.site.store.cascades(dayOf(DATE), dayOf(DATE))).filter((record) => record.phase === 'phase_3_analytics').length;
    season.write('TeamForm', DATE, null);
    await season.ask('TeamForm', DATE);
    assert.equal(await heard(), 0);
    season.write('TeamForm', DATE, null);
    await season.ask('TeamForm', DATE, { skip_downstream_trigger: false });
    assert.equal(await heard(), 1);
  });

  it('for a date that is being run runs it once more, when it asks for completed ones', async () => {
    season.outside.during = async (cell, when) => {
      if (cell !== `Context ${DATE}` || when !== 'before' || season.outside.started.length > 1) return;
      await season.site.bus.publish('mini-requests', JSON.stringify({ processor_name: 'Context', start_date: DATE, end_date: DATE, reprocess: 'completed' }));
      await season.site.bus.pump();
    };
    await season.ask('Context', DATE, { reprocess: 'completed' });
    assert.deepEqual(season.outside.runs, [`Context ${DATE}`, `Context ${DATE}`]);
    assert.deepEqual(await season.open(), []);
  });
});
