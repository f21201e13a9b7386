import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fill } from '../../scripts/local-cloud/fill.ts';
import { startLocalCloud, type LocalCloud } from '../../scripts/local-cloud/local-cloud.ts';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { receiveRequest } from '../../shared/flows/request.ts';
import { describeWithEmulators } from './emulated.ts';
import { publishWithGcloud } from './gcloud.ts';
import { LogLines } from './log-lines.ts';
import { embeddedSlice, NBA, ROOT, rowsOfSlice } from './nba-slice.ts';
import { sharedPlaces } from './small-cloud.ts';
import { until } from './until.ts';

/**
 * The story of `npm start`, on Google's emulators, with real data and every function in a process of its own: a date goes
 * missing, a person asks for it with gcloud, and what it had touched is found and repaired; then a night that failed.
 */
const FROM = '2023-10-24';
const LOST = '2023-10-25';
const LATER = '2023-10-27';
const FILLED = LATER;
const NIGHT = '2023-10-28';
/** One in the morning after that night, in the pipeline's zone: it is not due yet, so that nothing but its own completions begins with it. */
const NOW = '2023-10-29T05:00:00Z';
/** The aim is 30 s with no-op processors on a machine of its own; these compute, and may share theirs. */
const NIGHT_WITHIN_MS = 240_000;
const QUIET_MS = 1500;

