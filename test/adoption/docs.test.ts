import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/local-cloud/emulators.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import { formatProblem } from '../../shared/pipeline/problems.ts';
import { parseTargetAnswer } from '../../shared/requests/decode.ts';
import { parseCompletion } from '../../shared/requests/parse-completion.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/adopt.md'), 'utf8');
const blocks = (language: string): string[] => [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block);
const [definition = '', historyView = '', enforced = ''] = blocks('yaml');
const hasPython = spawnSync('python3', ['--version']).status === 0;

function pipelineOf(yaml: string) {
  const loaded = loadPipeline('p', { readText: (path) => (path.endsWith('pipeline.yaml') ? yaml : undefined) });
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.pipeline;
}

describe('docs/adopt.md', () => {
  it('has a definition that is right, with the history view and with the phases of enforce', () => {
    assert.equal(pipelineOf(definition).processors.length, 4);
    assert.equal(pipelineOf(`${definition}${historyView}`).tables.history_view?.table, 'ops.job_runs');
    const phases = /^phases:\n(?: {2}.*\n)+/m;
    assert.match(definition, phases);
    assert.deepEqual(pipelineOf(definition.replace(phases, enforced)).phases.map(({ mode, cascadeTopic }) => [mode, cascadeTopic]), [['enforce', null], ['observe', 'start-models']]);
  });

  it('has messages that its definition reads', () => {
    const pipeline = pipelineOf(definition);
    const shown = [...blocks('json'), .../publish raw-done '(.*)'/.exec(page)?.slice(1, 2) ?? []];
    assert.equal(shown.length, 2);
    for (const body of shown) {
      const parsed = parseCompletion(pipeline, 'raw-done', body);
      assert.deepEqual(parsed.kind === 'ok' ? [parsed.value.processor_name, parsed.value.game_date, parsed.value.status, parsed.value.phase] : parsed, ['EspnOdds', '2023-11-15', 'success', 'raw']);
    }
  });

  (hasPython ? describe : describe.skip)(`its Python${hasPython ? '' : ' (skipped: there is no python3 on this machine)'}`, () => {
    const [publishing = '', serving = ''] = blocks('python');
    let folder: string;
    let child: ChildProcess | undefined;
    before(() => { folder = mkdtempSync(join(tmpdir(), 'sbf-adopt-')); });
    after(async () => {
      if (child && child.exitCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    });

    it('publishes messages of ours', () => {
      // Google's client is not installed here: a stand-in prints what it is given.
      const standIn = 'import sys, types\nclient = types.SimpleNamespace(topic_path=lambda project, topic: topic, publish=lambda topic, data: (print(data.decode()), types.SimpleNamespace(result=lambda: None))[1])\n'
        + "pubsub = types.ModuleType('google.cloud.pubsub_v1')\npubsub.PublisherClient = lambda: client\ncloud = types.ModuleType('google.cloud')\ncloud.pubsub_v1 = pubsub\n"
        + "sys.modules.update({'google': types.ModuleType('google'), 'google.cloud': cloud, 'google.cloud.pubsub_v1': pubsub})\n";
      const { status, stdout, stderr } = spawnSync('python3', ['-c', standIn + publishing], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      const pipeline = pipelineOf(definition);
      assert.deepEqual(stdout.trim().split('\n').map((body) => {
        const parsed = parseCompletion(pipeline, 'raw-done', body);
        return parsed.kind === 'ok' ? [parsed.value.game_date, parsed.value.status, parsed.value.rows_processed, parsed.value.error_message] : parsed;
      }), [['2023-11-15', 'success', 231, null], ['2023-11-16', 'failed', null, 'the feed timed out']]);
    });

    it('serves a target that answers as targets do', async () => {
      const file = join(folder, 'service.py');
      writeFileSync(file, serving);
      const port = await freePort();
      child = spawn('python3', [file], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
      const order = JSON.stringify({ processor_name: 'Feed', start_date: '2023-11-15', end_date: '2023-11-15', run_id: 'r-1', backfill_mode: true, skip_downstream_trigger: true });
      assert.deepEqual(parseTargetAnswer(await posted(port, order)), { kind: 'ok', value: { status: 'success', rows_processed: 12, code_version: null, error: null } });
      const failed = parseTargetAnswer(await posted(port, '{}'));
      assert.deepEqual(failed.kind === 'ok' ? [failed.value.status, failed.value.error?.type] : failed, ['failed', 'KeyError']);
    });
  });
});

/** The answer to a POST, once the service listens. */
async function posted(port: number, body: string): Promise<string> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    try {
      return await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })).text();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}
