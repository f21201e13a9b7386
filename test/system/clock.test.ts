import assert from 'node:assert/strict';
import { useFakeTimers, type SinonFakeTimers } from 'sinon';
import { SystemClock } from '../../shared/system/clock.ts';

describe('SystemClock', () => {
  let timers: SinonFakeTimers;
  beforeEach(() => {
    timers = useFakeTimers({ now: 1000, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => timers.restore());

  it('sleeps for as long as it is told, and longer than a timer can', async () => {
    for (const milliseconds of [0, 250, 2 ** 31 + 5]) {
      const clock = new SystemClock();
      const started = clock.now();
      const woken = clock.sleep(milliseconds).then(() => clock.now() - started);
      await timers.runAllAsync();
      assert.equal(await woken, milliseconds);
    }
  });

  it('ends a sleep that is called off at once, without an error, and leaves no timer', async () => {
    const over = new AbortController();
    const woken = new SystemClock().sleep(60_000, over.signal);
    over.abort();
    await woken;
    assert.deepEqual([timers.countTimers(), Date.now()], [0, 1000]);
  });

  it('does not begin a sleep that was called off before', async () => {
    await new SystemClock().sleep(60_000, AbortSignal.abort());
    assert.equal(timers.countTimers(), 0);
  });
});
