import assert from 'node:assert/strict';
import sinon from 'sinon';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { detectGaps } from '../../../shared/flows/detect-gaps.ts';
import { sendOutbox } from '../../../shared/flows/outbox.ts';
import { verifyScope } from '../../../shared/flows/verify.ts';
import { STANDARD_RULES } from '../../../shared/staged/gate.ts';
import { resumed, retried } from '../../../shared/staged/transitions.ts';
import { builtThrough, FROM } from './built-season.ts';
import { ann, LAST, ranCells, scene } from './scene.ts';

describe('Source document 001', function () {
  this.timeout(60_000);
  before(() => builtThrough(LAST));

  it('Scenario 1: Phase 2 Processor Timeout', () => scene(async (on) => {
    await on.lose('NbacPlayerBoxscoreProcessor', LAST);
    on.failing((name) => (name === 'NbacPlayerBoxscoreProcessor' ? new Error('Query timeout: exceeded 180 seconds') : null));
    const failed = await on.recover();
    assert.deepEqual(failed.runs.filter((run) => run.outcome === 'failed').map((run) => [run.processor, run.note]), [['NbacPlayerBoxscoreProcessor', 'Query timeout: exceeded 180 seconds']]);
    // Diagnosis: the cell, how often it was tried, and why it failed.
    assert.deepEqual(await on.gaps(), [`NbacPlayerBoxscoreProcessor ${LAST} failed`]);
    assert.match((await on.why('NbacPlayerBoxscoreProcessor', LAST)).root, /last run failed \(resource_exhausted\): Query timeout/);
    const runs = await on.runtime.history.runs({ processor: 'NbacPlayerBoxscoreProcessor', from: LAST, to: LAST, limit: 10 });
    assert.deepEqual(runs.filter((run) => run.status === 'failed').map((run) => run.attempt), [3, 2, 1]);
    // Recovery.
    sinon.restore();
    assert.deepEqual(ranCells(await on.recover()), [`NbacPlayerBoxscoreProcessor ${LAST}`]);
    assert.deepEqual(await on.gaps(), []);
    await on.isAsBefore();
  }));

  it('Scenario 2: Phase 3 Blocked by Defensive Check', () => scene(async (on) => {
    await on.lose('NbacPlayerBoxscoreProcessor', '2023-11-05', '2023-11-06');
    await on.lose('PlayerGameSummaryProcessor', '2023-11-08');
    // Symptom: a run of phase 3 alone waits, and says for what.
    await on.runtime.engine.refresh(dayOf(FROM), dayOf(LAST));
    await on.runtime.bus.publish(on.runtime.topics.requests, JSON.stringify({ processor_name: 'PlayerGameSummaryProcessor', start_date: '2023-11-08', end_date: '2023-11-08', request_id: 'by-hand' }));
    // Diagnosis: the gaps in its lookback window.
    assert.deepEqual(await on.gaps(), ['NbacPlayerBoxscoreProcessor 2023-11-05 missing', 'NbacPlayerBoxscoreProcessor 2023-11-06 missing', 'PlayerGameSummaryProcessor 2023-11-08 missing']);
    // Recovery: the request itself asks for what it waits for, and runs when that is there.
    for (let round = 0; round < 20 && (await sendOutbox(on.runtime.engine, on.runtime.bus)) + (await on.runtime.bus.pump()).delivered > 0;) round += 1;
    assert.deepEqual((await on.runtime.store.ask('by-hand'))?.cells.map((cell) => cell.outcome), ['ran']);
    assert.deepEqual(await on.gaps(), []);
    await on.isAsBefore();
  }));

  it('Scenario 3: Phase 4 Fails to Trigger', () => scene(async (on) => {
    const phase4 = ['TeamDefenseZoneAnalysisProcessor', 'PlayerShotZoneAnalysisProcessor'];
    for (const name of phase4) await on.lose(name, LAST);
    // Diagnosis: phase 3 is complete, so phase 4 is its own root cause.
    assert.deepEqual((await on.gaps()).sort(), phase4.map((name) => `${name} ${LAST} missing`).sort());
    assert.deepEqual((await on.why('PlayerShotZoneAnalysisProcessor', LAST)).chain, [`PlayerShotZoneAnalysisProcessor ${LAST} missing`]);
    // Recovery: the detector fills it without being asked.
    await on.runtime.store.transact({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), adoptedOn: dayOf(FROM) } }, result: null }));
    const detected = await detectGaps(on.runtime.engine, { from: dayOf(FROM), to: dayOf(LAST), signal: new AbortController().signal });
    assert.ok(detected.recovered);
    assert.deepEqual(ranCells(detected.recovered).sort(), phase4.map((name) => `${name} ${LAST}`).sort());
    await on.isAsBefore();
  }));
});

