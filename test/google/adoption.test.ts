import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startLocalCloud, type LocalCloud } from '../../scripts/local-cloud/local-cloud.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../shared/cascade/cascade.ts';
import { describeWithEmulators } from './emulated.ts';
import { sharedPlaces } from './small-cloud.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');
const hasPython = spawnSync('python3', ['--version']).status === 0;

/** A pipeline in Python that publishes what it always published, to the emulator, and loads what it always loaded. */
describeWithEmulators('a running pipeline in Python on Google, adopted in observe mode', function () {
  const folder = mkdtempSync(join(tmpdir(), 'sbf-adopted-'));
  let cloud: LocalCloud;

  before(async function () {
    if (!hasPython) this.skip();
    cloud = await startLocalCloud({
      root, pipelineDirectory: join(root, 'test/fixtures/adoption'), folder, project: `demo-adopted-${process.pid}`, env: process.env, now: '2023-11-16T14:00:00Z', detectFrom: '2023-11-13',
      onLine: () => undefined, places: sharedPlaces(), services: { feed: 'http://127.0.0.1:1', odds: 'http://127.0.0.1:1', models: 'http://127.0.0.1:1' },
    });
  });
  after(async function () {
    await cloud?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function night(date: string, ...jobs: string[]): Promise<void> {
    const child = spawn('python3', [join(root, 'test/adoption/service.py'), date, ...jobs], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PUBSUB_EMULATOR_HOST: cloud.environment['PUBSUB_EMULATOR_HOST'], GOOGLE_CLOUD_PROJECT: cloud.environment['GOOGLE_CLOUD_PROJECT'], BIGQUERY_ENDPOINT: cloud.bigquery.endpoint },
    });
    let said = '';
    child.stderr.on('data', (text: Buffer) => { said += text.toString(); });
    const [code] = await once(child, 'exit');
    assert.equal(code, 0, said);
  }

  const cascadeOf = async (date: string): Promise<CascadeRecord | undefined> => {
    const day = dayOf(date);
    return (await cloud.runtime.store.cascades(day, day)).find((record) => record.phase === 'raw');
  };
  const last = async (processor: string, date: string) => (await cloud.runtime.store.cell({ processor, day: dayOf(date) })).last;

  it('is traced, and nothing of it is held, queued or changed; what enforce would have held is known', async function () {
    // Nobody holds the model back when the feed fails.
    await night('2023-11-14', 'feed=error', 'odds.espn', 'odds.book', 'model', 'newsletter');
    await night('2023-11-15', 'feed', 'odds.espn', 'odds.book', 'model');
    await until('the last runs to be traced', async () => await last('Model', '2023-11-15') !== null && await last('BookmakerOdds', '2023-11-15') !== null && await last('Feed', '2023-11-15') !== null);
    const held = await until('the first night to be decided', async () => {
      const record = await cascadeOf('2023-11-14');
      return record && record.wouldHave.length > 0 && record;
    });
    assert.match(held.wouldHave.map(({ text }) => text).join('; '), /Feed 2023-11-14 failed: the feed timed out/);
    assert.equal((await last('EspnOdds', '2023-11-15'))?.origin, 'external');
    assert.equal((await last('Feed', '2023-11-14')), null);
    assert.deepEqual(await cloud.runtime.store.openCells(), []);
    assert.deepEqual(await cloud.runtime.store.asks(10), []);
    const [rows] = await cloud.bigquery.outside('SELECT COUNT(*) AS number FROM betting_raw.odds');
    assert.equal(Number(rows?.['number']), 8, 'the table has what the two services wrote, and nothing else');
  });
});
