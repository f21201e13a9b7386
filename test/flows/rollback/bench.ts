import assert from 'node:assert/strict';
import { dayOf, type Day } from '../../../shared/calendar/day.ts';
import { detectGaps } from '../../../shared/flows/detect-gaps.ts';
import { planRollback, type RollbackPlan, type RollbackScope } from '../../../shared/flows/rollback/plan.ts';
import { rollBack, type RolledBack } from '../../../shared/flows/rollback/roll-back.ts';
import { advanceBackfill } from '../../../shared/flows/staged/advance.ts';
import { startBackfill } from '../../../shared/flows/staged/orders.ts';
import { factsOf } from '../../../shared/gaps/cell-facts.ts';
import { statusOf } from '../../../shared/gaps/facts.ts';
import { compilePipeline } from '../../../shared/pipeline/compile.ts';
import type { Pipeline } from '../../../shared/pipeline/pipeline.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../../../shared/ports/processor-runner.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import type { CellRecord } from '../../../shared/requests/cell.ts';
import type { Asked, BackfillRecord } from '../../../shared/staged/record.ts';
import { Fuse } from '../../simulation/crash.ts';
import type { Bench } from '../../simulation/convergence.ts';
import { miniOnDuckDb } from '../../simulation/duckdb-bench.ts';
import { miniDefinition } from '../../simulation/mini-pipeline.ts';
import { inManualTime, Outside, SimulatedRunner, Site } from '../../simulation/site.ts';
import { asked, definitionOf } from '../../staged/builders.ts';

export const kim = { by: 'kim', reason: 'the new version counts points twice' };
export const [FROM, TO] = ['2024-01-08', '2024-01-12'] as const;
const STAGES = [{ name: 'raw', phases: ['phase_2_raw'], concurrency: 5 }, { name: 'analytics', phases: ['phase_3_analytics'], concurrency: 5 }];
/** Processors that a backfill of `STAGES` runs: whose rows it overwrites. */
export const OVERWRITTEN = ['Box', 'Context', 'TeamForm'];

/** The mini pipeline with another version of its code. */
function versioned(version: string): Pipeline {
  const definition = miniDefinition();
  const processors = Object.fromEntries(Object.entries(definition.processors).map(([name, one]) => [name, OVERWRITTEN.includes(name) ? { ...one, code_version: version } : one]));
  return compilePipeline({ ...definition, processors }, { directory: '', sql: new Map() });
}

/** Runs what the mini pipeline runs; while it is `bad`, with that many points too many. */
class Versioned implements ProcessorRunner {
  bad = 0;
  readonly #runner: SimulatedRunner;

  constructor(outside: Outside) {
    this.#runner = new SimulatedRunner(outside, Fuse.never());
  }

