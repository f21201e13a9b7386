import { cpSync, mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayOf, daysBetween, type Day } from '../../shared/calendar/day.ts';
import { ManualClock } from '../manual-clock.ts';
import { EmbeddedRunner } from '../../shared/embedded/embedded-runner.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import { formatProblem } from '../../shared/pipeline/problems.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { ProcessorRunner } from '../../shared/ports/processor-runner.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { openDuckDb } from '../embedded/duckdb-under-test.ts';
import { recoverAll, AFTER_SEASON } from './clean.ts';
import type { Bench } from './convergence.ts';
import { SEASON_DAYS } from './mini-league.ts';
import { cellsOf, datesOf, miniPipeline, type DatesOf } from './mini-pipeline.ts';
import { inManualTime, Outside, rowsOf, Site } from './site.ts';

/** A pipeline on DuckDB, built once from nothing by the engine, and copied for each seed. */
interface Built {
  readonly folder: string;
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  readonly cells: readonly CellKey[];
  readonly dates: DatesOf;
}

interface Kind {
  readonly pipeline: Pipeline;
  readonly days: readonly Day[];
  readonly now: number;
  /** Null is the mini pipeline's own runner. */
  readonly runner: ((stateDirectory: string) => ProcessorRunner) | null;
  /** Null: as the calendar says once it is filled. */
  readonly dates: DatesOf | null;
}

function benchOf(kind: Kind): (stateLost: boolean) => Promise<Bench> {
  let built: Promise<Built> | null = null;
  return async (stateLost) => {
    built ??= build(kind);
    const { folder, rows, cells, dates } = await built;
    const copy = mkdtempSync(join(tmpdir(), 'sbf-duckdb-bench-'));
    cpSync(folder, copy, { recursive: true });
    const databasePath = join(copy, 'state.sqlite');
    if (stateLost) for (const end of ['', '-wal', '-shm']) if (existsSync(databasePath + end)) rmSync(databasePath + end);
    const { warehouse, outside } = await openDuckDb(kind.pipeline, copy);
    return {
      pipeline: kind.pipeline, warehouse, databasePath, clock: new ManualClock(kind.now), rows, cells, days: kind.days, dates, change: outside, ...(kind.runner ? { runner: kind.runner(copy) } : {}),
      dispose: async () => {
        await warehouse.close();
        rmSync(copy, { recursive: true, force: true });
      },
    };
  };
}

async function build({ pipeline, days, now, runner, dates }: Kind): Promise<Built> {
  const folder = mkdtempSync(join(tmpdir(), 'sbf-duckdb-clean-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { warehouse } = await openDuckDb(pipeline, folder);
  const clock = new ManualClock(now);
  const outside = new Outside();
  const site = await Site.open({ pipeline, databasePath: join(folder, 'state.sqlite'), warehouse, clock, outside, ...(runner ? { runner: runner(folder) } : {}) });
  const [from] = days;
  const to = days.at(-1);
  if (from === undefined || to === undefined) throw new RangeError('received no days');
  await inManualTime(clock, recoverAll(site, { scope: { from, to, processors: null } }));
  const { world } = site.engine;
  const known = new Map(pipeline.processors.map((processor) => [processor.name, world.expectedDates(processor).within(from, to)]));
  const datesHere: DatesOf = dates ?? ((processor) => known.get(processor.name) ?? []);
  const rows = await rowsOf(pipeline, warehouse);
  site.close();
  await warehouse.close();
  return { folder, rows, dates: datesHere, cells: cellsOf(pipeline, days, datesHere) };
}

export const miniOnDuckDb = benchOf({ pipeline: miniPipeline(), days: SEASON_DAYS, now: AFTER_SEASON, runner: null, dates: datesOf });

/** The first days of a real NBA season, by the pipeline that ships. */
export function nbaOnDuckDb(from: string, to: string): (stateLost: boolean) => Promise<Bench> {
  const directory = join(import.meta.dirname, '../../pipelines/nba');
  const loaded = loadPipeline(directory, { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return benchOf({
    pipeline: loaded.pipeline, days: daysBetween(dayOf(from), dayOf(to)), now: Date.parse(`${to}T17:00:00Z`) + 2 * 86_400_000, dates: null,
    runner: (stateDirectory) => new EmbeddedRunner({ pipelineDirectory: directory, sourceDirectory: join(stateDirectory, 'source') }),
  });
}
