import assert from 'node:assert/strict';
import { landPlayerBoxscore, landSchedule, landTeamBoxscore } from '../../../pipelines/nba/processors/land.ts';
import { loadPlayerBoxscore, loadSchedule, loadTeamBoxscore } from '../../../pipelines/nba/processors/raw.ts';
import type { ProcessorResult } from '../../../shared/ports/processor.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { inputOf, reads } from './support.ts';

function rowsOf(result: ProcessorResult): readonly Row[] {
  assert.equal(result.status, 'success');
  return result.rows;
}

describe('Loading the raw tables', () => {
  it('gives every game the status final, since the archive holds played games only', async () => {
    const landed = rowsOf(await landSchedule(inputOf('2021-10-19')));
    const [first, ...others] = rowsOf(await loadSchedule(inputOf('2021-10-19', reads('NbacScheduleScraper', landed))));
    const { processed_at: processedAt, ...columns } = first ?? {};
    assert.deepEqual(columns, {
      game_date: '2021-10-19', game_id: '0022100001', season: '2021-22', season_type: 'Regular Season',
      home_team: 'MIL', away_team: 'BKN', home_points: 127, away_points: 104, game_status: 3,
    });
    assert.match(String(processedAt), /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
    assert.equal(others.length, 1);
  });

  it('loads an off-day as no rows', async () => {
    assert.deepEqual(await loadSchedule(inputOf('2023-11-23', reads('NbacScheduleScraper', []))), { status: 'success', rows: [] });
  });

  it('loads player lines as they were landed', async () => {
    const landed = rowsOf(await landPlayerBoxscore(inputOf('2024-01-26')));
    const loaded = rowsOf(await loadPlayerBoxscore(inputOf('2024-01-26', reads('NbacPlayerBoxscoreScraper', landed))));
    assert.deepEqual(loaded, landed);
    assert.equal(loaded.find((row) => row['player_name'] === 'Luka Dončić')?.['points'], 73);
  });

  it('takes whole numbers that come as text', async () => {
    const landed = rowsOf(await landTeamBoxscore(inputOf('2024-06-17')));
    const asText = landed.map((row) => ({ ...row, points: String(row['points']) }));
    assert.deepEqual(rowsOf(await loadTeamBoxscore(inputOf('2024-06-17', reads('NbacTeamBoxscoreScraper', asText)))), landed);
  });

  it('has no data where nothing was landed', async () => {
    assert.equal((await loadPlayerBoxscore(inputOf('2023-12-05', reads('NbacPlayerBoxscoreScraper', [])))).status, 'no_data');
    assert.equal((await loadTeamBoxscore(inputOf('2023-12-05', reads('NbacTeamBoxscoreScraper', [])))).status, 'no_data');
  });

  it('names the row and the column of a wrong landing', async () => {
    const landed = rowsOf(await landTeamBoxscore(inputOf('2024-06-17')));
    const broken = landed.map((row, index) => (index === 1 ? { ...row, game_id: '42300405' } : row));
    await assert.rejects(
      loadTeamBoxscore(inputOf('2024-06-17', reads('NbacTeamBoxscoreScraper', broken))),
      /row 2 that NbacTeamBoxscoreScraper landed for 2024-06-17 has a wrong shape: game_id: a game id is text of ten digits/,
    );
  });
});
