import assert from 'node:assert/strict';
import { SqliteRunHistory } from '../../../shared/embedded/sqlite-run-history.ts';
import { triedAgain } from '../../../shared/flows/staged/attempts.ts';
import { broken, EmptySeason, lost, SEASON_STAGES } from './empty-season.ts';

describe('flows/staged/attempts', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('tells the attempts that a backfill’s own retries took up again, and what became of each', async () => {
    season.outside.fail('Box 2024-01-03', lost);
    season.outside.fail('Box 2024-01-05', lost, lost);
    season.outside.fail('Box 2024-01-06', broken);
    const record = await season.start(SEASON_STAGES.slice(0, 2));
    await season.advance(record.id);
    const history = new SqliteRunHistory(season.site.database);
    const found = await triedAgain(history, record);
    assert.deepEqual(found.map((attempt) => `${attempt.processor_name} ${attempt.data_date} ${attempt.category} ${attempt.outcome}`).toSorted(), [
      'Box 2024-01-03 infrastructure succeeded', 'Box 2024-01-05 infrastructure failed again',
    ]);
    assert.deepEqual(await triedAgain(history, { ...record, id: 'another' }), []);
  });
});
