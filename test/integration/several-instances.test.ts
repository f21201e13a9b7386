import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { dayOf } from '../../shared/calendar/day.ts';
import { ManualClock } from '../manual-clock.ts';
import { AFTER_SEASON, cleanState, copyOfState, copyOfWarehouse } from '../simulation/clean.ts';
import { Cluster, type ClusterOptions } from '../simulation/cluster.ts';
import { damageRows, type Damage, type DamageKit } from '../simulation/damage.ts';
import { SEASON_DAYS } from '../simulation/mini-league.ts';
import { cellName, cellsOf, datesOf, reachableFrom } from '../simulation/mini-pipeline.ts';
import { Random, replayable, seeds } from '../simulation/random.ts';
import { differences, inManualTime, Outside, rowsOf, TOPICS } from '../simulation/site.ts';

const MINUTE_MS = 60_000;

interface Damaged {
  readonly cluster: Cluster;
  readonly clock: ManualClock;
  readonly outside: Outside;
  readonly damages: readonly Damage[];
  /** What is not as it is to be at the end. */
  wrong(): Promise<readonly string[]>;
}

const DAMAGED: readonly (readonly [string, number])[] = [['Box', 2], ['TeamForm', 7], ['Ratings', 12], ['Context', 13]];

async function damagedCluster(random: Random, more: Partial<ClusterOptions>, damaged = DAMAGED): Promise<Damaged> {
  const state = await cleanState();
  const { pipeline } = state;
  const warehouse = await copyOfWarehouse(state);
  const clock = new ManualClock(AFTER_SEASON);
  const outside = new Outside();
  const cluster = new Cluster({
    pipeline, databasePath: copyOfState(state), warehouse, clock, outside, random, instances: 2, duplicates: 0, kills: 0, asynchronous: new Set(), ...more,
  });
  const kit: DamageKit = { pipeline, cells: cellsOf(pipeline), dates: datesOf, rows: state.rows, random, change: (processor, day, rows) => warehouse.outside(processor, day, rows) };
  const damages: Damage[] = [];
  for (const [processor, index] of damaged) {
    const day = SEASON_DAYS[index];
    if (day !== undefined) damages.push(await damageRows(kit, { processor, day }, random.pick(['missing', 'short', 'doubled', 'altered'])));
  }
  outside.during = async () => {
    for (let turns = random.below(4); turns > 0; turns -= 1) await nextTurn();
  };
  return {
    cluster, clock, outside, damages,
    wrong: async () => {
      const reachable = reachableFrom(pipeline, damages.map(({ cell }) => cellName(cell)));
      return [
        ...differences(pipeline, await rowsOf(pipeline, warehouse), state.rows).map((cell) => `${cell} differs`),
        ...(await cluster.store.openCells()).map((record) => `${cellName(record)} is ${record.request?.state ?? ''}${record.request?.waitingFor ? ` for ${cellName(record.request.waitingFor)}` : ''}`),
        ...outside.runs.filter((cell) => !reachable.has(cell)).map((cell) => `${cell} ran, and the damage could not reach it`),
        ...cluster.thrown.map(String),
      ];
    },
  };
}

const tick = (cluster: Cluster): Promise<unknown> => cluster.publish(TOPICS.detection, '{"trigger":"tick"}');

/** Ticks come every five minutes, whatever is under way. */
async function ticks(cluster: Cluster, clock: ManualClock, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await tick(cluster);
    await clock.sleep(5 * MINUTE_MS);
  }
  await cluster.quiet();
}

async function startByRequests(cluster: Cluster, damages: readonly Damage[]): Promise<void> {
  for (const { cell } of damages) {
    const date = new Date(cell.day * 86_400_000).toISOString().slice(0, 10);
    await cluster.publish(TOPICS.requests, JSON.stringify({ processor_name: cell.processor, start_date: date, end_date: date }));
  }
  await cluster.quiet();
}

describe('several instances of each function on one state', () => {
  for (const seed of seeds(10)) {
    it(`converge without a tick, and run no cell twice (seed ${seed})`, () => replayable(seed, 'instances', async () => {
      const { cluster, clock, outside, damages, wrong } = await damagedCluster(new Random(seed), { instances: 3 });
      await inManualTime(clock, startByRequests(cluster, damages));
      assert.deepEqual(await wrong(), []);
      // Who asks for a cell while it runs has it run again.
      const asked = new Set(damages.map(({ cell }) => cellName(cell)));
      assert.deepEqual(outside.runs.filter((cell, index) => !asked.has(cell) && outside.runs.indexOf(cell) !== index), []);
      cluster.close();
    }));

    it(`converge with targets that run on by themselves (seed ${seed})`, () => replayable(seed, 'instances', async () => {
      const { cluster, clock, damages, wrong } = await damagedCluster(new Random(seed), { asynchronous: new Set(['Box', 'TeamForm']), duplicates: 0.3 });
      const before = clock.now();
      await inManualTime(clock, startByRequests(cluster, damages));
      assert.deepEqual(await wrong(), [], `after ${(clock.now() - before) / 1000} s`);
      cluster.close();
    }));

    it(`release a cascade once, whichever of them hears of which of its processors (seed ${seed})`, () => replayable(seed, 'instances', async () => {
      const random = new Random(seed);
      const { pipeline } = await cleanState();
      const live = { ...pipeline, settings: { ...pipeline.settings, live_days: 60 } };
      const { cluster, clock, outside } = await damagedCluster(random, { instances: 3, duplicates: 0.3, pipeline: live }, []);
      const messages = ['Box', 'Schedule', 'Box'].map((name, index) => ({ phase: 'phase_2_raw', processor_name: name, game_date: '2024-01-15', status: 'success', run_id: `theirs-${name}-${index}` }));
      await inManualTime(clock, (async () => {
        for (const message of messages) await cluster.publish('mini-phase2-complete', JSON.stringify(message));
        await cluster.quiet();
      })());
      const cascades = await cluster.store.cascades(dayOf('2024-01-15'), dayOf('2024-01-15'));
      assert.deepEqual(cascades.map(({ phase, state, releasedDigests }) => [phase, state, releasedDigests.length]), [['phase_2_raw', 'released', 1]]);
      assert.deepEqual([outside.runs, cluster.thrown], [[], []]);
      cluster.close();
    }));

    it(`converge although no invocation has time for all of it (seed ${seed})`, () => replayable(seed, 'instances', async () => {
      // Room for three or four runs: none is begun that might take longer than what is left.
      const { cluster, clock, damages, wrong } = await damagedCluster(new Random(seed), { invocationMs: 490_000, lanes: 1 });
      await inManualTime(clock, startByRequests(cluster, damages));
      assert.deepEqual(await wrong(), []);
      cluster.close();
    }));

    it(`converge by ticks when instances die, messages come twice, and clocks differ (seed ${seed})`, () => replayable(seed, 'instances', async () => {
      const random = new Random(seed);
      const { cluster, clock, wrong } = await damagedCluster(random, { kills: 0.7, duplicates: 0.3, skewMs: 4000, asynchronous: new Set(random.chance(0.5) ? ['Box', 'Ratings'] : []) });
      await inManualTime(clock, ticks(cluster, clock, 12));
      assert.deepEqual(await wrong(), [], `${cluster.killed} killed`);
      cluster.close();
    }));
  }
});
