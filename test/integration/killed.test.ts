import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { openDuckDb } from '../embedded/duckdb-under-test.ts';
import { damageRows, rowDamages, type DamageKit } from '../simulation/damage.ts';
import { cellName, cellsOf, datesOf, miniPipeline, undamagedRows } from '../simulation/mini-pipeline.ts';
import { Random, replayable, seeds } from '../simulation/random.ts';
import { differences, rowsOf } from '../simulation/site.ts';

const child = join(import.meta.dirname, 'killed-child.ts');
const pipeline = miniPipeline();
const kitCells = cellsOf(pipeline);

interface Death {
  readonly when: 'before' | 'after' | 'any';
  /** The number of the commit of rows; for `any`, of the line after which it is killed within a few milliseconds. */
  readonly number: number;
  readonly milliseconds: number;
}

/** Runs the child until it ends or dies; what it said. */
async function run(folder: string, death: Death | null): Promise<readonly string[]> {
  const parameters = death && death.when !== 'any' ? [death.when, String(death.number)] : [];
  const process_ = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, folder, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  for await (const line of createInterface({ input: process_.stdout })) {
    said.push(line);
    if (death?.when === 'any' && said.length === death.number) void sleep(death.milliseconds).then(() => process_.kill('SIGKILL'));
  }
  if (process_.exitCode === null && process_.signalCode === null) await once(process_, 'exit');
  if (process_.signalCode === null) assert.equal(process_.exitCode, 0, said.join('\n'));
  return said;
}

/** Runs whose rows are committed although their request still says that it is being processed. */
async function committedAndNotFinished(folder: string): Promise<ReadonlyMap<string, string>> {
  const database = SqliteDatabase.open(join(folder, 'state.sqlite'));
  const store = new SqliteRequestStore(database, { rankOf: () => 0 });
  const { warehouse } = await openDuckDb(pipeline, folder);
  const found = new Map<string, string>();
  for (const record of await store.openCells()) {
    const processor = pipeline.byName.get(record.processor);
    const promotion = processor && await warehouse.promotion(processor, record.day);
    if (promotion && promotion.runId === record.request?.lease?.runId) found.set(cellName(record), promotion.runId);
  }
  await warehouse.close();
  database.close();
  return found;
}

describe('the embedded runtime, killed with SIGKILL', () => {
  let clean = '';
  before(async function build() {
    this.timeout(60_000);
    clean = mkdtempSync(join(tmpdir(), 'sbf-killed-clean-'));
    assert.match((await run(clean, null)).at(-1) ?? '', /^done 0$/);
  });
  after(() => rmSync(clean, { recursive: true, force: true }));

  for (const seed of seeds(3)) {
    it(`several times while it recovers, loses nothing and repeats no run whose rows were committed (seed ${seed})`, () => replayable(seed, 'SIGKILL', async () => {
      const random = new Random(seed);
      const folder = mkdtempSync(join(tmpdir(), 'sbf-killed-'));
      const expected = await undamagedRows(pipeline);
      cpSync(clean, folder, { recursive: true });
      const damaged = await openDuckDb(pipeline, folder);
      const kit: DamageKit = { pipeline, cells: kitCells, dates: datesOf, rows: expected, random, change: damaged.outside };
      for (let index = 0; index < 5; index += 1) await damageRows(kit, random.pick(kit.cells), random.pick(rowDamages));
      await damaged.warehouse.close();

      let finished = 0;
      for (let death = 0; death < 4; death += 1) {
        const owed = await committedAndNotFinished(folder);
        const when = death === 0 ? 'after' : random.pick(['before', 'after', 'any'] as const);
        const said = await run(folder, { when, number: when === 'any' ? 1 + random.below(8) : 1 + random.below(4), milliseconds: random.below(20) });
        await finishes(folder, owed, said);
        finished += owed.size;
      }
      const owed = await committedAndNotFinished(folder);
      const said = await run(folder, null);
      assert.match(said.at(-1) ?? '', /^done 0$/);
      await finishes(folder, owed, said);
      finished += owed.size;
      assert.ok(finished > 0, 'at least the first death was just after a commit');

      const { warehouse } = await openDuckDb(pipeline, folder);
      assert.deepEqual(differences(pipeline, await rowsOf(pipeline, warehouse), expected), []);
      await warehouse.close();
      const database = SqliteDatabase.open(join(folder, 'state.sqlite'));
      assert.deepEqual(await new SqliteRequestStore(database, { rankOf: () => 0 }).openCells(), []);
      database.close();
      rmSync(folder, { recursive: true, force: true });
    })).timeout(60_000);
  }

  /** What was committed by a process that died was recorded by the next one, and run by none. */
  async function finishes(folder: string, owed: ReadonlyMap<string, string>, said: readonly string[]): Promise<void> {
    if (owed.size === 0 || !said.includes('open')) return;
    const database = SqliteDatabase.open(join(folder, 'state.sqlite'));
    const store = new SqliteRequestStore(database, { rankOf: () => 0 });
    for (const cell of kitCells) {
      const runId = owed.get(cellName(cell));
      if (runId === undefined) continue;
      assert.equal((await store.cell(cell)).last?.runId, runId, `${cellName(cell)} is finished`);
      assert.deepEqual(said.filter((line) => line.startsWith(`run ${cellName(cell)} `)), [], 'and not run again');
    }
    database.close();
  }
});

