import assert from 'node:assert/strict';
import sinon from 'sinon';
import { dayOf } from '../../../shared/calendar/day.ts';
import { detectGaps } from '../../../shared/flows/detect-gaps.ts';
import { sendOutbox } from '../../../shared/flows/outbox.ts';
import { builtThrough, FROM } from './built-season.ts';
import { LAST, ranCells, scene } from './scene.ts';

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

