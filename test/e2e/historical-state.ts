import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { translateWithInputs } from '../../shared/embedded/googlesql.ts';
import { linesOf } from '../../shared/rows/json-lines.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { playerPage, schedulePage, teamPage } from '../../pipelines/nba/processors/pages.ts';
import type { SiteGame } from '../../pipelines/nba/processors/league-site.ts';
import { nbaPipeline } from '../pipelines/nba/built-season.ts';
import { pipelineDirectory } from '../pipelines/nba/support.ts';

/**
 * The state that source document 004 found: pages and raw tables complete, phase 3 on some dates, phase 4 empty, and no
 * record of who wrote any of it. Built from the archive by plain SQL, without the engine.
 */

/** Game dates by calendar year as the document counts them, with their corrected numbers, and how many of them phase 3 has. */
export const DOCUMENTED = [
  { year: '2021', dates: 72, phase3: 34 }, { year: '2022', dates: 213, phase3: 91 }, { year: '2023', dates: 204, phase3: 112 }, { year: '2024', dates: 144, phase3: 74 },
] as const;

export const FIRST = '2021-10-19';
export const LAST = '2024-06-17';
const SEASONS = [['2021-10-19', '2022-06-16'], ['2022-10-18', '2023-06-12'], ['2023-10-24', '2024-06-17']] as const;
const ALL_STAR = new Set(['2022-02-18', '2022-02-20', '2023-02-17', '2023-02-19', '2024-02-16', '2024-02-18']);
/** As many dates in a row had been run, before the next gap. */
const IN_A_ROW = 17;

export interface History {
  readonly games: readonly SiteGame[];
  readonly gameDates: readonly string[];
  /** Dates of which phase 3 has rows. */
  readonly phase3: ReadonlySet<string>;
}

function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += 86_400_000) days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}

/** The archive's games from `from` to `to`, and the dates of phase 3: by the document's counts, or `phase3` as given. */
export async function historyOf(from: string, to: string, phase3?: ReadonlySet<string>): Promise<History> {
  const pages = await Promise.all(daysBetween(from, to).map((gameDate) => schedulePage({ pipelineDirectory, gameDate })));
  const games = pages.flat();
  const gameDates = [...new Set(games.map((game) => game.game_date))].sort();
  return { games, gameDates, phase3: phase3 ?? new Set(DOCUMENTED.flatMap(({ year, phase3: count }) => inRuns(gameDates.filter((date) => date.startsWith(year)), count))) };
}

/** `count` of the dates, in runs that lie evenly over them. */
function inRuns(dates: readonly string[], count: number): string[] {
  const runs = Math.ceil(count / IN_A_ROW);
  return Array.from({ length: runs }, (_, run) => {
    const start = Math.floor((run * dates.length) / runs);
    return dates.slice(start, start + Math.min(IN_A_ROW, count - run * IN_A_ROW));
  }).flat();
}

/**
 * Lays the state down in a folder, as other programs left it. The rows of phase 3 are those of `computed`, a folder where
 * the engine has made them, but for the figures of contexts that were computed on incomplete history; without one they are
 * of the right games, teams and players, with counts from the raw tables and rough rolling figures.
 */
export async function buildHistory(state: string, history: History, computed: string | null = null): Promise<void> {
  const { gameDates, phase3 } = history;
  const warehouse = await DuckDbWarehouse.open({ pipeline: nbaPipeline(), stateDirectory: state, translate: translateWithInputs });
  try {
    const raw: Record<'schedule' | 'player_boxscore' | 'team_boxscore', Row[]> = { schedule: [], player_boxscore: [], team_boxscore: [] };
    for (const gameDate of gameDates) {
      const address = { pipelineDirectory, gameDate };
      const pages = { schedule: await schedulePage(address), player_boxscore: await playerPage(address), team_boxscore: await teamPage(address) };
      for (const kind of ['schedule', 'player_boxscore', 'team_boxscore'] as const) {
        if (pages[kind].length === 0) continue;
        const folder = join(state, 'landing', kind, `game_date=${gameDate}`);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `${kind}.jsonl`), linesOf(pages[kind]));
        raw[kind].push(...pages[kind]);
      }
    }
    for (const [kind, rows] of Object.entries(raw)) {
      const file = join(state, `${kind}.jsonl`);
      writeFileSync(file, linesOf(kind === 'schedule' ? rows.map((row) => ({ ...row, game_status: 3 })) : rows));
      await warehouse.outside(`INSERT INTO nba_raw.nbac_${kind} BY NAME SELECT * FROM read_json('${file}', format = 'newline_delimited')`);
      rmSync(file);
    }
    for (const sql of computed === null ? [...analyticsSql([...phase3]), ...knownSql()] : copySql(computed, history)) await warehouse.outside(sql);
  } finally {
    await warehouse.close();
  }
}

const TABLES = ['player_game_summary', 'team_offense_game_summary', 'team_defense_game_summary', 'upcoming_team_game_context', 'upcoming_player_game_context'];

