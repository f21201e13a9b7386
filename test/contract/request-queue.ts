import assert from 'node:assert/strict';
import { dayOf, type Day } from '../../shared/calendar/day.ts';
import type { Writes } from '../../shared/ports/request-store.ts';
import type { CellRecord, OpenRequest } from '../../shared/requests/cell.ts';
import { cellWith, nov15, nov16, now, rankedProcessors, raw15, summary15 } from './request-records.ts';
import type { StoreUnderTest } from './request-store.ts';

const names = (cells: readonly { readonly processor: string; readonly day: Day }[]): string[] => cells.map(({ processor, day }) => `${processor} ${day - nov15}`);

/** What every `RequestStore` promises of requests that are queued, and of those that wait. */
export function queueContract(subject: () => StoreUnderTest): void {
  const write = (writes: Writes): Promise<null> => subject().store.transact({}, () => ({ writes, result: null }));

  describe('the queue', () => {
    it('orders by priority, then date, then rank', async () => {
      const later = (processor: string, priority: OpenRequest['priority']): CellRecord => cellWith({ processor, day: nov16 }, { priority });
      await write({
        cells: [
          later('Raw', 'normal'), later('Summary', 'high'), cellWith({ processor: 'Analysis', day: nov15 }, {}),
          cellWith(summary15, {}), cellWith(raw15, {}),
        ],
      });
      assert.deepEqual(names(await subject().store.queued(now, 10)), ['Summary 1', 'Raw 0', 'Summary 0', 'Analysis 0', 'Raw 1']);
      assert.deepEqual(names(await subject().store.queued(now, 2)), ['Summary 1', 'Raw 0']);
      assert.deepEqual(await subject().store.queued(now, 0), []);
    });
    it('puts low priority last and follows a change of priority', async () => {
      await write({ cells: [cellWith(raw15, { priority: 'low' }), cellWith(summary15, {})] });
      assert.deepEqual(names(await subject().store.queued(now, 10)), ['Summary 0', 'Raw 0']);
      await write({ cells: [cellWith(raw15, { priority: 'high' })] });
      assert.deepEqual(names(await subject().store.queued(now, 10)), ['Raw 0', 'Summary 0']);
    });
    it('keeps back what backs off until its time, and says when that is', async () => {
      await write({ cells: [cellWith(raw15, { notBefore: now + 5000 }), cellWith(summary15, { notBefore: now + 7000 })] });
      assert.deepEqual(await subject().store.queued(now, 10), []);
      assert.equal(await subject().store.oldestQueued(now), null);
      assert.equal(await subject().store.nextDue(now), now + 5000);
      assert.deepEqual(names(await subject().store.queued(now + 5000, 10)), ['Raw 0']);
      assert.equal(await subject().store.nextDue(now + 5000), now + 7000);
      assert.equal(await subject().store.nextDue(now + 7000), null);
      assert.deepEqual(await subject().store.queued(now, 10), [], 'the clock was set back');
    });
    it('forgets what is claimed, ended or waiting', async () => {
      const cells = rankedProcessors.map((processor) => ({ processor, day: nov15 }));
      await write({ cells: cells.map((key) => cellWith(key, {})) });
      await write({ cells: [cellWith(cells[0]!, { state: 'processing' }), cellWith(cells[1]!, null), cellWith(cells[2]!, { state: 'waiting', waitingFor: raw15 })] });
      assert.deepEqual(await subject().store.queued(now, 10), []);
      assert.deepEqual(names(await subject().store.openCells()), ['Raw 0', 'Analysis 0']);
    });
    it('knows the oldest, whatever its priority', async () => {
      await write({ cells: [cellWith(raw15, { priority: 'high', openedAt: now }), cellWith({ processor: 'Analysis', day: nov16 }, { priority: 'low', openedAt: now - 9 })] });
      assert.deepEqual(await subject().store.oldestQueued(now), { processor: 'Analysis', day: nov16, openedAt: now - 9 });
    });
    it('stays in order through a thousand changes', async () => {
      const expected = new Set<Day>();
      for (let index = 0; index < 1000; index += 1) {
        const day = dayOf(`2024-01-${String(((index * 7919) % 31) + 1).padStart(2, '0')}`);
        const queue = (index * 104_729) % 3 !== 0;
        if (queue) expected.add(day);
        else expected.delete(day);
        await write({ cells: [cellWith({ processor: 'Raw', day }, queue ? { openedAt: index } : null)] });
      }
      assert.deepEqual((await subject().store.queued(now, 100)).map(({ day }) => day), [...expected].sort((a, b) => a - b));
    });
  });

  describe('waiters', () => {
    it('are found by what they wait for or are blocked by, and forgotten when they wait no more', async () => {
      const analysis16 = { processor: 'Analysis', day: nov16 };
      await write({ cells: [cellWith(summary15, { state: 'waiting', waitingFor: raw15 }), cellWith(analysis16, { state: 'blocked', waitingFor: raw15 })] });
      assert.deepEqual(await subject().store.waitersOn(raw15), [summary15, analysis16]);
      await write({ cells: [cellWith(summary15, {}), cellWith(analysis16, { state: 'waiting', waitingFor: summary15 })] });
      assert.deepEqual(await subject().store.waitersOn(raw15), []);
      assert.deepEqual(await subject().store.waitersOn(summary15), [analysis16]);
    });
  });
}
