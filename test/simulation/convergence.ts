import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import type { Day } from '../../shared/calendar/day.ts';
import { ManualClock } from '../manual-clock.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import type { Scope } from '../../shared/gaps/detect.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { ProcessorRunner } from '../../shared/ports/processor-runner.ts';
import type { Row, Warehouse } from '../../shared/ports/warehouse.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { AFTER_SEASON, cleanState, copyOfState, copyOfWarehouse, newState, recoverAll, wholeSeason } from './clean.ts';
import { Fuse, SimulatedCrash } from './crash.ts';
import { damageRows, failRun, forceOnIncomplete, rowDamages, settle, type ChangeRows, type Damage, type DamageKit } from './damage.ts';
import { SEASON_DAYS } from './mini-league.ts';
import { cellName, cellsOf, datesOf, reachableFrom, type DatesOf } from './mini-pipeline.ts';
import { Random } from './random.ts';
import { differences, inManualTime, Outside, rowsOf, Site, TOPICS, type SiteOptions } from './site.ts';

/** One seed's story: what was done to it, and by what it was recovered. */
export interface Scenario {
  readonly by: 'person' | 'detector';
  readonly crashes: number;
  readonly changesMeanwhile: number;
  readonly damages: number;
  /** State was lost, so that nothing is known of how the rows came to be: only what is missing, thin or doubled can be told. */
  readonly stateLost: boolean;
  /** Asked for the damaged dates only: inputs outside and readers outside come with it. */
  readonly narrow: boolean;
  readonly lanes: number;
}

function scenarioOf(random: Random): Scenario {
  const stateLost = random.chance(0.15);
  return {
    by: random.chance(0.6) ? 'person' : 'detector',
    crashes: random.chance(0.4) ? 1 + random.below(4) : 0,
    changesMeanwhile: !stateLost && random.chance(0.3) ? 1 + random.below(2) : 0,
    damages: 1 + random.below(5),
    stateLost,
    narrow: random.chance(0.2),
    lanes: 1 + random.below(3),
  };
}

/** A place to damage and to recover: a copy of something that is complete. */
export interface Bench {
  readonly pipeline: Pipeline;
  readonly warehouse: Warehouse;
  readonly databasePath: string;
  readonly clock: ManualClock;
  /** The rows when nothing was lost, by cell name, and all cells, which were run once. */
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  readonly cells: readonly CellKey[];
  readonly days: readonly Day[];
  readonly dates: DatesOf;
  readonly change: ChangeRows;
  readonly runner?: ProcessorRunner;
  dispose(): Promise<void>;
}

/** The mini pipeline on a warehouse in memory. */
export async function miniBench(stateLost: boolean): Promise<Bench> {
  const state = await cleanState();
  const { pipeline, rows } = state;
  const warehouse = await copyOfWarehouse(state);
  const databasePath = stateLost ? newState(state) : copyOfState(state);
  return {
    pipeline, warehouse, databasePath, rows, clock: new ManualClock(AFTER_SEASON), cells: cellsOf(pipeline), days: SEASON_DAYS, dates: datesOf,
    change: (processor, day, changed) => warehouse.outside(processor, day, changed),
    dispose: async () => { for (const end of ['', '-wal', '-shm']) rmSync(`${databasePath}${end}`, { force: true }); },
  };
}

