import assert from 'node:assert/strict';
import { setTimeout as after } from 'node:timers/promises';
import sinon from 'sinon';
import { firstAbort } from '../../shared/flows/first-abort.ts';

describe('the first abort of several', () => {
  it('aborts with the first, and with its reason', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const { signal, isLate } = firstAbort([one.signal, other.signal], 60_000);
    assert.equal(signal.aborted, false);
    other.abort('enough');
    one.abort('later');
    assert.deepEqual([signal.aborted, signal.reason, isLate()], [true, 'enough', false]);
  });
  it('is aborted at once where one is already', () => {
    const { signal, isLate } = firstAbort([new AbortController().signal, AbortSignal.abort('before')], 60_000);
    assert.deepEqual([signal.aborted, signal.reason, isLate()], [true, 'before', false]);
  });
  it('aborts when its time is over', async () => {
    const { signal, isLate } = firstAbort([new AbortController().signal], 1);
    await Promise.race([new Promise((resolve) => { signal.addEventListener('abort', resolve); }), after(10_000, null, { ref: true })]);
    assert.deepEqual([signal.aborted, signal.reason.name, isLate()], [true, 'TimeoutError', true]);
  });
  it('leaves nothing with the others when it has ended, and aborts no more', () => {
    const { signal: long } = new AbortController();
    const added = sinon.spy(long, 'addEventListener');
    const removed = sinon.spy(long, 'removeEventListener');
    const first = firstAbort([long], 60_000);
    first.end();
    assert.deepEqual(removed.args.map(([, listener]) => listener), added.args.map(([, listener]) => listener));
    long.dispatchEvent(new Event('abort'));
    assert.equal(first.signal.aborted, false);
  });
});
