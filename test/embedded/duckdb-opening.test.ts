import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StateFolderError } from '../../shared/embedded/state-folder-error.ts';
import { day } from '../../shared/calendar/day.ts';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { boxscore, claimOf, named, nov15 } from '../contract/warehouse-under-test.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { openDuckDb, temporaryFolder } from './duckdb-under-test.ts';

describe('Opening a DuckDB warehouse', () => {
  const pipeline = warehousePipeline();
  let folder: string;
  beforeEach(() => { folder = temporaryFolder(); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const refusedAs = (problem: string, message: RegExp) => (thrown: unknown): boolean => {
    assert.ok(thrown instanceof StateFolderError, String(thrown));
    assert.equal(thrown.problem, problem);
    assert.match(thrown.message, message);
    return true;
  };

  it('is refused while another process has it, and works once that is gone', async () => {
    const holder = spawn(process.execPath, ['--input-type=module', '-e', `
      import { DuckDBInstance } from '@duckdb/node-api';
      await DuckDBInstance.create(${JSON.stringify(join(folder, 'warehouse.duckdb'))});
      console.log('open'); setInterval(() => undefined, 1000);`], { stdio: ['ignore', 'pipe', 'inherit'], cwd: process.cwd() });
    await once(holder.stdout, 'data');
    await assert.rejects(openDuckDb(pipeline, folder), refusedAs('busy', /Could not set lock on file/));
    const ended = once(holder, 'close');
    holder.kill('SIGKILL');
    await ended;
    await (await openDuckDb(pipeline, folder)).dispose();
  });

  it('twice in one process is refused, and works once the first is closed', async () => {
    const first = await openDuckDb(pipeline, folder);
    await assert.rejects(openDuckDb(pipeline, folder), refusedAs('busy', /open in this process already/));
    await first.warehouse.close();
    await first.warehouse.close();
    await (await openDuckDb(pipeline, folder)).dispose();
  });

  it('of a file that is no DuckDB file says so, and what to do', async () => {
    writeFileSync(join(folder, 'warehouse.duckdb'), 'no database '.repeat(2000));
    await assert.rejects(openDuckDb(pipeline, folder), refusedAs('damaged', /put a copy back/));
  });

  it('where a folder is in its place says so', async () => {
    mkdirSync(join(folder, 'warehouse.duckdb'));
    await assert.rejects(openDuckDb(pipeline, folder), /warehouse\.duckdb cannot be opened/);
  });

  it('with a table of other columns names them, and changes nothing', async () => {
    const before = await openDuckDb(pipeline, folder);
    await before.warehouse.outside('ALTER TABLE raw.boxscores DROP COLUMN remark; ALTER TABLE raw.boxscores ADD COLUMN extra INTEGER; ALTER TABLE raw.boxscores ALTER points TYPE VARCHAR');
    await before.warehouse.close();
    await assert.rejects(openDuckDb(pipeline, folder), /table raw\.boxscores is not as Boxscores declares it: it has 'extra', which is not declared; its 'points' is VARCHAR, declared is BIGINT/);
    await assert.rejects(openDuckDb(pipeline, folder), /raw\.boxscores/, 'and is free to be opened again');
  });

  it('reuses the coverage that was kept only where rows are still the same', async () => {
    const calendar = new Calendar(pipeline, []);
    const boxscores = named(pipeline, 'Boxscores');
    const under = await openDuckDb(pipeline, folder);
    const staged = await under.warehouse.stage(claimOf(boxscores, nov15), { kind: 'rows', rows: [boxscore(1), boxscore(2)] }, calendar);
    await staged.promote('{}');
    await under.warehouse.outside("UPDATE smart_backfill.promotions SET coverage = replace(coverage, '\"nulls\":0', '\"nulls\":7')");
    const nulls = async (): Promise<number | undefined> => (await under.warehouse.coverage([boxscores], nov15, nov15)).get('Boxscores')?.get(nov15)?.nulls;
    assert.equal(await nulls(), 7, 'the kept one is used');
    await under.warehouse.outside('UPDATE raw.boxscores SET minutes = 31 WHERE player_id = 1');
    assert.equal(await nulls(), 0);
    await under.warehouse.outside("UPDATE raw.boxscores SET minutes = 30.5 WHERE player_id = 1; UPDATE smart_backfill.promotions SET coverage = 'damaged'");
    assert.equal(await nulls(), 0);
    await under.warehouse.close();
  });

  it('on a full disk fails without half a date', async function fullDisk() {
    this.timeout(60_000);
    if (process.platform !== 'linux') this.skip();
    await (await openDuckDb(pipeline, folder)).warehouse.close();
    // A limit on the size of files stands in for the full disk: writing past it fails, as ENOSPC does.
    const script = `
      import { openDuckDb } from './test/embedded/duckdb-under-test.ts';
      import { boxscore, claimOf, named, nov15 } from './test/contract/warehouse-under-test.ts';
      import { warehousePipeline } from './test/contract/warehouse-pipeline.ts';
      import { Calendar } from './shared/calendar/calendar.ts';
      import { day } from './shared/calendar/day.ts';
      const pipeline = warehousePipeline();
      const { warehouse } = await openDuckDb(pipeline, ${JSON.stringify(folder)});
      for (let offset = 0; offset < 400; offset += 1) {
        const at = day(nov15 + offset);
        const rows = Array.from({ length: 500 }, (_, player) => boxscore(player, { remark: String(Math.random()).repeat(20) }, at));
        const staged = await warehouse.stage(claimOf(named(pipeline, 'Boxscores'), at), { kind: 'rows', rows }, new Calendar(pipeline, []));
        await staged.promote('{}').catch((thrown) => { console.log('failed ' + offset + ' ' + thrown.message); process.exit(0); });
      }`;
    const child = spawn('bash', ['-c', `trap '' XFSZ; ulimit -f 6000; exec "$0" --disable-warning=ExperimentalWarning --input-type=module-typescript -e "$1"`, process.execPath, script], { stdio: ['ignore', 'pipe', 'pipe'], cwd: process.cwd() });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => { said += part; });
    await once(child, 'close');
    const failed = Number(/^failed (\d+) .*(?:IO|FATAL|TransactionContext) Error/m.exec(said)?.[1] ?? NaN);
    assert.ok(failed > 0, said);
    const under = await openDuckDb(pipeline, folder);
    const boxscores = named(pipeline, 'Boxscores');
    const days = [...(await under.warehouse.coverage([boxscores], nov15, day(nov15 + 400))).get('Boxscores')?.values() ?? []];
    assert.ok(days.length >= failed && days.every(({ rows }) => rows === 500), `${days.length} dates`);
    await under.dispose();
  });
});
