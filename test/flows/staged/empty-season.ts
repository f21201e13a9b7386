import { MemoryWarehouse } from '../../../shared/embedded/memory-warehouse.ts';
import { advanceBackfill } from '../../../shared/flows/staged/advance.ts';
import type { StagedEvent } from '../../../shared/flows/staged/coordinator.ts';
import { orderBackfill, startBackfill } from '../../../shared/flows/staged/orders.ts';
import type { Pipeline } from '../../../shared/pipeline/pipeline.ts';
import type { CellRecord } from '../../../shared/requests/cell.ts';
import type { BackfillDefinition } from '../../../shared/staged/schema.ts';
import type { Asked, BackfillRecord } from '../../../shared/staged/record.ts';
import { ManualClock } from '../../manual-clock.ts';
import { AFTER_SEASON, cleanState, newState, type CleanState } from '../../simulation/clean.ts';
import { Fuse } from '../../simulation/crash.ts';
import { SEASON } from '../../simulation/mini-league.ts';
import { differences, inManualTime, Outside, rowsOf, Site } from '../../simulation/site.ts';
import { asked, definitionOf, type StageSketch } from '../../staged/builders.ts';

/** The mini season's phases as the shipped definition has them. */
export const SEASON_STAGES: readonly StageSketch[] = [
  { name: 'preflight', phases: ['phase_1_scrapers', 'phase_2_raw'], calendar_first: true, dates: 'first', concurrency: 5 },
  { name: 'raw', phases: ['phase_1_scrapers', 'phase_2_raw'], concurrency: 5, retries: 1, error_policy: 'continue', gate: { coverage_percent: 100 } },
  { name: 'analytics', phases: ['phase_3_analytics'], order: 'by_date', gate: { coverage_percent: 100 } },
  { name: 'precompute', phases: ['phase_4_precompute'], order: 'by_date', gate: { coverage_percent: 100, success_rate_percent: 99, max_nulls: 0 } },
];

export const RAW = SEASON_STAGES.slice(0, 2);
export const BY_CASCADE: StageSketch = { name: 'dates', phases: ['phase_3_analytics', 'phase_4_precompute'], order: 'by_date', cascade: true, gate: { coverage_percent: 100 } };
/** The last date once more, through all phases. */
export const CANARY: StageSketch = { name: 'canary', phases: ['phase_1_scrapers', 'phase_2_raw', 'phase_3_analytics', 'phase_4_precompute'], order: 'by_date', cascade: true, dates: 'last', reprocess: 'completed', gate: { coverage_percent: 100 } };
export const withoutGate = ({ gate: _gate, ...stage }: StageSketch): StageSketch => stage;

/** Cells by name, of the two phases that the mini season computes. */
export const PHASE_3 = /^(?:TeamForm|Context) /;
export const PHASE_4 = /^(?:Features|Ratings|Outlook) /;

/** What a run throws that no retry mends, and what one does. */
export const broken = { type: 'ValueError', message: 'invalid literal for int()' };
export const lost = { type: 'ConnectionError', message: 'connection reset by peer' };

export const byText = (a: string, b: string): number => (a < b ? -1 : 1);

export const kim = { by: 'kim', reason: 'looked into' };

/** A state and a warehouse that hold nothing, in which backfills of the mini season run. */
export class EmptySeason {
  readonly state: CleanState;
  readonly warehouse: MemoryWarehouse;
  readonly clock: ManualClock;
  readonly outside: Outside;
  path: string;
  site: Site;

  private constructor(state: CleanState, warehouse: MemoryWarehouse, clock: ManualClock, outside: Outside, path: string, site: Site) {
    this.state = state;
    this.warehouse = warehouse;
    this.clock = clock;
    this.path = path;
    this.outside = outside;
    this.site = site;
  }

  static async open(lanes = 4, warehouseOf = (pipeline: Pipeline) => new MemoryWarehouse(pipeline)): Promise<EmptySeason> {
    const state = await cleanState();
    const warehouse = warehouseOf(state.pipeline);
    const clock = new ManualClock(AFTER_SEASON);
    const path = newState(state);
    const outside = new Outside();
    const site = await Site.open({ pipeline: state.pipeline, databasePath: path, warehouse, clock, outside, lanes });
    return new EmptySeason(state, warehouse, clock, outside, path, site);
  }

  /** The process is killed; another one opens what it left. */
  async reopen(fuse = Fuse.never(), lanes = 4): Promise<void> {
    this.path = this.site.kill();
    this.site = await Site.open({ pipeline: this.state.pipeline, databasePath: this.path, warehouse: this.warehouse, clock: this.clock, outside: this.outside, lanes, fuse });
  }

  async start(stages: readonly StageSketch[] = SEASON_STAGES, changes: Partial<Asked> = {}, checks: BackfillDefinition['checks'] = []): Promise<BackfillRecord> {
    return startBackfill(this.site.engine, definitionOf(stages, checks), { ...asked('2024-01-01', '2024-01-20'), from: SEASON.from, to: SEASON.to, at: this.clock.now(), ...changes }, '2024');
  }

  advance(id: string, on?: (event: StagedEvent) => void): Promise<BackfillRecord | null> {
    return inManualTime(this.clock, advanceBackfill(this.site.engine, id, { signal: this.site.stop.signal, on }));
  }

  order(id: string, change: (record: BackfillRecord, now: number) => BackfillRecord): Promise<BackfillRecord> {
    return orderBackfill(this.site.engine, id, change);
  }

  openCells(): Promise<readonly CellRecord[]> {
    return this.site.store.openCells();
  }

  /** Cells whose rows are not those of a season that was never disturbed. */
  async wrong(): Promise<readonly string[]> {
    return differences(this.state.pipeline, await rowsOf(this.state.pipeline, this.warehouse), this.state.rows);
  }

  close(): void {
    this.site.close();
  }
}
