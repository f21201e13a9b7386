import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { pause, resume } from '../../shared/flows/operate.ts';
import { Fuse, SimulatedCrash } from '../simulation/crash.ts';
import { LiveSeason, TOMORROW, TONIGHT } from '../simulation/live.ts';
import { Random, replayable, seeds } from '../simulation/random.ts';
import { Site } from '../simulation/site.ts';

const person = { by: 'a person', reason: 'a test' };

describe('the phase-complete router', () => {
  let live: LiveSeason;
  beforeEach(async () => {
    live = await LiveSeason.open();
    live.goTo(1);
    live.status(TONIGHT, 3);
    live.writeSchedule(TONIGHT);
    live.write('BoxPage', TONIGHT, live.boxRows(TONIGHT));
    await live.hears('BoxPage', TONIGHT, { skip_downstream_trigger: true });
    await live.hears('Schedule', TONIGHT, { skip_downstream_trigger: true });
  });
  afterEach(() => live.close());

  /** Another program has loaded tonight's box scores, and says so. */
  async function boxIsLoaded(more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    live.write('Box', TONIGHT, live.boxRows(TONIGHT));
    await live.hears('Box', TONIGHT, more);
  }
  async function conditions(phase = 'phase_2_raw', date = TONIGHT): Promise<{ state: string | undefined; numbers: number[] }> {
    const record = await live.cascade(phase, date);
    return { state: record?.state, numbers: [...new Set(record?.reasons.map((reason) => reason.condition))] };
  }
  async function open(): Promise<string[]> {
    return (await live.site.store.openCells()).map(({ processor, day }) => `${processor} ${formatDay(day)}`);
  }
  const started = [`TeamForm ${TONIGHT}`, `Context ${TOMORROW}`];

  it('starts the next phase when all ten conditions hold', async () => {
    await boxIsLoaded();
    assert.deepEqual(await conditions(), { state: 'released', numbers: [] });
    assert.deepEqual(await open(), started);
  });

  it('1: parks when the message says that the run failed', async () => {
    live.write('Box', TONIGHT, live.boxRows(TONIGHT));
    await live.hears('Box', TONIGHT, { status: 'failed', error_message: 'boom' });
    const { state, numbers } = await conditions();
    assert.equal(state, 'parked');
    assert.equal(numbers[0], 1);
    assert.deepEqual(await open(), []);
  });

  it('2: starts nothing after a backfill', async () => {
    await boxIsLoaded({ backfill_mode: true });
    assert.deepEqual(await conditions(), { state: 'not_cascading', numbers: [2] });
    assert.deepEqual(await open(), []);
  });

  it('2: starts nothing for a date that is not live any more', async () => {
    await live.hears('Box', '2024-01-05');
    assert.equal((await conditions('phase_2_raw', '2024-01-05')).numbers[0], 2);
    assert.deepEqual(await open(), []);
  });

  it('3: starts nothing when the message says skip_downstream_trigger', async () => {
    await boxIsLoaded({ skip_downstream_trigger: true });
    assert.deepEqual(await conditions(), { state: 'not_cascading', numbers: [3] });
    assert.deepEqual(await open(), []);
  });

  it('4: starts nothing after the last phase', async () => {
    await live.hears('Ratings', '2024-01-12');
    assert.ok((await conditions('phase_4_precompute', '2024-01-12')).numbers.includes(4));
    assert.deepEqual(await open(), []);
  });

  it('5: parks while the pipeline is paused, and starts the next phase at resume, once', async () => {
    await pause(live.site.engine, person);
    await boxIsLoaded();
    assert.deepEqual(await conditions(), { state: 'parked', numbers: [5] });
    assert.deepEqual(await open(), []);
    await resume(live.site.engine);
    await resume(live.site.engine);
    assert.deepEqual(await conditions(), { state: 'released', numbers: [] });
    assert.deepEqual(await open(), started);
  });

  it('6: waits for the siblings that the next phase reads', async () => {
    await live.hears('Schedule', TOMORROW);
    const { state, numbers } = await conditions();
    assert.equal(state, 'waiting');
    assert.ok(numbers.includes(6), numbers.join());
    await boxIsLoaded();
    assert.equal((await conditions()).state, 'released');
  });

  it('7: parks when a sibling has failed and its data is not there', async () => {
    await live.hears('Box', TONIGHT, { status: 'failed', error_message: 'boom' });
    await live.hears('Schedule', TOMORROW);
    const { state, numbers } = await conditions();
    assert.equal(state, 'parked');
    assert.ok(numbers.includes(7), numbers.join());
  });

  it('8 and 9: parks while an input in the windows is missing; the detector fills it, and the cascade is released once', async () => {
    live.write('Box', '2024-01-09', null);
    await boxIsLoaded();
    const { state, numbers } = await conditions();
    assert.equal(state, 'parked');
    assert.equal(numbers[0], 8);
    assert.deepEqual(await open(), []);
    await live.wait(live.site.deliver());
    assert.equal((await live.cascade('phase_2_raw', TONIGHT))?.releasedDigests.length, 1);
    assert.equal(live.runsOf('Box', '2024-01-09'), 1);
    assert.deepEqual(['TeamForm', 'Features', 'Ratings'].map((name) => live.runsOf(name, TONIGHT)), [1, 1, 1]);
  });

  it('9: says how many of the inputs are usable when they are fewer than window_completeness', async () => {
    for (const date of ['2024-01-12', '2024-01-09', '2024-01-08']) live.write('Box', date, null);
    await boxIsLoaded();
    assert.deepEqual((await conditions()).numbers, [8, 9]);
  });

  it('10: releases once, however often the message comes', async () => {
    await boxIsLoaded();
    for (let time = 0; time < 5; time += 1) await live.hears('Box', TONIGHT);
    assert.equal((await live.cascade('phase_2_raw', TONIGHT))?.releasedDigests.length, 1);
    assert.deepEqual(await open(), started);
  });

  it('takes corrected rows for a new cascade', async () => {
    await boxIsLoaded();
    await live.wait(live.site.deliver());
    live.write('Box', TONIGHT, live.boxRows(TONIGHT).map((row, index) => (index === 0 ? { ...row, points: 99 } : row)));
    await live.hears('Box', TONIGHT, { run_id: 'corrected' });
    assert.equal((await live.cascade('phase_2_raw', TONIGHT))?.releasedDigests.length, 2);
    assert.ok((await open()).includes(`TeamForm ${TONIGHT}`), 'it read the rows before the correction');
  });
});

