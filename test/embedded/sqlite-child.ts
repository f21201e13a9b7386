import { formatDay, dayOf, addDays } from '../../shared/calendar/day.ts';
import { SystemClock } from '../../shared/system/clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '../../shared/embedded/sqlite-message-bus.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { historyRow } from '../contract/history-rows.ts';
import { cellWith } from '../contract/request-records.ts';

/**
 * Run as a process that is killed: commits cells, publishes and handles messages as fast as it can, and says on stdout
 * what has become durable. Each commit writes a cell, a history row and an outgoing message.
 */
const [, , path = ''] = process.argv;
const database = SqliteDatabase.open(path);
const store = new SqliteRequestStore(database, { rankOf: () => 0 });
const bus = new SqliteMessageBus(database, new SystemClock(), new RandomIds(), {
  topics: ['work', 'dead'],
  subscriptions: [
    { kind: 'handled', name: 'worker', topic: 'work', deadLetterTopic: 'dead', handler: async () => ({ kind: 'ack' }) },
    { kind: 'kept', name: 'kept', topic: 'dead' },
  ],
});
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
for (let index = 0; ; index += 1) {
  const key = { processor: 'Raw', day: addDays(dayOf('2020-01-01'), index) };
  await store.transact({ cells: [key] }, () => ({
    result: null,
    writes: { cells: [cellWith(key, {})], history: [historyRow({ run_id: formatDay(key.day) })], outbox: [{ id: formatDay(key.day), topic: 'work', body: '{}' }] },
  }));
  say(`cell ${formatDay(key.day)}`);
  say(`published ${await bus.publish('work', String(index))}`);
  if (index % 3 === 2) await bus.pump();
  say(`round ${index}`);
}
