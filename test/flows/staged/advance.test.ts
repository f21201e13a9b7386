import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { explainCell } from '../../../shared/flows/inspect.ts';
import { detectGaps } from '../../../shared/flows/detect-gaps.ts';
import { planAll } from '../../../shared/staged/plan.ts';
import { cancelled, paused } from '../../../shared/staged/transitions.ts';
import { gamesOn, pointsOf } from '../../simulation/mini-league.ts';
import { cellName } from '../../simulation/mini-pipeline.ts';
import { inManualTime } from '../../simulation/site.ts';
import type { StageSketch } from '../../staged/builders.ts';
import { broken, byText, CANARY, EmptySeason, kim, RAW, SEASON_STAGES } from './empty-season.ts';

/** A canary without cascades. */
const FIRST_AGAIN: StageSketch = { ...CANARY, dates: 'first', cascade: false };

describe('flows/staged/advance', () => {
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

  it('waits between two dates where that is asked for', async () => {
    const { id } = await season.start([...RAW, SEASON_STAGES[2]!], { delaySeconds: 60 });
    const starts: number[] = [];
    season.outside.during = (cell, when) => { if (when === 'before' && cell.startsWith('TeamForm')) starts.push(season.clock.now()); };
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.ok(starts.slice(1).every((at, index) => at - (starts[index] ?? 0) >= 60_000), starts.join());
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
    const { id } = await season.start([SEASON_STAGES[0]!, FIRST_AGAIN]);
    const ended = await season.advance(id);
    assert.deepEqual([ended?.state, ended?.note], ['finished', '']);
    assert.deepEqual(await season.wrong(), []);
  });

  it('makes right what reads a canary that has other rows when it is run again', async () => {
    const first = await season.start();
    assert.equal((await season.advance(first.id))?.state, 'finished');
    const corrected = gamesOn('2024-01-01')[0]?.id;
    season.outside.source = { status: () => 3, points: (game, team) => pointsOf(game, team) + (game === corrected ? 1 : 0) };
    const before = season.outside.runs.length;
    const { id } = await season.start([FIRST_AGAIN]);
    const ended = await season.advance(id);
    assert.deepEqual([ended?.state, ended?.note], ['finished', '']);
    const again = season.outside.runs.slice(before);
    assert.equal(new Set(again).size, again.length, 'each cell once');
    assert.ok(again.some((cell) => cell.startsWith('TeamForm 2024-01-0') && !cell.endsWith('01')), again.join());
    assert.ok(again.every((cell) => !/^(?:SchedulePage|Schedule|BoxPage|Box) /.test(cell) || cell.endsWith('2024-01-01')), again.join());
  });
});
