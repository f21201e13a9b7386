import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { ManualClock } from '../manual-clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '../../shared/embedded/sqlite-message-bus.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { SqliteRunHistory } from '../../shared/embedded/sqlite-run-history.ts';

const child = join(import.meta.dirname, 'sqlite-child.ts');

describe('a process killed with SIGKILL', () => {
  for (const lines of [1, 7, 50, 400]) {
    it(`has lost nothing that it had said was durable, after ${lines} lines`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sbf-kill-'));
      const path = join(folder, 'state.sqlite');
      const process_ = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      const said: string[] = [];
      for await (const line of createInterface({ input: process_.stdout })) {
        said.push(line);
        if (said.length === lines) process_.kill('SIGKILL');
      }
      if (process_.exitCode === null && process_.signalCode === null) await once(process_, 'exit');
      const of = (kind: string): string[] => said.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));

      const database = SqliteDatabase.open(path);
      const store = new SqliteRequestStore(database, { rankOf: () => 0 });
      const cells = (await store.cells(dayOf('2020-01-01'), dayOf('2040-01-01'))).map(({ day }) => formatDay(day));
      assert.deepEqual(cells.slice(0, of('cell').length), of('cell'));
      assert.ok(cells.length <= of('cell').length + 1, 'at most the one commit that was under way');
      // All parts of a commit are there, or none.
      assert.deepEqual((await store.unsent(1e6)).map(({ id }) => id), cells);
      const runs = await new SqliteRunHistory(database).runs({ limit: 1e6 });
      assert.deepEqual(runs.map(({ run_id: id }) => id).reverse(), cells);

      const clock = new ManualClock(Date.now());
      const bodies: string[] = [];
      const bus = new SqliteMessageBus(database, clock, new RandomIds(), {
        topics: ['work', 'dead'],
        subscriptions: [
          { kind: 'handled', name: 'worker', topic: 'work', deadLetterTopic: 'dead', handler: async ({ body }) => { bodies.push(body); return { kind: 'ack' }; } },
          { kind: 'kept', name: 'kept', topic: 'dead' },
        ],
      });
      while ((await bus.pump()).delivered > 0);
      const published = of('published').length;
      const handled = Math.floor(of('round').length / 3) * 3;
      const undelivered = Array.from({ length: published }, (_, index) => index).slice(handled + 3);
      for (const index of undelivered) assert.ok(bodies.includes(String(index)), `message ${index} is delivered`);
      assert.ok(bodies.every((body) => Number(body) >= handled), 'what was acknowledged is not delivered again');
      await store.close();
      rmSync(folder, { recursive: true });
    });
  }
});
