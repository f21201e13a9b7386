import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { readDoorbell, ring } from '../../functions/doorbell.ts';

describe('the doorbell of a detection', () => {
  it('is read as it was rung', async () => {
    const published: { topic: string; body: string }[] = [];
    const bus = { publish: async (topic: string, body: string) => { published.push({ topic, body }); return 'message'; } };
    const bell = { trigger: 'repaired', day: dayOf('2023-11-15'), cause: 'ask-1' } as const;
    await ring(bus, 'detection', bell);
    assert.deepEqual(published, [{ topic: 'detection', body: '{"trigger":"repaired","game_date":"2023-11-15","cause_id":"ask-1"}' }]);
    assert.deepEqual(readDoorbell(published[0]?.body ?? ''), bell);
  });

  for (const body of ['', 'tick', '[]', '{"trigger":7}', '{"trigger":"tick","game_date":"soon"}', '{"schedule":"*/5 * * * *"}', '\u0000']) {
    it(`is a tick whatever a scheduler sends: ${JSON.stringify(body)}`, () => {
      assert.deepEqual(readDoorbell(body), { trigger: 'tick', day: null, cause: null });
    });
  }
});
