import assert from 'node:assert/strict';
import { readStageDoorbell, ringForStages } from '../../functions/stage-doorbell.ts';
import { isWorkDoorbell, ringWorker } from '../../functions/work-doorbell.ts';
import { dayOf } from '../../shared/calendar/day.ts';

const recording = () => {
  const published: { topic: string; body: string }[] = [];
  return { published, bus: { publish: async (topic: string, body: string) => { published.push({ topic, body }); return 'message'; } } };
};

describe('the doorbell of staged backfills', () => {
  it('is read as it was rung', async () => {
    const { published, bus } = recording();
    const bell = { trigger: 'cell_ended', backfillId: 'season-2024', cell: { processor: 'Box', day: dayOf('2023-11-15') } } as const;
    await ringForStages(bus, 'stages', bell);
    assert.deepEqual(published, [{ topic: 'stages', body: '{"trigger":"cell_ended","backfill_id":"season-2024","processor_name":"Box","game_date":"2023-11-15"}' }]);
    assert.deepEqual(readStageDoorbell(published[0]?.body ?? ''), bell);
    await ringForStages(bus, 'stages', { trigger: 'ordered', backfillId: 'season-2024', cell: null });
    assert.deepEqual(readStageDoorbell(published[1]?.body ?? ''), { trigger: 'ordered', backfillId: 'season-2024', cell: null });
  });

  for (const body of ['', 'tick', '[]', '{"trigger":7}', '{"trigger":"tick","game_date":"soon"}', '{"schedule":"* * * * *"}', '{"backfill_id":""}', '\u0000']) {
    it(`is a tick whatever a scheduler sends: ${JSON.stringify(body)}`, () => {
      assert.deepEqual(readStageDoorbell(body), { trigger: 'tick', backfillId: null, cell: null });
    });
  }
});

describe('the doorbell of a worker', () => {
  it('is known from its body', async () => {
    const { published, bus } = recording();
    await ringWorker(bus, 'requests', 'season-2024');
    assert.deepEqual(published.map(({ topic }) => topic), ['requests']);
    assert.ok(isWorkDoorbell(published[0]?.body ?? ''));
  });

  for (const body of ['', '{"trigger":"queued"}', '{"trigger":"queued","backfill_id":"b","processor_name":"Box"}', '{"processor_name":"Box","start_date":"2024-01-01","end_date":"2024-01-01"}']) {
    it(`is nothing that may be a request: ${JSON.stringify(body)}`, () => assert.equal(isWorkDoorbell(body), false));
  }
});
