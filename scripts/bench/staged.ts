import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { translateWithInputs } from '../../shared/embedded/googlesql.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { advanceBackfill } from '../../shared/flows/staged/advance.ts';
import { startBackfill } from '../../shared/flows/staged/orders.ts';
import { backfillDefinitionSchema } from '../../shared/staged/schema.ts';
import { chainPipeline } from './chain-pipeline.ts';
import { peakMegabytes, percentile, type Figure } from './figures.ts';
import { DATES, ten, withEngine, type OpenWarehouse } from './orchestration.ts';
import { askedFor } from './staged-scale.ts';

const CELLS = DATES * 3;
const RAW = ['phase_2_raw'];
const LATER = [['analytics', 'phase_3_analytics'], ['precompute', 'phase_4_precompute']] as const;
const GATE = { coverage_percent: 100, no_unresolved_failures: true };

/** The shipped definition `season`, with the phases that the chain has. */
const season = backfillDefinitionSchema.parse({
  name: 'season', hash: '', checks: [],
  stages: [
    { name: 'preflight', phases: RAW, calendar_first: true, dates: 'first', concurrency: 10, retries: 1 },
    { name: 'raw', phases: RAW, concurrency: 10, retries: 1, error_policy: 'continue', gate: GATE },
    ...LATER.map(([name, phase]) => ({ name, phases: [phase], order: 'by_date', gate: GATE })),
    { name: 'canary', phases: [...RAW, ...LATER.map(([, phase]) => phase)], dates: 'last', cascade: true, reprocess: 'completed', order: 'by_date', gate: { ...GATE, success_rate_percent: 99, max_nulls: 0 } },
  ],
});

/** `season` over 633 dates × a chain of three no-op processors, state on disk: a durable commit a claim. */
export async function stagedInMemory(): Promise<Figure[]> {
  return staged('in-memory warehouse', 1.5, 'in_process', async (pipeline) => new MemoryWarehouse(pipeline));
}

export async function stagedOnDuckDb(): Promise<Figure[]> {
  return staged('DuckDB', 6, 'bigquery_sql', (pipeline, directory) => DuckDbWarehouse.open({ pipeline, stateDirectory: directory, translate: translateWithInputs }));
}

async function staged(on: string, atMost: number, target: 'in_process' | 'bigquery_sql', open: OpenWarehouse): Promise<Figure[]> {
  const pipeline = chainPipeline(DATES, target);
  return withEngine(pipeline, open, async (engine) => {
    const { first, last } = engine.world.calendar;
    /** From a cell's completion to the start of the next, where one follows the other: the stages in order of dates. */
    const gaps: number[] = [];
    let endedAt: number | null = null;
    let ran = 0;
    const isSequential = (processor: string): boolean => processor !== 'First';
    const started = performance.now();
    const record = await startBackfill(engine, season, askedFor(first, last, engine.parts.clock.now()), 'all');
    const ended = await advanceBackfill(engine, record.id, {
      signal: new AbortController().signal,
      onStart: ({ processor }) => {
        if (endedAt !== null && isSequential(processor)) gaps.push(performance.now() - endedAt);
        endedAt = null;
      },
      onEnd: ({ processor, outcome }) => {
        if (outcome === 'ran' || outcome === 'unchanged') ran += 1;
        endedAt = isSequential(processor) ? performance.now() : null;
      },
    });
    const elapsed = performance.now() - started;
    if (ended?.state !== 'finished') throw new Error(`the backfill is ${ended?.state}: ${ended?.note}`);
    // The last date is run again by the last stage.
    if (ran !== CELLS + 3) throw new Error(`${ran} of ${CELLS + 3} cells ran`);
    gaps.sort((a, b) => a - b);
    return [
      { name: `staged backfill 'season', ${CELLS} cells, ${on}: whole run`, value: elapsed, unit: 'ms', atMost: null },
      { name: 'the same, a cell', value: elapsed / CELLS, unit: 'ms a cell', atMost },
      { name: 'from a cell\'s completion to the start of the next in a sequential stage, p50', value: percentile(gaps, 0.5), unit: 'ms', atMost: 50 },
      { name: 'the same, p99', value: percentile(gaps, 0.99), unit: 'ms', atMost: null },
      { name: 'peak memory of the process', value: peakMegabytes(), unit: 'MB', atMost: null },
    ];
  }, ten);
}
