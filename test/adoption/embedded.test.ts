import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { z } from 'zod';
import { cli, ended, parsed, Sandbox, type Ended } from '../cli/harness.ts';
import { load } from './load.ts';

const pipeline = join(import.meta.dirname, '../fixtures/adoption');
const service = join(import.meta.dirname, 'service.py');
/** Itself, and not what may stand before it on the PATH; empty where there is none. */
const python = (spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout ?? '').trim();
const suite = python === '' ? describe.skip : describe;

const turn = z.object({ game_date: z.string(), since_gone: z.boolean(), reasons: z.array(z.object({ condition: z.number(), text: z.string() })) });
const report = z.object({
  phases: z.array(z.object({
    phase: z.string(), mode: z.string(), decided: z.number(), released: z.number(), parked: z.number(), would_have_held: z.array(z.string()), held: z.array(turn),
    by_reason: z.array(z.object({ condition: z.number(), game_dates: z.array(z.string()), example: z.string() })),
  })),
});

suite(`a running pipeline in Python, adopted in observe mode${python === '' ? ' (skipped: there is no python3 on this machine)' : ''}`, function () {
  this.timeout(240_000);
  const sandbox = new Sandbox();
  let state: string;
  before(async () => {
    state = sandbox.state();
    ended(await run('2023-11-14', 'doctor'), 0);
  });
  after(() => sandbox.remove());

  function run(now: string, ...words: string[]): Promise<Ended> {
    return sandbox.call([...words, '--pipeline', pipeline, '--state', state, '--now', `${now}T14:00:00Z`]);
  }

  /** One night of the old pipeline, on the morning after, with the commands that load and publish. */
  async function night(date: string, now: string, jobs: readonly string[], publish?: readonly string[]): Promise<void> {
    const server = createServer((request, response) => {
      void text(request).then(async (body) => {
        const words = z.array(z.string()).parse(JSON.parse(body));
        if (request.url === '/load') await load(state, words);
        else assert.equal((await run(now, 'publish', ...words)).code, 0);
      }).then(() => response.end('0'), (thrown: unknown) => response.end(JSON.stringify(String(thrown))));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const command = (path: string): string => JSON.stringify([python, join(import.meta.dirname, 'command.py'), `http://127.0.0.1:${address.port}/${path}`]);
    const child = spawn(python, [service, date, ...jobs], {
      cwd: sandbox.folder, timeout: 120_000, stdio: ['ignore', 'inherit', 'pipe'],
      env: { ...process.env, LOAD_COMMAND: command('load'), PUBLISH_COMMAND: publish ? JSON.stringify(publish) : command('publish') },
    });
    try {
      const [stderr] = await Promise.all([text(child.stderr), once(child, 'exit')]);
      assert.equal(child.exitCode, 0, stderr);
    } finally {
      server.close();
    }
  }

  it('holds nothing, queues nothing, changes nothing, and knows after a week what enforce would have held', async () => {
    await night('2023-11-13', '2023-11-14', ['feed', 'odds.espn', 'odds.book', 'model', 'newsletter']);
    // Nobody holds the model back when the feed fails.
    await night('2023-11-14', '2023-11-15', ['feed=error', 'odds.espn', 'odds.book', 'model']);
    await night('2023-11-15', '2023-11-16', ['feed-v2', 'odds.espn', 'odds.book', 'model']);
    // The old pipeline's own second try, with this program itself for its command.
    await night('2023-11-14', '2023-11-16', ['feed'], [process.execPath, cli, 'publish', '--pipeline', pipeline, '--state', state, '--now', '2023-11-16T14:00:00Z']);
    await night('2023-11-16', '2023-11-17', ['feed', 'odds.espn', 'odds.book=empty', 'model']);

    const { phases } = parsed(report, ended(await run('2023-11-17', 'cascades', 'report', '--json'), 0));
    assert.deepEqual(phases.map(({ phase, mode, decided, parked, would_have_held: dates }) => ({ phase, mode, decided, parked, dates })), [
      { phase: 'raw', mode: 'observe', decided: 4, parked: 0, dates: ['2023-11-14', '2023-11-15', '2023-11-16'] },
    ]);
    const raw = phases[0];
    assert.deepEqual(raw?.held.map(({ game_date: date, since_gone: gone }) => [date, gone]), [['2023-11-14', true], ['2023-11-15', true], ['2023-11-16', false]]);
    assert.deepEqual(raw?.held[0]?.reasons.map(({ text }) => text).filter((text) => text.includes('Feed')), ['Feed 2023-11-14 failed: the feed timed out']);
    assert.deepEqual(raw?.by_reason.find(({ condition }) => condition === 8)?.game_dates, ['2023-11-15']);
    const words = ended(await run('2023-11-17', 'cascades', 'report'), 0).stdout;
    assert.match(words, /raw: enforce would have held 3 dates \(2023-11-14\.\.2023-11-16\)\s+of 4 dates, 2\s+until/);

    const { asks, open } = parsed(z.looseObject({ asks: z.array(z.unknown()), open: z.array(z.unknown()) }), ended(await run('2023-11-17', 'requests', 'list', '--json'), 0));
    assert.deepEqual([asks, open], [[], []]);
    const doctor = ended(await run('2023-11-17', 'doctor'), 0).stdout;
    assert.match(doctor, /dead letters: none/);
    assert.match(doctor, /requests: 0 open/);
    assert.match(doctor, /listeners: the phase router alone listens to the 2 completion topics/);
    assert.deepEqual(await rowsOf(state), [['betting_models.model', 8n], ['betting_raw.feed', 8n], ['betting_raw.odds', 14n]]);
  });

  it('traces runs that it did not start, by their old names and numbers', async () => {
    const why = ended(await run('2023-11-17', 'why', 'Model', '2023-11-13', '--json'), 0);
    const { runs } = parsed(z.looseObject({ runs: z.array(z.looseObject({ status: z.string(), processing_decision: z.string(), rows_processed: z.number().nullable(), run_id: z.string() })) }), why);
    assert.deepEqual(runs.map(({ status, processing_decision: decision, rows_processed: rows }) => [status, decision, rows]), [['success', 'external', 2]]);
    assert.match(runs[0]?.run_id ?? '', /^\d+$/);
  });

  it('tells the two services apart that fill one table', async () => {
    const { gaps } = parsed(z.looseObject({ gaps: z.array(z.looseObject({ processor: z.string(), dates: z.array(z.string()) })) }), ended(await run('2023-11-17', 'gaps', '--to', '2023-11-16', '--json'), 3));
    assert.deepEqual(gaps.filter(({ processor }) => processor.includes('Odds')).map(({ processor, dates }) => [processor, dates]), [['BookmakerOdds', ['2023-11-16']]]);
  });
});

/** How many rows each table has: those that the service wrote. */
async function rowsOf(state: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(join(state, 'warehouse.duckdb'));
  const connection = await instance.connect();
  const tables = ['betting_models.model', 'betting_raw.feed', 'betting_raw.odds'];
  const result = await connection.runAndReadAll(tables.map((table) => `SELECT '${table}', count(*) FROM ${table}`).join(' UNION ALL '));
  connection.closeSync();
  instance.closeSync();
  return result.getRows();
}
