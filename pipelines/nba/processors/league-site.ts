import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LazyPages } from './lazy-pages.ts';
import { csvColumns, csvLines, csvRecord, csvRecords, dateField, gameIdField, integerField, optionalIntegerField, textField, type CsvRecord } from './csv.ts';

/**
 * The archive that ships in `data/`, in the part of the league's site: what it has for a date, it has at once. Read once
 * a process and folder, when the first question comes.
 */

export type SiteGame = {
  readonly season: string;
  readonly game_date: string;
  readonly game_id: string;
  readonly home_team: string;
  readonly away_team: string;
  readonly home_points: number;
  readonly away_points: number;
  readonly season_type: string;
};

/** What players and teams have in common. Type aliases, not interfaces: they are rows, which are records. */
export type SiteCounts = {
  readonly minutes: number;
  readonly points: number;
  readonly rebounds: number;
  readonly assists: number;
  readonly steals: number;
  readonly blocks: number;
  readonly turnovers: number;
  readonly fgm: number;
  readonly fga: number;
  readonly fg3m: number;
  readonly fg3a: number;
  readonly ftm: number;
  readonly fta: number;
  readonly plus_minus: number;
};

export type SitePlayerLine = SiteCounts & {
  readonly game_date: string;
  readonly game_id: string;
  readonly team: string;
  readonly player_id: number;
  readonly player_name: string;
};

/** Minutes are those of the game: 48, and 5 for each overtime. Null: the site does not say. */
export type SiteTeamLine = SiteCounts & {
  readonly game_date: string;
  readonly game_id: string;
  readonly team: string;
  readonly offensive_rebounds: number | null;
  readonly defensive_rebounds: number | null;
  readonly personal_fouls: number | null;
};

/** The site's pages, each by date; dates without any are absent. */
export interface LeagueSite {
  readonly schedule: ReadonlyMap<string, readonly SiteGame[]>;
  readonly playerLines: ReadonlyMap<string, readonly SitePlayerLine[]>;
  readonly playoffTeamLines: ReadonlyMap<string, readonly SiteTeamLine[]>;
}

const sites = new Map<string, Promise<LeagueSite>>();

/** The site of a folder with the three archives. A failed read is not kept: the next question reads again. */
export function leagueSite(dataDirectory: string): Promise<LeagueSite> {
  let site = sites.get(dataDirectory);
  if (!site) {
    site = readSite(dataDirectory);
    sites.set(dataDirectory, site);
    site.catch(() => sites.delete(dataDirectory));
  }
  return site;
}

async function readSite(dataDirectory: string): Promise<LeagueSite> {
  const [schedule, playerLines, playoffTeamLines] = await Promise.all([
    readByDate(join(dataDirectory, 'schedule.csv.gz'), toGame),
    readPages(join(dataDirectory, 'player_boxscore.csv.gz'), toPlayerLine),
    readByDate(join(dataDirectory, 'team_boxscore_playoffs.csv.gz'), toTeamLine),
  ]);
  return { schedule, playerLines, playoffTeamLines };
}

const unzip = promisify(gunzip);

async function readByDate<T extends { readonly game_date: string }>(file: string, parse: (record: CsvRecord) => T): Promise<ReadonlyMap<string, readonly T[]>> {
  const text = (await unzip(await readFile(file))).toString('utf8');
  const byDate = new Map<string, T[]>();
  for (const record of csvRecords(text, file)) {
    const row = parse(record);
    const rows = byDate.get(row.game_date);
    if (rows) rows.push(row);
    else byDate.set(row.game_date, [row]);
  }
  return byDate;
}

/** Like `readByDate`, for a large archive: its lines start with their date, and are read when that is asked for. */
async function readPages<T>(file: string, parse: (record: CsvRecord) => T): Promise<ReadonlyMap<string, readonly T[]>> {
  const text = (await unzip(await readFile(file))).toString('utf8');
  const columns = csvColumns(text);
  if (columns.get('game_date') !== 0) throw new Error(`${file}: its first column is '${[...columns.keys()][0]}'; allowed: game_date; restore the file from the repository`);
  const lines = csvLines(text).map(({ line, content }) => ({ line, content, date: content.slice(0, content.indexOf(',')) }));
  return new LazyPages(lines, (content, line) => parse(csvRecord(file, columns, line, content)));
}

function toGame(record: CsvRecord): SiteGame {
  return {
    season: textField(record, 'season'),
    game_date: dateField(record, 'game_date'),
    game_id: gameIdField(record, 'game_id'),
    home_team: textField(record, 'home_team'),
    away_team: textField(record, 'away_team'),
    home_points: integerField(record, 'home_points'),
    away_points: integerField(record, 'away_points'),
    season_type: textField(record, 'season_type'),
  };
}

function toPlayerLine(record: CsvRecord): SitePlayerLine {
  return {
    game_date: dateField(record, 'game_date'),
    game_id: gameIdField(record, 'game_id'),
    team: textField(record, 'team'),
    player_id: integerField(record, 'player_id'),
    player_name: textField(record, 'player_name'),
    ...toCounts(record),
  };
}

function toTeamLine(record: CsvRecord): SiteTeamLine {
  return {
    game_date: dateField(record, 'game_date'),
    game_id: gameIdField(record, 'game_id'),
    team: textField(record, 'team'),
    offensive_rebounds: optionalIntegerField(record, 'offensive_rebounds'),
    defensive_rebounds: optionalIntegerField(record, 'defensive_rebounds'),
    personal_fouls: optionalIntegerField(record, 'personal_fouls'),
    ...toCounts(record),
  };
}

function toCounts(record: CsvRecord): SiteCounts {
  return {
    minutes: integerField(record, 'minutes'),
    points: integerField(record, 'points'),
    rebounds: integerField(record, 'rebounds'),
    assists: integerField(record, 'assists'),
    steals: integerField(record, 'steals'),
    blocks: integerField(record, 'blocks'),
    turnovers: integerField(record, 'turnovers'),
    fgm: integerField(record, 'fgm'),
    fga: integerField(record, 'fga'),
    fg3m: integerField(record, 'fg3m'),
    fg3a: integerField(record, 'fg3a'),
    ftm: integerField(record, 'ftm'),
    fta: integerField(record, 'fta'),
    plus_minus: integerField(record, 'plus_minus'),
  };
}
