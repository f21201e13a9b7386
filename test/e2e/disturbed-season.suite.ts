import { Sandbox } from '../cli/harness.ts';
import { disturbedSeason } from './embedded-season.ts';

/** At its real size, twice (disturbed and not): some minutes. `npm run test:integration` runs it; `npm test` has two weeks of it. */
describe('the season 2023-24, from nothing, with failures of all six categories, killed ten times and paused overnight', function () {
  this.timeout(1_800_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());

  it('ends with the warehouse that was never disturbed', async () => {
    await disturbedSeason(sandbox, {
      from: '2023-10-24', to: '2024-06-17', scope: ['--season', '2023-24'], id: 'season-2023-24', kills: 10, cells: 2980, seed: 202324,
      failing: [
        { processor: 'NbacScheduleScraper', date: '2024-01-20', category: 'infrastructure', times: null },
        { processor: 'NbacPlayerBoxscoreScraper', date: '2023-11-08', category: 'infrastructure', times: 1 },
        { processor: 'NbacTeamBoxscoreScraper', date: '2024-01-10', category: 'data_availability', times: null },
        { processor: 'NbacTeamBoxscoreScraper', date: '2024-05-05', category: 'infrastructure', times: null },
        { processor: 'NbacPlayerBoxscoreProcessor', date: '2024-02-05', category: 'processing', times: null },
        { processor: 'PlayerGameSummaryProcessor', date: '2023-12-20', category: 'resource_exhausted', times: 1 },
        { processor: 'UpcomingPlayerGameContextProcessor', date: '2024-01-25', category: 'defensive_block', times: null },
        { processor: 'TeamOffenseGameSummaryProcessor', date: '2024-04-25', category: 'invalid_request', times: null },
        { processor: 'PlayerDailyCacheProcessor', date: '2023-11-20', category: 'processing', times: null },
        { processor: 'MlFeatureStoreProcessor', date: '2024-02-10', category: 'resource_exhausted', times: null },
        { processor: 'TeamDefenseZoneAnalysisProcessor', date: '2024-05-19', category: 'processing', times: null },
      ],
    });
  });
});
