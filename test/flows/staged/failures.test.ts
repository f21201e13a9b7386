import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { accept } from '../../../shared/flows/operate.ts';
import { cancelled, paused, resumed, retried } from '../../../shared/staged/transitions.ts';
import { broken, byText, EmptySeason, kim, lost, RAW, SEASON_STAGES, withoutGate } from './empty-season.ts';

describe('flows/staged/advance', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

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
});
