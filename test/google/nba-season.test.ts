import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalCloud, type LocalCloud } from '../../scripts/local-cloud/local-cloud.ts';
import { scheduler } from '../../scripts/local-cloud/scheduler.ts';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { ended, Sandbox } from '../cli/harness.ts';
import { disturbedBackfill } from '../e2e/disturbed.ts';
import { shownBy } from '../e2e/operator.ts';
import { describeWithEmulators } from './emulated.ts';
import { GoogleOperator } from './google-operator.ts';
import { LogLines } from './log-lines.ts';
import { embeddedSlice, NBA, ROOT, rowsOfSlice } from './nba-slice.ts';
import { sharedPlaces } from './small-cloud.ts';
import { TroubledService } from './troubled-service.ts';

/**
 * What test/e2e/disturbed.test.ts does in the embedded runtime, on Google's emulators: the shipped pipeline, its shipped
 * `season` and every function in a process of its own, over the first dates of a real season.
 */
const FROM = '2023-10-24';
const TO = '2023-10-27';
const NOW = '2024-07-01T08:00:00Z';
/** On Google it is a minute. */
const TICK_MS = 5000;

describeWithEmulators('the NBA season on the local cloud, with failures of all six categories, its functions killed and paused overnight', () => {
  const sandbox = new Sandbox();
  const lines = new LogLines();
  const service = new TroubledService();
  let cloud: LocalCloud;
  let folder: string;
  const over = new AbortController();
  let ticking = Promise.resolve();
  let operator: GoogleOperator;
  let undisturbed: Awaited<ReturnType<typeof embeddedSlice>> | null = null;

  before(async function () {
    this.timeout(120_000);
    folder = mkdtempSync(join(tmpdir(), 'sbf-nba-season-'));
    cloud = await startLocalCloud({
      root: ROOT, pipelineDirectory: NBA, folder, project: `demo-season-${process.pid}`, now: NOW, detectFrom: NOW.slice(0, 10), env: process.env, onLine: lines.hear, places: sharedPlaces(),
      inFront: (address) => service.listen(address), functionEnv: { LOG_LEVEL: 'DEBUG' },
    });
    operator = new GoogleOperator(sandbox, cloud, service);
    ticking = scheduler(cloud.runtime, { detectionMs: null, stagesMs: TICK_MS }, over.signal);
  });
  /** Table by table, what the embedded runtime has that nothing disturbed. */
  const assertRows = async (): Promise<void> => {
    undisturbed ??= await embeddedSlice(FROM, TO, NOW);
    const actual = await rowsOfSlice(cloud.runtime.pipeline, cloud.runtime.warehouse, FROM, TO);
    assert.deepEqual([...actual.keys()].toSorted(), [...undisturbed.keys()].toSorted());
    for (const [cell, rows] of undisturbed) assert.deepEqual(actual.get(cell), rows, cell);
  };
  after(async function () {
    this.timeout(60_000);
    over.abort();
    await ticking;
    await sandbox.remove();
    await cloud.stop();
    await service.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('ends with the rows of the embedded runtime, which was never disturbed', async () => {
    await disturbedBackfill(operator, {
      scope: ['--from', FROM, '--to', TO], id: `season-${FROM}-to-${TO}`,
      failing: [
        { processor: 'NbacScheduleScraper', date: '2023-10-26', category: 'processing', times: null },
        { processor: 'NbacPlayerBoxscoreScraper', date: '2023-10-24', category: 'infrastructure', times: 1 },
        { processor: 'NbacTeamBoxscoreScraper', date: '2023-10-24', category: 'resource_exhausted', times: 1 },
        { processor: 'NbacTeamBoxscoreScraper', date: '2023-10-27', category: 'data_availability', times: null },
        { processor: 'NbacTeamBoxscoreProcessor', date: '2023-10-26', category: 'defensive_block', times: null },
        { processor: 'NbacPlayerBoxscoreProcessor', date: '2023-10-27', category: 'invalid_request', times: null },
        { processor: 'TeamOffenseGameSummaryProcessor', date: '2023-10-26', category: 'processing', times: null },
        { processor: 'MlFeatureStoreProcessor', date: '2023-10-26', category: 'data_availability', times: null },
      ],
      deaths: [
        { processor: 'NbacPlayerBoxscoreProcessor', date: '2023-10-25', when: 'after' },
        { processor: 'PlayerGameSummaryProcessor', date: '2023-10-25', when: 'before' },
        { processor: 'TeamDefenseGameSummaryProcessor', date: '2023-10-27', when: 'before' },
        { processor: 'PlayerDailyCacheProcessor', date: '2023-10-26', when: 'after' },
      ],
      bedtime: 2,
    });
    await assertRows();
  }).timeout(600_000);

  it('fills phases 3 and 4 of two dates again, date by date, by cascades of its own', async () => {
    const dates = ['2023-10-26', '2023-10-27'] as const;
    for (const processor of cloud.runtime.pipeline.processors) if (processor.sql !== null && processor.output.kind === 'table') await cloud.bigquery.outside(`DELETE FROM ${processor.output.ref} WHERE ${processor.dateColumn} BETWEEN DATE '${dates[0]}' AND DATE '${dates[1]}'`);
    const id = `date_by_date-${dates[0]}-to-${dates[1]}`;
    const ran = await operator.follow(['backfill', 'start', '--definition', 'date_by_date', '--from', dates[0], '--to', dates[1], '--reason', 'phases 3 and 4 were lost', '--yes'], null);
    assert.equal(shownBy(ended(await ran.ended, 0)).id, id);
    const cascades = await cloud.runtime.store.cascades(dayOf(dates[0]), dayOf(dates[1]));
    assert.deepEqual(cascades.filter(({ backfillId }) => backfillId === id).map(({ phase, day, state }) => [phase, formatDay(day), state]), dates.map((date) => ['phase_3_analytics', date, 'released']));
    await assertRows();
  }).timeout(300_000);
});
