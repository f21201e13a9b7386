import { Sandbox } from '../cli/harness.ts';
import { disturbedBackfill } from './disturbed.ts';

describe('a staged backfill of real weeks, from nothing, with failures of all six categories, killed ten times and paused overnight', function () {
  this.timeout(240_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());

  it('ends with the warehouse that was never disturbed', async () => {
    const story = await disturbedBackfill(sandbox, {
      from: '2023-10-24', to: '2023-11-12', scope: ['--from', '2023-10-24', '--to', '2023-11-12'], id: 'season-2023-10-24-to-2023-11-12', kills: 10, cells: 290, seed: 20231024,
      failing: [
        { processor: 'NbacScheduleScraper', date: '2023-11-03', category: 'infrastructure', times: null },
        { processor: 'NbacPlayerBoxscoreScraper', date: '2023-10-27', category: 'infrastructure', times: 1 },
        { processor: 'NbacTeamBoxscoreScraper', date: '2023-11-01', category: 'data_availability', times: null },
        { processor: 'NbacPlayerBoxscoreProcessor', date: '2023-11-08', category: 'processing', times: null },
        { processor: 'PlayerGameSummaryProcessor', date: '2023-10-30', category: 'resource_exhausted', times: 1 },
        { processor: 'UpcomingPlayerGameContextProcessor', date: '2023-11-04', category: 'defensive_block', times: null },
        { processor: 'TeamOffenseGameSummaryProcessor', date: '2023-11-09', category: 'invalid_request', times: null },
        { processor: 'MlFeatureStoreProcessor', date: '2023-11-02', category: 'resource_exhausted', times: null },
        { processor: 'TeamDefenseZoneAnalysisProcessor', date: '2023-11-06', category: 'processing', times: null },
      ],
    });
    if (process.env['SHOW'] !== undefined) console.log(`${story.commands.join('\n')}\n\n${story.markdown}`);
  });
});
