import assert from 'node:assert/strict';
import { ManualClock } from '../../shared/embedded/clock.ts';
import type { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { AFTER_SEASON, cleanState, copyOfState, copyOfWarehouse, recoverAll } from './clean.ts';
import { Fuse, SimulatedCrash } from './crash.ts';
import { damageRows, failRun, forceOnIncomplete, randomCell, rowDamages, settle, type Damage, type DamageKit } from './damage.ts';
import { cellName, reachableFrom } from './mini-pipeline.ts';
import { Random } from './random.ts';
import { differences, inManualTime, Outside, rowsOf, Site, TOPICS, type SiteOptions } from './site.ts';

/** One seed's story: what was done to it, and by what it was recovered. */
export interface Scenario {
  readonly by: 'person' | 'detector';
  readonly crashes: number;
  readonly changesMeanwhile: number;
  readonly damages: number;
}

export function scenarioOf(random: Random): Scenario {
  return {
    by: random.chance(0.6) ? 'person' : 'detector',
    crashes: random.chance(0.4) ? 1 + random.below(4) : 0,
    changesMeanwhile: random.chance(0.3) ? 1 + random.below(2) : 0,
    damages: 1 + random.below(5),
  };
}

/** Damages a copy of the clean mini pipeline, recovers it, and holds the outcome against what convergence promises. */
export async function converges(seed: number): Promise<void> {
  const random = new Random(seed);
  const scenario = scenarioOf(random);
  const state = await cleanState();
  const { pipeline } = state;
  const warehouse: MemoryWarehouse = await copyOfWarehouse(state);
  const clock = new ManualClock(AFTER_SEASON);
  const outside = new Outside();
  const options: SiteOptions = { pipeline, databasePath: copyOfState(state), warehouse, clock, outside, disorder: (choices) => random.below(choices) };
  const kit: DamageKit = { pipeline, rows: state.rows, random, change: (processor, day, rows) => warehouse.outside(processor, day, rows) };
  const existing = new Set(state.runs);

  let site = await Site.open(options);
  const damaged: Damage[] = [];
  for (let index = 0; index < scenario.damages; index += 1) {
    const cell = randomCell(pipeline, random);
    const kind = random.below(10);
    if (kind < 7) damaged.push(await damageRows(kit, cell, random.pick(rowDamages)));
    else if (kind < 8) damaged.push(await inManualTime(clock, failRun(site, outside, random, cell)));
    else damaged.push(...await inManualTime(clock, forceOnIncomplete(site, kit, cell)));
  }
  outside.failures.clear();
  outside.runs.length = 0;

  let changesLeft = scenario.changesMeanwhile;
  outside.during = async () => {
    if (changesLeft === 0 || !random.chance(0.3)) return;
    changesLeft -= 1;
    damaged.push(await damageRows(kit, randomCell(pipeline, random), random.pick(rowDamages)));
  };
  const story = (): string => `${JSON.stringify(scenario)}\n${damaged.map(({ cell, kind }) => `${kind} ${cellName(cell)}`).join('\n')}\nruns: ${outside.runs.join(', ')}`;
  try {
    let crashesLeft = scenario.crashes;
    for (let turn = 0; ; turn += 1) {
      assert.ok(turn < 20, `recovery does not come to an end`);
      site.close();
      const fuse = crashesLeft > 0 ? new Fuse(1 + random.below(60), random.chance(0.5)) : Fuse.never();
      crashesLeft -= 1;
      const before = outside.runs.length;
      try {
        site = await Site.open({ ...options, fuse });
        if (scenario.by === 'person') await inManualTime(clock, recoverAll(site));
        else await inManualTime(clock, tick(site, clock));
        await inManualTime(clock, settle(site, clock));
      } catch (error) {
        if (!(error instanceof SimulatedCrash) && !fuse.blown) throw error;
        continue;
      }
      if (fuse.blown) continue;
      if (scenario.by === 'detector' && turn < 19 && outside.runs.length === before) {
        // What is over the bounds is left to a person.
        await inManualTime(clock, recoverAll(site));
      }
      if (crashesLeft <= 0 && outside.runs.length === before) break;
    }
    const actual = await rowsOf(pipeline, warehouse);
    assert.deepEqual(differences(pipeline, actual, state.rows), [], 'cells that differ from a warehouse that never lost anything');
    await sweep(site.engine);
    assert.deepEqual((await site.store.openCells()).map((record) => `${cellName(record)} ${record.request?.state ?? ''}`), [], 'requests left open');
    const reachable = reachableFrom(pipeline, damaged.map(({ cell }) => cellName(cell)));
    assert.deepEqual(outside.runs.filter((cell) => !reachable.has(cell)), [], 'cells that ran and that the damage could not reach');
    if (scenario.crashes === 0 && scenario.changesMeanwhile === 0) {
      const twice = outside.runs.filter((cell, index) => existing.has(cell) && outside.runs.indexOf(cell) !== index);
      assert.deepEqual(twice, [], 'cells that ran more than once');
    }
  } catch (error) {
    if (error instanceof Error) error.message += `\n${story()}`;
    throw error;
  } finally {
    site.close();
  }
}

async function tick(site: Site, clock: ManualClock): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await site.bus.publish(TOPICS.detection, '{"trigger":"tick"}');
    await site.deliver();
    clock.advance(20 * 60_000);
  }
}
