import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { day } from '../../shared/calendar/day.ts';
import { named, nov15 } from '../contract/warehouse-under-test.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { openDuckDb, temporaryFolder } from './duckdb-under-test.ts';

const CHILD = fileURLToPath(new URL('./duckdb-crash-child.ts', import.meta.url));

describe('A warehouse whose process is killed while it promotes', () => {
  const pipeline = warehousePipeline();
  const folder = temporaryFolder();
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has of each date the rows that its marker says, and loses none that it told of', async function killed() {
    this.timeout(60_000);
    const told = new Map<string, number>();
    for (let round = 0; round < 4; round += 1) {
      await promoteUntilKilled(folder, 1 + round * 100_000, 12 + round * 17, told);
      const under = await openDuckDb(pipeline, folder);
      for (const name of ['Boxscores', 'Landed']) {
        const processor = named(pipeline, name);
        const coverage = await under.warehouse.coverage([processor], nov15, day(nov15 + 2));
        for (let offset = 0; offset < 3; offset += 1) {
          const at = day(nov15 + offset);
          const marker = await under.warehouse.promotion(processor, at);
          assert.ok(marker, `${name} ${offset} has a marker`);
          assert.ok(marker.generation >= (told.get(`${name} ${offset}`) ?? 0), `${name} ${offset}: told of ${told.get(`${name} ${offset}`)}, found ${marker.generation}`);
          const rows = await under.warehouse.rows(processor, { from: at, to: at }, ['points']);
          assert.deepEqual(rows, Array.from({ length: 20 }, () => ({ points: marker.generation })));
          assert.equal(coverage.get(name)?.get(at)?.fingerprint, marker.fingerprint);
          assert.equal(marker.trace, String(marker.generation));
        }
      }
      await under.warehouse.close();
    }
  });
});

/** Starts the child, kills it after so many promotions, and notes the newest generation that it told of for each date. */
async function promoteUntilKilled(folder: string, firstGeneration: number, promotions: number, told: Map<string, number>): Promise<void> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, folder, String(firstGeneration)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => { stderr += part; });
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (text.split('\n').length > promotions) child.kill('SIGKILL');
  });
  await once(child, 'close');
  assert.equal(child.signalCode, 'SIGKILL', stderr);
  for (const line of text.split('\n').slice(0, -1)) {
    const [name = '', offset = '', generation = ''] = line.split(' ');
    told.set(`${name} ${offset}`, Number(generation));
  }
}
