import type { Calendar } from '../../shared/calendar/calendar.ts';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteRunHistory } from '../../shared/embedded/sqlite-run-history.ts';
import type { StagedEvent } from '../../shared/flows/staged/coordinator.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import type { OffendingRows, Row, RowSource, Staged, WriteClaim } from '../../shared/ports/warehouse.ts';
import type { BackfillRecord } from '../../shared/staged/record.ts';
import type { CleanState } from './clean.ts';
import { cellName, cellsOf } from './mini-pipeline.ts';

/** Judges a staged backfill from outside: by the rows that were written, and none of the program's counting. */

/** A warehouse that keeps, by its own account, which cells have been written. */
export class WatchedWarehouse extends MemoryWarehouse {
  readonly written = new Set<string>();

  override async stage(claim: WriteClaim, source: RowSource, calendar: Calendar): Promise<Staged> {
    const staged = await super.stage(claim, source, calendar);
    return {
      ...staged,
      promote: async (trace) => {
        const outcome = await staged.promote(trace);
        if (outcome.kind !== 'fenced') this.written.add(cellName({ processor: claim.processor.name, day: claim.day }));
        return outcome;
      },
    };
  }

  /** Asked by a gate's check: throws where whoever asks is cut short. */
  asked: () => void = () => undefined;

  override async check(): Promise<OffendingRows> {
    this.asked();
    return { rows: 0, sample: [] };
  }

  override outside(processor: Processor, day: Day, rows: readonly Row[] | null): void {
    super.outside(processor, day, rows);
    this.written.add(cellName({ processor: processor.name, day }));
  }
}

/** What was found to be wrong with a backfill so far. */
export class StagedJudge {
  readonly faults: string[] = [];
  /** Cells that a person has marked as right although they hold nothing. */
  readonly accepted = new Set<string>();
  /** Cells that nobody knew of when the backfill began: it may go back for them, and what it passed before was right without them. */
  readonly unknown = new Set<string>();
  readonly #state: CleanState;
  readonly #days: readonly Day[];
  readonly #warehouse: WatchedWarehouse;
  #stage = 0;

  constructor(state: CleanState, days: readonly Day[], warehouse: WatchedWarehouse) {
    this.#state = state;
    this.#days = days;
    this.#warehouse = warehouse;
  }

  /** Cells that the backfill is to fill, in the phases given. */
  cells(phases: readonly string[], record: Pick<BackfillRecord, 'skips'>): readonly string[] {
    const { pipeline, rows } = this.#state;
    const skipped = new Set(record.skips.map((skip) => skip.day));
    return cellsOf(pipeline, this.#days).filter((cell) => !skipped.has(cell.day) && phases.includes(phaseOf(pipeline, cell.processor)) && rows.has(cellName(cell))).map(cellName);
  }

  readonly on = (event: StagedEvent): void => {
    if (event.kind === 'state') this.look(event.record);
  };

  /** At the moment that a stage is left: is everything there that its gate is for? */
  look(record: BackfillRecord): void {
    const left = record.state === 'finished' ? record.definition.stages.length : record.stage;
    if (left < this.#stage && this.unknown.size === 0) this.faults.push(`it went back from stage ${this.#stage} to ${left}`);
    for (let stage = this.#stage; stage < left; stage += 1) {
      const definition = record.definition.stages[stage];
      if (definition?.gate?.coverage_percent !== 100) continue;
      const lacking = this.cells(definition.phases, record).filter((cell) => !this.#warehouse.written.has(cell) && !this.accepted.has(cell) && !this.unknown.has(cell));
      if (lacking.length > 0) this.faults.push(`the gate after ${definition.name} was passed without ${lacking.slice(0, 5).join(', ')}`);
    }
    this.#stage = left;
  }

  /** At the end: every cell is as it should be, or the record says why not. */
  unaccounted(record: BackfillRecord, wrong: readonly string[]): string[] {
    const reasons = new Map(record.failures.filter((failure) => failure.became !== 'retried' && failure.message !== '').map((failure) => [`${failure.processor} ${formatDay(failure.day)}`, failure.message]));
    const skipped = new Set(record.skips.filter((skip) => skip.reason !== '').map((skip) => formatDay(skip.day)));
    const days = new Set(this.#days.map(formatDay));
    return wrong.filter((cell) => days.has(cell.slice(-10)) && !reasons.has(cell) && !skipped.has(cell.slice(-10)) && !this.accepted.has(cell));
  }
}

function phaseOf(pipeline: Pipeline, processor: string): string {
  return pipeline.byName.get(processor)?.phase.name ?? '';
}

/**
 * Cells of which the history has more runs that counted than one, or than `most` says. A late word of a run that was given up
 * is `ignored`.
 */
export async function effectiveTwice(databasePath: string, most: (cell: string) => number = () => 1): Promise<string[]> {
  const database = SqliteDatabase.open(databasePath);
  try {
    const rows = await new SqliteRunHistory(database).runs({ limit: 100_000 });
    const runs = new Map<string, Set<string>>();
    for (const row of rows.filter((candidate) => candidate.success && candidate.processing_decision !== 'ignored')) {
      const cell = `${row.processor_name} ${row.data_date}`;
      runs.set(cell, (runs.get(cell) ?? new Set()).add(row.run_id));
    }
    return [...runs].filter(([cell, ids]) => ids.size > most(cell)).map(([cell, ids]) => `${cell}: ${rows.filter((row) => ids.has(row.run_id)).map((row) => `${row.run_id} ${row.processing_decision} at ${row.created_at}`).join(", ")}`);
  } finally {
    database.close();
  }
}
