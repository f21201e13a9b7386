import assert from 'node:assert/strict';
import { addDays, dayOf } from '../../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../../shared/cascade/cascade.ts';
import { decideCascadesAgain } from '../../../shared/flows/cascade.ts';
import { cancelled, paused } from '../../../shared/staged/transitions.ts';
import { inManualTime } from '../../simulation/site.ts';
import { broken, BY_CASCADE, EmptySeason, kim, PHASE_3, RAW, SEASON_STAGES } from './empty-season.ts';

describe('Live cascades of a backfill’s dates', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  const LATE = dayOf('2024-01-19');

  /** Phase 2 of the 19th was parked while it was live, for a gap; the season is its backfill's by now. */
  async function parkedBefore(state: CascadeRecord['state'] = 'parked'): Promise<void> {
    const record: CascadeRecord = {
      phase: 'phase_2_raw', day: LATE, state, reasons: [{ condition: 8, text: 'a gap' }], wouldHave: [], digest: null, releasedDigests: [], openedAt: season.clock.now() - 3_600_000, decidedAt: 0, releasedAt: null, backfillId: null, releasedBy: null,
    };
    await season.site.engine.change({}, () => ({ writes: { cascades: [record] }, result: null }));
  }
  async function cascade(): Promise<CascadeRecord | undefined> {
    return (await season.site.store.cascades(LATE, LATE)).find((record) => record.phase === 'phase_2_raw');
  }

  it('wait for the gate of the last stage that has their phase or the next, and are decided again by themselves then', async () => {
    await parkedBefore();
    const { id } = await season.start(SEASON_STAGES);
    const seen = new Set<string>();
    season.outside.during = async (cell, when) => {
      if (when !== 'after' || !/2024-01-(?:19|20)$/.test(cell)) return;
      await decideCascadesAgain(season.site.engine);
      const found = await cascade();
      seen.add(`${cell.split(' ')[0] ?? ''} ${found?.state ?? ''} ${found?.reasons.find(({ condition }) => condition === 5)?.text ?? ''}`);
    };
    assert.equal((await season.advance(id))?.state, 'finished');
    const waits = `parked backfill ${id} has its date until it is past its stage analytics`;
    for (const name of ['Box', 'TeamForm', 'Context']) assert.ok(seen.has(`${name} ${waits}`) && !seen.has(`${name} released `), `${name}: ${[...seen].join(', ')}`);
    for (const name of ['Features', 'Ratings']) assert.ok(seen.has(`${name} released `), `${name}: ${[...seen].join(', ')}`);
    const found = await cascade();
    assert.deepEqual([found?.state, found?.backfillId], ['released', null]);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length, 'what it would have started is there');
  });

  it('are left to the backfill’s end where it stops at a gate, also by a completion that says nothing of a backfill', async () => {
    await parkedBefore();
    season.outside.fail('Box 2024-01-03', broken);
    const { id } = await season.start(SEASON_STAGES);
    assert.equal((await season.advance(id))?.state, 'gate_held');
    const body = JSON.stringify({ phase: 'phase_2_raw', processor_name: 'Box', game_date: '2024-01-19', status: 'success' });
    await season.site.bus.publish('mini-phase2-complete', body);
    await inManualTime(season.clock, season.site.deliver());
    const held = await cascade();
    assert.equal(held?.state, 'parked');
    assert.ok(held?.reasons.some(({ condition }) => condition === 5), JSON.stringify(held));
    assert.deepEqual(await season.openCells(), []);
    await season.order(id, (record, now) => cancelled(record, kim, now));
    await season.site.engine.refresh(LATE, LATE);
    await decideCascadesAgain(season.site.engine);
    assert.equal((await cascade())?.reasons.some(({ condition }) => condition === 5), false, 'nobody has its date any more');
  });

  it('of other dates are not held', async () => {
    const day = addDays(LATE, -3);
    await parkedBefore();
    const { id } = await season.start(SEASON_STAGES, { exclude: [LATE, dayOf('2024-01-20')] });
    await season.site.engine.refresh(day, LATE);
    await decideCascadesAgain(season.site.engine);
    const found = await cascade();
    assert.equal(found?.reasons.some(({ condition }) => condition === 5), false);
    await season.order(id, (record, now) => cancelled(record, kim, now));
  });
});

describe('A run of a backfill’s cell that is reported from outside', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('is never a live cascade', async () => {
    const { id } = await season.start(RAW);
    await season.order(id, (record, now) => paused(record, kim, now));
    const box = season.state.pipeline.byName.get('Box')!;
    season.warehouse.outside(box, dayOf('2024-01-13'), season.state.rows.get('Box 2024-01-13') ?? []);
    await season.site.bus.publish('mini-phase2-complete', JSON.stringify({ phase: 'phase_2_raw', processor_name: 'Box', game_date: '2024-01-13', status: 'success', run_id: 'theirs' }));
    await inManualTime(season.clock, season.site.deliver());
    const [found] = await season.site.store.cascades(dayOf('2024-01-13'), dayOf('2024-01-13'));
    assert.equal(found?.state, 'not_cascading');
    assert.ok(found.reasons.some(({ condition, text }) => condition === 2 && text === 'the run is a backfill'));
    assert.deepEqual(season.outside.started.filter((cell) => PHASE_3.test(cell)), []);
  });

  it('does not have a cascading stage start a date out of turn', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE]);
    let once = false;
    season.outside.during = async (cell, when) => {
      if (once || when !== 'before' || cell !== 'TeamForm 2024-01-05') return;
      once = true;
      const form = season.state.pipeline.byName.get('TeamForm')!;
      season.warehouse.outside(form, dayOf('2024-01-13'), season.state.rows.get('TeamForm 2024-01-13') ?? []);
      await season.site.bus.publish('mini-phase3-complete', JSON.stringify({ phase: 'phase_3_analytics', processor_name: 'TeamForm', game_date: '2024-01-13', status: 'success', run_id: 'theirs' }));
      await season.site.deliver();
      assert.equal((await season.openCells()).some((open) => open.day === dayOf('2024-01-13')), false);
    };
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.ok(once);
    assert.deepEqual(await season.wrong(), []);
  });
});
