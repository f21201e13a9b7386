import { Sandbox } from '../cli/harness.ts';
import { disturbedSeason } from './embedded-season.ts';

describe('a staged backfill of two real weeks, from nothing, with failures of all six categories, killed six times and paused overnight', function () {
  this.timeout(600_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());

  it('ends with the warehouse that was never disturbed', async () => {
    await disturbedSeason(sandbox, {
      from: '2023-10-24', to: '2023-11-05', scope: ['--from', '2023-10-24', '--to', '2023-11-05'], id: 'season-2023-10-24-to-2023-11-05', kills: 6, cells: 190, seed: 20231024,
      failing: [
        { processor: 'NbacScheduleScraper', date: '2023-11-01', category: 'infrastructure', times: null },
        { processor: 'NbacPlayerBoxscoreScraper', date: '2023-10-27', category: 'infrastructure', times: 1 },
        { processor: 'NbacTeamBoxscoreScraper', date: '2023-10-29', category: 'data_availability', times: null },
        { processor: 'NbacPlayerBoxscoreProcessor', date: '2023-11-04', category: 'processing', times: null },
        { processor: 'UpcomingPlayerGameContextProcessor', date: '2023-11-02', category: 'defensive_block', times: null },
        { processor: 'TeamOffenseGameSummaryProcessor', date: '2023-11-04', category: 'invalid_request', times: null },
        { processor: 'MlFeatureStoreProcessor', date: '2023-11-01', category: 'resource_exhausted', times: null },
      ],
    });
  });
});
