import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Calendar } from '../calendar/calendar.ts';
import type { CalendarRow } from '../calendar/games.ts';
import type { Day } from '../calendar/day.ts';
import type { WindowRange } from '../calendar/window.ts';
import type { Coverage } from '../gaps/coverage.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import type { DataCheck, Keep, OffendingRows, OldRows, Promotion, Row, RowSource, Staged, Warehouse, WriteClaim } from '../ports/warehouse.ts';
import { Connections, type Lane, type Session } from './duckdb-connections.ts';
import { checkRows } from './duckdb-check-rows.ts';
import { CoverageCache } from './duckdb-coverage.ts';
import { alreadyOpenHere, openingError } from './duckdb-errors.ts';
import { KeptTables } from './duckdb-kept.ts';
import { contentRule, measured, measuringSql, nothingMeasured, type Measured } from './duckdb-measure.ts';
import { promote, readPromotion } from './duckdb-promotion.ts';
import { rowsOf } from './duckdb-rows.ts';
import { scanCoverage } from './duckdb-scan.ts';
import { Staging, type TranslateWithInputs } from './duckdb-staging.ts';
import { nothingKept } from '../rows/kept-rows.ts';
import { refuseOtherDates } from '../rows/staged-rows.ts';
import { StageTables, type Stage } from './duckdb-stages.ts';
import { ensureTables } from './duckdb-tables.ts';
import { quoted } from './duckdb-values.ts';
import { Landing } from './landing.ts';
import { calendarRowsOf } from '../rows/row-order.ts';

export interface DuckDbWarehouseOptions {
  readonly pipeline: Pipeline;
  /** The state folder: `warehouse.duckdb` and `landing/` are kept in it. */
  readonly stateDirectory: string;
  readonly translate: TranslateWithInputs;
  /** How many dates can be worked on side by side; one a core is best. */
  readonly connections?: number;
  /** DuckDB's memory limit, such as '512MB'. */
  readonly memoryLimit?: string;
}

/** Files that this process has open: DuckDB's own lock keeps other processes out, but not this one. */
const openFiles = new Set<string>();

/** The warehouse of the embedded runtime: tables in one DuckDB file, landed files beside it. */
export class DuckDbWarehouse implements Warehouse {
  readonly #path: string;
  readonly #pipeline: Pipeline;
  readonly #connections: Connections;
  readonly #landing: Landing;
  readonly #staging: Staging;
  readonly #kept: KeptTables;
  readonly #translate: TranslateWithInputs;
  readonly #stages = new StageTables();
  readonly #cache = new CoverageCache();
  readonly #rules: ReadonlyMap<string, string>;
  #closed: Promise<void> | null = null;

  private constructor(path: string, connections: Connections, version: string, { pipeline, stateDirectory, translate }: DuckDbWarehouseOptions) {
    this.#path = path;
    this.#pipeline = pipeline;
    this.#connections = connections;
    this.#landing = new Landing(join(stateDirectory, 'landing'));
    this.#staging = new Staging(translate);
    this.#kept = new KeptTables(connections);
    this.#translate = translate;
    this.#rules = new Map(pipeline.processors.map((processor) => [processor.name, contentRule(processor, version)]));
  }

  /** Opens or creates it, and creates the tables that are missing. */
  static async open(options: DuckDbWarehouseOptions): Promise<DuckDbWarehouse> {
    const path = resolve(options.stateDirectory, 'warehouse.duckdb');
    if (openFiles.has(path)) throw alreadyOpenHere(path);
    openFiles.add(path);
    let connections: Connections | undefined;
    try {
      mkdirSync(options.stateDirectory, { recursive: true });
      connections = await Connections.open(path, { connections: options.connections ?? 2, memoryLimit: options.memoryLimit ?? null })
        .catch((thrown: unknown) => { throw openingError(path, thrown); });
      const version = await connections.turn(async (session) => {
        await ensureTables(session, options.pipeline.processors);
        return String((await (await session.run('SELECT version()')).getRows())[0]?.[0]);
      });
      return new DuckDbWarehouse(path, connections, version, options);
    } catch (thrown) {
      await connections?.close();
      openFiles.delete(path);
      throw thrown;
    }
  }

