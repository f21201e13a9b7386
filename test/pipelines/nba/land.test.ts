import assert from 'node:assert/strict';
import {
  hasPlayerBoxscore, hasSchedule, hasTeamBoxscore, landPlayerBoxscore, landSchedule, landTeamBoxscore,
} from '../../../pipelines/nba/processors/land.ts';
import { gameMinutes } from '../../../pipelines/nba/processors/team-lines.ts';
import type { ProcessorResult } from '../../../shared/ports/processor.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { inputOf, withFolder, writeOutages } from './support.ts';

function rowsOf(result: ProcessorResult): readonly Row[] {
  assert.equal(result.status, 'success');
  return result.rows;
}

describe('Landing the schedule', () => {
  it('lands five games on Christmas', async () => {
    for (const year of [2020, 2021, 2022, 2023]) {
      assert.equal(rowsOf(await landSchedule(inputOf(`${year}-12-25`))).length, 5, String(year));
    }
  });

  it('succeeds with no rows on an off-day', async () => {
    assert.deepEqual(await landSchedule(inputOf('2023-11-23')), { status: 'success', rows: [] });
    assert.equal(await hasSchedule(inputOf('2023-11-23')), 'has_data');
  });

  it('lands the play-in and the tournament final, which have no box scores', async () => {
    for (const date of ['2023-12-09', '2024-04-16']) {
      assert.ok(rowsOf(await landSchedule(inputOf(date))).length > 0);
      assert.equal((await landPlayerBoxscore(inputOf(date))).status, 'no_data');
      assert.equal((await landTeamBoxscore(inputOf(date))).status, 'no_data');
      assert.equal(await hasTeamBoxscore(inputOf(date)), 'no_data');
    }
  });
});

describe('Landing box scores', () => {
  it('sums team lines of the regular season that agree with the schedule', async () => {
    const [games, teams] = [rowsOf(await landSchedule(inputOf('2023-12-05'))), rowsOf(await landTeamBoxscore(inputOf('2023-12-05')))];
    assert.equal(teams.length, 2 * games.length);
    for (const game of games) {
      const side = (team: Row[string] | undefined): Row | undefined => teams.find((line) => line['game_id'] === game['game_id'] && line['team'] === team);
      assert.equal(side(game['home_team'])?.['points'], game['home_points']);
      assert.equal(side(game['away_team'])?.['points'], game['away_points']);
      assert.equal(side(game['home_team'])?.['plus_minus'], Number(game['home_points']) - Number(game['away_points']));
      assert.equal(side(game['home_team'])?.['offensive_rebounds'], null);
    }
  });

  it('lands team lines of the playoffs from their archive, and no player lines', async () => {
    const teams = rowsOf(await landTeamBoxscore(inputOf('2024-06-17')));
    assert.deepEqual(teams.map((line) => [line['team'], line['points'], line['minutes'], line['plus_minus']]), [['BOS', 106, 48, 18], ['DAL', 88, 48, -18]]);
    assert.deepEqual(await landPlayerBoxscore(inputOf('2024-06-17')), {
      status: 'no_data', message: "the league's site has no player_boxscore for 2024-06-17",
    });
  });

  it('takes the minutes of a game from the rounded minutes of its players', () => {
    assert.deepEqual([237, 240, 243, 265, 291, 315].map(gameMinutes), [48, 48, 48, 53, 58, 63]);
  });

  it('stops when the run was cancelled', async () => {
    await assert.rejects(landPlayerBoxscore(inputOf('2023-12-05', { signal: AbortSignal.abort() })), { name: 'AbortError' });
  });
});

describe('An outage of the league site', () => {
  it('is no data for the page and date that the file names, and for no other', () => withFolder(async (sourceDirectory) => {
    await writeOutages(sourceDirectory, { player_boxscore: { '2023-12-05': 'no_data' } });
    const at = (date: string): ReturnType<typeof inputOf> => inputOf(date, { sourceDirectory });
    assert.equal((await landPlayerBoxscore(at('2023-12-05'))).status, 'no_data');
    assert.equal(await hasPlayerBoxscore(at('2023-12-05')), 'no_data');
    assert.equal((await landTeamBoxscore(at('2023-12-05'))).status, 'success');
    assert.equal((await landPlayerBoxscore(at('2023-12-06'))).status, 'success');
    assert.equal(await hasPlayerBoxscore(at('2023-12-06')), 'has_data');
  }));

  it('fails as a timeout where the site is down', () => withFolder(async (sourceDirectory) => {
    await writeOutages(sourceDirectory, { schedule: { '2023-11-23': 'down' } });
    const input = inputOf('2023-11-23', { sourceDirectory });
    const result = await landSchedule(input);
    assert.equal(result.status, 'failed');
    assert.equal(result.error.type, 'ConnectionError');
    assert.match(result.error.message, /^Connection timeout: /);
    assert.equal(await hasSchedule(input), 'unreachable');
  }));

  it('makes even the schedule have no data', () => withFolder(async (sourceDirectory) => {
    await writeOutages(sourceDirectory, { schedule: { '2023-12-05': 'no_data' } });
    assert.equal((await landSchedule(inputOf('2023-12-05', { sourceDirectory }))).status, 'no_data');
    assert.equal(await hasSchedule(inputOf('2023-12-05', { sourceDirectory })), 'no_data');
  }));

  it('ends as soon as the file says so', () => withFolder(async (sourceDirectory) => {
    const input = inputOf('2023-12-05', { sourceDirectory });
    await writeOutages(sourceDirectory, { team_boxscore: { '2023-12-05': 'down' } });
    assert.equal((await landTeamBoxscore(input)).status, 'failed');
    await writeOutages(sourceDirectory, {});
    assert.equal((await landTeamBoxscore(input)).status, 'success');
  }));

  it('is refused by name where the file is wrong', () => withFolder(async (sourceDirectory) => {
    const input = inputOf('2023-12-05', { sourceDirectory });
    await writeOutages(sourceDirectory, { player_boxscores: {} });
    await assert.rejects(landPlayerBoxscore(input), /outages\.json/);
    await writeOutages(sourceDirectory, { player_boxscore: { '2023-12-05': 'gone' } });
    await assert.rejects(landPlayerBoxscore(input), /outages\.json: .*no_data/s);
    await writeOutages(sourceDirectory, 'not json');
    await assert.rejects(landPlayerBoxscore(input), /outages\.json: received text that is not JSON/);
  }));
});
