import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { detectGaps } from '../../shared/flows/detect-gaps.ts';
import { takeLease } from '../../shared/flows/leases.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { hold, pause, resume, unhold } from '../../shared/flows/operate.ts';
import { recover, type RecoverOptions } from '../../shared/flows/recover.ts';
import { reallyRan } from '../../shared/flows/walk-plan.ts';
import { queued } from '../../shared/requests/transitions.ts';
import { askOf } from '../core-builders.ts';
import { recoverAll, wholeSeason } from '../simulation/clean.ts';
import { WholeSeason } from '../simulation/season.ts';
import { Site } from '../simulation/site.ts';

const bug = { type: 'ValueError', message: 'invalid literal for int() with base 10' };
const DATE = '2024-01-12';
const everything: RecoverOptions = {
  scope: { ...wholeSeason, processors: null }, by: 'person', all: true, altered: 'reprocess', requestedBy: 'test', reason: 'test', signal: new AbortController().signal, budget: null,
};

/** Each of these was wrong once. */
describe('a recovery', () => {
  let season: WholeSeason;
  beforeEach(async () => { season = await WholeSeason.open(); });
  afterEach(() => season.close());

  function changed(processor: string, date: string, points: number): void {
    season.write(processor, date, season.right(processor, date).map((row, index) => (index === 0 ? { ...row, points } : row)));
  }

  it('sees rows that another program changed after they were planned with and before they were read', async () => {
    season.write('TeamForm', DATE, null);
    let once = true;
    season.outside.during = (cell, when) => {
      if (cell !== `TeamForm ${DATE}` || when !== 'before' || !once) return;
      once = false;
      changed('Box', DATE, 1);
    };
    await season.wait(recoverAll(season.site));
    assert.deepEqual(await season.wrong(), []);
    assert.deepEqual(await season.open(), []);
  });

  it('does not promote what was made of rows that changed while it ran (P27)', async () => {
    season.write('TeamForm', DATE, null);
    season.outside.during = (cell, when) => {
      if (cell === `TeamForm ${DATE}` && when === 'after' && season.outside.started.length === 1) changed('Box', '2024-01-09', 1);
    };
    await season.wait(recoverAll(season.site));
    assert.deepEqual(await season.wrong(), []);
    assert.equal(season.outside.runs.filter((cell) => cell === `TeamForm ${DATE}`).length, 2, 'the first attempt was given back');
  });

  it('redoes a cell once more when an input of it is changed after it was redone', async () => {
    season.write('TeamForm', DATE, null);
    season.outside.during = (cell, when) => {
      if (cell === `Features ${DATE}` && when === 'after' && season.outside.runs.length === 1) changed('TeamForm', DATE, 1);
    };
    await season.wait(recoverAll(season.site));
    assert.deepEqual(await season.wrong(), []);
  });

  it('is not kept from the cells of a plan whose process is known to be dead', async () => {
    season.write('Box', DATE, null);
    const { engine } = season.site;
    await takeLease(engine, 'plan:of-the-dead', JSON.stringify({ planId: 'of-the-dead', cells: [`Box/${dayOf(DATE)}`] }));
    await takeLease(engine, 'detector', '{}');
    const next = await Site.open({ pipeline: season.state.pipeline, databasePath: season.site.database.path, warehouse: season.warehouse, clock: season.clock, outside: season.outside });
    assert.deepEqual(await next.store.leases(), []);
    await season.wait(recoverAll(next));
    assert.deepEqual(await season.wrong(), []);
    next.close();
  });

  it('keeps its plan and its detection for itself as long as it lasts, however long', async () => {
    season.write('Box', DATE, null);
    const HOUR = 3_600_000;
    const held: string[][] = [];
    season.outside.during = async (cell, when) => {
      if (cell !== `Box ${DATE}` || when !== 'before') return;
      for (let beat = 0; beat < 100; beat += 1) {
        season.clock.advance(HOUR / 60);
        await new Promise(setImmediate);
      }
      held.push((await season.site.store.leases()).filter((lease) => lease.until > season.clock.now()).map((lease) => lease.name.split(':')[0] ?? ''));
    };
    await season.tick();
    assert.deepEqual(held.map((names) => names.sort()), [['detector', 'plan']]);
  });

  it('of two detections in one process the second only makes the first go round again (P14)', async () => {
    season.write('Box', DATE, null);
    const tick = () => detectGaps(season.site.engine, { from: wholeSeason.from, to: wholeSeason.to, signal: season.site.stop.signal });
    const [first, second] = await season.wait(Promise.all([tick(), tick()]));
    assert.deepEqual([first.joined, second.joined], [false, true]);
    assert.deepEqual(await season.site.store.leases(), []);
  });

  it('gives the detector back although a detection failed', async () => {
    const { engine } = season.site;
    const store = season.site.store;
    const { openCells } = store;
    store.openCells = () => Promise.reject(new Error('out of order'));
    await assert.rejects(detectGaps(engine, { from: wholeSeason.from, to: wholeSeason.to, signal: season.site.stop.signal }), /out of order/);
    store.openCells = openCells.bind(store);
    assert.deepEqual(await store.leases(), []);
  });

  it('believes no schedule rows that somebody altered: what they made look like an off-day is still found, and nothing is redone for them', async () => {
    season.write('Schedule', DATE, season.right('Schedule', DATE).map((row) => ({ ...row, game_status: 1 })));
    season.write('Box', DATE, null);
    const recovered = await season.wait(recover(season.site.engine, { ...everything, altered: 'report' }));
    assert.deepEqual(recovered.runs.filter((run) => run.outcome === 'ran').map(({ processor, day }) => `${processor} ${formatDay(day)}`), [`Box ${DATE}`]);
    assert.deepEqual(await season.wrong(), [`Schedule ${DATE}`]);
    assert.deepEqual(recovered.leftOut.filter(({ code }) => code === 'altered').map(({ processor, day }) => `${processor} ${formatDay(day)}`), [`Schedule ${DATE}`]);
  });

  it('does not run a queued cell that a person holds, and tells who asked for it', async () => {
    const { engine } = season.site;
    const key = { processor: 'TeamForm', day: dayOf(DATE) };
    season.write('TeamForm', DATE, null);
    await engine.reread();
    await pause(engine, { by: 'ann', reason: 'look first' });
    await season.ask('TeamForm', DATE, { request_id: 'held-ask' });
    await hold(engine, [key], { by: 'ann', reason: 'do not touch' });
    await resume(engine);
    await season.wait(recoverAll(season.site));
    assert.deepEqual(season.outside.runs, []);
    assert.deepEqual((await season.outcomes('held-ask')).map(({ outcome }) => outcome), ['held']);
    await unhold(engine, [key], { by: 'ann', reason: 'looked' });
    await season.wait(recoverAll(season.site));
    assert.deepEqual(await season.wrong(), []);
  });

  it('runs no more cells than the day has left, readers that have to be redone among them', async () => {
    season.write('Box', '2024-01-02', null);
    changed('TeamForm', '2024-01-03', 77);
    const recovered = await season.wait(recover(season.site.engine, { ...everything, altered: 'reprocess', budget: 2 }));
    assert.equal(recovered.runs.filter(reallyRan).length, 2);
    assert.equal(season.outside.runs.length, 2);
  });

  it('waits out what backs off when it is run again, instead of leaving it to nobody', async () => {
    season.write('TeamForm', DATE, null);
    const { engine } = season.site;
    await engine.reread();
    const ask = askOf({ id: 'killed', asker: 'plan', by: 'test', reason: 'before the kill', at: season.clock.now(), planId: 'killed' });
    const key = { processor: 'TeamForm', day: dayOf(DATE) };
    await openAsk(engine, ask, [key]);
    await engine.change({ cells: [key] }, (snapshot) => {
      const record = snapshot.cell(key);
      return { writes: { cells: record.request ? [queued(record, record.request, season.clock.now() + 30_000)] : [] }, result: null };
    });
    await season.wait(recoverAll(season.site));
    assert.deepEqual(await season.wrong(), []);
    assert.deepEqual(await season.open(), []);
  });

  it('leaves a cell whose last run failed although its rows are good, and says so', async () => {
    season.outside.fail(`TeamForm ${DATE}`, bug);
    await season.ask('TeamForm', DATE, { reprocess: 'completed' });
    const recovered = await season.wait(recoverAll(season.site));
    assert.deepEqual(recovered.runs, []);
    assert.deepEqual(recovered.leftOut.map(({ processor, code }) => [processor, code]), [['TeamForm', 'held']]);
    assert.match(recovered.leftOut[0]?.reason ?? '', /its rows are good/);
  });

  it('of one date fills the inputs, outside its dates, of a request that waits on it already', async () => {
    for (const date of ['2024-01-05', '2024-01-06', '2024-01-07', '2024-01-08', '2024-01-09']) season.write('Box', date, null);
    season.write('TeamForm', DATE, null);
    await season.ask('TeamForm', DATE);
    assert.deepEqual(await season.open(), [`TeamForm ${DATE} waiting`]);
    await season.wait(recoverAll(season.site, { scope: { from: dayOf(DATE), to: dayOf(DATE), processors: new Set(['TeamForm']) } }));
    assert.deepEqual(await season.open(), []);
    assert.deepEqual(await season.wrong(), []);
  });

  it('opens nothing on rows that were read before somebody else completed the cell', async () => {
    season.write('Box', DATE, null);
    const other = Site.beside(season.site, { pipeline: season.state.pipeline, databasePath: '', warehouse: season.warehouse, clock: season.clock, outside: season.outside });
    await other.engine.refresh(wholeSeason.from, wholeSeason.to);
    await season.wait(recoverAll(season.site));
    assert.equal(season.outside.runs.length, 1);
    const ask = askOf({ id: 'late', asker: 'plan', by: 'a person', reason: 'late', at: season.clock.now(), summary: 'late' });
    const [outcome] = await openAsk(other.engine, ask, [{ processor: 'Box', day: dayOf(DATE) }]);
    assert.equal(outcome?.outcome, 'already_complete');
    assert.deepEqual(await season.open(), []);
  });
});
