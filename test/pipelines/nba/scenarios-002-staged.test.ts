import assert from 'node:assert/strict';
import sinon from 'sinon';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { stopNow } from '../../../shared/flows/operate.ts';
import { planRollback } from '../../../shared/flows/rollback/plan.ts';
import { rollBack } from '../../../shared/flows/rollback/roll-back.ts';
import { verifyScope } from '../../../shared/flows/verify.ts';
import { STANDARD_RULES } from '../../../shared/staged/gate.ts';
import type { BackfillRecord } from '../../../shared/staged/record.ts';
import { cancelled, paused, resumed, retried } from '../../../shared/staged/transitions.ts';
import { builtThrough, FROM } from './built-season.ts';
import { ann, LAST, PHASE_3, scene, type Scene } from './scene.ts';

/** The playbook's scenarios in staged backfills: its own scripts were backfills of phase 3, date by date. */

const resume = (on: Scene, id: string) => on.order(id, (record, now) => resumed(record, ann, now));
const failures = (record: BackfillRecord): string[] => record.failures.filter((failure) => failure.became === 'open').map((failure) => `${failure.processor} ${formatDay(failure.day)} ${failure.category}`).sort();

describe('Source document 002, in a staged backfill', function () {
  this.timeout(60_000);
  before(() => builtThrough(LAST));

  it('Scenario 1: Script Crashes Mid-Backfill', () => scene(async (on) => {
    const dates = ['2023-11-02', '2023-11-03', '2023-11-04', '2023-11-05', '2023-11-06'];
    for (const name of PHASE_3) await on.lose(name, ...dates);
    const id = await on.start('date_by_date');
    // Symptom: the connection is lost in the middle, and the process with it.
    const gone = new AbortController();
    let ended = 0;
    const first = await on.advance(id, { signal: gone.signal, onEnd: () => { if ((ended += 1) === 7) gone.abort(); } });
    await on.reopen();
    // Diagnosis: its record says how far it is, and it is running still: nobody has to say where it stopped.
    const record = await on.runtime.store.backfill(id);
    assert.deepEqual([record?.state, record?.failures.length], ['running', 0]);
    // Recovery: whoever comes next goes on.
    const second = await on.advance(id);
    assert.equal(second.record.state, 'finished', second.record.note);
    assert.deepEqual(second.ran.filter((cell) => first.ran.includes(cell)), [], 'no cell is run again');
    assert.equal(first.ran.length + second.ran.length, 25);
    await on.isAsBefore();
  }));

  it('Scenario 2: Phase 2 Data Missing for Date', () => scene(async (on) => {
    const date = '2023-11-09';
    for (const name of ['NbacTeamBoxscoreScraper', 'NbacTeamBoxscoreProcessor', 'TeamOffenseGameSummaryProcessor']) await on.lose(name, date);
    const id = await on.start('date_by_date');
    // Symptom: it stops at the date, and names what is not there.
    const { record } = await on.advance(id);
    assert.equal(record.state, 'stopped');
    assert.match(record.note, new RegExp(`TeamOffenseGameSummaryProcessor ${date} failed \\(defensive_block\\): reads NbacTeamBoxscoreProcessor ${date}, which is missing`));
    // Recovery: phase 2 is no part of this backfill; it is recovered from its page on, then the backfill is resumed.
    await on.recover({ scope: { from: dayOf(date), to: dayOf(date), processors: new Set(['NbacTeamBoxscoreScraper', 'NbacTeamBoxscoreProcessor']) } });
    await resume(on, id);
    const again = await on.advance(id);
    assert.deepEqual([again.record.state, again.ran], ['finished', [`TeamOffenseGameSummaryProcessor ${date}`]], again.record.note);
    await on.isAsBefore();
  }));

  it('Scenario 3: Defensive Check Blocks Processing', () => scene(async (on) => {
    for (const date of ['2023-11-04', '2023-11-06']) for (const name of PHASE_3) await on.lose(name, date);
    await on.lose('PlayerShotZoneAnalysisProcessor', LAST);
    // Symptom: a backfill of the one date is blocked, and names a gap in its lookback window.
    const narrow = await on.start('date_by_date', { dates: [dayOf(LAST)] });
    const blocked = await on.advance(narrow);
    assert.equal(blocked.record.state, 'stopped');
    assert.match(blocked.record.note, /PlayerShotZoneAnalysisProcessor 2023-11-10 failed \(defensive_block\): the cascade of phase_3_analytics was not released: .*PlayerGameSummaryProcessor 2023-11-0[46] is missing/);
    assert.deepEqual(blocked.ran, []);
    // Recovery: all dates in order, gaps first.
    await on.order(narrow, (record, now) => cancelled(record, ann, now));
    const whole = await on.start('date_by_date');
    const { record, ran } = await on.advance(whole);
    assert.equal(record.state, 'finished', record.note);
    assert.equal(ran.length, 11);
    assert.equal(ran.at(-1), `PlayerShotZoneAnalysisProcessor ${LAST}`);
    await on.isAsBefore();
  }));

  it('Scenario 4: BigQuery Query Timeout', () => scene(async (on) => {
    await on.lose('PlayerGameSummaryProcessor', '2023-11-08', LAST);
    const tries = new Map<string, number>();
    on.failing((name, date) => {
      if (name !== 'PlayerGameSummaryProcessor') return null;
      tries.set(date, (tries.get(date) ?? 0) + 1);
      return (tries.get(date) ?? 0) < (date === LAST ? 4 : 3) ? new Error('Query timeout: exceeded 180 seconds') : null;
    });
    const id = await on.start('date_by_date');
    // Two timeouts are tried again by themselves, and nobody is told; a third one is out of retries.
    const { record, ran } = await on.advance(id);
    assert.deepEqual(ran, ['PlayerGameSummaryProcessor 2023-11-08']);
    assert.deepEqual([record.state, failures(record)], ['stopped', [`PlayerGameSummaryProcessor ${LAST} resource_exhausted`]]);
    // Recovery: resume, when the warehouse has time again.
    await resume(on, id);
    assert.equal((await on.advance(id)).record.state, 'finished');
    await on.isAsBefore();
  }));

  it('Scenario 5: Multiple Processors Fail for Same Date', () => scene(async (on) => {
    const date = '2023-11-08';
    const bad = ['TeamDefenseGameSummaryProcessor', 'TeamOffenseGameSummaryProcessor', 'UpcomingTeamGameContextProcessor'];
    for (const name of PHASE_3) await on.lose(name, date);
    on.failing((name, at) => (at === date && bad.includes(name) ? new Error('division by zero') : null));
    const id = await on.start('date_by_date', { errorPolicy: 'continue' });
    const { record, ran } = await on.advance(id);
    // Diagnosis: which of the five failed.
    assert.equal(record.state, 'gate_held');
    assert.deepEqual(failures(record).filter((failure) => !failure.endsWith('defensive_block')), bad.map((name) => `${name} ${date} processing`));
    assert.deepEqual(ran, PHASE_3.filter((name) => !bad.includes(name)).map((name) => `${name} ${date}`));
    // Recovery: only those that failed.
    sinon.restore();
    await on.order(id, (current, now) => retried(current, ann, now));
    const again = await on.advance(id);
    assert.equal(again.record.state, 'finished', again.record.note);
    assert.deepEqual(again.ran.toSorted(), bad.map((name) => `${name} ${date}`).toSorted());
    await on.isAsBefore();
  }));

  it('Scenario 6: Backfill Completes But Quality Gate Fails', () => scene(async (on) => {
    const dates = ['2023-10-28', '2023-11-04', '2023-11-08'];
    await on.lose('UpcomingTeamGameContextProcessor', LAST);
    await on.lose('PlayerGameSummaryProcessor', ...dates);
    // Symptom: it had left three dates out, and all that it was asked for is done.
    const id = await on.start('date_by_date', { exclude: dates.map(dayOf) });
    const { record } = await on.advance(id);
    assert.equal(record.state, 'finished', record.note);
    // Diagnosis: `verify` counts what is there, over all dates, whatever a backfill was asked for.
    const { verdict, figures } = await verifyScope(on.runtime.engine, { from: dayOf(FROM), to: dayOf(LAST), processors: new Set(PHASE_3) }, { checks: [], rules: STANDARD_RULES });
    assert.equal(verdict.passed, false);
    assert.match(verdict.reasons.map((reason) => reason.text).join('; '), /player_game_summary: \d+\.\d % of \d+ dates \(3 missing\); at least 100 % is needed/);
    assert.deepEqual(figures.tables.flatMap((table) => table.lacking).map(formatDay), dates);
    // Recovery: the same backfill once more takes exactly these, and its gate looks at everything.
    const again = await on.advance(await on.start('date_by_date'));
    assert.equal(again.record.state, 'finished', again.record.note);
    assert.deepEqual(again.ran, dates.map((date) => `PlayerGameSummaryProcessor ${date}`));
    assert.equal(again.record.stages[0]?.gate?.passed, true);
    await on.isAsBefore();
  }));

  it('Scenario 7: Alert Spam Despite Backfill Mode', () => scene(async (on) => {
    const world = await on.runtime.engine.refresh(dayOf(FROM), dayOf(LAST));
    const dates = world.expectedDates(world.processor('PlayerGameSummaryProcessor')).within(dayOf(FROM), dayOf(LAST)).map(formatDay);
    for (const name of PHASE_3) await on.lose(name, ...dates);
    on.failing((name) => (PHASE_3.includes(name) ? new Error('division by zero') : null));
    const id = await on.start('date_by_date', { errorPolicy: 'continue' });
    const { record, failed } = await on.advance(id);
    assert.ok(failed.length > 50, `${failed.length} failures`);
    assert.equal(record.state, 'gate_held');
    assert.ok(on.alerts.length <= 2, `${on.alerts.length} alerts of ${failed.length} failures: ${on.alerts.map((alert) => alert.title).join('; ')}`);
    assert.ok(on.alerts.some((alert) => alert.event === 'backfill_gate_held'), 'a gate that holds is told');
  }));

  it('Procedure 2: Categorize the Failure', () => scene(async (on) => {
    const texts: readonly (readonly [string, string, string])[] = [
      ['PlayerGameSummaryProcessor', 'connection timeout', 'infrastructure'], ['TeamDefenseGameSummaryProcessor', 'No data found', 'data_availability'],
      ['TeamOffenseGameSummaryProcessor', 'division by zero', 'processing'], ['UpcomingPlayerGameContextProcessor', 'Memory exceeded', 'resource_exhausted'],
      ['UpcomingTeamGameContextProcessor', 'DependencyError: Gap detected', 'defensive_block'],
    ];
    for (const [name] of texts) await on.lose(name, LAST);
    on.failing((name) => new Error(texts.find(([of]) => of === name)?.[1] ?? 'nothing else is run'));
    const id = await on.start('date_by_date', { errorPolicy: 'continue', processors: PHASE_3 });
    const { record } = await on.advance(id);
    assert.deepEqual(failures(record), texts.map(([name, , category]) => `${name} ${LAST} ${category}`));
  }));

  it('Emergency 1: Stop Backfill Immediately', () => scene(async (on) => {
    const dates = ['2023-11-06', '2023-11-08', LAST];
    for (const name of PHASE_3) await on.lose(name, ...dates);
    const id = await on.start('date_by_date');
    let ended = 0;
    const ordered: Promise<unknown>[] = [];
    const first = await on.advance(id, {
      onEnd: () => {
        if ((ended += 1) !== 6) return;
        ordered.push((async () => {
          await on.order(id, (record, now) => paused(record, { by: 'ann', reason: 'a bug in a processor' }, now));
          const running = (await on.runtime.store.openCells()).filter((cell) => cell.request?.backfillId === id && cell.request.state === 'processing');
          await stopNow(on.runtime.engine, running, 'pause', ann);
        })());
      },
    });
    await Promise.all(ordered);
    // Where it stopped, and why, stands in its journal; nothing is under way.
    assert.deepEqual([first.record.state, first.record.note], ['paused', 'paused by ann: a bug in a processor']);
    assert.ok(first.ran.length >= 6 && first.ran.length < 15, `${first.ran.length} cells`);
    assert.deepEqual(first.failed, []);
    // The code is mended, and it goes on with exactly what is left.
    await resume(on, id);
    const second = await on.advance(id);
    assert.equal(second.record.state, 'finished', second.record.note);
    assert.equal(new Set([...first.ran, ...second.ran]).size, 15);
    assert.equal(first.ran.length + second.ran.length, 15);
    await on.isAsBefore();
  }));

  it('Emergency 2: Rollback Corrupted Data', () => scene(async (on) => {
    const dates = ['2023-11-06', '2023-11-08'];
    const name = 'PlayerGameSummaryProcessor';
    const { engine, warehouse, history } = on.runtime;
    // A bug: whatever is run again now has a point too many.
    const stage = warehouse.stage.bind(warehouse);
    sinon.stub(warehouse, 'stage').callsFake(async (claim, _source, calendar) => {
      const rows = await warehouse.rows(claim.processor, { from: claim.day, to: claim.day }, null);
      return stage(claim, { kind: 'rows', rows: rows.map((row) => ({ ...row, points: Number(row['points']) + 1 })) }, calendar);
    });
    const id = await on.start('date_by_date', { processors: [name], dates: dates.map(dayOf), reprocess: 'completed' });
    const { record, ran } = await on.advance(id);
    assert.deepEqual([record.state, ran], ['finished', dates.map((date) => `${name} ${date}`)], record.note);
    sinon.restore();
    // What it overwrote comes back; nothing of the history goes away, and no detector fills the dates with the bad code again.
    const scope = { backfillId: id, day: null, processors: null, force: false, deletes: false };
    const plan = await planRollback(engine, scope);
    assert.deepEqual(plan.steps.map((step) => [step.processor, formatDay(step.day), step.decision.kind]), dates.map((date) => [name, date, 'restore']));
    const { cells } = await rollBack(engine, plan, scope, { ...ann, signal: new AbortController().signal });
    assert.deepEqual(cells.map((cell) => [formatDay(cell.day), cell.outcome]), dates.map((date) => [date, 'restored']));
    const runs = await history.runs({ processor: name, from: dates[0]!, to: dates[1]!, limit: 100 });
    assert.equal(runs.filter((run) => run.status === 'rolled_back').length, 2);
    assert.ok(runs.filter((run) => run.success && run.backfill_mode).length >= 2, 'the runs that wrote the wrong rows are told of still');
    assert.deepEqual(await Promise.all(dates.map(async (date) => (await on.runtime.store.cell({ processor: name, day: dayOf(date) })).failure?.outcome)), ['rolled_back', 'rolled_back']);
    await on.isAsBefore();
  }));

  it('Emergency 3: BigQuery Quota Exceeded', () => scene(async (on) => {
    await on.lose('PlayerGameSummaryProcessor', LAST);
    let tries = 0;
    on.failing((name) => (name === 'PlayerGameSummaryProcessor' && (tries += 1) <= 5 ? new Error('Exceeded quota: concurrent queries') : null));
    const id = await on.start('date_by_date');
    const { record, ran } = await on.advance(id);
    assert.deepEqual([record.state, ran, record.failures], ['finished', [`PlayerGameSummaryProcessor ${LAST}`], []]);
    assert.equal(tries, 6, 'a quota counts no attempt: it outlasts the retries');
    await on.isAsBefore();
  }));
});
