import type { z } from 'zod';
import { Calendar } from '../shared/calendar/calendar.ts';
import type { CalendarRow } from '../shared/calendar/games.ts';
import { addDays, dayOf, startOfDay, type Day } from '../shared/calendar/day.ts';
import { momentAt, type Moment } from '../shared/calendar/moment.ts';
import type { Coverage } from '../shared/gaps/coverage.ts';
import { hash64, hex64 } from '../shared/gaps/fingerprint.ts';
import { traceOf } from '../shared/gaps/trace.ts';
import { World } from '../shared/gaps/world.ts';
import { compilePipeline } from '../shared/pipeline/compile.ts';
import type { Pipeline, Processor } from '../shared/pipeline/pipeline.ts';
import { pipelineSchema, type processorSchema } from '../shared/pipeline/schema.ts';
import type { Ask } from '../shared/requests/ask.ts';
import { emptyRecord, type Acceptance, type CellKey, type CellRecord, type EndedBadly, type OpenRequest, type VerifiedRun } from '../shared/requests/cell.ts';
import { opened } from '../shared/requests/transitions.ts';
import type { PlanRequest } from '../shared/recovery/plan.ts';

/** Small pipelines, worlds and records for tests of the core, made the way the program makes them. */

type Definition = z.input<typeof pipelineSchema>;
export type ProcessorSketch = Partial<z.input<typeof processorSchema>>;

export interface PipelineSketch {
  readonly processors: Readonly<Record<string, ProcessorSketch>>;
  readonly seasons?: Definition['calendar']['seasons'];
  /** Name of the processor that fills the schedule; none: every day of a season is expected. */
  readonly schedule?: string;
  readonly exclude?: Definition['calendar']['exclude'];
  readonly settings?: Definition['settings'];
  readonly phases?: Definition['phases'];
}

export const SEASONS = [{ name: 'winter', from: '2024-01-01', to: '2024-01-31' }, { name: 'spring', from: '2024-03-01', to: '2024-03-31' }];

export const PHASES: Definition['phases'] = [
  { name: 'raw', completion_topic: 'raw-complete', mode: 'enforce', altered_policy: 'report' },
  { name: 'analytics', completion_topic: 'analytics-complete', mode: 'enforce' },
  { name: 'features', completion_topic: 'features-complete', mode: 'enforce' },
  { name: 'predictions', completion_topic: 'predictions-complete', mode: 'enforce', cascades: false, backfillable: false },
];

export function makePipeline({ processors, seasons = SEASONS, schedule, exclude = [], settings = {}, phases = PHASES }: PipelineSketch): Pipeline {
  const definition = pipelineSchema.parse({
    version: 1,
    name: 'small',
    time_zone: 'America/New_York',
    topics: { backfill_requests: 'requests', dead_letters: 'dead-letters', alerts: 'alerts' },
    subscriptions: { backfill_worker: 'worker-sub', phase_router: 'router-sub' },
    calendar: {
      seasons, exclude,
      ...(schedule === undefined ? {} : { schedule: { processor: schedule, key_column: 'game_id', status_column: 'status', final_when: [3], settled_when: [4, 5], narrow_by: 'season_type' } }),
    },
    phases,
    settings,
    processors: Object.fromEntries(Object.entries(processors).map(([name, sketch]) => [name, {
      phase: 'raw', table: `data.${name.toLowerCase()}`, key: ['game_id', 'n'], columns: { game_date: 'DATE', game_id: 'STRING', n: 'INT64', value: 'INT64' },
      target: { in_process: './run.ts#run' }, ...sketch,
    }])),
  });
  return compilePipeline(definition, { directory: '.', sql: new Map() });
}

