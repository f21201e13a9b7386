import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { leagueSite } from '../../../pipelines/nba/processors/league-site.ts';
import { pipelineDirectory, withFolder } from './support.ts';

const dataDirectory = join(pipelineDirectory, 'data');

describe('The league site', () => {
  it('has the counts of rows and dates that SOURCE.md names', async () => {
    const { schedule, playerLines, playoffTeamLines } = await leagueSite(dataDirectory);
    const rows = (pages: ReadonlyMap<string, readonly unknown[]>): number => [...pages.values()].reduce((sum, page) => sum + page.length, 0);
    assert.deepEqual([rows(schedule), rows(playerLines), rows(playoffTeamLines)], [5133, 101_389, 676]);
    assert.deepEqual([schedule.size, playerLines.size], [824, 629]);
  });

  it('has 633 game dates from 2021-10-19 on, 489 of them with player lines', async () => {
    const { schedule, playerLines } = await leagueSite(dataDirectory);
    const since = (pages: ReadonlyMap<string, unknown>): number => [...pages.keys()].filter((date) => date >= '2021-10-19').length;
    assert.deepEqual([since(schedule), since(playerLines)], [633, 489]);
  });

  it('keeps the zeros that a game id starts with', async () => {
    const { schedule } = await leagueSite(dataDirectory);
    assert.deepEqual(schedule.get('2021-10-19'), [
      { season: '2021-22', game_date: '2021-10-19', game_id: '0022100001', home_team: 'MIL', away_team: 'BKN', home_points: 127, away_points: 104, season_type: 'Regular Season' },
      { season: '2021-22', game_date: '2021-10-19', game_id: '0022100002', home_team: 'LAL', away_team: 'GSW', home_points: 114, away_points: 121, season_type: 'Regular Season' },
    ]);
  });

  it('keeps the accents of names', async () => {
    const { playerLines } = await leagueSite(dataDirectory);
    const luka = playerLines.get('2024-01-26')?.find((line) => line.player_name === 'Luka Dončić');
    assert.equal(luka?.points, 73);
    assert.equal(luka.team, 'DAL');
  });

  it('reads a folder once', async () => {
    assert.equal(await leagueSite(dataDirectory), await leagueSite(dataDirectory));
  });

  it('says which line, column and value it could not read, and reads again when the file is mended', () => withFolder(async (folder) => {
    for (const name of ['player_boxscore.csv.gz', 'team_boxscore_playoffs.csv.gz', 'schedule.csv.gz']) await copyFile(join(dataDirectory, name), join(folder, name));
    const header = 'season,game_date,game_id,home_team,away_team,home_points,away_points,season_type\n';
    await writeFile(join(folder, 'schedule.csv.gz'), gzipSync(`${header}2021-22,2021-10-19,22100001,MIL,BKN,127,104,Regular Season\n`));
    await assert.rejects(leagueSite(folder), /schedule\.csv\.gz:2: received '22100001' in column game_id; allowed: a game id of ten digits/);
    await writeFile(join(folder, 'schedule.csv.gz'), gzipSync(`${header}2021-22,2021-10-19,0022100001,MIL,BKN\n`));
    await assert.rejects(leagueSite(folder), /schedule\.csv\.gz:2: received 5 fields, the header names 8/);
    await copyFile(join(dataDirectory, 'schedule.csv.gz'), join(folder, 'schedule.csv.gz'));
    assert.equal((await leagueSite(folder)).schedule.size, 824);
  }));

  it('names the archive that is not there', () => withFolder(async (folder) => {
    await assert.rejects(leagueSite(folder), /ENOENT.*\.csv\.gz/);
  }));
});
