import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leagueSite } from '../../../pipelines/nba/processors/league-site.ts';
import { Calendar } from '../../../shared/calendar/calendar.ts';
import type { CalendarRow } from '../../../shared/calendar/games.ts';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { loadPipeline } from '../../../shared/pipeline/load.ts';
import { formatProblems } from '../../../shared/pipeline/problems.ts';
import type { Pipeline, Processor } from '../../../shared/pipeline/pipeline.ts';
import { pipelineDirectory } from './support.ts';

function nba(): Pipeline {
  const loaded = loadPipeline(pipelineDirectory, { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
  if (loaded.kind === 'invalid') assert.fail(formatProblems(loaded.problems));
  return loaded.pipeline;
}

function named(pipeline: Pipeline, name: string): Processor {
  const processor = pipeline.byName.get(name);
  assert.ok(processor, name);
  return processor;
}

async function calendarOf(pipeline: Pipeline): Promise<Calendar> {
  const { schedule } = await leagueSite(join(pipelineDirectory, 'data'));
  const rows: CalendarRow[] = [...schedule.values()].flat().map((game) => ({ day: dayOf(game.game_date), key: game.game_id, status: 3, narrow: game.season_type }));
  return new Calendar(pipeline, rows);
}

describe('The NBA definition', () => {
  it('has no mistakes and fills sixteen outputs in four phases', () => {
    const pipeline = nba();
    assert.deepEqual(pipeline.phases.map((phase) => phase.processors.length), [3, 3, 5, 5, 0]);
    assert.ok(pipeline.phases.every((phase) => phase.mode === 'enforce'));
    assert.deepEqual(pipeline.phases.filter((phase) => !phase.backfillable || !phase.cascades).map((phase) => phase.name), ['phase_5_predictions']);
  });

  it('keeps the names of topics and subscriptions that the team has', () => {
    const { topics, subscriptions, phases } = nba();
    assert.equal(topics.backfill_requests, 'nba-backfill-requests');
    assert.deepEqual([subscriptions.backfill_worker, subscriptions.ack_deadline_seconds], ['backfill-worker-sub', 540]);
    assert.deepEqual(phases.slice(0, 4).map((phase) => phase.completionTopic), [
      'scraper-complete', 'nba-phase2-raw-complete', 'nba-phase3-analytics-complete', 'nba-phase4-precompute-complete',
    ]);
  });

  it('expects 633 dates of the teams, 623 of team box scores and 489 of player box scores since 2021-10-19', async () => {
    const pipeline = nba();
    const calendar = await calendarOf(pipeline);
    const count = (name: string): number => calendar.expectedOf(named(pipeline, name)).within(dayOf('2021-10-19'), dayOf('2024-06-17')).length;
    assert.equal(count('UpcomingTeamGameContextProcessor'), 633);
    assert.equal(count('NbacTeamBoxscoreProcessor'), 623);
    assert.equal(count('NbacPlayerBoxscoreProcessor'), 489);
  });

  it('excludes All-Star dates, on none of which the archive has a game', async () => {
    const pipeline = nba();
    const { schedule } = await leagueSite(join(pipelineDirectory, 'data'));
    assert.deepEqual([...pipeline.excluded.keys()].filter((day) => schedule.has(formatDay(day))), []);
    assert.equal(pipeline.excluded.size, 7);
  });

  it('starts and ends each season on its first and last game date', async () => {
    const pipeline = nba();
    const calendar = await calendarOf(pipeline);
    for (const season of pipeline.seasons) {
      const dates = calendar.gameDates(season.from, season.to);
      assert.deepEqual([dates[0], dates.at(-1)], [season.from, season.to], season.name);
    }
  });

  it('reads nothing that comes after the games where it is due before them', () => {
    const pipeline = nba();
    for (const processor of pipeline.processors.filter((one) => one.expected === 'before_games' && one.sql !== null)) {
      for (const edge of processor.upstreams.filter((one) => one.window.ownDate)) {
        const upstream = named(pipeline, edge.upstream);
        assert.equal(upstream.expected, 'before_games', `${processor.name} reads ${upstream.name}`);
        if (upstream.name === 'NbacScheduleProcessor') assert.deepEqual(edge.columns, ['away_team', 'game_date', 'game_id', 'home_team', 'season_type']);
      }
    }
  });
});
