import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { openAsk } from '../../../shared/flows/open.ts';
import { unknownBackfill, withdrawLeft } from '../../../shared/flows/staged/orders.ts';
import { sweep } from '../../../shared/flows/sweep.ts';
import { cancelled, paused, resumed, skipped } from '../../../shared/staged/transitions.ts';
import { askOf } from '../../core-builders.ts';
import { inManualTime } from '../../simulation/site.ts';
import { EmptySeason, kim, RAW, SEASON_STAGES } from './empty-season.ts';

describe('flows/staged/advance', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('pauses at once, takes back what nobody runs yet, and goes on with exactly what is left', async () => {
    const { id } = await season.start(RAW, { concurrency: 8 });
    let once = false;
    season.outside.during = async (cell, when) => {
      if (once || when !== 'before' || cell !== 'Box 2024-01-03') return;
      once = true;
      await season.order(id, (record, now) => paused(record, kim, now));
    };
    const record = await season.advance(id);
    assert.equal(record?.state, 'paused');
    assert.deepEqual(await season.openCells(), []);
    const before = [...season.outside.runs];
    assert.ok(before.length < 70);
    season.clock.set(season.clock.now() + 12 * 3_600_000);
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
  });

  it('is not lost when a person pauses the whole pipeline', async () => {
    const { id } = await season.start(RAW);
    const { engine } = season.site;
    await engine.change({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: { ...kim, at: 1 } } }, result: null }));
    const advancing = season.advance(id);
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
    assert.deepEqual(season.outside.started, []);
    await engine.change({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: null } }, result: null }));
    assert.equal((await advancing)?.state, 'finished');
  });

  it('has what else runs in its lanes finished when it ends', async () => {
    const day = dayOf('2024-01-20');
    const { id } = await season.start(RAW, { exclude: [day] });
    const { engine, store } = season.site;
    await engine.refresh(day, day);
    await openAsk(engine, askOf({ id: 'by-hand', at: season.clock.now(), isBackfill: false }), [{ processor: 'SchedulePage', day }]);
    season.outside.during = async (cell, when) => {
      if (when !== 'before' || cell !== 'SchedulePage 2024-01-20') return;
      await season.order(id, (record, now) => cancelled(record, kim, now));
      // The coordinator hears of it meanwhile.
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
    };
    assert.equal((await season.advance(id))?.state, 'cancelled');
    assert.notEqual((await store.cell({ processor: 'SchedulePage', day })).last, null);
  });

  it('ends where it is cancelled, and starts nothing any more', async () => {
    const { id } = await season.start(RAW);
    season.outside.during = async (cell, when) => { if (when === 'after' && cell === 'Box 2024-01-02') await season.order(id, (record, now) => cancelled(record, kim, now)); };
    assert.equal((await season.advance(id))?.state, 'cancelled');
    assert.deepEqual(await season.openCells(), []);
    assert.equal((await season.advance(id))?.state, 'cancelled');
  });

  it('looks again for what is left however many dates a person has skipped one by one', async () => {
    const { id } = await season.start([{ ...SEASON_STAGES[1]!, calendar_first: true }]);
    const day = dayOf('2024-01-20');
    await season.order(id, (record, now) => {
      let next = record;
      for (let time = 0; time < 60; time += 1) next = { ...skipped({ ...next, skips: [] }, day, kim, now), skips: [...next.skips, { day, ...kim, at: now }] };
      return next;
    });
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
  });

  it('leaves nothing queued to whoever comes next, where the person’s process dies right after the order', async () => {
    const { id } = await season.start([SEASON_STAGES[1]!], { concurrency: 8 });
    season.outside.during = async () => {
      season.site.stop.abort();
      await season.site.engine.change({ backfills: [id] }, (snapshot) => ({ writes: { backfills: [cancelled(snapshot.backfill(id)!, kim, season.clock.now())] }, result: null }));
    };
    await season.advance(id).catch(() => null);
    await season.reopen();
    const { engine } = season.site;
    await inManualTime(season.clock, sweep(engine, () => true));
    assert.ok((await season.openCells()).length > 0);
    await withdrawLeft(engine);
    assert.deepEqual(await season.openCells(), []);
  });

  it('leaves a skipped date out, of its gates too', async () => {
    season.outside.down = (cell) => (cell === 'BoxPage 2024-01-20' ? { type: 'no_data', message: 'the league has lost it' } : null);
    const { id } = await season.start();
    assert.equal((await season.advance(id))?.state, 'gate_held');
    await season.order(id, (record, now) => skipped(record, dayOf('2024-01-20'), kim, now));
    await season.order(id, (record, now) => resumed(record, kim, now));
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.ok((await season.wrong()).every((cell) => cell.endsWith('2024-01-20')));
  });

  it('runs nothing more of a date that is skipped while its requests are queued, and waits for none of them', async () => {
    const day = dayOf('2024-01-12');
    const { id } = await season.start(RAW, { concurrency: 8 });
    let isSkipped = false;
    season.outside.during = async (cell, when) => {
      if (isSkipped || when !== 'before' || !(await season.openCells()).some((record) => record.day === day && record.request?.state === 'queued')) return;
      isSkipped = true;
      await season.order(id, (record, now) => skipped(record, day, kim, now));
      assert.equal((await season.openCells()).some((record) => record.day === day), false, cell);
    };
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.deepEqual([isSkipped, season.outside.started.filter((cell) => cell.startsWith('Box') && cell.endsWith('2024-01-12'))], [true, []]);
  });
});

describe('a backfill that there is not', () => {
  const known = (...ids: readonly string[]) => ids.map((id) => ({ id }));
  const many = Array.from({ length: 25 }, (_, index) => ({ id: `season-${index}` }));
  const CASES: readonly (readonly [what: string, id: string, ids: readonly { readonly id: string }[], message: string])[] = [
    ['where none was started', 'season', [], "received the backfill 'season', which there is not; none was started yet; see: smart-backfill backfill start --help"],
    ['is misspelt', 'seasn-2024', known('season-2024', 'by_date-2021'), "received the backfill 'seasn-2024', which there is not; did you mean season-2024? allowed are season-2024, by_date-2021; see: smart-backfill backfill list"],
    ['is the start of several ids', 'season', known('season-2024', 'by_date-2021', 'season-2024-2'), "received the backfill 'season', which there is not; give the whole id; allowed are season-2024, season-2024-2 and 1 more; see: smart-backfill backfill list"],
    ['is like none', 'x', many.slice(0, 2), "received the backfill 'x', which there is not; allowed are season-0, season-1; see: smart-backfill backfill list"],
  ];
  for (const [what, id, ids, message] of CASES) it(what, () => assert.equal(unknownBackfill(id, ids).message, message));

  it('is not advanced: whoever would is told the same', async () => {
    const season = await EmptySeason.open();
    await season.start(RAW);
    await assert.rejects(season.advance('whole-2025'), { message: unknownBackfill('whole-2025', known('whole-2024')).message });
    season.close();
  });

  it('names no more than a screen of them', () => assert.match(unknownBackfill('x', many).message, /season-19 and 5 more; see/));
});
