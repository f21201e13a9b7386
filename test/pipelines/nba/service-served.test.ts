import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { freePort } from '../../../scripts/local-cloud/emulators.ts';
import { spawnFramework } from '../../../scripts/local-cloud/framework.ts';
import { orderOf } from './service-support.ts';
import { withFolder } from './support.ts';

/** The function as Cloud Run runs it: functions-framework in a process of its own, spoken to over HTTP. */

const service = resolve(import.meta.dirname, '../../../pipelines/nba/service/index.ts');
const answer = z.object({ status: z.string(), rows_processed: z.number(), error: z.object({ type: z.string(), message: z.string() }).nullable() });

interface Served {
  readonly url: string;
  readonly output: () => string;
}

async function serving(environment: Readonly<Record<string, string>>, use: (served: Served) => Promise<void>): Promise<void> {
  const port = await freePort();
  const child = spawnFramework({ target: 'nba-sources', source: service, port, env: { PATH: process.env['PATH'], ...environment } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const served = { url: `http://127.0.0.1:${port}`, output: () => output };
  try {
    const giveUp = Date.now() + 20_000;
    while (!output.includes('URL: ')) {
      assert.ok(child.exitCode === null && Date.now() < giveUp, `the framework does not serve: ${output}`);
      await pause(20);
    }
    await use(served);
  } finally {
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await ended;
  }
}

describe('The nba-sources service, served by functions-framework', function () {
  this.timeout(60_000);

  it('answers the processor contract over HTTP, and logs a line in Google\'s format', () => withFolder((folder) => serving({ LANDING: join(folder, 'landing'), GOOGLE_CLOUD_PROJECT: 'p' }, async ({ url, output }) => {
    const post = (body: string): Promise<Response> => fetch(`${url}/process`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const done = await post(JSON.stringify(orderOf('NbacScheduleScraper', '2023-12-25')));
    assert.deepEqual([done.status, answer.parse(await done.json())], [200, { status: 'success', rows_processed: 5, error: null }]);
    const refused = await post(JSON.stringify(orderOf('NobodysProcessor', '2023-12-25')));
    assert.deepEqual([refused.status, answer.parse(await refused.json()).error?.type], [400, 'invalid_request']);
    assert.equal((await post('{"processor_name"')).status, 400);
    const lines = output().split('\n').filter((line) => line.startsWith('{')).map((line) => z.looseObject({ severity: z.string(), message: z.string(), time: z.string(), run_id: z.string() }).parse(JSON.parse(line)));
    assert.deepEqual(lines.map(({ severity, run_id }) => [severity, run_id]), [['INFO', 'run-1'], ['WARNING', 'run-1']]);
  })));

  it('answers in words when its environment is not right, instead of not starting', () => serving({ LANDING: 'landing' }, async ({ url }) => {
    const response = await fetch(`${url}/process`, { method: 'POST', body: '{}' });
    const { status, error } = answer.parse(await response.json());
    assert.deepEqual([response.status, status, error?.type], [500, 'failed', 'not_configured']);
    assert.match(error!.message, /GOOGLE_CLOUD_PROJECT: missing/);
  }));
});
