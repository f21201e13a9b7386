import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ManualClock } from '../manual-clock.ts';
import { detectGaps } from '../../shared/flows/detect-gaps.ts';
import { AFTER_SEASON, cleanState, copyOfState, copyOfWarehouse, recoverAll, wholeSeason } from '../simulation/clean.ts';
import { Fuse, SimulatedCrash } from '../simulation/crash.ts';
import { damageRows, settle, type Damage, type DamageKit } from '../simulation/damage.ts';
import { SEASON_DAYS } from '../simulation/mini-league.ts';
import { cellName, cellsOf, datesOf, reachableFrom } from '../simulation/mini-pipeline.ts';
import { Random, replayable, seeds } from '../simulation/random.ts';
import { differences, inManualTime, Outside, rowsOf, Site, TOPICS, type SiteOptions } from '../simulation/site.ts';

interface Pair {
  readonly options: SiteOptions;
  readonly clock: ManualClock;
  readonly outside: Outside;
  readonly kit: DamageKit;
  readonly damaged: ReadonlySet<string>;
  ends(site: Site): Promise<void>;
}

/** A damaged season, for more than one process. */
async function damagedSeason(random: Random): Promise<Pair> {
  const state = await cleanState();
  const { pipeline } = state;
  const warehouse = await copyOfWarehouse(state);
  const clock = new ManualClock(AFTER_SEASON);
  const outside = new Outside();
  const options: SiteOptions = { pipeline, databasePath: copyOfState(state), warehouse, clock, outside };
  const kit: DamageKit = { pipeline, cells: cellsOf(pipeline), dates: datesOf, rows: state.rows, random, change: (processor, day, rows) => warehouse.outside(processor, day, rows) };
  const damaged: Damage[] = [];
  for (const [processor, index] of [['Box', 2], ['TeamForm', 7], ['Ratings', 12], ['Context', 13]] as const) {
    const day = SEASON_DAYS[index];
    if (day !== undefined) damaged.push(await damageRows(kit, { processor, day }, random.pick(['missing', 'short', 'doubled', 'altered'])));
  }
  // Runs take as long as they like, so that the processes get in each other's way at other places each time.
  outside.during = async () => {
    for (let turns = random.below(4); turns > 0; turns -= 1) await nextTurn();
  };
  return {
    options, clock, outside, kit, damaged: new Set(damaged.map(({ cell }) => cellName(cell))),
    ends: async (site) => {
      assert.deepEqual(differences(pipeline, await rowsOf(pipeline, warehouse), state.rows), []);
      assert.deepEqual((await site.store.openCells()).map((record) => `${cellName(record)} ${record.request?.state ?? ''}`), []);
      const reachable = reachableFrom(pipeline, damaged.map(({ cell }) => cellName(cell)));
      assert.deepEqual(outside.runs.filter((cell) => !reachable.has(cell)), []);
    },
  };
}

describe('several processes on one state', () => {
  for (const seed of seeds(20)) {
    it(`two detectors at once run no cell twice (seed ${seed})`, () => replayable(seed, 'detectors', async () => {
      const pair = await damagedSeason(new Random(seed));
      const a = await Site.open(pair.options);
      const b = Site.beside(a, pair.options);
      const tick = (site: Site): Promise<unknown> => detectGaps(site.engine, { from: wholeSeason.from, to: wholeSeason.to, signal: site.stop.signal });
      await inManualTime(pair.clock, Promise.all([tick(a), tick(b), tick(a), tick(b)]));
      await inManualTime(pair.clock, settle(a, pair.clock));
      await pair.ends(a);
      assert.deepEqual(pair.outside.runs.filter((cell, index) => pair.outside.runs.indexOf(cell) !== index), []);
      a.close();
    }));

    it(`two planners at once run no complete cell again (seed ${seed})`, () => replayable(seed, 'planners', async () => {
      const pair = await damagedSeason(new Random(seed));
      const a = await Site.open(pair.options);
      const b = Site.beside(a, pair.options);
      await inManualTime(pair.clock, Promise.all([recoverAll(a), recoverAll(b)]));
      await inManualTime(pair.clock, recoverAll(b));
      await inManualTime(pair.clock, settle(b, pair.clock));
      await pair.ends(b);
      assert.deepEqual(pair.outside.runs.filter((cell, index) => pair.outside.runs.indexOf(cell) !== index), []);
      a.close();
    }));

    it(`an orphaned plan is taken over when its lease has run out (seed ${seed})`, () => replayable(seed, 'orphaned', async () => {
      const random = new Random(seed);
      const pair = await damagedSeason(random);
      const a = await Site.open(pair.options);
      const dying = Site.beside(a, { ...pair.options, fuse: new Fuse(5 + random.below(40), random.chance(0.5)) });
      await inManualTime(pair.clock, recoverAll(dying)).catch((error: unknown) => {
        if (!(error instanceof SimulatedCrash)) throw error;
      });
      for (let tick = 0; tick < 3; tick += 1) {
        pair.clock.advance(5 * 60_000);
        await inManualTime(pair.clock, detectGaps(a.engine, { from: wholeSeason.from, to: wholeSeason.to, signal: a.stop.signal }));
      }
      await pair.ends(a);
      const most = Math.max(0, ...pair.outside.runs.map((cell) => pair.outside.runs.filter((run) => run === cell).length));
      assert.ok(most <= 2, 'at most the cells that were under way when the process died are run again');
      a.close();
    }));
  }

  it('the same message a thousand times is one run (P1)', async () => {
    const pair = await damagedSeason(new Random(1));
    const site = await Site.open(pair.options);
    const body = JSON.stringify({ processor_name: 'Features', start_date: '2024-01-05', end_date: '2024-01-05', request_id: 'once', reprocess: 'completed', force: true });
    await Promise.all(Array.from({ length: 1000 }, () => site.bus.publish(TOPICS.requests, body)));
    await inManualTime(pair.clock, site.deliver());
    assert.deepEqual(pair.outside.runs.filter((cell) => cell === 'Features 2024-01-05'), ['Features 2024-01-05']);
    site.close();
  });
});
