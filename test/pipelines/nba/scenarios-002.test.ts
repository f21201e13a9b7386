import assert from 'node:assert/strict';
import sinon from 'sinon';
import { setOutages } from '../../../scripts/demo/damage.ts';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { tellDigests } from '../../../shared/flows/digests.ts';
import { decideCascadesAgain } from '../../../shared/flows/cascade.ts';
import { pause, resume } from '../../../shared/flows/operate.ts';
import { builtThrough, FROM } from './built-season.ts';
import { LAST, PHASE_3, ranCells, scene } from './scene.ts';

describe('Source document 002', function () {
  this.timeout(60_000);
  before(() => builtThrough(LAST));

  it('Scenario 1: Script Crashes Mid-Backfill', () => scene(async (on) => {
    const dates = ['2023-11-02', '2023-11-03', '2023-11-04', '2023-11-05', '2023-11-06'];
    for (const name of ['NbacTeamBoxscoreProcessor', ...PHASE_3]) await on.lose(name, ...dates);
    // Symptom: it stops after a few cells.
    const stop = new AbortController();
    let ended = 0;
    const first = await on.recover({
      signal: stop.signal, on: (event) => {
        if (event.kind === 'run' && (ended += 1) === 7) stop.abort();
      },
    });
    assert.equal(first.interrupted, true);
    await on.reopen();
    // Diagnosis: what is left to do.
    const left = await on.gaps();
    assert.ok(left.length > 0 && left.length < 6 * 5);
    // Recovery: running it again goes on where it was.
    const second = await on.recover();
    const twice = ranCells(first).filter((cell) => ranCells(second).includes(cell));
    assert.deepEqual(twice, [], 'no cell is run again');
    assert.deepEqual(await on.gaps(), []);
    await on.isAsBefore();
  }));

  it('Scenario 2: Phase 2 Data Missing for Date', () => scene(async (on) => {
    const date = '2023-11-09';
    for (const name of ['NbacTeamBoxscoreScraper', 'NbacTeamBoxscoreProcessor', 'TeamOffenseGameSummaryProcessor']) await on.lose(name, date);
    // Diagnosis: the date had games, and its root cause is the landed file.
    assert.ok(on.runtime.engine.world.calendar.hasSchedule);
    const { chain, root } = await on.why('TeamOffenseGameSummaryProcessor', date);
    assert.deepEqual(chain, [`TeamOffenseGameSummaryProcessor ${date} missing`, `NbacTeamBoxscoreProcessor ${date} missing`, `NbacTeamBoxscoreScraper ${date} missing`]);
    assert.equal(root, 'no rows');
    assert.equal(on.runtime.engine.world.calendar.games(dayOf(date)).length > 0, true);
    assert.deepEqual((await on.why('TeamOffenseGameSummaryProcessor', '2023-11-07')).chain, ['TeamOffenseGameSummaryProcessor 2023-11-07 not_expected'], 'no games on election day');
    // Recovery: phase 1, then 2, then 3, in that order.
    assert.deepEqual(ranCells(await on.recover()), [`NbacTeamBoxscoreScraper ${date}`, `NbacTeamBoxscoreProcessor ${date}`, `TeamOffenseGameSummaryProcessor ${date}`]);
    await on.isAsBefore();
  }));

  it('Scenario 2, when the source has nothing: it says so and queues nothing', () => scene(async (on) => {
    for (const name of ['NbacTeamBoxscoreScraper', 'NbacTeamBoxscoreProcessor']) await on.lose(name, LAST);
    setOutages(on.folder, { team_boxscore: { [LAST]: 'no_data' } });
    const recovered = await on.recover();
    assert.deepEqual(ranCells(recovered), []);
    assert.deepEqual(recovered.leftOut.map((left) => `${left.processor} ${left.code}`), ['NbacTeamBoxscoreScraper source_empty', 'NbacTeamBoxscoreProcessor blocked']);
    setOutages(on.folder, {});
    await on.recover();
    assert.deepEqual(await on.gaps(), []);
    await on.isAsBefore();
  }));

  it('Scenario 3: Defensive Check Blocks Processing', () => scene(async (on) => {
    for (const date of ['2023-11-04', '2023-11-06']) for (const name of PHASE_3) await on.lose(name, date);
    await on.lose('PlayerShotZoneAnalysisProcessor', LAST);
    // Diagnosis: the very dates, for all five processors (both had games).
    const gaps = await on.gaps();
    assert.deepEqual(gaps.filter((gap) => !gap.includes(LAST)).sort(), ['2023-11-04', '2023-11-06'].flatMap((date) => PHASE_3.map((name) => `${name} ${date} missing`)).sort());
    // Recovery: gaps first, then what was blocked; nothing that read them had changed, so nothing else runs.
    const runs = ranCells(await on.recover());
    assert.equal(runs.length, 11);
    for (const date of ['2023-11-04', '2023-11-06']) assert.ok(runs.indexOf(`PlayerShotZoneAnalysisProcessor ${LAST}`) > runs.indexOf(`PlayerGameSummaryProcessor ${date}`));
    await on.isAsBefore();
  }));

  it('Scenario 4: BigQuery Query Timeout', () => scene(async (on) => {
    await on.lose('PlayerGameSummaryProcessor', LAST);
    let tries = 0;
    on.failing((name) => (name === 'PlayerGameSummaryProcessor' && (tries += 1) < 3 ? new Error('Query timeout: exceeded 180 seconds') : null));
    const pauses: number[] = [];
    const recovered = await on.recover({ on: (event) => { if (event.kind === 'backing_off') pauses.push(Math.round((event.until - on.clock.now()) / 1000)); } });
    assert.deepEqual(ranCells(recovered), [`PlayerGameSummaryProcessor ${LAST}`]);
    const runs = await on.runtime.history.runs({ processor: 'PlayerGameSummaryProcessor', from: LAST, to: LAST, limit: 3 });
    assert.deepEqual(runs.map((run) => [run.status, run.attempt, run.category]), [['success', 3, null], ['failed', 2, 'resource_exhausted'], ['failed', 1, 'resource_exhausted']]);
    assert.deepEqual(on.alerts, [], 'nothing is alerted that is retried by itself');
    await on.isAsBefore();
  }));

  it('Scenario 5: Multiple Processors Fail for Same Date', () => scene(async (on) => {
    const date = '2023-11-08';
    const bad = ['TeamDefenseGameSummaryProcessor', 'TeamOffenseGameSummaryProcessor', 'UpcomingTeamGameContextProcessor'];
    for (const name of PHASE_3) await on.lose(name, date);
    on.failing((name, at) => (at === date && bad.includes(name) ? new Error('division by zero') : null));
    await on.recover();
    // Diagnosis: which of the five failed; they are held, since running them again would fail again.
    assert.deepEqual((await on.gaps()).sort(), bad.map((name) => `${name} ${date} held`).sort());
    const rows = await Promise.all(PHASE_3.map((name) => on.runtime.history.runs({ processor: name, from: date, to: date, limit: 1 })));
    assert.deepEqual(rows.flat().filter((row) => row.success).length, 2);
    // Recovery: only those that failed.
    sinon.restore();
    assert.deepEqual(ranCells(await on.recover()).sort(), bad.map((name) => `${name} ${date}`).sort());
    await on.isAsBefore();
  }));

  it('Scenario 6: Backfill Completes But Quality Gate Fails', () => scene(async (on) => {
    const dates = ['2023-10-28', '2023-11-04', '2023-11-08'];
    for (const date of dates) await on.lose('PlayerGameSummaryProcessor', date);
    // Symptom: every run in the history was a success.
    assert.ok((await on.runtime.history.runs({ processor: 'PlayerGameSummaryProcessor', limit: 100 })).every((run) => run.success));
    // Diagnosis: coverage decides, not the history.
    assert.deepEqual(await on.gaps(), dates.map((date) => `PlayerGameSummaryProcessor ${date} missing`));
    assert.deepEqual(ranCells(await on.recover()), dates.map((date) => `PlayerGameSummaryProcessor ${date}`));
    assert.deepEqual(await on.gaps(), []);
    await on.isAsBefore();
  }));

  it('Scenario 7: Alert Spam Despite Backfill Mode', () => scene(async (on) => {
    const world = await on.runtime.engine.refresh(dayOf(FROM), dayOf(LAST));
    const dates = world.expectedDates(world.processor('PlayerGameSummaryProcessor')).within(dayOf(FROM), dayOf(LAST)).map(formatDay);
    for (const name of PHASE_3.slice(0, 3)) await on.lose(name, ...dates);
    on.failing((name) => (PHASE_3.includes(name) ? new Error('division by zero') : null));
    const recovered = await on.recover();
    assert.ok(recovered.runs.filter((run) => run.outcome === 'failed').length >= dates.length);
    assert.deepEqual(on.alerts, [], 'no failure alerts by itself');
    await tellDigests(on.runtime.engine, { leaving: true });
    assert.deepEqual(on.alerts.map(({ event }) => event), ['backfill_failures'], 'one digest');
  }));

});

