import assert from 'node:assert/strict';
import { Random } from '../simulation/random.ts';
import { LiveSeason, TOMORROW, TONIGHT } from '../simulation/live.ts';

const DOWNSTREAM = [['Box', TONIGHT], ['TeamForm', TONIGHT], ['Context', TOMORROW], ['Features', TONIGHT], ['Ratings', TONIGHT], ['Outlook', TOMORROW]] as const;
const broken = { type: 'ConnectionError', message: 'connection reset by peer' };

describe('the newest date', () => {
  let live: LiveSeason;
  afterEach(() => live.close());

  async function releases(phase: string): Promise<number> {
    return (await live.cascade(phase, TONIGHT))?.releasedDigests.length ?? 0;
  }

  async function everythingOnce(): Promise<void> {
    assert.deepEqual(DOWNSTREAM.map(([processor, date]) => [processor, date, live.runsOf(processor, date)]), DOWNSTREAM.map(([processor, date]) => [processor, date, 1]));
    for (const phase of ['phase_1_scrapers', 'phase_2_raw', 'phase_3_analytics']) assert.equal(await releases(phase), 1, `${phase} released once`);
    assert.deepEqual((await live.site.store.openCells()).map((record) => record.processor), []);
    assert.deepEqual(live.site.alerts, []);
  }

  it('goes through all phases by cascades, each cell once, when its games end', async () => {
    live = await LiveSeason.open();
    live.goTo(1);
    await live.gamesEnd();
    await live.wait(live.site.deliver());
    await everythingOnce();
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`goes through all phases once although messages come twice and out of order (seed ${seed})`, async () => {
      const random = new Random(seed);
      live = await LiveSeason.open({ disorder: (choices) => random.below(choices) });
      live.goTo(1);
      await live.gamesEnd();
      await live.wait(live.site.deliver());
      await live.tick();
      await everythingOnce();
    });
  }

  for (const failing of [['TeamForm'], ['Context'], ['TeamForm', 'Context'], ['Box'], ['Features'], ['Features', 'Ratings', 'Outlook'], ['Box', 'TeamForm', 'Ratings']]) {
    it(`has its cascade released once although the live run of ${failing.join(', ')} failed`, async () => {
      live = await LiveSeason.open();
      live.goTo(1);
      for (const processor of failing) live.outside.fail(`${processor} ${processor === 'Context' || processor === 'Outlook' ? TOMORROW : TONIGHT}`, broken, broken, broken);
      await live.gamesEnd();
      await live.wait(live.site.deliver());
      for (let tick = 0; tick < 100; tick += 1) {
        live.clock.advance(5 * 60_000);
        await live.tick();
      }
      await everythingOnce();
    });
  }

  it('is recovered, and its cascade released once, when another program reports that its run failed', async () => {
    live = await LiveSeason.open();
    live.goTo(1);
    live.status(TONIGHT, 3);
    live.writeSchedule(TONIGHT);
    await live.completes('SchedulePage', TONIGHT);
    await live.completes('Schedule', TONIGHT);
    await live.completes('BoxPage', TONIGHT, { status: 'failed', error_message: 'TimeoutError: the league does not answer' });
    await live.wait(live.site.deliver());
    for (let tick = 0; tick < 3; tick += 1) {
      live.clock.advance(5 * 60_000);
      await live.tick();
    }
    assert.equal(live.runsOf('BoxPage', TONIGHT), 1, 'at once, not only when the date has settled');
    await everythingOnce();
  });

  it('has its forward-looking cells wait for a date that is still being played, without an alert', async () => {
    live = await LiveSeason.open();
    live.status(TONIGHT, 2);
    live.writeSchedule(TONIGHT);
    await live.completes('SchedulePage', TONIGHT);
    await live.completes('Schedule', TONIGHT);
    for (const hour of [0.1, 1, 3, 6.5, 9]) {
      live.goTo(hour);
      await live.tick();
      assert.equal(live.runsOf('Context', TOMORROW), 0, `at ${hour} o'clock`);
      assert.equal(live.runsOf('BoxPage', TONIGHT), 0);
    }
    assert.deepEqual(live.site.alerts, []);
    assert.deepEqual((await live.site.store.openCells()).map((record) => record.processor), [], 'nothing is queued that cannot run');
    await live.gamesEnd();
    await live.wait(live.site.deliver());
    await everythingOnce();
  });
});