describeWithEmulators('the NBA story on the local cloud', function () {
  let cloud: LocalCloud;
  let folder: string;
  const lines = new LogLines();
  /** Every message that came in has been answered, for as long as one takes to be pushed. */
  const quiet = async (): Promise<void> => {
    await idle();
    let [heard, since] = [lines.mark(), performance.now()];
    await until('the log is quiet', () => {
      if (lines.mark() !== heard) [heard, since] = [lines.mark(), performance.now()];
      const answered = lines.since(0, { event: 'message_acknowledged' }).length + lines.since(0, { event: 'message_nacked' }).length + lines.since(0, { event: 'message_dead_lettered' }).length;
      return answered === lines.since(0, { event: 'message_received' }).length && performance.now() - since > QUIET_MS;
    });
  };
  const idle = (): Promise<boolean> => until('nothing is open any more', async () => (await cloud.runtime.store.openCells()).length === 0, 240_000, () => lines.all.slice(-20).map((line) => JSON.stringify(line).slice(0, 300)).join('\n'));

  before(async function () {
    folder = mkdtempSync(join(tmpdir(), 'sbf-story-'));
    cloud = await startLocalCloud({
      root: ROOT, pipelineDirectory: NBA, folder, project: `demo-story-${process.pid}`, now: NOW, detectFrom: FROM, env: process.env, onLine: lines.hear, places: sharedPlaces(),
      functionEnv: { LOG_LEVEL: 'DEBUG' },
    });
    const started = performance.now();
    const runs = await fill(cloud.runtime, dayOf(FROM), dayOf(FILLED), new AbortController().signal, () => undefined);
    console.log(`      (${runs.length} cells filled in ${((performance.now() - started) / 1000).toFixed(1)} s)`);
    assert.deepEqual(runs.filter(({ outcome }) => outcome === 'failed'), []);
    // What looks forward is made by the first detection.
    await cloud.runtime.bus.publish(cloud.runtime.detectionTopic, '{"trigger":"tick"}');
    await lines.seen({ event: 'detection_ended' });
    await quiet();
  });
  after(async function () {
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('repairs a lost date that a person asks for with gcloud, then, by the planner, what had read its absence; every line names one cause', async function () {
    await cloud.bigquery.outside(`DELETE FROM nba_raw.nbac_player_boxscore WHERE game_date = DATE '${LOST}'`);
    await cloud.bigquery.outside(`DELETE FROM nba_analytics.player_game_summary WHERE game_date = DATE '${LOST}'`);
    // A later date, computed by force on the absence, by a process that rings for nobody.
    const forced = { processor_name: 'PlayerGameSummaryProcessor', start_date: LATER, end_date: LATER, force: true, reprocess: 'completed', request_id: 'by-force' };
    const { engine, worker } = cloud.runtime;
    await receiveRequest(engine, { messageId: 'by-force', topic: '', subscription: '', attributes: {}, deliveryAttempt: 1, body: JSON.stringify(forced) });
    const { worked } = await worker.ring(new AbortController().signal);
    assert.deepEqual(worked.map(({ processor, outcome }) => [processor, outcome]), [['PlayerGameSummaryProcessor', 'ran']]);

    const mark = lines.mark();
    const cause = await publishWithGcloud(cloud.environment, 'nba-backfill-requests', { processor_name: 'PlayerGameSummaryProcessor', start_date: LOST, end_date: LOST });
    const ended = (processor_name: string, game_date: string): Promise<unknown> => lines.seen({ event: 'cell_ended', processor_name, game_date, cause }, { since: mark });
    await ended('NbacPlayerBoxscoreProcessor', LOST);
    await ended('PlayerGameSummaryProcessor', LOST);
    await ended('PlayerGameSummaryProcessor', LATER);
    await ended('PlayerShotZoneAnalysisProcessor', LATER);
    await lines.seen({ event: 'detection_ended', cause }, { since: mark });
    await quiet();

    const steps = lines.since(mark, { cause });
    const at = (event: string, from: string, processor_name?: string, game_date?: string): number => steps.findIndex((line) => line.event === event && line.from === from && (processor_name === undefined || (line.processor_name === processor_name && line.game_date === game_date)));
    const order = [
      at('cell_ended', 'backfill-worker', 'NbacPlayerBoxscoreProcessor', LOST), at('cell_ended', 'backfill-worker', 'PlayerGameSummaryProcessor', LOST), at('message_acknowledged', 'backfill-worker'),
      at('cell_ended', 'gap-detector', 'PlayerGameSummaryProcessor', LATER), at('cell_ended', 'gap-detector', 'PlayerShotZoneAnalysisProcessor', LATER), at('detection_ended', 'gap-detector'),
    ];
    assert.ok(order.every((index) => index >= 0), `${order.join()} in\n${steps.map(({ from, event, message }) => `${from} ${event} ${message}`).join('\n')}`);
    assert.deepEqual(order, order.toSorted((a, b) => a - b), 'root cause first, then what was asked for, then, by the planner, what had read its absence, and who reads that');
    const others = lines.all.slice(mark).filter((line) => line.event.startsWith('cell_') && line.cause !== cause);
    assert.deepEqual(others.map(({ message, cause: other }) => `${message} [${other ?? ''}]`), [], 'cells that go back to something else');
    const ask = await cloud.runtime.store.ask(cause);
    assert.deepEqual(ask?.cells.map(({ outcome }) => outcome), ['ran']);
    assert.deepEqual(steps.filter(({ severity }) => severity === 'ERROR').map(({ message }) => message), []);
  });

  it('goes by itself from a night that failed to the released cascade, once the league’s site is back', async function () {
    const service = cloud.service?.url ?? '';
    const outages = (body: object): Promise<Response> => fetch(`${service}/outages`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    assert.equal((await outages({ player_boxscore: { [NIGHT]: 'down' } })).status, 200);
    const mark = lines.mark();
    const started = performance.now();
    const response = await fetch(`${service}/live?date=${NIGHT}`, { method: 'POST' });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    assert.match(text, /"NbacPlayerBoxscoreScraper","status":"failed"/);
    assert.equal((await outages({})).status, 200);
    const took = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
    await lines.seen({ event: 'cascade_released', phase: 'phase_2_raw', game_date: NIGHT }, { since: mark, withinMs: NIGHT_WITHIN_MS });
    console.log(`      (from the failed night to the released cascade of phase 2: ${took()})`);
    await lines.seen({ event: 'cascade_released', phase: 'phase_3_analytics', game_date: NIGHT }, { since: mark, withinMs: NIGHT_WITHIN_MS }).catch(async (error: unknown) => {
      const open = (await cloud.runtime.store.openCells()).map(({ processor, day, request }) => `${processor} ${formatDay(day)} ${request?.state ?? ''} ${JSON.stringify(request?.waitingFor ?? null)}`);
      throw new Error(`${String(error)}\nopen:\n${open.join('\n')}`, { cause: error });
    });
    console.log(`      (to that of phase 3: ${took()})`);
    assert.ok(performance.now() - started < NIGHT_WITHIN_MS, took());
    await idle();
  });

  it('ends with the rows of the embedded runtime, table by table', async function () {
    // By then all of it is due there too: nobody reports it.
    const expected = await embeddedSlice(FROM, NIGHT, '2023-10-29T16:00:00Z');
    const actual = await rowsOfSlice(cloud.runtime.pipeline, cloud.runtime.warehouse, FROM, NIGHT);
    assert.deepEqual([...actual.keys()].toSorted(), [...expected.keys()].toSorted());
    for (const [cell, rows] of expected) assert.deepEqual(actual.get(cell), rows, cell);
    assert.ok(expected.size > 60, `${expected.size} cells were compared`);
  });
});
