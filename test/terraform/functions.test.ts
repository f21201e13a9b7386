import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { configVariables, readConfig } from '../../functions/runtime/config.ts';
import { logEvents } from '../../functions/log/events.ts';
import { functionNames } from '../../scripts/build/functions.ts';
import { Evaluation } from './hcl/evaluation.ts';
import { readModule, TERRAFORM } from './hcl/module.ts';

const PIPELINE_FILE = join(import.meta.dirname, '../../pipelines/nba/pipeline.yaml');

describe('terraform/functions', () => {
  const inputs = { project_id: 'example-project', region: 'us-central1', firestore_location: 'us-central1', schemas_dir: 's', pipeline_file: PIPELINE_FILE, build_dir: join(TERRAFORM, 'tests/build') };

  /** The environment that the root module gives every function. */
  async function environmentOf(more: object = {}): Promise<Record<string, string>> {
    const root = await readModule('.');
    const call = root.calls.get('functions');
    assert.ok(call !== undefined);
    const written = z.record(z.string(), z.string()).parse(call['environment']);
    const evaluated = new Evaluation({ ...root, locals: new Map([...root.locals, ['environment', written]]) }, { ...inputs, ...more }, () => ({}));
    return z.record(z.string(), z.string()).parse(evaluated.local('environment'));
  }

  it('gives every function an environment that it can read', async () => {
    const environment = await environmentOf({ service_urls: { 'nba-sources': 'https://sources.run.app' } });
    const config = readConfig({ ...environment, FUNCTION_TIMEOUT_SECONDS: '540' });
    assert.deepEqual(
      [config.project, config.region, config.bigqueryLocation, config.stagingDataset, config.firestoreDatabase, config.landing, config.functionTimeoutSeconds],
      ['example-project', 'us-central1', 'US', 'nba_staging', 'nba-backfill', 'gs://example-project-nba-landing', 540],
    );
    assert.equal(config.serviceUrls.get('nba-sources'), 'https://sources.run.app');
    assert.equal(config.maxBytesBilled, 10_737_418_240);
  });

  it('names no variable that functions do not read, and none that Google keeps for itself', async () => {
    const names = [...Object.keys(await environmentOf()), 'FUNCTION_TIMEOUT_SECONDS'];
    assert.deepEqual(names.filter((name) => !configVariables.includes(name)), []);
    // https://cloud.google.com/run/docs/configuring/services/environment-variables#reserved
    assert.deepEqual(names.filter((name) => /^(?:PORT|K_.*|FUNCTION_TARGET|X_GOOGLE_.*)$/.test(name)), []);
  });

  it('deploys every function that is built, from the manifest of the build', async () => {
    const root = new Evaluation(await readModule('.'), inputs, () => ({}));
    assert.deepEqual(Object.keys(Object(root.local('function_defaults'))).sort(), [...functionNames].sort());
    for (const folder of ['build', 'build-of-another']) {
      const manifest = z.object({ functions: z.record(z.string(), z.object({ file: z.string(), sha256: z.string(), entry_point: z.string() })) }).parse(JSON.parse(readFileSync(join(TERRAFORM, 'tests', folder, 'manifest.json'), 'utf8')));
      assert.deepEqual(Object.keys(manifest.functions).sort(), [...functionNames].sort());
    }
    assert.deepEqual(Object(root.local('functions'))['gap-detector'], {
      concurrency: 40, entry_point: 'gap-detector', max_instances: 2, sha256: '8739c76e681f900923b900c9df0ef75cf421d39cabb54650c4b9ad19b6a76d85', zip_path: join(TERRAFORM, 'tests/build/empty.zip'),
    });
  });

  it('counts events that the functions log', async () => {
    const monitoring = await readModule('modules/monitoring');
    const events = z.record(z.string(), z.object({ event: z.string() })).parse(monitoring.locals.get('events'));
    assert.ok(Object.keys(events).length >= 5);
    assert.deepEqual(Object.values(events).map(({ event }) => event).filter((event) => !Object.hasOwn(logEvents, event)), []);
  });

  it('alerts and charts go by metrics that are counted', async () => {
    const monitoring = await readModule('modules/monitoring');
    const events = Object.keys(z.record(z.string(), z.unknown()).parse(monitoring.locals.get('events')));
    const text = JSON.stringify([monitoring.blocks.map(({ body }) => body), [...monitoring.locals]]);
    const named = [...text.matchAll(/metric_types\[\\+"(\w+)\\+"\]/g)].map(([, name]) => name ?? '');
    assert.deepEqual([...new Set(named)].sort(), [...events].sort());
  });
});