/** Schedule, box scores of it, a summary over the last three game dates, a look ahead, and features of both. */
export const LEAGUE: PipelineSketch = {
  schedule: 'Schedule',
  processors: {
    Schedule: { every_day: true, expected: 'before_games', expectations: { expected_keys: 'none' }, columns: { game_date: 'DATE', game_id: 'STRING', n: 'INT64', status: 'INT64' } },
    Box: { expectations: { min_rows_per_game: 2, required: ['value'] } },
    Summary: { phase: 'analytics', upstream: [{ processor: 'Box', window: { game_dates: 3, include_own_date: true, critical: 1 } }], expectations: { min_rows_per_game: 2 } },
    Ahead: {
      phase: 'analytics', expected: 'before_games', expectations: { min_rows_per_game: 1, warm_up_game_dates: 1 },
      upstream: [{ processor: 'Schedule', window: 'own_date', columns: ['game_date', 'game_id'] }, { processor: 'Summary', window: { game_dates: 3, include_own_date: false } }],
    },
    Features: { phase: 'features', upstream: [{ processor: 'Summary', window: { days: 5, include_own_date: true } }], expectations: { min_rows_per_game: 1 } },
  },
};

/** A chain without a schedule: A is read by B on its own date and over two days, B by C on its own date and over three. */
export const CHAIN: PipelineSketch = {
  processors: {
    A: {},
    B: { phase: 'analytics', upstream: [{ processor: 'A', window: { days: 2, include_own_date: true } }] },
    C: { phase: 'features', upstream: [{ processor: 'B', window: { days: 3, include_own_date: true } }] },
  },
};

export interface GameSketch {
  readonly key: string;
  readonly status?: number;
  readonly narrow?: string | null;
}
export type Games = Readonly<Record<string, readonly (string | GameSketch)[]>>;

export function rowsOfGames(games: Games): CalendarRow[] {
  return Object.entries(games).flatMap(([date, list]) => list.map((game) => {
    const { key, status = 3, narrow = 'Regular Season' } = typeof game === 'string' ? { key: game } : game;
    return { day: dayOf(date), key, status, narrow };
  }));
}

/** Two games on every second day of January. */
export const GAMES: Games = Object.fromEntries([2, 4, 6, 8, 10, 12, 14, 16, 18, 20].map((of) => {
  const date = `2024-01-${String(of).padStart(2, '0')}`;
  return [date, [`${of}a`, `${of}b`]];
}));

export function momentOf(pipeline: Pick<Pipeline, 'timeZone' | 'settings'>, time: string): Moment {
  return momentAt(/T/.test(time) ? Date.parse(time) : startOfDay(dayOf(time), pipeline.timeZone) + 12 * 3_600_000, pipeline.timeZone, pipeline.settings);
}

export function makeWorld(pipeline: Pipeline, options: { readonly games?: Games; readonly now?: string } = {}): World {
  return new World(pipeline, new Calendar(pipeline, rowsOfGames(options.games ?? GAMES)), momentOf(pipeline, options.now ?? '2024-02-10'));
}

/** Rows that are as they should be: `version` makes others of them. */
export function goodRows(world: World, name: string, day: Day, version: string | number = 1, changes: Partial<Coverage> = {}): Coverage {
  const processor = world.processor(name);
  const games = world.expectedDates(processor).keys(day);
  const each = Math.max(processor.minRowsPerGame, 1);
  const rows = games.length === 0 ? 10 : games.length * each;
  const content = `${name}|${day}|${version}|${Object.keys(changes).length === 0 ? '' : JSON.stringify(changes)}`;
  return {
    rows,
    games: processor.gameColumn === null ? null : Object.fromEntries(games.map((game) => [game, each])),
    duplicates: 0,
    nulls: 0,
    fingerprint: `${rows}:${hex64(hash64(content))}`,
    views: Object.fromEntries(processor.views.map(({ view }) => [view, `${rows}:${hex64(hash64(`${content}|${view}`))}`])),
    ...changes,
  };
}

export function runOf(world: World, name: string, day: Day, changes: Partial<VerifiedRun> = {}): VerifiedRun {
  const processor = world.processor(name);
  const coverage = world.coverage(processor, day);
  return {
    runId: `run-${name}-${day}`, at: world.moment.now - 1000, rows: coverage?.rows ?? 0, fingerprint: coverage?.fingerprint ?? '0:0000000000000000', views: coverage?.views ?? {},
    trace: traceOf(world, processor, day), origin: 'ours', forced: false, ...changes,
  };
}

