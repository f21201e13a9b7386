import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { bigQueryClient } from '../../scripts/local-cloud/bigquery/client.ts';
import { startBigQuery, type FakeBigQuery } from '../../scripts/local-cloud/bigquery/server.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;

(hasPython ? describe : describe.skip)(`the Python services of a running pipeline${hasPython ? '' : ' (skipped: there is no python3 on this machine)'}`, function () {
  this.timeout(60_000);
  let bigQuery: FakeBigQuery;
  before(async () => { bigQuery = await startBigQuery({ projectId: 'demo-betting' }); });
  after(() => bigQuery.close());

  it('load their rows into one table by load jobs over REST', async () => {
    const client = bigQueryClient(bigQuery);
    await client.createDataset('betting_raw');
    await client.dataset('betting_raw').createTable('odds', {
      schema: [{ name: 'game_date', type: 'DATE' }, { name: 'game_id', type: 'STRING' }, { name: 'source', type: 'STRING' }, { name: 'odds', type: 'FLOAT' }],
      timePartitioning: { type: 'DAY', field: 'game_date' },
    });
    const child = spawn('python3', [join(import.meta.dirname, 'service.py'), '2023-11-15', 'odds.espn', 'odds.book'], {
      env: { ...process.env, BIGQUERY_ENDPOINT: bigQuery.endpoint, GOOGLE_CLOUD_PROJECT: bigQuery.projectId, PUBLISH_COMMAND: '["true"]' }, stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => { said += text; });
    await once(child, 'close');
    assert.equal(child.exitCode, 0, said);
    const [rows] = await client.query('SELECT source, COUNT(*) AS n FROM betting_raw.odds GROUP BY source ORDER BY source');
    assert.deepEqual(rows, [{ source: 'book', n: 2 }, { source: 'espn', n: 2 }]);
    assert.deepEqual(bigQuery.jobs().filter(({ kind }) => kind === 'load').length, 2);
  });
});