/** Damages a copy of something complete, recovers it, and holds the outcome against what convergence promises. */
export async function converges(seed: number, openBench: (stateLost: boolean) => Promise<Bench> = miniBench, limits: Partial<Scenario> = {}): Promise<void> {
  const random = new Random(seed);
  const scenario = { ...scenarioOf(random), ...limits };
  const bench = await openBench(scenario.stateLost);
  const { pipeline, warehouse, clock, cells } = bench;
  const outside = new Outside();
  let options: SiteOptions = {
    pipeline, databasePath: bench.databasePath, warehouse, clock, outside, lanes: scenario.lanes, disorder: (choices) => random.below(choices), ...(bench.runner ? { runner: bench.runner } : {}),
  };
  const kit: DamageKit = { pipeline, cells, dates: bench.dates, rows: bench.rows, random, change: bench.change };
  const existing = new Set(cells.map(cellName));

  let site = await Site.open(options);
  const damaged: Damage[] = [];
  for (let index = 0; index < scenario.damages; index += 1) {
    const cell = random.pick(cells);
    const kind = random.below(10);
    // A thin schedule is known to be thin by its run or by memory only.
    if (scenario.stateLost) damaged.push(await damageRows(kit, cell, pipeline.byName.get(cell.processor)?.fillsCalendar ? 'missing' : random.pick(['missing', 'short', 'doubled'])));
    else if (kind < 7) damaged.push(await damageRows(kit, cell, random.pick(rowDamages)));
    else if (kind < 8) damaged.push(await inManualTime(clock, failRun(site, outside, random, cell)));
    else damaged.push(...await inManualTime(clock, forceOnIncomplete(site, kit, cell)));
  }
  outside.failures.clear();
  outside.runs.length = 0;

  let changesLeft = scenario.changesMeanwhile;
  outside.during = async () => {
    if (changesLeft === 0 || !random.chance(0.3)) return;
    changesLeft -= 1;
    damaged.push(await damageRows(kit, random.pick(cells), random.pick(rowDamages)));
  };
  const story = (): string => `${JSON.stringify(scenario)}\n${damaged.map(({ cell, kind }) => `${kind} ${cellName(cell)}`).join('\n')}\nruns: ${outside.runs.join(', ')}`;
  try {
    let crashesLeft = scenario.crashes;
    for (let turn = 0; ; turn += 1) {
      assert.ok(turn < 20, `recovery does not come to an end`);
      options = { ...options, databasePath: site.kill() };
      const fuse = crashesLeft > 0 ? new Fuse(1 + random.below(60), random.chance(0.5)) : Fuse.never();
      crashesLeft -= 1;
      const before = outside.runs.length;
      try {
        site = await Site.open({ ...options, fuse });
        if (scenario.by === 'person') await inManualTime(clock, recoverAll(site, { altered: 'reprocess', scope: scenario.narrow ? scopeOf(damaged) : scopeOf(cells.map((cell) => ({ cell }))) }));
        else await inManualTime(clock, tick(site, clock));
        await inManualTime(clock, settle(site, clock));
      } catch (error) {
        if (!(error instanceof SimulatedCrash) && !fuse.blown) throw error;
        continue;
      }
      if (fuse.blown) continue;
      if (scenario.by === 'detector' && turn < 19 && outside.runs.length === before) {
        // What is over the bounds is left to a person.
        await inManualTime(clock, recoverAll(site, { altered: 'reprocess', scope: scopeOf(cells.map((cell) => ({ cell }))) }));
      }
      if (crashesLeft <= 0 && outside.runs.length === before) break;
    }
    site.close();
    site = await Site.open(options);
    const actual = await rowsOf(pipeline, warehouse);
    assert.deepEqual(differences(pipeline, actual, bench.rows), [], 'cells that differ from a warehouse that never lost anything');
    await sweep(site.engine);
    assert.deepEqual((await site.store.openCells()).map((record) => `${cellName(record)} ${record.request?.state ?? ''}`), [], 'requests left open');
    // That an empty date is right is known by its run only: losing the state damages those too.
    const forgotten = scenario.stateLost ? cells.map(cellName).filter((cell) => !bench.rows.has(cell)) : [];
    const reachable = reachableFrom(pipeline, [...damaged.map(({ cell }) => cellName(cell)), ...forgotten], bench.days, bench.dates);
    assert.deepEqual(outside.runs.filter((cell) => !reachable.has(cell)), [], 'cells that ran and that the damage could not reach');
    // Without state a run finds at its promotion only that the warehouse knows a later generation, and is done again.
    if (scenario.crashes === 0 && scenario.changesMeanwhile === 0 && !scenario.stateLost) {
      const twice = outside.runs.filter((cell, index) => existing.has(cell) && outside.runs.indexOf(cell) !== index);
      assert.deepEqual(twice, [], 'cells that ran more than once');
    }
  } catch (error) {
    if (error instanceof Error) error.message += `\n${story()}`;
    throw error;
  } finally {
    site.close();
    await bench.dispose();
  }
}

/** The dates of the damage, and of those only. */
function scopeOf(damaged: readonly Pick<Damage, 'cell'>[]): Scope {
  const days = damaged.map(({ cell }) => cell.day).sort((a, b) => a - b);
  return { from: days[0] ?? wholeSeason.from, to: days.at(-1) ?? wholeSeason.to, processors: null };
}

async function tick(site: Site, clock: ManualClock): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await site.bus.publish(TOPICS.detection, '{"trigger":"tick"}');
    await site.deliver();
    clock.advance(20 * 60_000);
  }
}