/** What the engine leaves of a verified run: rows, and the run as the recorded one. */
export function ran(world: World, name: string, date: string | Day, version: string | number = 1): void {
  const at = typeof date === 'string' ? dayOf(date) : date;
  const processor = world.processor(name);
  world.setCoverage(processor, at, goodRows(world, name, at, version));
  world.setRecord({ ...world.record(processor, at), failure: null, suspect: null, last: runOf(world, name, at) });
}

/** Everything expected up to a date has been run, in topological order. */
export function complete(world: World, through = '2024-12-31'): World {
  const last = Math.min(dayOf(through), world.calendar.last);
  for (let day = world.calendar.first; day <= last; day = addDays(day, 1)) {
    for (const processor of world.pipeline.processors) if (world.expectedDates(processor).has(day)) ran(world, processor.name, day);
  }
  return world;
}

export function lose(world: World, name: string, ...dates: readonly string[]): void {
  for (const date of dates) world.setCoverage(world.processor(name), dayOf(date), undefined);
}

/** As if it had never run: neither rows nor a record. */
export function never(world: World, name: string, ...dates: readonly string[]): void {
  lose(world, name, ...dates);
  for (const date of dates) world.setRecord(emptyRecord(cell(name, date)));
}

/** Other rows than the last run wrote. */
export function alter(world: World, name: string, date: string, changes: Partial<Coverage> = {}): void {
  world.setCoverage(world.processor(name), dayOf(date), goodRows(world, name, dayOf(date), 'altered', changes));
}

export function change(world: World, name: string, date: string, changes: Partial<CellRecord>): CellRecord {
  const record = { ...world.record(world.processor(name), dayOf(date)), ...changes };
  world.setRecord(record);
  return record;
}

export function accepted(world: World, name: string, date: string, changes: Partial<Acceptance> = {}): CellRecord {
  const fingerprint = world.coverage(world.processor(name), dayOf(date))?.fingerprint ?? null;
  return change(world, name, date, { acceptance: { by: 'ann', reason: 'known', at: 0, until: null, fingerprint, missingKeys: [], ...changes } });
}

export function failureOf(changes: Partial<EndedBadly> = {}): EndedBadly {
  return {
    outcome: 'failed', category: 'processing', message: 'division by zero', at: 0, runId: 'run-f', step: 0, coolsUntil: null, inputsDigest: null, definitionHash: 'other', ...changes,
  };
}

export function askOf(changes: Partial<Ask> = {}): Ask {
  return {
    id: 'ask-1', asker: 'person', by: 'ann', reason: 'asked', at: 1000, priority: 'normal', reprocess: 'none', force: false, skipDownstreamTrigger: true, isBackfill: true, planId: null,
    backfillId: null, summary: 'asked', refused: null, ...changes,
  };
}

/** Opens a request on a cell, in a state of choice. */
export function openOn(world: World, name: string, date: string, changes: Partial<OpenRequest> = {}, ask: Partial<Ask> = {}): OpenRequest {
  const record = opened(world.record(world.processor(name), dayOf(date)), askOf(ask), { reason: 'test', rerun: false });
  if (!record.request) throw new Error('an opened cell has a request');
  const request = { ...record.request, ...changes };
  world.setRecord({ ...record, request });
  return request;
}

export function cell(name: string, date: string): CellKey {
  return { processor: name, day: dayOf(date) };
}

export function emptyCell(name = 'A', date = '2024-01-05'): CellRecord {
  return emptyRecord(cell(name, date));
}

export function planRequest(from: string, to: string, changes: Partial<PlanRequest> & { readonly processors?: readonly string[] } = {}): PlanRequest {
  const { processors, ...rest } = changes;
  return {
    scope: { from: dayOf(from), to: dayOf(to), processors: processors ? new Set(processors) : null },
    by: 'person', all: true, altered: 'policy', source: () => 'unknown', ownedBy: () => null, detectFrom: null, ...rest,
  };
}

export function named(pipeline: Pipeline, name: string): Processor {
  const processor = pipeline.byName.get(name);
  if (!processor) throw new Error(`the pipeline has no ${name}`);
  return processor;
}
