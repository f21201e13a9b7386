import { dayOf } from '../../shared/calendar/day.ts';
import { ManualClock } from '../manual-clock.ts';
import type { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import type { PipelineDefinition } from '../../shared/pipeline/schema.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import type { AskCell } from '../../shared/requests/ask.ts';
import type { CellRecord } from '../../shared/requests/cell.ts';
import { AFTER_SEASON, cleanState, copyOfState, copyOfWarehouse, type CleanState } from './clean.ts';
import { cellName, miniPipeline } from './mini-pipeline.ts';
import { differences, inManualTime, Outside, rowsOf, Site, TOPICS, type SiteOptions } from './site.ts';

/** The whole season, complete, a few days after its end; with messages, ticks and hands on its rows. */
export class WholeSeason {
  readonly site: Site;
  readonly warehouse: MemoryWarehouse;
  readonly clock: ManualClock;
  readonly outside: Outside;
  readonly state: CleanState;

  private constructor(site: Site, warehouse: MemoryWarehouse, clock: ManualClock, outside: Outside, state: CleanState) {
    this.site = site;
    this.warehouse = warehouse;
    this.clock = clock;
    this.outside = outside;
    this.state = state;
  }

  static async open(settings: Partial<PipelineDefinition['settings']> = {}, more: Pick<SiteOptions, 'runner' | 'notifier'> = {}): Promise<WholeSeason> {
    const state = await cleanState();
    const warehouse = await copyOfWarehouse(state);
    const clock = new ManualClock(AFTER_SEASON);
    const outside = new Outside();
    const site = await Site.open({ pipeline: miniPipeline(settings), databasePath: copyOfState(state), warehouse, clock, outside, ...more });
    return new WholeSeason(site, warehouse, clock, outside, state);
  }

  wait<T>(work: Promise<T>): Promise<T> {
    return inManualTime(this.clock, work);
  }

  /** Another program changes a date; null takes all its rows away, nothing given brings the right ones back. */
  write(processor: string, date: string, rows?: readonly Row[] | null): void {
    const found = this.state.pipeline.byName.get(processor);
    if (!found) throw new RangeError(`received ${processor}`);
    this.warehouse.outside(found, dayOf(date), rows === undefined ? this.right(processor, date) : rows);
  }

  /** The rows of a date as they were before anything was lost. */
  right(processor: string, date: string): readonly Row[] {
    return this.state.rows.get(`${processor} ${date}`) ?? [];
  }

  rows(processor: string, date: string): Promise<readonly Row[]> {
    const day = dayOf(date);
    return this.warehouse.rows(this.site.processor(processor), { from: day, to: day }, null);
  }

  /** Publishes a request for one date, or from the first to the last, and has it worked off. */
  async ask(processor: string, dates: string | readonly [string, string], more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const [start, end] = typeof dates === 'string' ? [dates, dates] : dates;
    await this.site.bus.publish(TOPICS.requests, JSON.stringify({ processor_name: processor, start_date: start, end_date: end, ...more }));
    await this.wait(this.site.deliver());
  }

  async outcomes(askId: string): Promise<readonly AskCell[]> {
    return (await this.site.store.ask(askId))?.cells ?? [];
  }

  async tick(): Promise<void> {
    await this.site.bus.publish(TOPICS.detection, '{"trigger":"tick"}');
    await this.wait(this.site.deliver());
  }

  async record(processor: string, date: string): Promise<CellRecord> {
    return this.site.store.cell({ processor, day: dayOf(date) });
  }

  async open(): Promise<readonly string[]> {
    return (await this.site.store.openCells()).map((record) => `${cellName(record)} ${record.request?.state ?? ''}`);
  }

  /** Cells whose rows are not what they were before anything was lost. */
  async wrong(): Promise<readonly string[]> {
    return differences(this.state.pipeline, await rowsOf(this.state.pipeline, this.warehouse), this.state.rows);
  }

  close(): void {
    this.site.close();
  }
}
