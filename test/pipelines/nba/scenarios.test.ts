import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import sinon from 'sinon';
import { setOutages } from '../../../scripts/demo/damage.ts';
import { compareWarehouses } from '../../../scripts/demo/proof.ts';
import type { OpenedDemo } from '../../../scripts/demo/story.ts';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { tellDigests } from '../../../shared/flows/digests.ts';
import { decideCascadesAgain } from '../../../shared/flows/cascade.ts';
import { detectGaps } from '../../../shared/flows/detect-gaps.ts';
import { explainCell, inspectGaps } from '../../../shared/flows/inspect.ts';
import { pause, resume } from '../../../shared/flows/operate.ts';
import { sendOutbox } from '../../../shared/flows/outbox.ts';
import { recover, type Recovered, type RecoverOptions } from '../../../shared/flows/recover.ts';
import { builtThrough, FROM, nbaPipeline, openAt, recoverOptions, withCopy } from './built-season.ts';

/**
 * What the source documents 001 and 002 tell people to do when something goes wrong, as far as it concerns gaps on one
 * machine: the symptom, the diagnosis by one look, the recovery by one command, over the real engine and real rows.
 */

const LAST = '2023-11-10';
const MORNING = '2023-11-11';
const PHASE_3 = ['PlayerGameSummaryProcessor', 'TeamDefenseGameSummaryProcessor', 'TeamOffenseGameSummaryProcessor', 'UpcomingPlayerGameContextProcessor', 'UpcomingTeamGameContextProcessor'];
const pipeline = nbaPipeline();

/** One state folder in a test's hands. */
class Scene {
  readonly folder: string;
  #opened: OpenedDemo;
  #closed = false;

  constructor(folder: string, opened: OpenedDemo) {
    this.folder = folder;
    this.#opened = opened;
  }

  get runtime(): OpenedDemo['runtime'] {
    return this.#opened.runtime;
  }

  get alerts(): OpenedDemo['alerts'] {
    return this.#opened.alerts;
  }

  get clock(): OpenedDemo['clock'] {
    return this.#opened.clock;
  }

  /** Another program deletes rows; of a landing, its file. */
  async lose(name: string, ...dates: readonly string[]): Promise<void> {
    const output = pipeline.byName.get(name)?.output;
    assert.ok(output, name);
    for (const date of dates) {
      if (output.kind === 'landing') rmSync(join(this.folder, 'landing', output.folder, `game_date=${date}`), { recursive: true, force: true });
      else await this.runtime.warehouse.outside(`DELETE FROM ${output.ref} WHERE game_date = DATE '${date}'`);
    }
    this.runtime.warehouse.forget();
  }

  /** `smart-backfill gaps`: what is not complete, one line a cell. */
  async gaps(from = FROM, to = LAST): Promise<string[]> {
    const { detection } = await inspectGaps(this.runtime.engine, { from: dayOf(from), to: dayOf(to), processors: null });
    return detection.findings.map((finding) => `${finding.processor} ${formatDay(finding.day)} ${finding.status}`);
  }

  /** `smart-backfill why`: the chain to the root cause. */
  async why(name: string, date: string): Promise<{ chain: string[]; root: string; command: readonly string[] | null }> {
    const processor = pipeline.byName.get(name);
    assert.ok(processor, name);
    const { chain, mend } = await explainCell(this.runtime.engine, this.runtime.history, processor, dayOf(date));
    return { chain: chain.map((link) => `${link.processor} ${formatDay(link.day)} ${link.status}`), root: chain.at(-1)?.because ?? '', command: mend.command };
  }

  /** `smart-backfill recover`; time passes while requests back off. */
  recover(changes: Partial<RecoverOptions> = {}): Promise<Recovered> {
    return recover(this.runtime.engine, recoverOptions(FROM, LAST, {
      ...changes,
      on: (event) => {
        if (event.kind === 'backing_off') this.clock.advance(event.until - this.clock.now());
        changes.on?.(event);
      },
    }));
  }

  /** Makes the runs of some cells fail, as long as `error` gives one. */
  failing(error: (name: string, date: string) => Error | null): void {
    const stage = this.runtime.warehouse.stage.bind(this.runtime.warehouse);
    sinon.stub(this.runtime.warehouse, 'stage').callsFake(async (claim, source, calendar) => {
      const thrown = error(claim.processor.name, formatDay(claim.day));
      if (thrown) throw thrown;
      return stage(claim, source, calendar);
    });
  }

  async reopen(): Promise<void> {
    const now = this.clock.now();
    await this.#opened.close();
    this.#opened = await openAt(this.folder, MORNING);
    this.clock.advance(now - this.clock.now());
  }

  /** Ends the scene: the warehouse holds, row for row, what one that never lost anything holds. */
  async isAsBefore(): Promise<void> {
    this.#closed = true;
    await this.#opened.close();
    const proofs = await compareWarehouses(pipeline, await builtThrough(LAST), this.folder, dayOf(FROM), dayOf(LAST));
    assert.deepEqual(proofs.filter((proof) => proof.differing > 0), []);
  }

  async close(): Promise<void> {
    if (!this.#closed) await this.#opened.close();
  }
}

async function scene(play: (on: Scene) => Promise<void>): Promise<void> {
  await withCopy(LAST, async (folder) => {
    const on = new Scene(folder, await openAt(folder, MORNING));
    try {
      await play(on);
    } finally {
      sinon.restore();
      await on.close();
    }
  });
}

const ranCells = (recovered: Recovered): string[] => recovered.runs.filter((run) => run.outcome === 'ran' || run.outcome === 'unchanged').map((run) => `${run.processor} ${formatDay(run.day)}`);

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
