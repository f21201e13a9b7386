import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { accept, hold } from '../../shared/flows/operate.ts';
import { LiveSeason, TOMORROW, TONIGHT } from '../simulation/live.ts';
import { WholeSeason } from '../simulation/season.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const bug = { type: 'ValueError', message: 'invalid literal for int() with base 10' };
const unreachable = { type: 'ConnectionError', message: 'connection refused by the league' };
const person = { by: 'a person', reason: 'known' };

describe('no loops', () => {
  let season: WholeSeason;
  beforeEach(async () => { season = await WholeSeason.open(); });
  afterEach(() => season.close());

  async function ticksStartNothing(count: number): Promise<void> {
    const before = season.outside.started.length;
    for (let tick = 0; tick < count; tick += 1) {
      season.clock.advance(5 * MINUTE);
      await season.tick();
    }
    assert.deepEqual(season.outside.started.slice(before), []);
    assert.deepEqual(await season.open(), []);
  }

  it('a hundred ticks over a season that is complete start nothing', async () => {
    await ticksStartNothing(100);
    assert.deepEqual(season.site.alerts, []);
  });

  it('a hundred ticks over a cell that its failure holds start nothing', async () => {
    season.write('Box', '2024-01-12', null);
    season.outside.down = (cell) => (cell === 'Box 2024-01-12' ? bug : null);
    await season.tick();
    assert.deepEqual(season.outside.started, ['Box 2024-01-12']);
    await ticksStartNothing(100);
  });

  it('a hundred ticks over cells held by hand start nothing', async () => {
    season.write('TeamForm', '2024-01-12', null);
    await hold(season.site.engine, [{ processor: 'TeamForm', day: dayOf('2024-01-12') }], person);
    await ticksStartNothing(100);
  });

  it('a hundred ticks over a gap that was accepted start nothing, and its readers are complete', async () => {
    season.write('Box', '2024-01-12', null);
    await season.site.engine.reread();
    await accept(season.site.engine, [{ processor: 'Box', day: dayOf('2024-01-12') }], person, null);
    await season.tick();
    const ran = new Set(season.outside.runs);
    assert.ok(!ran.has('Box 2024-01-12'));
    await ticksStartNothing(100);
  });

  it('a hundred ticks over rows that were accepted start nothing', async () => {
    const rows = season.right('Box', '2024-01-12').map((row, index) => (index === 0 ? { ...row, points: 1 } : row));
    season.write('Box', '2024-01-12', rows);
    await season.site.engine.reread();
    await accept(season.site.engine, [{ processor: 'Box', day: dayOf('2024-01-12') }], person, null);
    await season.tick();
    assert.ok(season.outside.runs.includes('TeamForm 2024-01-12'), 'what was made of the old rows follows');
    assert.deepEqual(await season.rows('Box', '2024-01-12'), rows);
    await ticksStartNothing(100);
  });

  it('a gap over the bounds is alerted once, and again only when its dates change', async () => {
    for (const date of ['2024-01-05', '2024-01-06', '2024-01-07', '2024-01-08']) season.write('Box', date, null);
    await ticksStartNothing(20);
    assert.equal(season.site.alerts.length, 1);
    season.write('Box', '2024-01-09', null);
    await ticksStartNothing(20);
    assert.equal(season.site.alerts.length, 2);
  });

  it('a processor that gives other rows each time is not run without end, and neither are its readers', async () => {
    let turn = 0;
    season.outside.source = { status: () => 3 };
    season.write('TeamForm', '2024-01-12', null);
    season.outside.during = (cell) => {
      turn += 1;
      if (cell === 'Box 2024-01-12') season.write('BoxPage', '2024-01-12', season.right('BoxPage', '2024-01-12').map((row) => ({ ...row, points: turn })));
    };
    season.write('Box', '2024-01-12', null);
    await season.tick();
    assert.ok(season.outside.started.length < 100, `${season.outside.started.length} runs`);
  });
});

describe('no giving up', () => {
  for (const [name, down] of [['a minute', MINUTE], ['an hour', HOUR], ['a day', 24 * HOUR]] as const) {
    for (const kind of ['cannot be reached', 'has nothing'] as const) {
      it(`a source that ${kind} for ${name} is recovered without a person`, async () => {
        const live = await LiveSeason.open();
        live.goTo(7);
        live.status(TONIGHT, 3);
        live.writeSchedule(TONIGHT);
        await live.hears('SchedulePage', TONIGHT);
        await live.hears('Schedule', TONIGHT);
        const until = live.clock.now() + down;
        const error = kind === 'cannot be reached' ? unreachable : { type: 'no_data', message: 'the league has no box score of this date yet' };
        live.outside.down = (cell) => (cell === `BoxPage ${TONIGHT}` && live.clock.now() < until ? error : null);
        const deadline = live.clock.now() + 2 * down + 2 * HOUR + (down > HOUR ? 24 * HOUR : 0);
        while (live.clock.now() < deadline && live.runsOf('Ratings', TONIGHT) === 0) {
          live.clock.advance(5 * MINUTE);
          await live.tick();
        }
        assert.deepEqual(['BoxPage', 'Box', 'TeamForm', 'Features', 'Ratings'].map((processor) => live.runsOf(processor, TONIGHT)), [1, 1, 1, 1, 1]);
        assert.deepEqual(['Context', 'Outlook'].map((processor) => live.runsOf(processor, TOMORROW)), [1, 1]);
        const tries = live.outside.started.filter((cell) => cell === `BoxPage ${TONIGHT}`).length;
        assert.ok(tries <= 20, `${tries} tries`);
        live.close();
      });
    }
  }

  it('a processing failure is held, and runs again by itself when its input changes', async () => {
    const season = await WholeSeason.open();
    season.write('TeamForm', '2024-01-12', null);
    const { outside } = season;
    outside.down = (cell) => (cell === 'TeamForm 2024-01-12' ? bug : null);
    await season.tick();
    await season.tick();
    assert.deepEqual(outside.started.slice(), ['TeamForm 2024-01-12']);
    outside.down = () => null;
    await season.tick();
    assert.deepEqual(outside.runs.slice(), [], 'nothing that it reads has changed');
    season.write('Box', '2024-01-12', season.right('Box', '2024-01-12').map((row, index) => (index === 0 ? { ...row, points: 1 } : row)));
    await season.site.engine.reread();
    await accept(season.site.engine, [{ processor: 'Box', day: dayOf('2024-01-12') }], person, null);
    await season.tick();
    assert.ok(outside.runs.includes('TeamForm 2024-01-12'));
    assert.deepEqual(await season.open(), []);
    season.close();
  });
});