function copySql(computed: string, history: History): string[] {
  const misled = (processor: string): string => expectedCells(history).suspect.flatMap((cell) => (cell.startsWith(processor) ? [`DATE '${cell.slice(-10)}'`] : [])).join(', ');
  return [
    `ATTACH '${join(computed, 'warehouse.duckdb')}' AS computed (READ_ONLY)`,
    ...TABLES.map((table) => `INSERT INTO nba_analytics.${table} BY NAME SELECT * FROM computed.nba_analytics.${table} WHERE game_date IN (${[...history.phase3].map((date) => `DATE '${date}'`).join(', ')})`),
    'DETACH computed',
    `UPDATE nba_analytics.upcoming_team_game_context SET games_last_15 = greatest(0, games_last_15 - 2), pace_last_15 = 90 WHERE game_date IN (${misled('UpcomingTeam')})`,
    `UPDATE nba_analytics.upcoming_player_game_context SET games_last_10 = greatest(0, games_last_10 - 2), points_avg_last_10 = 1 WHERE game_date IN (${misled('UpcomingPlayer')})`,
  ];
}

/** No figure is null that a later phase needs. */
function knownSql(): string[] {
  const figure = (name: string): string => (/rating/.test(name) ? '110' : /pace/.test(name) ? '100' : /usage/.test(name) ? '20' : /pct|share|rate|effective|shooting/.test(name) ? '0.5' : '1');
  return nbaPipeline().processors.flatMap((processor) => {
    if (processor.output.kind !== 'table' || !processor.output.ref.startsWith('nba_analytics.')) return [];
    const columns = processor.columns.filter(({ type }) => type === 'INT64' || type === 'FLOAT64').map(({ name }) => `${name} = coalesce(${name}, ${figure(name)})`);
    return [`UPDATE ${processor.output.ref} SET ${columns.join(', ')}`];
  });
}

/** Rows that phase 3 has: of the right games, teams and players, with counts from the raw tables; rolling figures are rough. */
function analyticsSql(dates: readonly string[]): string[] {
  const among = (alias: string): string => `${alias}.game_date IN (${dates.map((date) => `DATE '${date}'`).join(', ')})`;
  const sides = '(SELECT *, home_team AS team, away_team AS opponent, true AS is_home FROM nba_raw.nbac_schedule UNION ALL SELECT *, away_team, home_team, false FROM nba_raw.nbac_schedule)';
  const plays = (line: string): string => `CAST(round(100 * (${line}.fga + 0.44 * ${line}.fta + ${line}.turnovers)) AS BIGINT)`;
  return [
    `INSERT INTO nba_analytics.player_game_summary BY NAME
     SELECT p.* EXCLUDE (season, season_type), s.opponent, s.is_home, t.plus_minus > 0 AS won, t.minutes AS game_minutes, ${plays('p')} AS plays_x100, ${plays('t')} AS team_plays_x100,
       1 AS games_last_10, p.minutes AS minutes_avg_last_10, p.points AS points_avg_last_10
     FROM (SELECT *, NULL AS season, NULL AS season_type FROM nba_raw.nbac_player_boxscore) AS p
     JOIN ${sides} AS s USING (game_id, team) JOIN nba_raw.nbac_team_boxscore AS t USING (game_id, team) WHERE ${among('p')}`,
    `INSERT INTO nba_analytics.team_offense_game_summary BY NAME
     SELECT t.game_date, t.game_id, t.team, s.opponent, s.season_type, s.is_home, t.points > o.points AS won, t.minutes AS game_minutes, t.points, o.points AS opponent_points, ${plays('t')} AS possessions_x100,
       t.assists, t.turnovers, t.fgm, t.fga, t.fg3m, t.fg3a, t.ftm, t.fta, 100 AS pace, 110 AS offensive_rating, 1 AS games_last_10, 110 AS offensive_rating_last_10
     FROM nba_raw.nbac_team_boxscore AS t JOIN nba_raw.nbac_team_boxscore AS o ON o.game_id = t.game_id AND o.team <> t.team JOIN ${sides} AS s ON s.game_id = t.game_id AND s.team = t.team WHERE ${among('t')}`,
    `INSERT INTO nba_analytics.team_defense_game_summary BY NAME
     SELECT t.game_date, t.game_id, t.team, s.opponent, s.season_type, s.is_home, t.minutes AS game_minutes, o.points AS points_allowed, ${plays('o')} AS possessions_x100, t.steals, t.blocks,
       o.turnovers AS opponent_turnovers, o.fgm AS opponent_fgm, o.fga AS opponent_fga, o.fg3m AS opponent_fg3m, o.fg3a AS opponent_fg3a, o.ftm AS opponent_ftm, o.fta AS opponent_fta,
       110 AS defensive_rating, 1 AS games_last_10, 110 AS defensive_rating_last_10
     FROM nba_raw.nbac_team_boxscore AS t JOIN nba_raw.nbac_team_boxscore AS o ON o.game_id = t.game_id AND o.team <> t.team JOIN ${sides} AS s ON s.game_id = t.game_id AND s.team = t.team WHERE ${among('t')}`,
    `INSERT INTO nba_analytics.upcoming_team_game_context BY NAME
     SELECT s.game_date, s.game_id, s.team, s.opponent, s.season_type, s.is_home, false AS is_back_to_back, 1 AS games_last_7_days, 1 AS games_last_15 FROM ${sides} AS s WHERE ${among('s')}`,
    // Who has played for a team is expected to play for it again. On the first two dates of a season there are no such rows.
    `INSERT INTO nba_analytics.upcoming_player_game_context BY NAME
     SELECT s.game_date, s.game_id, p.player_id, p.player_name, s.team, s.opponent, s.is_home, p.game_date AS last_game_date, CAST(s.game_date - p.game_date AS BIGINT) AS rest_days, 1 AS games_last_10,
       p.points AS points_avg_last_10
     FROM ${sides} AS s JOIN nba_raw.nbac_player_boxscore AS p ON p.team = s.team AND p.game_date BETWEEN s.game_date - 60 AND s.game_date - 1
     WHERE s.season_type = 'Regular Season' AND ${among('s')} AND s.game_date NOT IN (${openings().map((date) => `DATE '${date}'`).join(', ')})
     QUALIFY row_number() OVER (PARTITION BY s.game_id, p.player_id ORDER BY p.game_date DESC) = 1`,
  ];
}

