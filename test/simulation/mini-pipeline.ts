import { join } from 'node:path';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { compilePipeline } from '../../shared/pipeline/compile.ts';
import type { Edge, Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import { pipelineSchema, type PipelineDefinition } from '../../shared/pipeline/schema.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { GAME_DAYS, SEASON, SEASON_DAYS } from './mini-league.ts';
import { miniProcessors } from './mini-processors.ts';

/** A pipeline of four phases over a season of twenty days: every kind of window and edge that there is, in nine processors. */
export function miniDefinition(settings: Partial<PipelineDefinition['settings']> = {}): PipelineDefinition {
  const gameTeam = { game_date: 'DATE', game_id: 'STRING', team: 'STRING' } as const;
  const matchup = ['game_date', 'game_id', 'home', 'away'];
  const phase = { mode: 'enforce', altered_policy: 'reprocess' } as const;
  const target = (name: string) => ({ in_process: `./mini-processors.ts#${name}` });
  return pipelineSchema.parse({
    version: 1,
    name: 'mini',
    time_zone: 'America/New_York',
    topics: { backfill_requests: 'mini-requests', dead_letters: 'mini-dead-letters', alerts: 'mini-alerts', gap_detection: 'mini-gap-detection' },
    subscriptions: { backfill_worker: 'mini-worker-sub', phase_router: 'mini-router-sub', gap_detector: 'mini-detector-sub' },
    calendar: {
      seasons: [{ name: '2024', from: formatDay(SEASON.from), to: formatDay(SEASON.to) }],
      schedule: { processor: 'Schedule', key_column: 'game_id', status_column: 'game_status', final_when: [3], settled_when: [4, 5] },
    },
    phases: [
      { name: 'phase_1_scrapers', completion_topic: 'mini-phase1-complete', ...phase },
      { name: 'phase_2_raw', completion_topic: 'mini-phase2-complete', ...phase },
      { name: 'phase_3_analytics', completion_topic: 'mini-phase3-complete', ...phase },
      { name: 'phase_4_precompute', completion_topic: 'mini-phase4-complete', ...phase },
    ],
    settings: { detect_from: formatDay(SEASON.from), ...settings },
    processors: {
      SchedulePage: {
        phase: 'phase_1_scrapers', landing: 'schedule', key: ['game_id'], columns: { game_date: 'DATE', game_id: 'STRING', home: 'STRING', away: 'STRING', status: 'INT64' },
        expected: 'before_games', every_day: true, expectations: { expected_keys: 'none' }, target: target('SchedulePage'),
      },
      BoxPage: {
        phase: 'phase_1_scrapers', landing: 'box', key: ['game_id', 'team'], columns: { ...gameTeam, points: 'INT64' },
        expectations: { min_rows_per_game: 2, required: ['points'] }, target: target('BoxPage'),
      },
      Schedule: {
        phase: 'phase_2_raw', table: 'raw.schedule', key: ['game_id'],
        columns: { game_date: 'DATE', game_id: 'STRING', home: 'STRING', away: 'STRING', game_status: 'INT64', processed_at: 'TIMESTAMP' }, volatile: ['processed_at'],
        upstream: [{ processor: 'SchedulePage', window: 'own_date' }], expected: 'before_games', every_day: true, expectations: { expected_keys: 'none' }, target: target('Schedule'),
      },
      Box: {
        phase: 'phase_2_raw', table: 'raw.box', key: ['game_id', 'team'], columns: { ...gameTeam, points: 'INT64' },
        upstream: [{ processor: 'BoxPage', window: 'own_date' }], expectations: { min_rows_per_game: 2, required: ['points'] }, target: target('Box'),
      },
      TeamForm: {
        phase: 'phase_3_analytics', table: 'analytics.team_form', key: ['game_id', 'team'],
        columns: { ...gameTeam, points: 'INT64', is_home: 'BOOL', games_last_5: 'INT64', points_last_5: 'INT64', league_last_5: 'INT64' },
        upstream: [{ processor: 'Box', window: { game_dates: 5, include_own_date: true } }, { processor: 'Schedule', window: 'own_date', columns: matchup }],
        expectations: { min_rows_per_game: 2, required: ['points', 'is_home'] }, target: target('TeamForm'),
      },
      Context: {
        phase: 'phase_3_analytics', table: 'analytics.context', key: ['game_id', 'team'],
        columns: { ...gameTeam, games_last_4_days: 'INT64', points_last_4_days: 'INT64', league_last_4_days: 'INT64' },
        upstream: [{ processor: 'Box', window: { days: 4 } }, { processor: 'Schedule', window: 'own_date', columns: matchup }],
        expected: 'before_games', expectations: { min_rows_per_game: 2 }, target: target('Context'),
      },
      Features: {
        phase: 'phase_4_precompute', table: 'precompute.features', key: ['game_id', 'team'],
        columns: { ...gameTeam, season_games: 'INT64', season_points: 'INT64', season_digest: 'INT64', context_digest: 'INT64' },
        upstream: [{ processor: 'TeamForm', window: 'season_to_date', columns: ['game_date', 'team', 'points'] }, { processor: 'Context', window: 'own_date' }],
        expectations: { min_rows_per_game: 2 }, target: target('Features'),
      },
      Ratings: {
        phase: 'phase_4_precompute', table: 'precompute.ratings', key: ['game_id', 'team'], columns: { ...gameTeam, rating: 'INT64' },
        upstream: [{ processor: 'TeamForm', window: 'own_date', columns: ['game_date', 'game_id', 'team', 'points'] }], reads_own_history: { window: { game_dates: 3 } },
        order: 'sequential', expectations: { min_rows_per_game: 2 }, target: target('Ratings'),
      },
      Outlook: {
        phase: 'phase_4_precompute', table: 'precompute.outlook', key: ['game_id', 'team'], columns: { ...gameTeam, outlook: 'INT64' },
        upstream: [{ processor: 'TeamForm', window: { game_dates: 3 } }, { processor: 'Context', window: 'own_date' }],
        expected: 'before_games', expectations: { min_rows_per_game: 2, warm_up_game_dates: 1 }, target: target('Outlook'),
      },
    },
  });
}

export function miniPipeline(settings: Partial<PipelineDefinition['settings']> = {}): Pipeline {
  return compilePipeline(miniDefinition(settings), { directory: join(import.meta.dirname), sql: new Map() });
}

/** The dates on which a processor is expected to have a cell, worked out without the calendar's code. */
export function datesOf(processor: Processor): readonly Day[] {
  return processor.everyDay ? SEASON_DAYS : GAME_DAYS;
}

export type DatesOf = (processor: Processor) => readonly Day[];

/** Every cell of some days, in topological order. */
export function cellsOf(pipeline: Pipeline, days: readonly Day[] = SEASON_DAYS, dates: DatesOf = datesOf): readonly CellKey[] {
  return days.flatMap((day) => pipeline.processors.filter((processor) => dates(processor).includes(day)).map(({ name }) => ({ processor: name, day })));
}

/** The days that an edge reads for one date, worked out without the windows' code. */
export function windowDays(pipeline: Pipeline, edge: Edge, day: Day, dates: DatesOf = datesOf): readonly Day[] {
  const upstream = pipeline.byName.get(edge.upstream);
  if (!upstream) throw new RangeError(`received ${edge.upstream}, which is not in the pipeline`);
  const before = dates(upstream).filter((date) => date < day);
  const { reach, ownDate } = edge.window;
  let read: readonly Day[];
  switch (reach.kind) {
    case 'none': read = []; break;
    case 'days': read = before.filter((date) => date >= day - reach.days); break;
    case 'game_dates': read = before.slice(-reach.gameDates); break;
    case 'season_to_date': read = before; break;
  }
  return ownDate ? [...read, day] : read;
}

export const cellName = ({ processor, day }: CellKey): string => `${processor} ${formatDay(day)}`;

/** The cells that damage to some cells can reach: they themselves, and all that reads them at any depth. */
export function reachableFrom(pipeline: Pipeline, damaged: Iterable<string>, days: readonly Day[] = SEASON_DAYS, dates: DatesOf = datesOf): ReadonlySet<string> {
  const reached = new Set(damaged);
  // Inputs come first in this order, so that one pass finds all.
  for (const cell of cellsOf(pipeline, days, dates)) {
    const reads = pipeline.byName.get(cell.processor)?.upstreams ?? [];
    if (reads.some((edge) => windowDays(pipeline, edge, cell.day, dates).some((day) => reached.has(cellName({ processor: edge.upstream, day }))))) reached.add(cellName(cell));
  }
  return reached;
}

export type Tables = ReadonlyMap<string, readonly Row[]>;

/** What the warehouse holds when nothing was ever lost: every function called once on whole inputs, no engine involved. */
export async function undamagedRows(pipeline: Pipeline): Promise<Tables> {
  const rows = new Map<string, readonly Row[]>();
  const functions = miniProcessors();
  for (const cell of cellsOf(pipeline)) {
    const run = functions.get(cell.processor);
    const processor = pipeline.byName.get(cell.processor);
    if (!run || !processor) throw new RangeError(`received ${cell.processor}, which has no function`);
    const result = await run({
      processorName: cell.processor, gameDate: formatDay(cell.day), runId: 'reference', isBackfill: false, skipDownstreamTrigger: true, strictMode: true, triggerReason: '', backfillId: null,
      pipelineDirectory: '', sourceDirectory: '', signal: new AbortController().signal,
      read: async (name) => {
        const edge = processor.upstreams.find((candidate) => candidate.upstream === name);
        const upstream = pipeline.byName.get(name);
        if (!edge || !upstream) throw new RangeError(`${cell.processor} read ${name}`);
        const all = windowDays(pipeline, edge, cell.day).flatMap((day) => rows.get(cellName({ processor: name, day })) ?? []);
        return all.map((row) => Object.fromEntries((edge.columns ?? upstream.fingerprintColumns).map((column) => [column, row[column] ?? null])));
      },
    });
    if (result.status !== 'success') throw new Error(`${cellName(cell)} ended with ${result.status}`);
    rows.set(cellName(cell), result.rows);
  }
  return rows;
}
