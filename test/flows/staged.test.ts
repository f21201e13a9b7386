import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { explainCell } from '../../shared/flows/inspect.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { accept } from '../../shared/flows/operate.ts';
import { detectGaps } from '../../shared/flows/detect-gaps.ts';
import { withdrawLeft } from '../../shared/flows/staged-orders.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { planAll } from '../../shared/staged/plan.ts';
import { cancelled, paused, resumed, retried, skipped } from '../../shared/staged/transitions.ts';
import { gamesOn, pointsOf } from '../simulation/mini-league.ts';
import type { StageSketch } from '../staged/builders.ts';
import { cellName } from '../simulation/mini-pipeline.ts';
import { inManualTime } from '../simulation/site.ts';
import { EmptySeason, kim, SEASON_STAGES } from './staged-season.ts';

const broken = { type: 'ValueError', message: 'invalid literal for int()' };
const lost = { type: 'ConnectionError', message: 'connection reset by peer' };
const RAW = SEASON_STAGES.slice(0, 2);

const withoutGate = ({ gate: _gate, ...stage }: StageSketch): StageSketch => stage;

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

describe('flows/staged', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('fills a season from nothing, stage by stage, each cell once, and ends as it would have without', async () => {
    const { id } = await season.start();
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.note], ['finished', '']);
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length, 'no cell ran twice');
    assert.equal(season.outside.runs.length, season.state.runs.length);
    assert.deepEqual(await season.openCells(), []);
    assert.ok(record?.stages.every((stage) => stage.gate?.passed !== false && stage.endedAt !== null));
    assert.deepEqual(record?.journal.map((entry) => entry.event), ['started', 'stage_started', 'stage_ended', 'stage_started', 'gate_passed', 'stage_started', 'gate_passed', 'stage_started', 'gate_passed', 'finished']);
    assert.deepEqual(season.site.alerts.map((alert) => alert.event), ['backfill_started', 'backfill_gate_passed', 'backfill_gate_passed', 'backfill_finished']);
    assert.deepEqual(await season.site.store.leases(), []);
  });

  it('runs what fills the calendar first, then one canary date, then the rest', async () => {
    const { id } = await season.start(RAW);
    await season.advance(id);
    const other = season.outside.runs.findIndex((run) => !run.startsWith('Schedule'));
    assert.ok(season.outside.runs.slice(0, other).length === 40, 'twenty days, a page and a table of each');
    assert.deepEqual(season.outside.runs.slice(other, other + 2), ['BoxPage 2024-01-01', 'Box 2024-01-01']);
  });

  it('keeps at most as many requests as it may, and starts the next one when a slot gets free', async () => {
    let most = 0;
    season.outside.during = async () => { most = Math.max(most, (await season.openCells()).filter((cell) => cell.request?.backfillId !== null).length); };
    const { id } = await season.start(RAW, { concurrency: 3 });
    await season.advance(id);
    assert.equal(most, 3);
    assert.ok((await season.site.store.cells(dayOf('2024-01-01'), dayOf('2024-01-20'))).every((cell) => cell.last?.silent === true), 'its runs start nothing');
  });

  it('goes on with the next date only when all of one have ended', async () => {
    const { id } = await season.start();
    season.outside.during = async (cell) => {
      const dates = new Set((await season.openCells()).map((record) => record.day));
      if (/^(?:TeamForm|Context|Features|Ratings|Outlook) /.test(cell)) assert.equal(dates.size, 1, cell);
    };
    assert.equal((await season.advance(id))?.state, 'finished');
  });

  it('stop: starts nothing after the first failure, lets what runs finish, and goes on at the date that failed', async () => {
    season.outside.fail('TeamForm 2024-01-08', broken);
    const { id } = await season.start();
    const record = await season.advance(id);
    assert.equal(record?.state, 'stopped');
    assert.match(record?.note ?? '', /^TeamForm 2024-01-08 failed \(processing\): .*invalid literal/);
    assert.equal(season.outside.started.some((cell) => cell > 'TeamForm 2024-01-08' && cell.startsWith('TeamForm')), false);
    assert.deepEqual(await season.openCells(), []);
    assert.equal(season.site.alerts.at(-1)?.event, 'backfill_stopped');
    const before = season.outside.runs.length;
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.equal(season.outside.runs[before], 'TeamForm 2024-01-08');
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length, 'nothing that was done is done again');
  });

  it('stop: lets nothing begin that is queued already, however many lanes are free when it fails', async () => {
    for (const lanes of [1, 3]) {
      season.close();
      season = await EmptySeason.open(lanes);
      const { outside } = season;
      const failed: number[] = [];
      outside.down = (cell) => {
        if (cell === 'BoxPage 2024-01-05') failed.push(outside.started.length);
        return cell === 'BoxPage 2024-01-05' ? broken : null;
      };
      const { id } = await season.start([SEASON_STAGES[0]!, { ...SEASON_STAGES[1]!, error_policy: 'stop', concurrency: 8 }]);
      assert.equal((await season.advance(id))?.state, 'stopped');
      assert.ok(outside.started.length - (failed[0] ?? 0) < lanes, `what ran beside it: ${outside.started.slice(failed[0]).join()}`);
      assert.deepEqual(await season.openCells(), []);
      outside.down = () => null;
      await season.order(id, (current, now) => resumed(current, kim, now));
      assert.equal((await season.advance(id))?.state, 'finished');
      assert.equal((await season.site.store.controls()).halted, undefined);
    }
  });

  it('stop: also for what fails while a person has it paused; it goes on at that date', async () => {
    season.outside.fail('TeamForm 2024-01-08', broken);
    const { id } = await season.start([...RAW, withoutGate(SEASON_STAGES[2]!), withoutGate(SEASON_STAGES[3]!)]);
    let isPaused = false;
    season.outside.during = async (cell) => {
      if (isPaused || cell !== 'TeamForm 2024-01-08') return;
      isPaused = true;
      await season.order(id, (record, now) => paused(record, kim, now));
    };
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.failures.map((entry) => `${entry.processor} ${entry.became}`)], ['paused', ['TeamForm open']]);
    const before = season.outside.runs.length;
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.equal(season.outside.runs[before], 'TeamForm 2024-01-08');
    assert.deepEqual(await season.wrong(), []);
  });

  it('stop: also for what fails while a quota pauses it', async () => {
    season.outside.fail('Context 2024-01-08', { type: 'GoogleApiError', message: 'quotaExceeded: Your project exceeded quota for free query bytes scanned' });
    season.outside.fail('TeamForm 2024-01-08', broken);
    const { id } = await season.start([...RAW, withoutGate(SEASON_STAGES[2]!), withoutGate(SEASON_STAGES[3]!)]);
    season.outside.during = async (cell, when) => {
      if (cell !== 'TeamForm 2024-01-08' || when !== 'before') return;
      while ((await season.site.store.backfill(id))?.state === 'running') await new Promise((resolve) => { setImmediate(resolve); });
    };
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.journal.map((entry) => entry.event).slice(-3)], ['stopped', ['quota', 'went_on', 'stopped']]);
    assert.match(record?.note ?? '', /^TeamForm 2024-01-08 failed \(processing\)/);
    assert.equal(season.outside.started.some((cell) => cell > 'TeamForm 2024-01-08' && cell.startsWith('TeamForm')), false);
  });

  it('takes a failure from before for none of its own, when it takes back what nobody has run', async () => {
    season.outside.down = (cell) => (cell.startsWith('TeamForm') ? broken : null);
    const stage = { ...SEASON_STAGES[2]!, order: 'parallel', concurrency: 8, error_policy: 'continue' };
    const first = await season.start([...RAW, stage]);
    assert.equal((await season.advance(first.id))?.failures.length, 16);
    await season.order(first.id, (record, now) => cancelled(record, kim, now));
    season.outside.down = () => null;
    const { id } = await season.start([stage], { errorPolicy: 'stop', maxFailures: 1 });
    let isPaused = false;
    season.outside.during = async (_cell, when) => {
      if (isPaused || when !== 'before') return;
      isPaused = true;
      await season.order(id, (record, now) => paused(record, kim, now));
    };
    assert.deepEqual((await season.advance(id))?.failures, []);
    await season.order(id, (record, now) => resumed(record, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
  });

  it('continue: tries all dates, and the gate holds until what failed is there', async () => {
    season.outside.fail('Box 2024-01-03', broken);
    season.outside.fail('BoxPage 2024-01-06', broken);
    const { id } = await season.start();
    const record = await season.advance(id);
    assert.equal(record?.state, 'gate_held');
    assert.deepEqual(record?.stages[1]?.gate?.reasons, ['landing/box: 93.7 % of 16 dates (1 missing); at least 100 % is needed', 'raw.box: 87.5 % of 16 dates (2 missing); at least 100 % is needed', '2 unresolved failures (Box 1, BoxPage 1); the first: ValueError: invalid literal for int()']);
    assert.deepEqual(record?.failures.map((entry) => [entry.processor, formatDay(entry.day), entry.category, entry.became].join(' ')).toSorted(byText), [
      'Box 2024-01-03 processing open', 'Box 2024-01-06 defensive_block open', 'BoxPage 2024-01-06 processing open',
    ]);
    const before = season.outside.runs.length;
    await season.order(id, (current, now) => retried(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(season.outside.runs.slice(before, before + 3).toSorted(), ['Box 2024-01-03', 'Box 2024-01-06', 'BoxPage 2024-01-06']);
    assert.deepEqual(await season.wrong(), []);
  });

  it('skip-deps: skips only what reads what failed, each with the reason', async () => {
    season.outside.fail('BoxPage 2024-01-12', broken);
    const stages = [SEASON_STAGES[0]!, { name: 'rest', phases: ['phase_1_scrapers', 'phase_2_raw', 'phase_3_analytics'], error_policy: 'skip-deps' }];
    const { id } = await season.start(stages);
    const record = await season.advance(id);
    const skippedCells = record?.failures.filter((entry) => entry.became === 'skipped').map((entry) => `${entry.processor} ${formatDay(entry.day)}`).toSorted();
    // TeamForm reads five game dates and the own one, Context four days before.
    assert.deepEqual(skippedCells, [
      'Box 2024-01-12', 'Context 2024-01-13', 'Context 2024-01-14', 'Context 2024-01-15',
      'TeamForm 2024-01-12', 'TeamForm 2024-01-13', 'TeamForm 2024-01-14', 'TeamForm 2024-01-15', 'TeamForm 2024-01-17', 'TeamForm 2024-01-18',
    ]);
    assert.match(record?.failures.find((entry) => entry.processor === 'Context')?.note ?? '', /^reads Box 2024-01-12, which is missing/);
  });

  it('stops at so many failures, whatever the policy', async () => {
    season.outside.down = (cell) => (cell.startsWith('BoxPage') ? broken : null);
    const { id } = await season.start([{ ...SEASON_STAGES[1]!, calendar_first: true }], { maxFailures: 3, concurrency: 1 });
    const record = await season.advance(id);
    assert.equal(record?.state, 'stopped');
    assert.match(record?.note ?? '', /cells failed, and at 3 it stops/);
    assert.equal(record?.failures.filter((failure) => failure.category === 'processing').length, 3);
  });

  it('tries a transient failure again as its stage says, and no other', async () => {
    season.outside.fail('Box 2024-01-03', lost);
    season.outside.fail('Box 2024-01-05', lost, lost);
    const { id } = await season.start(RAW);
    const record = await season.advance(id);
    assert.deepEqual(record?.failures.map((entry) => `${entry.processor} ${formatDay(entry.day)} ${entry.category}`), ['Box 2024-01-05 infrastructure']);
    assert.equal(season.outside.started.filter((cell) => cell === 'Box 2024-01-03').length, 2);
    assert.equal(season.outside.started.filter((cell) => cell === 'Box 2024-01-05').length, 2, 'one retry');
  });

  it('waits between two dates where that is asked for', async () => {
    const { id } = await season.start([...RAW, SEASON_STAGES[2]!], { delaySeconds: 60 });
    const starts: number[] = [];
    season.outside.during = (cell, when) => { if (when === 'before' && cell.startsWith('TeamForm')) starts.push(season.clock.now()); };
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.ok(starts.slice(1).every((at, index) => at - (starts[index] ?? 0) >= 60_000), starts.join());
  });

  it('pauses at once, takes back what nobody runs yet, and goes on with exactly what is left', async () => {
    const { id } = await season.start(RAW, { concurrency: 8 });
    let once = false;
    season.outside.during = async (cell, when) => {
      if (once || when !== 'before' || cell !== 'Box 2024-01-03') return;
      once = true;
      await season.order(id, (record, now) => paused(record, kim, now));
    };
    const record = await season.advance(id);
    assert.equal(record?.state, 'paused');
    assert.deepEqual(await season.openCells(), []);
    const before = [...season.outside.runs];
    assert.ok(before.length < 70);
    season.clock.set(season.clock.now() + 12 * 3_600_000);
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
  });

  it('is not lost when a person pauses the whole pipeline', async () => {
    const { id } = await season.start(RAW);
    const { engine } = season.site;
    await engine.change({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: { ...kim, at: 1 } } }, result: null }));
    const advancing = season.advance(id);
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
    assert.deepEqual(season.outside.started, []);
    await engine.change({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: null } }, result: null }));
    assert.equal((await advancing)?.state, 'finished');
  });

  it('has what else runs in its lanes finished when it ends', async () => {
    const day = dayOf('2024-01-20');
    const { id } = await season.start(RAW, { exclude: [day] });
    const { engine, store } = season.site;
    await engine.refresh(day, day);
    await openAsk(engine, { id: 'by-hand', asker: 'person', by: 'ann', reason: '', at: season.clock.now(), priority: 'normal', reprocess: 'none', force: false, skipDownstreamTrigger: true, isBackfill: false, planId: null, backfillId: null, summary: '', refused: null }, [{ processor: 'SchedulePage', day }]);
    season.outside.during = async (cell, when) => {
      if (when !== 'before' || cell !== 'SchedulePage 2024-01-20') return;
      await season.order(id, (record, now) => cancelled(record, kim, now));
      // The coordinator hears of it meanwhile.
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
    };
    assert.equal((await season.advance(id))?.state, 'cancelled');
    assert.notEqual((await store.cell({ processor: 'SchedulePage', day })).last, null);
  });

  it('ends where it is cancelled, and starts nothing any more', async () => {
    const { id } = await season.start(RAW);
    season.outside.during = async (cell, when) => { if (when === 'after' && cell === 'Box 2024-01-02') await season.order(id, (record, now) => cancelled(record, kim, now)); };
    assert.equal((await season.advance(id))?.state, 'cancelled');
    assert.deepEqual(await season.openCells(), []);
    assert.equal((await season.advance(id))?.state, 'cancelled');
  });

  it('looks again for what is left however many dates a person has skipped one by one', async () => {
    const { id } = await season.start([{ ...SEASON_STAGES[1]!, calendar_first: true }]);
    const day = dayOf('2024-01-20');
    await season.order(id, (record, now) => {
      let next = record;
      for (let time = 0; time < 60; time += 1) next = { ...skipped({ ...next, skips: [] }, day, kim, now), skips: [...next.skips, { day, ...kim, at: now }] };
      return next;
    });
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
  });

  it('leaves nothing queued to whoever comes next, where the person’s process dies right after the order', async () => {
    const { id } = await season.start([SEASON_STAGES[1]!], { concurrency: 8 });
    season.outside.during = async () => {
      season.site.stop.abort();
      await season.site.engine.change({ backfills: [id] }, (snapshot) => ({ writes: { backfills: [cancelled(snapshot.backfill(id)!, kim, season.clock.now())] }, result: null }));
    };
    await season.advance(id).catch(() => null);
    await season.reopen();
    const { engine } = season.site;
    await inManualTime(season.clock, sweep(engine, () => true));
    assert.ok((await season.openCells()).length > 0);
    await withdrawLeft(engine);
    assert.deepEqual(await season.openCells(), []);
  });

  it('leaves a skipped date out, of its gates too', async () => {
    season.outside.down = (cell) => (cell === 'BoxPage 2024-01-20' ? { type: 'no_data', message: 'the league has lost it' } : null);
    const { id } = await season.start();
    assert.equal((await season.advance(id))?.state, 'gate_held');
    await season.order(id, (record, now) => skipped(record, dayOf('2024-01-20'), kim, now));
    await season.order(id, (record, now) => resumed(record, kim, now));
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.ok((await season.wrong()).every((cell) => cell.endsWith('2024-01-20')));
  });

  it('runs nothing more of a date that is skipped while its requests are queued, and waits for none of them', async () => {
    const day = dayOf('2024-01-12');
    const { id } = await season.start(RAW, { concurrency: 8 });
    let isSkipped = false;
    season.outside.during = async (cell, when) => {
      if (isSkipped || when !== 'before' || !(await season.openCells()).some((record) => record.day === day && record.request?.state === 'queued')) return;
      isSkipped = true;
      await season.order(id, (record, now) => skipped(record, day, kim, now));
      assert.equal((await season.openCells()).some((record) => record.day === day), false, cell);
    };
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.deepEqual([isSkipped, season.outside.started.filter((cell) => cell.startsWith('Box') && cell.endsWith('2024-01-12'))], [true, []]);
  });

  it('refuses a second one over the same cells, with the name of the first; others run', async () => {
    const first = await season.start(RAW);
    await assert.rejects(season.start(RAW), new RegExp(`backfill ${first.id} \\(running, by kim\\) has cells in common`));
    await season.order(first.id, (record, now) => cancelled(record, kim, now));
    assert.equal((await season.start(RAW)).id, `${first.id}-2`);
  });

  it('is advanced by one at a time', async () => {
    const { id } = await season.start(RAW);
    const both = await Promise.all([season.advance(id), season.advance(id)]);
    assert.deepEqual(both.map((record) => record?.state ?? 'not its holder').toSorted(byText), ['finished', 'not its holder']);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
  });

  it('goes past the gate of a stage of which nothing was asked for', async () => {
    await season.advance((await season.start(RAW)).id);
    const { id } = await season.start(undefined, { processors: ['TeamForm'] });
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.deepEqual(record?.stages.map((stage) => stage.gate?.tables.map((table) => table.processor) ?? null), [null, null, ['TeamForm'], null]);
  });

  it('continue: holds without a gate too, where no later stage would come back to what failed', async () => {
    season.outside.fail('Box 2024-01-03', broken);
    const { id } = await season.start([SEASON_STAGES[0]!, withoutGate(SEASON_STAGES[1]!), SEASON_STAGES[2]!]);
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.note], ['gate_held', 'stage raw holds: 1 failure is unresolved']);
    assert.equal(season.outside.started.some((cell) => cell.startsWith('TeamForm')), false);
    assert.equal(season.site.alerts.at(-1)?.event, 'backfill_stage_held');
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
  });

  it('continue: does not hold for what a person has accepted meanwhile', async () => {
    season.outside.fail('Box 2024-01-03', broken);
    const { id } = await season.start([SEASON_STAGES[0]!, withoutGate(SEASON_STAGES[1]!)]);
    season.outside.during = async (cell, when) => {
      if (when === 'before' && cell === 'Box 2024-01-15') await accept(season.site.engine, [{ processor: 'Box', day: dayOf('2024-01-03') }], kim, null);
    };
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.failures.length], ['finished', 1]);
  });

  it('does not go past a canary date that failed, whatever the policy', async () => {
    season.outside.fail('Box 2024-01-01', broken);
    const { id } = await season.start(RAW, { errorPolicy: 'skip-deps' });
    assert.deepEqual([(await season.advance(id))?.note, season.outside.started.filter((cell) => cell.startsWith('BoxPage'))], ['stage preflight holds: 1 failure is unresolved', ['BoxPage 2024-01-01']]);
  });

  it('does not go past a stage of a phase, nor end over a processor, that the pipeline does not have any more', async () => {
    const { id } = await season.start([...RAW, { name: 'gone', phases: ['phase_9_gone'], gate: { coverage_percent: 100 } }]);
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.note], ['gate_held', 'stage gone holds: the pipeline does not have the phase phase_9_gone any more']);
    await season.order(id, (current, now) => cancelled(current, kim, now));
    const other = await season.start(RAW, { processors: ['Gone'] });
    assert.equal((await season.advance(other.id))?.note, 'stage preflight holds: the pipeline does not have the processor Gone any more');
  });

  it('holds a gate whose check cannot be run', async () => {
    const stages = [{ ...SEASON_STAGES[0]!, gate: { checks: ['checks/a.sql'] } }];
    const { id } = await season.start(stages);
    const record = await season.advance(id);
    assert.equal(record?.state, 'gate_held');
    assert.match(record?.note ?? '', /the check a could not be run, so that nothing is known: it is not there/);
  });

  it('keeps its cells, and what reads them, from the detector while it is open', async () => {
    const { id } = await season.start(RAW);
    await season.order(id, (record, now) => paused(record, kim, now));
    const detected = await inManualTime(season.clock, detectGaps(season.site.engine, { from: dayOf('2024-01-01'), to: dayOf('2024-01-20'), signal: season.site.stop.signal }));
    assert.deepEqual(season.outside.started, []);
    assert.ok(detected.recovered?.leftOut.every((left) => left.code === 'owned' && left.reason === `belongs to ${id}`), JSON.stringify(detected.recovered?.leftOut[0]));
    const { engine } = season.site;
    const { processor, day } = detected.recovered!.leftOut[0]!;
    const { mend } = await explainCell(engine, { runs: async () => [], changes: async () => [] }, engine.world.processor(processor), day);
    assert.deepEqual(mend, { command: ['backfill', 'status', id], text: `an open staged backfill has it (${id}, paused): what comes next is in its status` });
    await season.order(id, (record, now) => cancelled(record, kim, now));
    await inManualTime(season.clock, detectGaps(season.site.engine, { from: dayOf('2024-01-01'), to: dayOf('2024-01-20'), signal: season.site.stop.signal }));
    assert.ok(season.outside.started.length > 0 || season.site.alerts.length > 0, 'the same gaps are the detector’s again');
  });


  it('sends no live cascade by mistake, also when the service that ran a cell forgets to say that it was a backfill', async () => {
    const { id } = await season.start();
    season.clock.set(Date.UTC(2024, 0, 21, 17));
    season.outside.down = (cell) => (cell.startsWith('Features') || cell.startsWith('Ratings') ? broken : null);
    assert.equal((await season.advance(id))?.state, 'stopped');
    for (const processor of ['TeamForm', 'Context']) {
      const { last } = await season.site.store.cell({ processor, day: dayOf('2024-01-20') });
      await season.site.bus.publish('mini-phase3-complete', JSON.stringify({ phase: 'phase_3_analytics', processor_name: processor, game_date: '2024-01-20', status: 'success', run_id: last?.runId }));
    }
    await inManualTime(season.clock, season.site.deliver());
    const cascades = await season.site.store.cascades(dayOf('2024-01-20'), dayOf('2024-01-20'));
    assert.equal(cascades.find((cascade) => cascade.phase === 'phase_3_analytics')?.state, 'not_cascading');
    assert.deepEqual(await season.openCells(), []);
  });

  it('takes exactly what is missing of a history with phase 2 complete, phase 3 on some dates, and phase 4 empty', async () => {
    const { pipeline, rows } = season.state;
    const held: string[] = [];
    for (const [cell, content] of rows) {
      const [name = '', date = ''] = cell.split(' ');
      const processor = pipeline.byName.get(name);
      const phase = processor?.phase.name ?? '';
      if (!processor || phase === 'phase_4_precompute' || (phase === 'phase_3_analytics' && dayOf(date) % 3 !== 0)) continue;
      season.warehouse.outside(processor, dayOf(date), content);
      held.push(cell);
    }
    const { id } = await season.start();
    const record = await season.site.store.backfill(id);
    const world = await season.site.engine.refresh(dayOf('2024-01-01'), dayOf('2024-01-20'));
    const planned = record ? planAll(world, record).flatMap((plan) => plan.cells.filter((cell) => cell.action !== 'check').map(cellName)) : [];
    const missing = pipeline.processors.flatMap((processor) => world.expectedDates(processor).within(dayOf('2024-01-01'), dayOf('2024-01-20')).map((day) => cellName({ processor: processor.name, day }))).filter((cell) => !held.includes(cell) && world.coverage(world.processor(cell.split(' ')[0] ?? ''), dayOf(cell.split(' ')[1] ?? '')) === undefined && rows.has(cell));
    assert.deepEqual(planned.filter((cell) => rows.has(cell)).toSorted(byText), missing.toSorted(byText));
    const ended = await season.advance(id);
    assert.equal(ended?.state, 'finished', ended?.note);
    assert.deepEqual(await season.wrong(), []);
  });

  it('makes nothing suspect by running a canary again over rows of unknown origin that come out the same', async () => {
    const { pipeline, rows } = season.state;
    for (const [cell, content] of rows) {
      const [name = '', date = ''] = cell.split(' ');
      const processor = pipeline.byName.get(name);
      if (processor) season.warehouse.outside(processor, dayOf(date), content);
    }
    const canary = { name: 'canary', phases: ['phase_1_scrapers', 'phase_2_raw', 'phase_3_analytics', 'phase_4_precompute'], dates: 'first', reprocess: 'completed', order: 'by_date', gate: { coverage_percent: 100 } };
    const { id } = await season.start([SEASON_STAGES[0]!, canary]);
    const ended = await season.advance(id);
    assert.deepEqual([ended?.state, ended?.note], ['finished', '']);
    assert.deepEqual(await season.wrong(), []);
  });

  it('makes right what reads a canary that has other rows when it is run again', async () => {
    const first = await season.start();
    assert.equal((await season.advance(first.id))?.state, 'finished');
    const corrected = gamesOn('2024-01-01')[0]?.id;
    season.outside.source = { status: () => 3, points: (game, team) => pointsOf(game, team) + (game === corrected ? 1 : 0) };
    const canary = { name: 'canary', phases: ['phase_1_scrapers', 'phase_2_raw', 'phase_3_analytics', 'phase_4_precompute'], dates: 'first', reprocess: 'completed', order: 'by_date', gate: { coverage_percent: 100 } };
    const before = season.outside.runs.length;
    const { id } = await season.start([canary]);
    const ended = await season.advance(id);
    assert.deepEqual([ended?.state, ended?.note], ['finished', '']);
    const again = season.outside.runs.slice(before);
    assert.equal(new Set(again).size, again.length, 'each cell once');
    assert.ok(again.some((cell) => cell.startsWith('TeamForm 2024-01-0') && !cell.endsWith('01')), again.join());
    assert.ok(again.every((cell) => !/^(?:SchedulePage|Schedule|BoxPage|Box) /.test(cell) || cell.endsWith('2024-01-01')), again.join());
  });
});
