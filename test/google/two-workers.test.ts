import assert from 'node:assert/strict';
import { Engine } from '../../shared/flows/engine.ts';
import { receiveRequest } from '../../shared/flows/request.ts';
import { work } from '../../shared/flows/work.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { describeWithEmulators } from './emulated.ts';
import { request, sharedPlaces, startSmallCloud, type SmallCloud } from './small-cloud.ts';

describeWithEmulators('two instances on one state', () => {
  let cloud: SmallCloud;
  before(async function () {
    cloud = await startSmallCloud(sharedPlaces());
  });
  after(() => cloud.dispose());

  it('lose no wake-up: what one knows as being worked on has ended at the other', async () => {
    const date = '2024-03-10';
    const { parts } = cloud.runtime.engine;
    const [first, second] = ['first', 'second'].map((owner) => new Engine({ ...parts, owner, lanes: 1 }));
    assert.ok(first && second);
    const signal = new AbortController().signal;
    const ask = (engine: Engine, processor: string) => receiveRequest(engine, {
      messageId: `${processor}-${date}`, topic: '', subscription: '', attributes: {}, deliveryAttempt: 1, body: JSON.stringify(request(processor, date)),
    });
    await ask(first, 'Scores');
    cloud.team.answer = async (run) => {
      await cloud.team.write(run.start_date, [1, 2]);
      // It sees the rows, and a run that is under way.
      await second.refresh(dayOf(date), dayOf(date));
      return { status: 200, body: { status: 'success', rows_processed: 2 } };
    };
    try {
      await work(first, { signal });
    } finally {
      cloud.team.answer = () => null;
    }
    await ask(second, 'Totals');
    await work(second, { signal });
    const { last, request: open } = await cloud.record('Totals', date);
    assert.deepEqual([last?.rows, open], [2, null]);
  });
});