describe('Source document 001, in a staged backfill', function () {
  this.timeout(60_000);
  before(() => builtThrough(LAST));

  const timeout = new Error('Query timeout: exceeded 180 seconds');

  it('Scenario 1: Phase 2 Processor Timeout', () => scene(async (on) => {
    const dates = ['2023-11-03', '2023-11-08'];
    await on.lose('NbacPlayerBoxscoreProcessor', ...dates);
    await on.lose('NbacTeamBoxscoreProcessor', '2023-11-05');
    let tries = 0;
    on.failing((name) => (name === 'NbacPlayerBoxscoreProcessor' && (tries += 1) > 0 ? timeout : null));
    const id = await on.start('season');
    // One retry, then the next date: the others are tried, and the gate after phases 1 and 2 holds.
    const { record, ran } = await on.advance(id);
    assert.deepEqual([record.state, record.definition.stages[record.stage]?.name, tries], ['gate_held', 'raw', 4]);
    assert.deepEqual(ran, ['NbacTeamBoxscoreProcessor 2023-11-05']);
    assert.match(record.note, /nba_raw\.nbac_player_boxscore: [\d.]+ % of 17 dates \(2 missing\)/);
    // Recovery: retry takes exactly what failed, and the gate lets phase 3 begin.
    sinon.restore();
    await on.order(id, (current, now) => retried(current, ann, now));
    const again = await on.advance(id);
    assert.equal(again.record.state, 'finished', again.record.note);
    assert.deepEqual(again.ran.slice(0, 2), dates.map((date) => `NbacPlayerBoxscoreProcessor ${date}`));
    assert.ok(again.ran.slice(2).every((cell) => cell.endsWith(LAST)), 'and the last date once more through all phases, for the validation');
    await on.isAsBefore();
  }));

  it('Stage 2: Investigate & Fix Phase 1-2 Failures', () => scene(async (on) => {
    await on.lose('NbacPlayerBoxscoreProcessor', '2023-11-03');
    await on.lose('NbacTeamBoxscoreProcessor', '2023-11-03', '2023-11-08');
    on.failing((name, date) => (date === '2023-11-03' && name.startsWith('Nbac') ? new Error('division by zero') : date === '2023-11-08' ? timeout : null));
    const id = await on.start('season');
    const { record } = await on.advance(id);
    // Which cells failed, and why: each by itself. A date on which another processor succeeded hides none of them.
    assert.deepEqual(record.failures.map((failure) => `${failure.processor} ${formatDay(failure.day)} ${failure.category} ${failure.became}`).sort(), [
      'NbacPlayerBoxscoreProcessor 2023-11-03 processing open', 'NbacTeamBoxscoreProcessor 2023-11-03 processing open', 'NbacTeamBoxscoreProcessor 2023-11-08 resource_exhausted open',
    ]);
    // Mended one after the other: each retry tries all that failed, and the gate holds as long as one is left.
    sinon.restore();
    on.failing((name, date) => (name === 'NbacTeamBoxscoreProcessor' && date === '2023-11-03' ? new Error('division by zero') : null));
    await on.order(id, (current, now) => retried(current, ann, now));
    const second = await on.advance(id);
    assert.deepEqual([second.record.state, second.ran.toSorted()], ['gate_held', ['NbacPlayerBoxscoreProcessor 2023-11-03', 'NbacTeamBoxscoreProcessor 2023-11-08']]);
    sinon.restore();
    await on.order(id, (current, now) => retried(current, ann, now));
    const third = await on.advance(id);
    assert.deepEqual([third.record.state, third.ran[0]], ['finished', 'NbacTeamBoxscoreProcessor 2023-11-03'], third.record.note);
    await on.isAsBefore();
  }));

  it('Scenario 2: Phase 3 Blocked by Defensive Check', () => scene(async (on) => {
    await on.lose('NbacPlayerBoxscoreProcessor', '2023-11-05', '2023-11-06');
    await on.lose('PlayerGameSummaryProcessor', '2023-11-08');
    const id = await on.start('date_by_date');
    // Symptom: it stops, and names the newest of the missing dates in the lookback window.
    const { record, ran } = await on.advance(id);
    assert.deepEqual([record.state, ran], ['stopped', []]);
    assert.match(record.note, /PlayerGameSummaryProcessor 2023-11-08 failed \(defensive_block\): reads NbacPlayerBoxscoreProcessor 2023-11-06, which is missing/);
    // Recovery: phase 2 for the missing dates, its completeness verified, and on.
    const phase2 = { from: dayOf(FROM), to: dayOf(LAST), processors: new Set(['NbacPlayerBoxscoreProcessor']) };
    const before = await verifyScope(on.runtime.engine, phase2, { checks: [], rules: STANDARD_RULES });
    assert.deepEqual([before.verdict.passed, before.figures.tables[0]?.lacking.map(formatDay)], [false, ['2023-11-05', '2023-11-06']]);
    await on.recover({ scope: phase2 });
    assert.equal((await verifyScope(on.runtime.engine, phase2, { checks: [], rules: STANDARD_RULES })).verdict.passed, true);
    await on.order(id, (current, now) => resumed(current, ann, now));
    const again = await on.advance(id);
    assert.deepEqual([again.record.state, again.ran], ['finished', ['PlayerGameSummaryProcessor 2023-11-08']], again.record.note);
    await on.isAsBefore();
  }));

  it('Scenario 3: Phase 4 Fails to Trigger', () => scene(async (on) => {
    const phase4 = ['TeamDefenseZoneAnalysisProcessor', 'PlayerShotZoneAnalysisProcessor'];
    for (const name of phase4) await on.lose(name, '2023-11-08', LAST);
    // Phase 3 is complete, so that no completion will ever trigger phase 4: the backfill looks at what there is instead.
    const { record, ran } = await on.advance(await on.start('date_by_date'));
    assert.equal(record.state, 'finished', record.note);
    assert.deepEqual(ran.toSorted(), ['2023-11-08', LAST].flatMap((date) => phase4.map((name) => `${name} ${date}`)).toSorted());
    await on.isAsBefore();
  }));
});