describe('a cascade, when the process dies at any call', () => {
  for (const seed of seeds(24)) {
    it(`is neither lost nor released twice (seed ${seed})`, () => replayable(seed, 'cascade', async () => {
      const random = new Random(seed + 1000);
      const live = await LiveSeason.open();
      live.goTo(1);
      await live.gamesEnd();
      live.site.close();
      let site = live.site;
      for (let death = 0; death < 3; death += 1) {
        const fuse = new Fuse(1 + random.below(50), random.chance(0.5));
        try {
          site = await Site.open({ ...live.options, fuse });
          await live.wait(site.deliver());
        } catch (error) {
          if (!(error instanceof SimulatedCrash) && !fuse.blown) throw error;
        }
        site.close();
      }
      site = await Site.open(live.options);
      for (let round = 0; round < 3; round += 1) {
        // Not a tick in between: only what was promised durably goes on. Messages under way are delivered again later.
        live.clock.advance(11 * 60_000);
        await live.wait(site.deliver());
      }
      const day = dayOf(TONIGHT);
      for (const phase of ['phase_1_scrapers', 'phase_2_raw', 'phase_3_analytics']) {
        const record = (await site.store.cascades(day, day)).find((cascade) => cascade.phase === phase);
        assert.equal(record?.releasedDigests.length, 1, `${phase}: ${JSON.stringify(record)}`);
      }
      for (const [processor, date] of [['Box', TONIGHT], ['TeamForm', TONIGHT], ['Context', TOMORROW], ['Features', TONIGHT], ['Ratings', TONIGHT], ['Outlook', TOMORROW]] as const) {
        const found = await live.warehouse.rows(site.processor(processor), { from: dayOf(date), to: dayOf(date) }, null);
        assert.ok(found.length > 0, `${processor} ${date} was never run`);
      }
      assert.deepEqual((await site.store.openCells()).map((record) => record.processor), []);
      site.close();
    }));
  }
});