describe('Source document 002, procedures and emergencies', function () {
  this.timeout(60_000);
  before(() => builtThrough(LAST));

  it('Procedure 1: Identify Failure Point', () => scene(async (on) => {
    await on.lose('PlayerGameSummaryProcessor', '2023-11-09', LAST);
    on.failing((name, date) => (name === 'PlayerGameSummaryProcessor' && date === LAST ? new Error('NULL value in non-nullable field') : null));
    await on.recover();
    const runs = await on.runtime.history.runs({ processor: 'PlayerGameSummaryProcessor', limit: 50 });
    const last = runs.filter((run) => run.success).map((run) => run.data_date).sort().at(-1);
    assert.equal(last, LAST, 'it had been built before');
    assert.deepEqual(runs.filter((run) => !run.success).map((run) => [run.data_date, run.error_message, run.category]), [[LAST, 'NULL value in non-nullable field', 'processing']]);
    assert.deepEqual(await on.gaps(), [`PlayerGameSummaryProcessor ${LAST} held`]);
  }));

  it('Procedures 3 and 4: Resume Backfill, Verify Recovery', () => scene(async (on) => {
    const date = LAST;
    for (const name of PHASE_3) await on.lose(name, date);
    await on.recover({ scope: { from: dayOf(date), to: dayOf(date), processors: new Set(PHASE_3) } });
    for (const name of PHASE_3) {
      const [newest] = await on.runtime.history.runs({ processor: name, from: date, to: date, limit: 1 });
      assert.deepEqual([newest?.success, newest?.backfill_mode], [true, true], name);
      assert.ok((newest?.rows_processed ?? 0) > 0, name);
    }
    await on.isAsBefore();
  }));

  it('Emergency 1: Stop Backfill Immediately', () => scene(async (on) => {
    for (const name of PHASE_3) await on.lose(name, LAST);
    await pause(on.runtime.engine, { by: 'ann', reason: 'a bug in a processor' });
    const stopped = await Promise.race([on.recover(), new Promise<null>((resolve) => { setTimeout(resolve, 5000, null); })]);
    assert.ok(stopped, 'a paused recovery ends');
    assert.deepEqual(ranCells(stopped), []);
    assert.equal((await on.gaps()).length, 5);
    await resume(on.runtime.engine);
    await decideCascadesAgain(on.runtime.engine);
    assert.equal(ranCells(await on.recover()).length, 5);
    await on.isAsBefore();
  }));

  it('Emergency 3: BigQuery Quota Exceeded', () => scene(async (on) => {
    await on.lose('PlayerGameSummaryProcessor', LAST);
    let tries = 0;
    on.failing((name) => (name === 'PlayerGameSummaryProcessor' && (tries += 1) <= 5 ? new Error('Exceeded quota: concurrent queries') : null));
    assert.deepEqual(ranCells(await on.recover()), [`PlayerGameSummaryProcessor ${LAST}`]);
    assert.equal(tries, 6, 'a quota counts no attempt: it outlasts the three');
    await on.isAsBefore();
  }));
});