  async run(order: RunOrder): Promise<RunAnswer> {
    const answer = await this.#runner.run(order);
    if (this.bad === 0 || answer.kind !== 'rows') return answer;
    return { kind: 'rows', rows: answer.rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, name.startsWith('points') && typeof value === 'number' ? value + this.bad : value]))) };
  }
  cancel(): Promise<null> { return this.#runner.cancel(); }
  sourceHas(): Promise<'unknown'> { return this.#runner.sourceHas(); }
}

export const scopeOf = (backfillId: string | null, changes: Partial<RollbackScope> = {}): RollbackScope => ({ backfillId, day: null, processors: null, force: false, deletes: false, ...changes });

/** How many cells have which outcome; of those that were left, why. */
export const counts = ({ cells }: RolledBack): Readonly<Record<string, number>> =>
  Object.fromEntries(Map.groupBy(cells, (cell) => cell.outcome === 'left' ? (cell.decision.kind === 'refuse' ? cell.decision.code : cell.decision.kind) : cell.outcome).entries().map(([key, of]) => [key, of.length] as const));

/** A league with all its rows, whose versions are deployed, backfill it, and are rolled back. */
export class RollbackBench {
  readonly league: Bench;
  readonly outside: Outside;
  readonly runner: Versioned;
  site: Site;

  private constructor(league: Bench, outside: Outside, runner: Versioned, site: Site) {
    this.league = league;
    this.outside = outside;
    this.runner = runner;
    this.site = site;
  }

  static async open(league?: Bench): Promise<RollbackBench> {
    const on = league ?? await miniOnDuckDb(false);
    const outside = new Outside();
    const runner = new Versioned(outside);
    return new RollbackBench(on, outside, runner, await siteOf(on, outside, runner));
  }

  /** The process is gone; another one opens what it left, with the version that is deployed. */
  async reopen(fuse = Fuse.never()): Promise<void> {
    this.site.close();
    this.site = await siteOf(this.league, this.outside, this.runner, fuse);
  }

  async close(): Promise<void> {
    this.site.close();
    await this.league.dispose();
  }

  wait<T>(work: Promise<T>): Promise<T> {
    return inManualTime(this.league.clock, work);
  }

  async tables(): Promise<ReadonlyMap<string, readonly Row[]>> {
    const { days, pipeline } = this.league;
    return new Map(await Promise.all(pipeline.processors.map(async ({ name }) => [name, await this.rows(name, days[0]!, days.at(-1))] as const)));
  }

  rows(processor: string, from: Day, to = from, columns: readonly string[] | null = null): Promise<readonly Row[]> {
    return this.league.warehouse.rows(this.site.processor(processor), { from, to }, columns);
  }

  /** Every row of the cell gets these values, by nobody known. */
  async rewrite(processor: string, day: Day, values: Row): Promise<void> {
    await this.league.change(this.site.processor(processor), day, (await this.rows(processor, day)).map((row) => ({ ...row, ...values })));
  }

  async loses(processor: string, day: Day): Promise<void> {
    await this.league.change(this.site.processor(processor), day, null);
  }

  async deploy(bad: number): Promise<void> {
    this.runner.bad = bad;
    await this.reopen();
  }

  /** Backfills by a version that is wrong, and stays deployed; the answer is the backfill's id. */
  async badBackfill(bad = 100, changes: Partial<Asked> = {}): Promise<string> {
    await this.deploy(bad);
    const { id } = await this.start({ reprocess: 'completed', ...changes });
    const record = await this.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    return id;
  }

  start(changes: Partial<Asked> = {}, name = '2024'): Promise<BackfillRecord> {
    return startBackfill(this.site.engine, definitionOf(STAGES), { ...asked(FROM, TO), at: this.league.clock.now(), ...changes }, name);
  }

  advance(id: string): Promise<BackfillRecord | null> {
    return this.wait(advanceBackfill(this.site.engine, id, { signal: this.site.stop.signal }));
  }

  async back(scope: RollbackScope, signal = this.site.stop.signal): Promise<RolledBack & { readonly plan: RollbackPlan }> {
    const plan = await planRollback(this.site.engine, scope);
    return { plan, ...await this.wait(rollBack(this.site.engine, plan, scope, { ...kim, signal })) };
  }

  /** What a detector finds, and has filled, of the whole league. */
  async detect(): Promise<void> {
    const { days } = this.league;
    await this.wait(detectGaps(this.site.engine, { from: days[0]!, to: days.at(-1)!, signal: this.site.stop.signal }));
  }

  record(processor: string, date: string): Promise<CellRecord> {
    return this.site.store.cell({ processor, day: dayOf(date) });
  }

  status(processor: string, date: string): string {
    return statusOf(factsOf(this.site.engine.world, this.site.processor(processor), dayOf(date)));
  }
}

function siteOf(league: Bench, outside: Outside, runner: Versioned, fuse = Fuse.never()): Promise<Site> {
  const pipeline = runner.bad === 0 ? league.pipeline : versioned(`version ${runner.bad}`);
  return Site.open({ pipeline, databasePath: league.databasePath, warehouse: league.warehouse, clock: league.clock, outside, runner, lanes: 2, fuse });
}
