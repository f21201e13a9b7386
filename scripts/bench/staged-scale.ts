import { renderPlans } from '../output/backfill-plan-view.ts';
import { renderStatus } from '../output/backfill-view.ts';
import { styleOf } from '../output/style.ts';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import type { Engine } from '../../shared/flows/engine.ts';
import { startBackfill } from '../../shared/flows/staged/orders.ts';
import { traceOf } from '../../shared/gaps/trace.ts';
import type { Warehouse } from '../../shared/ports/warehouse.ts';
import { emptyRecord, type CellRecord } from '../../shared/requests/cell.ts';
import { overlapping } from '../../shared/staged/overlap.ts';
import { planAll, planDigest } from '../../shared/staged/plan.ts';
import { askIdOf, type Asked, type BackfillRecord } from '../../shared/staged/record.ts';
import { backfillDefinitionSchema } from '../../shared/staged/schema.ts';
import { begun } from '../../shared/staged/transitions.ts';
import { percentile, peakMegabytes, type Figure } from './figures.ts';
import { withEngine } from './orchestration.ts';
import { runOf, syntheticPipeline } from './synthetic.ts';

const SIZE = { processors: 30, dates: 3340 };
const CELLS = SIZE.processors * SIZE.dates;
const TURNS = 7;
const RECORDS_A_WRITE = 1000;

export function askedFor(from: Day, to: Day, at: number): Asked {
  return {
    from, to, processors: null, dates: null, exclude: [], reprocess: 'none', concurrency: null, delaySeconds: null, errorPolicy: null, maxFailures: null, by: 'bench', reason: 'bench', at,
  };
}

/** What a person looks at, for a backfill of a hundred thousand cells: its dry run when nothing is there, its status when all of it is. */
export async function stagedScale(): Promise<Figure[]> {
  const pipeline = syntheticPipeline(SIZE);
  const definition = backfillDefinitionSchema.parse({
    name: 'season', hash: '', checks: [],
    stages: pipeline.phases.map(({ name }, index) => ({ name: `stage_${index + 1}`, phases: [name], order: index < 2 ? 'parallel' : 'by_date', gate: { coverage_percent: 100 } })),
  });
  const memory = new MemoryWarehouse(pipeline);
  return withEngine(pipeline, async () => memory, async (engine, database) => {
    const { first, last } = engine.world.calendar;
    const asked = askedFor(first, last, engine.parts.clock.now());
    const style = styleOf({ colour: false }, 80);
    let planned = 0;
    const plan = await medianOf(async () => {
      const preview = begun('season-bench', definition, asked);
      const plans = planAll(await engine.refresh(first, last), preview);
      planned = plans.reduce((sum, { cells }) => sum + cells.length, 0);
      planDigest(plans);
      overlapping(pipeline, preview, await engine.parts.store.backfills());
      renderPlans(plans, style, false);
    });
    if (planned !== CELLS) throw new Error(`${planned} of ${CELLS} cells are in the plan`);
    const record = await startBackfill(engine, definition, asked, 'bench');
    await complete(engine, memory, record);
    let shown = '';
    const status = await medianOf(async () => {
      shown = renderStatus(record, await engine.refresh(first, last), style, engine.parts.clock.now());
    });
    if (!shown.includes('100 %') || shown.includes('99.')) throw new Error(`not all of it is complete:\n${shown}`);
    const opened = performance.now();
    void new SqliteRequestStore(database, { rankOf: () => 0 });
    return [
      { name: `plan and dry run of a staged backfill of ${CELLS} cells`, value: plan, unit: 'ms', atMost: 2000 },
      { name: `backfill status of it, all complete`, value: status, unit: 'ms', atMost: 300 },
      { name: 'its records read at the start of a process', value: performance.now() - opened, unit: 'ms', atMost: null },
      { name: 'peak memory of the process', value: peakMegabytes(), unit: 'MB', atMost: null },
    ];
  });
}

async function medianOf(run: () => Promise<void>): Promise<number> {
  const taken: number[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const started = performance.now();
    await run();
    taken.push(performance.now() - started);
  }
  return percentile(taken.sort((a, b) => a - b), 0.5);
}

/** Rows and records of all cells, as the backfill leaves them. */
async function complete(engine: Engine, warehouse: Warehouse, backfill: BackfillRecord): Promise<void> {
  const { pipeline } = engine;
  const { first, last } = engine.world.calendar;
  for (const processor of pipeline.processors) {
    for (const day of engine.world.expectedDates(processor).within(first, last)) {
      const rows = [{ game_date: formatDay(day), id: processor.rank, value: day }];
      const staged = await warehouse.stage({ processor, day, runId: 'run', generation: 1, token: 1 }, { kind: 'rows', rows }, engine.world.calendar);
      await staged.promote('{}');
    }
  }
  const world = await engine.refresh(first, last);
  const records: CellRecord[] = [];
  for (const processor of pipeline.processors) {
    const stage = backfill.definition.stages.findIndex(({ phases }) => phases.includes(processor.phase.name));
    for (const day of world.expectedDates(processor).within(first, last)) {
      const coverage = world.coverage(processor, day);
      if (coverage) records.push({ ...emptyRecord({ processor: processor.name, day }), generation: 1, last: runOf(coverage, traceOf(world, processor, day)), recentAsks: [askIdOf(backfill, stage, 0)] });
    }
  }
  for (let from = 0; from < records.length; from += RECORDS_A_WRITE) {
    await engine.change({}, () => ({ writes: { cells: records.slice(from, from + RECORDS_A_WRITE) }, result: null }));
  }
}
