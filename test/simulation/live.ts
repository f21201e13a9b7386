import { rmSync } from 'node:fs';
import { handlePhaseComplete } from '../../functions/phase-router/handler.ts';
import { addDays, dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../shared/cascade/cascade.ts';
import { ManualClock } from '../manual-clock.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import type { PipelineDefinition } from '../../shared/pipeline/schema.ts';
import type { Verdict } from '../../shared/ports/message-bus.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { cleanState, newState, recoverAll } from './clean.ts';
import { gamesOn, pointsOf, SEASON } from './mini-league.ts';
import { cellName, miniPipeline } from './mini-pipeline.ts';
import { inManualTime, Outside, Site, TOPICS, type SiteOptions } from './site.ts';

const HOUR = 3_600_000;

/** The night of 13 January 2024: everything before it is complete, its games are still to be played. */
export const TONIGHT = '2024-01-13';
export const TOMORROW = '2024-01-14';

/** A pipeline that is running, at noon of a game date: what became due before is there, nothing of tonight is. */
export class LiveSeason {
  readonly site: Site;
  readonly options: SiteOptions;
  readonly warehouse: MemoryWarehouse;
  readonly clock: ManualClock;
  readonly outside: Outside;
  readonly #statuses: Map<string, number>;
  #heard = 0;

  private constructor(site: Site, options: SiteOptions, warehouse: MemoryWarehouse, clock: ManualClock, outside: Outside, statuses: Map<string, number>) {
    this.site = site;
    this.options = options;
    this.warehouse = warehouse;
    this.clock = clock;
    this.outside = outside;
    this.#statuses = statuses;
  }

  static async open(more: Pick<SiteOptions, 'disorder'> & { settings?: Partial<PipelineDefinition['settings']> } = {}): Promise<LiveSeason> {
    const pipeline = miniPipeline(more.settings);
    const statuses = new Map<string, number>();
    const outside = new Outside();
    outside.source = { status: (gameId) => statuses.get(gameId) ?? (gameId.slice(0, 10) < TONIGHT ? 3 : 1) };
    const warehouse = new MemoryWarehouse(pipeline);
    // Noon in New York.
    const clock = new ManualClock(Date.parse(`${TONIGHT}T17:00:00Z`));
    const options: SiteOptions = { pipeline, databasePath: newState(await cleanState()), warehouse, clock, outside, ...(more.disorder ? { disorder: more.disorder } : {}) };
    const site = await Site.open(options);
    const live = new LiveSeason(site, options, warehouse, clock, outside, statuses);
    // The league's schedule is known for the days to come.
    for (const day of [addDays(dayOf(TONIGHT), 1), addDays(dayOf(TONIGHT), 2)]) live.writeSchedule(formatDay(day));
    await live.wait(recoverAll(site, { scope: { from: SEASON.from, to: dayOf(TONIGHT), processors: null } }));
    await live.wait(site.deliver());
    outside.runs.length = 0;
    outside.started.length = 0;
    return live;
  }

  /** Waits for work, time going on whenever all is quiet. */
  wait<T>(work: Promise<T>): Promise<T> {
    return inManualTime(this.clock, work);
  }

  /** To an hour of the morning after tonight, in New York; 25 is one o'clock of the day after that. */
  goTo(hour: number): void {
    this.clock.set(Date.parse(`${TOMORROW}T05:00:00Z`) + hour * HOUR);
  }

  /** The games of a date have this status now, as the league says. */
  status(date: string, status: number, only?: string): void {
    for (const { id } of gamesOn(date)) if (only === undefined || id === only) this.#statuses.set(id, status);
  }

  /** Another program has loaded a date's schedule: page and table. */
  writeSchedule(date: string): void {
    const status = (id: string): number => this.outside.source?.status(id) ?? 3;
    this.write('SchedulePage', date, gamesOn(date).map(({ id, home, away }) => ({ game_date: date, game_id: id, home, away, status: status(id) })));
    this.write('Schedule', date, gamesOn(date).map(({ id, home, away }) => ({ game_date: date, game_id: id, home, away, game_status: status(id), processed_at: '2024-01-13T12:00:00.000Z' })));
  }

  boxRows(date: string): readonly Row[] {
    return gamesOn(date).flatMap(({ id, home, away }) => [home, away].map((team) => ({ game_date: date, game_id: id, team, points: pointsOf(id, team) })));
  }

  write(processor: string, date: string, rows: readonly Row[] | null): void {
    const found = this.options.pipeline.byName.get(processor);
    if (!found) throw new RangeError(`received ${processor}`);
    this.warehouse.outside(found, dayOf(date), rows);
  }

  /** A processor of the team says that it finished a date. */
  async completes(processor: string, date: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const phase = this.options.pipeline.byName.get(processor)?.phase;
    if (!phase) throw new RangeError(`received ${processor}`);
    await this.site.bus.publish(phase.completionTopic, JSON.stringify({ phase: phase.name, processor_name: processor, game_date: date, status: 'success', ...more }));
  }

  /** The router hears a completion, and nothing that it starts is worked off yet. */
  async hears(processor: string, date: string, more: Readonly<Record<string, unknown>> = {}): Promise<Verdict> {
    const phase = this.options.pipeline.byName.get(processor)?.phase;
    if (!phase) throw new RangeError(`received ${processor}`);
    const body = JSON.stringify({ phase: phase.name, processor_name: processor, game_date: date, status: 'success', ...more });
    this.#heard += 1;
    const { engine, bus, worker } = this.site;
    return this.wait(handlePhaseComplete({ engine, worker, bus, detectionTopic: TOPICS.detection, signal: AbortSignal.abort() }, {
      messageId: `heard-${this.#heard}`, topic: phase.completionTopic, subscription: 'mini-router-sub', body, attributes: {}, deliveryAttempt: 1,
    }));
  }

  /** The games of tonight are over: the league's pages are landed and loaded by the team's own programs. */
  async gamesEnd(): Promise<void> {
    this.status(TONIGHT, 3);
    this.writeSchedule(TONIGHT);
    await this.completes('SchedulePage', TONIGHT);
    await this.completes('Schedule', TONIGHT);
    this.write('BoxPage', TONIGHT, this.boxRows(TONIGHT));
    await this.completes('BoxPage', TONIGHT);
  }

  /** One tick of the detector, and what it causes. */
  async tick(): Promise<void> {
    await this.site.bus.publish(TOPICS.detection, '{"trigger":"tick"}');
    await this.wait(this.site.deliver());
  }

  async cascade(phase: string, date: string): Promise<CascadeRecord | undefined> {
    const day = dayOf(date);
    return (await this.site.store.cascades(day, day)).find((record) => record.phase === phase);
  }

  runsOf(processor: string, date: string): number {
    const name = cellName({ processor, day: dayOf(date) });
    return this.outside.runs.filter((run) => run === name).length;
  }

  runsSince(day: Day): readonly string[] {
    return this.outside.runs.filter((run) => (run.split(' ')[1] ?? '') >= formatDay(day));
  }

  close(): void {
    this.site.close();
    rmSync(this.options.databasePath, { force: true });
  }
}
