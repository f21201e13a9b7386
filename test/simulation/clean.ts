import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { ManualClock } from '../manual-clock.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { recover, type Recovered, type RecoverOptions } from '../../shared/flows/recover.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import type { CellRecord } from '../../shared/requests/cell.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { SEASON } from './mini-league.ts';
import { cellName, cellsOf, miniPipeline } from './mini-pipeline.ts';
import { inManualTime, Outside, rowsOf, Site } from './site.ts';

/** A day after the season, when everything of it is due. */
export const AFTER_SEASON = Date.UTC(2024, 0, 25, 17);

export const wholeSeason = { from: SEASON.from, to: SEASON.to, processors: null } as const;

/** A person's recovery of the season, over the bounds too. */
export function recoverAll(site: Site, options: Partial<RecoverOptions> = {}): Promise<Recovered> {
  return recover(site.engine, {
    scope: wholeSeason, by: 'person', all: true, altered: 'policy', requestedBy: 'a person', reason: 'simulation', signal: site.stop.signal, budget: null, ...options,
  });
}

/** The mini pipeline, built from nothing by the engine: copied for each simulation. */
export interface CleanState {
  readonly pipeline: Pipeline;
  readonly folder: string;
  readonly databasePath: string;
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  readonly records: readonly CellRecord[];
  /** Cells that building it ran, in order. */
  readonly runs: readonly string[];
}

let clean: Promise<CleanState> | null = null;
export function cleanState(): Promise<CleanState> {
  clean ??= build();
  return clean;
}

async function build(): Promise<CleanState> {
  const pipeline = miniPipeline();
  const folder = mkdtempSync(join(tmpdir(), 'sbf-simulation-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const databasePath = join(folder, 'clean.sqlite');
  const warehouse = new MemoryWarehouse(pipeline);
  const clock = new ManualClock(AFTER_SEASON);
  const outside = new Outside();
  const site = await Site.open({ pipeline, databasePath, warehouse, clock, outside });
  await inManualTime(clock, recoverAll(site));
  const records = await site.store.cells(dayOf('2024-01-01'), dayOf('2024-12-31'));
  site.close();
  return { pipeline, folder, databasePath, rows: await rowsOf(pipeline, warehouse), records, runs: outside.runs };
}

let copies = 0;
/** A copy of the clean state's database, in a file of its own. */
export function copyOfState(state: CleanState): string {
  copies += 1;
  const path = join(state.folder, `copy-${copies}.sqlite`);
  copyFileSync(state.databasePath, path);
  return path;
}

/** A place for a state that knows nothing yet. */
export function newState(state: CleanState): string {
  copies += 1;
  return join(state.folder, `new-${copies}.sqlite`);
}

/** A warehouse in memory that holds the clean rows, with the markers of the runs that wrote them. */
export async function copyOfWarehouse(state: CleanState): Promise<MemoryWarehouse> {
  const { pipeline } = state;
  const warehouse = new MemoryWarehouse(pipeline);
  const calendar = new Calendar(pipeline, []);
  const records = new Map(state.records.map((record) => [cellName(record), record]));
  for (const cell of cellsOf(pipeline)) {
    const processor = pipeline.byName.get(cell.processor);
    const record = records.get(cellName(cell));
    if (!processor || !record?.last) continue;
    const rows = state.rows.get(cellName(cell)) ?? [];
    const staged = await warehouse.stage({ processor, day: cell.day, generation: record.generation, token: 1, runId: record.last.runId }, { kind: 'rows', rows }, calendar);
    await staged.promote(JSON.stringify({ run: record.last, entries: '{}' }));
  }
  return warehouse;
}