function openings(): string[] {
  return ['2021-10-19', '2021-10-20', '2022-10-18', '2022-10-19', '2023-10-24', '2023-10-25'];
}

export interface ExpectedCells {
  /** Off-days of the seasons: no run is on record that found nothing there. */
  readonly calendar: readonly string[];
  readonly analytics: readonly string[];
  readonly suspect: readonly string[];
  readonly precompute: readonly string[];
}

/**
 * What a dry run has to list, from the archive and the state alone. Phase 3 lacks what is not in `phase3`. What it has of
 * contexts was computed while dates of its windows were absent, unless none was: those rows are suspect. Own-game summaries
 * read the raw tables only, which are complete: nothing is wrong with theirs.
 */
export function expectedCells({ games, gameDates, phase3 }: History): ExpectedCells {
  const seasons = SEASONS.filter(([from]) => from >= (gameDates[0] ?? '') && from <= (gameDates.at(-1) ?? ''));
  const types = Map.groupBy(games, (game) => game.game_date);
  const regular = (date: string): boolean => types.get(date)?.some((game) => game.season_type === 'Regular Season') ?? false;
  const played = (date: string): boolean => regular(date) || (types.get(date)?.some((game) => game.season_type === 'Playoffs') ?? false);
  const calendar: string[] = [];
  const analytics: string[] = [];
  const suspect: string[] = [];
  const precompute: string[] = [];
  for (const [from, to] of seasons) {
    const days = daysBetween(from, to < (gameDates.at(-1) ?? '') ? to : gameDates.at(-1) ?? '');
    const dates = days.filter((day) => types.has(day));
    const offDays = new Set(days.filter((day) => !types.has(day) && !ALL_STAR.has(day)));
    for (const day of offDays) calendar.push(`NbacScheduleScraper ${day}`, `NbacScheduleProcessor ${day}`);
    for (const [index, date] of dates.entries()) {
      const has = phase3.has(date);
      const put = (processor: string, isThere = has): void => { if (!isThere) analytics.push(`${processor} ${date}`); };
      const before = (count: number): readonly string[] => dates.slice(Math.max(0, index - count), index);
      const offDayNear = days.slice(Math.max(0, days.indexOf(date) - 21), days.indexOf(date)).some((day) => offDays.has(day));
      const teamContextMisled = offDayNear || before(43).some((day) => played(day) && !phase3.has(day));
      const playerContextMisled = offDayNear || before(30).some((day) => played(day) && !phase3.has(day));
      if (regular(date)) put('PlayerGameSummaryProcessor');
      if (played(date)) for (const side of ['Offense', 'Defense']) put(`Team${side}GameSummaryProcessor`);
      put('UpcomingTeamGameContextProcessor');
      if (has && teamContextMisled) suspect.push(`UpcomingTeamGameContextProcessor ${date}`);
      if (regular(date)) {
        const hasContext = has && index >= 2;
        put('UpcomingPlayerGameContextProcessor', hasContext);
        if (hasContext && playerContextMisled) suspect.push(`UpcomingPlayerGameContextProcessor ${date}`);
      }
      if (played(date)) precompute.push(`TeamDefenseZoneAnalysisProcessor ${date}`);
      if (regular(date)) for (const name of ['PlayerShotZoneAnalysis', 'PlayerDailyCache', 'PlayerCompositeFactors', 'MlFeatureStore']) precompute.push(`${name}Processor ${date}`);
    }
  }
  return { calendar, analytics, suspect, precompute };
}