  async coverage(processors: readonly Processor[], from: Day, to: Day): Promise<ReadonlyMap<string, ReadonlyMap<Day, Coverage>>> {
    const found = await Promise.all(processors.map(async (processor) => [processor.name, await this.#coverageOf(processor, from, to)] as const));
    return new Map(found);
  }

  #coverageOf(processor: Processor, from: Day, to: Day): Promise<ReadonlyMap<Day, Coverage>> {
    if (processor.output.kind === 'landing') return this.#landing.coverage(processor, from, to);
    return this.#cache.read(processor.name, from, to, (start, end) =>
      this.#connections.turn((session) => scanCoverage(session, processor, this.#rule(processor), start, end)));
  }

  /** DuckDB lets no other program in while this one has the file open; landed files lie open to all. */
  mayHaveChanged(processor: Processor, from: Day, to: Day): boolean {
    return processor.output.kind === 'landing' || !this.#cache.knows(processor.name, from, to);
  }

  async calendarRows(from: Day, to: Day): Promise<readonly CalendarRow[]> {
    const { schedule } = this.#pipeline;
    const processor = schedule && this.#pipeline.byName.get(schedule.processor);
    if (!schedule || !processor) return [];
    const columns = [processor.dateColumn, schedule.keyColumn, schedule.statusColumn, ...(schedule.narrowBy === null ? [] : [schedule.narrowBy])];
    return calendarRowsOf(processor, schedule, await this.rows(processor, { from, to }, columns));
  }

  async stage(claim: WriteClaim, source: RowSource | OldRows, _calendar: Calendar, signal?: AbortSignal): Promise<Staged> {
    if (claim.processor.output.kind === 'landing') return this.#landing.stage(claim, source);
    if (source.kind === 'kept') await this.#kept.ready(claim.processor);
    const lane = this.#connections.lane();
    const { stage, found } = await lane.turn((session) => this.#fill(session, lane, claim, source, signal));
    return this.#staged(stage, claim, found);
  }

  async #fill(session: Session, lane: Lane, { processor, day }: WriteClaim, source: RowSource | OldRows, signal: AbortSignal | undefined): Promise<{ readonly stage: Stage; readonly found: Measured }> {
    const stage = await this.#stages.take(session, lane, processor);
    try {
      if (source.kind === 'sql') await this.#staging.fromSql(session, stage, processor, day, source.inputs, signal);
      else if (source.kind === 'rows') await this.#staging.fromRows(session, stage, processor, day, source.rows);
      else if (source.kind === 'kept') await this.#kept.fill(session, stage, processor, day, source.name);
      const result = await session.prepared(measuringSql(processor, quoted(stage.table), ''));
      stage.passed += result.rowCount;
      const days = measured(processor, result);
      const found = days.get(day) ?? nothingMeasured(processor);
      if (found.coverage.rows === 0 && (source.kind === 'kept' || source.kind === 'past')) throw nothingKept(processor, day, source);
      refuseOtherDates(processor, day, result.rowCount - found.coverage.rows, days.keys());
      return { stage, found };
    } catch (thrown) {
      this.#stages.giveBack(stage, processor);
      throw thrown;
    }
  }

  #staged(stage: Stage, claim: WriteClaim, found: Measured): Staged {
    const { processor, day } = claim;
    let open = true;
    const end = (): void => {
      if (open) this.#stages.giveBack(stage, processor);
      open = false;
    };
    return {
      coverage: found.coverage,
      promote: async (trace) => {
        if (!open) throw new Error(`${claim.runId} of ${processor.name} has been promoted or discarded already; stage it again`);
        try {
          const outcome = await promote({ claim, stage, measured: found, contentRule: this.#rule(processor), isEmpty: this.#cache.isEmpty(processor.name, day) }, trace);
          if (outcome.kind !== 'fenced') this.#cache.written(processor.name, day, found.coverage);
          return outcome;
        } catch (thrown) {
          // Whether a commit that failed took effect is for the next scan to say.
          this.#cache.forget(processor.name);
          throw thrown;
        } finally {
          end();
        }
      },
      discard: async () => { end(); },
    };
  }

  async keep(processor: Processor, day: Day, keep: Keep): Promise<boolean> {
    return processor.output.kind === 'landing' ? this.#landing.keep(processor, day, keep) : this.#kept.keep(processor, day, keep);
  }

  async kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> {
    return processor.output.kind === 'landing' ? this.#landing.kept(processor, name, from, to) : this.#kept.kept(processor, name, from, to);
  }

  /** DuckDB has no time travel. */
  remembersMs(): number {
    return 0;
  }

  async promotion(processor: Processor, day: Day): Promise<Promotion | null> {
    if (processor.output.kind === 'landing') return this.#landing.promotion(processor, day);
    return this.#connections.turn((session) => readPromotion(session, processor, day));
  }

  async rows(processor: Processor, range: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]> {
    if (processor.output.kind === 'landing') return this.#landing.rows(processor, range, columns);
    return this.#connections.turn((session) => rowsOf(session, processor, range, columns));
  }

  async check(check: DataCheck, mostShown: number, signal?: AbortSignal): Promise<OffendingRows> {
    return this.#connections.turn((session) => checkRows(session, this.#translate, check, mostShown, signal));
  }

  /** Runs SQL as if another program had, between two openings of the file: for damage in tests and in the demo. */
  async outside(sql: string): Promise<void> {
    await this.#connections.turn((session) => session.run(sql));
    this.forget();
  }

  /** Coverage is read from the tables again. */
  forget(): void {
    this.#cache.forget();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      // Closing would replay the log at the next start; a checkpoint makes that start quick. It is no loss if it fails.
      await this.#connections.turn((session) => session.run('CHECKPOINT')).catch(() => undefined);
      await this.#connections.close();
    } finally {
      openFiles.delete(this.#path);
    }
  }

  #rule(processor: Processor): string {
    return this.#rules.get(processor.name) ?? '';
  }
}
