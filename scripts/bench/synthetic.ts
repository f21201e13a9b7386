import { Calendar } from '../../shared/calendar/calendar.ts';
import { addDays, dayOf, formatDay, startOfDay, type Day } from '../../shared/calendar/day.ts';
import { momentAt } from '../../shared/calendar/moment.ts';
import type { Coverage } from '../../shared/gaps/coverage.ts';
import { hex64 } from '../../shared/gaps/fingerprint.ts';
import { traceOf } from '../../shared/gaps/trace.ts';
import { World } from '../../shared/gaps/world.ts';
import { compilePipeline } from '../../shared/pipeline/compile.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { pipelineSchema } from '../../shared/pipeline/schema.ts';
import { emptyRecord, type CellRecord } from '../../shared/requests/cell.ts';

/**
 * A pipeline of any size and a world in which every cell is complete: coverage, a recorded run, and the trace of what it
 * read. Five phases; each processor reads two of the phase before, one on its own date and one over a window.
 */

export interface Size {
  readonly processors: number;
  readonly dates: number;
}

const FIRST = dayOf('2014-01-01');
const PHASES = 5;
const SEASON_DAYS = 365;

export function syntheticPipeline({ processors, dates }: Size): Pipeline {
  const name = (index: number): string => `P${String(index).padStart(4, '0')}`;
  const perPhase = Math.ceil(processors / PHASES);
  const definition = pipelineSchema.parse({
    version: 1,
    name: 'synthetic',
    time_zone: 'UTC',
    topics: { backfill_requests: 'requests', dead_letters: 'dead-letters', alerts: 'alerts' },
    subscriptions: { backfill_worker: 'worker', phase_router: 'router' },
    calendar: { seasons: seasonsOf(dates) },
    phases: Array.from({ length: PHASES }, (_, phase) => ({ name: `phase_${phase + 1}`, completion_topic: `phase-${phase + 1}-complete`, mode: 'enforce' })),
    processors: Object.fromEntries(Array.from({ length: processors }, (_, index) => {
      const phase = Math.floor(index / perPhase);
      const before = (offset: number): string => name((phase - 1) * perPhase + ((index + offset) % perPhase));
      return [name(index), {
        phase: `phase_${phase + 1}`,
        table: `data.t${index}`,
        key: ['id'],
        columns: { game_date: 'DATE', id: 'INT64', value: 'INT64' },
        upstream: phase === 0 ? [] : [{ processor: before(0), window: 'own_date' }, { processor: before(1), window: { days: 30 } }],
        target: { in_process: './run.ts#run' },
      }];
    })),
  });
  return compilePipeline(definition, { directory: '.', sql: new Map() });
}

function seasonsOf(dates: number): { readonly name: string; readonly from: string; readonly to: string }[] {
  const seasons = [];
  for (let start = 0; start < dates; start += SEASON_DAYS) {
    seasons.push({ name: `season ${seasons.length + 1}`, from: formatDay(addDays(FIRST, start)), to: formatDay(addDays(FIRST, Math.min(start + SEASON_DAYS, dates) - 1)) });
  }
  return seasons;
}

/** Which of the cells have no rows, by position (processor, date since the first). */
export type IsMissing = (rank: number, offset: number) => boolean;

export function syntheticWorld(size: Size, isMissing: IsMissing): World {
  const pipeline = syntheticPipeline(size);
  const calendar = new Calendar(pipeline, []);
  const moment = momentAt(startOfDay(addDays(calendar.last, 10), pipeline.timeZone), pipeline.timeZone, pipeline.settings);
  const world = new World(pipeline, calendar, moment);
  // What each run wrote and read, as of a time when nothing was missing.
  for (const processor of pipeline.processors) {
    for (let day = calendar.first; day <= calendar.last; day = addDays(day, 1)) world.setCoverage(processor, day, coverageOf(processor.rank, day));
  }
  for (const processor of pipeline.processors) {
    for (let day = calendar.first; day <= calendar.last; day = addDays(day, 1)) {
      const coverage = world.coverage(processor, day);
      if (coverage) world.setRecord({ ...recordOf(processor.name, day, coverage), last: runOf(coverage, traceOf(world, processor, day)) });
    }
  }
  for (const processor of pipeline.processors) {
    for (let day = calendar.first; day <= calendar.last; day = addDays(day, 1)) {
      if (isMissing(processor.rank, day - calendar.first)) world.setCoverage(processor, day, undefined);
    }
  }
  return world;
}

function recordOf(processor: string, day: Day, coverage: Coverage): CellRecord {
  return { ...emptyRecord({ processor, day }), generation: coverage.rows > 0 ? 1 : 0, recentAsks: NO_ASKS };
}

export function runOf({ rows, fingerprint, views }: Coverage, trace: NonNullable<CellRecord['last']>['trace']): CellRecord['last'] {
  return { runId: 'run', at: 0, rows, fingerprint, views, trace, origin: 'ours', forced: false };
}

const NO_ASKS: readonly string[] = [];
const NO_VIEWS = {};

function coverageOf(rank: number, day: Day): Coverage {
  return { rows: 200, games: null, duplicates: 0, nulls: 0, fingerprint: `200:${hex64({ high: Math.imul(rank + 1, 0x9e3779b1) >>> 0, low: Math.imul(day, 0x85ebca6b) >>> 0 })}`, views: NO_VIEWS };
}
