import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { unzipSync } from 'fflate';
import { archive } from '../../scripts/build/archive.ts';
import { budget, overBudget } from '../../scripts/build/budget.ts';
import { buildFunctions, type Built } from '../../scripts/build/build-functions.ts';
import { firstAnswer, serveFolder, type ServedBundle } from '../../scripts/build/served-bundle.ts';
import { unpack } from '../../scripts/build/unpack.ts';
import { freePort } from '../../scripts/local-cloud/emulators.ts';
import { base64, push, REQUEST } from './served.ts';

describe('the bundles of the functions', function () {
  this.timeout(180_000);
  let functions: readonly Built[];
  let folder: string;
  let served: ServedBundle | null = null;
  before(async () => {
    ({ functions } = await buildFunctions('pipelines/nba'));
    folder = mkdtempSync(join(tmpdir(), 'bundles-'));
    for (const built of functions) unpack(built, join(folder, built.name), { warmed: built.name === 'phase-router' });
  });
  afterEach(async () => {
    await served?.stop();
    served = null;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const environment = { GOOGLE_CLOUD_PROJECT: 'small-project', LANDING: '/nowhere' };
  const start = async (name: string, env: Readonly<Record<string, string>> = environment): Promise<ServedBundle> =>
    (served = serveFolder({ folder: join(folder, name), target: name, port: await freePort(), env }));

  it('are the same, byte for byte, when they are built again', async () => {
    const again = await buildFunctions('pipelines/nba');
    assert.deepEqual(again.functions.map(({ file }) => file), functions.map(({ file }) => file));
    for (const [index, { archive: { bytes } }] of again.functions.entries()) assert.ok(Buffer.from(bytes).equals(Buffer.from(functions[index]!.archive.bytes)));
  });
  it('are named by the hash of their content', () => {
    for (const { name, file, archive: { bytes, sha256 } } of functions) {
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
      assert.equal(file, `${name}-${sha256.slice(0, 16)}.zip`);
    }
    assert.equal(new Set(functions.map(({ file }) => file)).size, 4);
  });
  it('hold the code, the definition and nothing else, in the order of their names and at one time', () => {
    for (const { archive: { bytes } } of functions) {
      const files = unzipSync(bytes);
      assert.deepEqual(Object.keys(files), ['bundle.cjs', 'index.cjs', 'package.json', 'pipeline.json', 'warm.cjs']);
      const { main, engines, dependencies } = JSON.parse(Buffer.from(files['package.json']!).toString());
      assert.deepEqual([main, engines, dependencies], ['index.cjs', { node: '>=24 <25' }, undefined]);
      assert.equal(JSON.parse(Buffer.from(files['pipeline.json']!).toString()).definition.name, 'nba');
    }
  });
  it('do not carry the embedded runtime', () => {
    const carried = functions.flatMap(({ parts }) => parts.map(({ name }) => name));
    for (const name of ['@duckdb/node-api', '@polyglot-sql/sdk', 'commander', '@google-cloud/functions-framework', 'express']) assert.ok(!carried.includes(name), name);
    assert.ok(carried.includes('@google-cloud/firestore'));
  });
  it('do not depend on the time zone in which they are made', () => {
    const files = new Map([['b', new Uint8Array([1])], ['a', new Uint8Array([2])]]);
    const zone = process.env['TZ'];
    try {
      const made = ['UTC', 'Pacific/Kiritimati', 'America/St_Johns'].map((TZ) => {
        process.env['TZ'] = TZ;
        return archive(files).sha256;
      });
      assert.equal(new Set(made).size, 1);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });
  it('keep to their budget, and what does not is named with its largest parts', () => {
    assert.deepEqual(overBudget(functions), []);
    const [first] = functions;
    const over = overBudget([{ ...first!, bundleBytes: budget.bundle_bytes + 1 }]);
    assert.equal(over.length, 1);
    assert.match(over[0]!, /the bundle of backfill-worker has \d+ bytes; the budget is \d+ .*google-gax \d+/);
  });
  it('refuse a definition that can not run on Google, with all that is wrong', async () => {
    await assert.rejects(buildFunctions('test/fixtures/nowhere'), /there is no pipeline\.yaml/);
  });

  for (const [name, subscription] of [['backfill-worker', 'backfill-worker-sub'], ['phase-router', 'phase-router-sub-phase_2_raw'], ['gap-detector', 'gap-detector-sub']] as const) {
    it(`${name} starts under functions-framework, opens its runtime and answers`, async () => {
      const bundle = await start(name);
      const unknown = await firstAnswer(bundle, JSON.stringify(push({ data: base64(REQUEST) }, 'projects/x/subscriptions/none-of-ours')));
      assert.equal(unknown.status, 400);
      assert.match(unknown.text, new RegExp(`this function serves .*${subscription}`));
      assert.equal((await firstAnswer(bundle, '{"user":7}')).status, 400);
      assert.equal((await fetch(bundle.url)).status, 405);
      // An answer may be here before the line that was written earlier.
      const events = (): string[] => bundle.output().split('\n').slice(0, -1).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).event);
      for (const giveUpAt = Date.now() + 5000; events().length < 4 && Date.now() < giveUpAt;) await nextTurn();
      assert.deepEqual(events(), ['runtime_opened', 'unknown_subscription', 'not_pubsub', 'not_pubsub']);
    });
  }
  it('does not start with a configuration that can not be right, and says which variable', async () => {
    const bundle = await start('backfill-worker', { ...environment, LANES: 'many' });
    assert.equal(await bundle.ended, 1);
    assert.match(bundle.output(), /LANES: received 'many', allowed is a number of runs at a time from 1 to 64/);
  });
  it('reads another definition where PIPELINE_DIR names one, and says what is wrong with it', async () => {
    const bundle = await start('backfill-worker', { ...environment, PIPELINE_DIR: join(folder, 'nowhere') });
    assert.equal((await firstAnswer(bundle, JSON.stringify(push({ data: base64(REQUEST) })))).status, 503);
    assert.match(bundle.output(), /"event":"runtime_unavailable"/);
    assert.match(bundle.output(), /there is no pipeline\.yaml in /);
  });
  it('starts from what gcp-build has compiled, and without it where there is none', () => {
    assert.ok(existsSync(join(folder, 'phase-router', 'bundle.cache')));
    assert.ok(!existsSync(join(folder, 'backfill-worker', 'bundle.cache')));
    assert.ok(readFileSync(join(folder, 'phase-router', 'bundle.cache')).byteLength > 1_000_000);
  });
});
