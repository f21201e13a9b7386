import assert from 'node:assert/strict';
import { z } from 'zod';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../../shared/cascade/cascade.ts';
import { openAsk } from '../../../shared/flows/open.ts';
import { whyNotCascading } from '../../../shared/staged/cascading.ts';
import { paused, resumed } from '../../../shared/staged/transitions.ts';
import { compilePipeline } from '../../../shared/pipeline/compile.ts';
import { askOf } from '../../core-builders.ts';
import { definitionOf } from '../../staged/builders.ts';
import { inManualTime } from '../../simulation/site.ts';
import { miniDefinition } from '../../simulation/mini-pipeline.ts';
import { broken, BY_CASCADE, CANARY, byText, EmptySeason, kim, PHASE_3, PHASE_4, RAW, SEASON_STAGES } from './empty-season.ts';

describe('A stage that cascades', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  async function cascadesOf(phase: string, from = '2024-01-01', to = '2024-01-20'): Promise<readonly CascadeRecord[]> {
    return (await season.site.store.cascades(dayOf(from), dayOf(to))).filter((record) => record.phase === phase);
  }

  it('fills phase 3 of a date, and phase 4 of it by cascade, before anything of the next date; each cell once', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE]);
    season.outside.during = async (cell) => {
      if (!PHASE_3.test(cell) && !PHASE_4.test(cell)) return;
      const open = await season.openCells();
      assert.equal(new Set(open.map((record) => record.day)).size, 1, cell);
      if (PHASE_4.test(cell)) assert.equal(open.some((record) => PHASE_3.test(`${record.processor} `)), false, `${cell} beside phase 3`);
      for (const { request } of open) assert.deepEqual([request?.priority, request?.isBackfill, request?.backfillId], ['low', true, id], cell);
    };
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.note], ['finished', '']);
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length, 'no cell ran twice');
    assert.deepEqual(await season.openCells(), []);
    const released = await cascadesOf('phase_3_analytics');
    assert.ok(released.length > 10 && released.every((cascade) => cascade.state === 'released' && cascade.backfillId === id), 'each cascade carries its id');
    assert.deepEqual((await season.site.store.cascades(dayOf('2024-01-01'), dayOf('2024-01-20'))).filter((cascade) => cascade.phase !== 'phase_3_analytics'), [], 'no other stage has one');
  });

  it('says to the router whose its runs are, and that they are a backfill; what comes last starts nothing', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE]);
    await season.advance(id);
    const messages = await season.site.store.unsent(1000);
    assert.deepEqual(new Set(messages.map(({ topic }) => topic)), new Set(['mini-phase3-complete']));
    for (const { body } of messages) {
      const said = z.looseObject({ backfill_mode: z.boolean(), backfill_id: z.string(), skip_downstream_trigger: z.boolean() }).parse(JSON.parse(body));
      assert.deepEqual([said.backfill_mode, said.backfill_id, said.skip_downstream_trigger], [true, id, false]);
    }
    const cells = await season.site.store.cells(dayOf('2024-01-01'), dayOf('2024-01-20'));
    assert.ok(cells.every(({ processor, last }) => last?.silent === (PHASE_3.test(`${processor} `) ? undefined : true)));
    // They come late, or twice: all of it was decided.
    const runs = season.outside.runs.length;
    await inManualTime(season.clock, season.site.deliver());
    assert.deepEqual([season.outside.runs.length, await season.openCells()], [runs, []]);
    assert.ok((await cascadesOf('phase_3_analytics')).every((cascade) => cascade.backfillId === id), 'and none became a live one');
  });

  it('has its cascade decided by the router, where a message says that a run has ended', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE], { concurrency: 1 });
    let heard = 0;
    season.outside.during = async (cell, when) => {
      if (when !== 'before' || !PHASE_4.test(cell)) return;
      heard += 1;
      await season.site.deliver();
    };
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.ok(heard > 20);
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
  });

  it('keeps at most as many requests as it may, though a cascade opens several', async () => {
    let most = 0;
    season.outside.during = async () => { most = Math.max(most, (await season.openCells()).length); };
    const { id } = await season.start([...RAW, BY_CASCADE], { concurrency: 2 });
    await season.advance(id);
    assert.equal(most, 2);
    assert.deepEqual(await season.wrong(), []);
  });

  it('is at the same place after a failure in either phase, and goes on there', async () => {
    season.outside.fail('Features 2024-01-06', broken);
    season.outside.fail('TeamForm 2024-01-09', broken);
    const { id } = await season.start([...RAW, BY_CASCADE]);
    for (const [cell, before] of [['Features 2024-01-06', '2024-01-06'], ['TeamForm 2024-01-09', '2024-01-09']] as const) {
      const record = await season.advance(id);
      assert.equal(record?.state, 'stopped');
      assert.ok(record?.note.startsWith(`${cell} failed (processing)`), record?.note);
      assert.equal(season.outside.started.some((one) => (PHASE_3.test(one) || PHASE_4.test(one)) && one.slice(-10) > before), false, 'no later date has begun');
      await season.order(id, (current, now) => resumed(current, kim, now));
    }
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
  });

  it('notes a cascade that the router does not release as a failure, with its reasons', async () => {
    const { id } = await season.start([...RAW, { ...BY_CASCADE, error_policy: 'continue' }]);
    season.outside.fail('TeamForm 2024-01-08', broken);
    const record = await season.advance(id);
    assert.equal(record?.state, 'gate_held');
    const failure = record?.failures.find((entry) => entry.processor === 'Features');
    assert.equal(failure?.category, 'defensive_block');
    assert.match(failure?.message ?? '', /^the cascade of phase_3_analytics was not released: \(7\) TeamForm 2024-01-08 failed: .*invalid literal/);
    assert.deepEqual(await season.openCells(), []);
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(await season.wrong(), []);
  });

  it('does not begin the next date when a date can not be verified, whatever its runs have said', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE], { concurrency: 1 });
    const context = season.state.pipeline.byName.get('Context')!;
    let lost = false;
    season.outside.during = (cell, when) => {
      // The last one of the date, which does not read what is lost.
      if (lost || when !== 'after' || cell !== 'Ratings 2024-01-06') return;
      lost = true;
      season.warehouse.outside(context, dayOf('2024-01-06'), null);
    };
    const record = await season.advance(id);
    assert.equal(record?.state, 'stopped');
    assert.match(record?.note ?? '', /^Context 2024-01-06 failed \(processing\): its run has ended, and the date can't be verified: it is missing/);
    assert.equal(season.outside.started.some((one) => PHASE_3.test(one) && one.slice(-10) > '2024-01-06'), false);
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(await season.wrong(), []);
  });

  it('does not wait for ever for rows that have gone since, which nobody else is going to fill', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE]);
    const context = season.state.pipeline.byName.get('Context')!;
    let lost = false;
    season.outside.during = (cell, when) => {
      if (lost || when !== 'after' || cell !== 'Features 2024-01-06') return;
      lost = true;
      season.warehouse.outside(context, dayOf('2024-01-06'), null);
    };
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.note], ['stopped', 'Features 2024-01-06 failed (defensive_block): reads Context 2024-01-06, which is missing']);
    assert.deepEqual(await season.openCells(), []);
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(await season.wrong(), []);
  });

  it('does not wait for ever for such a cell either where a person has asked for it too: that request stays', async () => {
    const { id } = await season.start([...RAW, { ...BY_CASCADE, error_policy: 'continue' }]);
    const context = season.state.pipeline.byName.get('Context')!;
    const features = { processor: 'Features', day: dayOf('2024-01-06') };
    let lost = false;
    season.outside.during = async (cell, when) => {
      if (lost || when !== 'after' || cell !== 'Features 2024-01-06') return;
      lost = true;
      const ask = askOf({ id: 'by-hand', at: season.clock.now(), isBackfill: false });
      await openAsk(season.site.engine, ask, [features]);
      season.warehouse.outside(context, features.day, null);
    };
    const record = await season.advance(id);
    assert.equal(record?.failures.find((entry) => entry.processor === 'Features')?.message, 'reads Context 2024-01-06, which is missing');
    // The next round has filled what it reads, and the person's request has run.
    assert.equal(record?.state, 'finished', record?.note);
    assert.deepEqual(await season.wrong(), []);
  });

  it('starts nothing by cascade while it is paused, and goes on with exactly what is left', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE]);
    let once = false;
    season.outside.during = async (cell, when) => {
      if (once || when !== 'before' || cell !== 'TeamForm 2024-01-06') return;
      once = true;
      await season.order(id, (record, now) => paused(record, kim, now));
    };
    assert.equal((await season.advance(id))?.state, 'paused');
    // The run that was under way has told the router.
    await inManualTime(season.clock, season.site.deliver());
    assert.deepEqual(await season.openCells(), []);
    assert.equal(season.outside.started.some((one) => PHASE_4.test(one) && one.endsWith('2024-01-06')), false);
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
  });

  it('waits while the whole pipeline is paused, and takes that for no failure', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE]);
    let once = false;
    season.outside.during = async (cell, when) => {
      if (once || when !== 'after' || cell !== 'Context 2024-01-06') return;
      once = true;
      // A person has the whole pipeline paused when the cascade is due, and goes on a minute later.
      const { engine } = season.site;
      await engine.change({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: { ...kim, at: 1 } } }, result: null }));
      void season.clock.sleep(60_000).then(() => engine.change({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: null } }, result: null })));
    };
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.failures], ['finished', []]);
    assert.deepEqual(await season.wrong(), []);
  });

  it('takes one canary date through all phases by cascade, and runs each of its cells once more', async () => {
    const { id } = await season.start([...SEASON_STAGES, CANARY]);
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.note], ['finished', '']);
    assert.deepEqual(await season.wrong(), []);
    const twice = season.outside.runs.filter((run, index) => season.outside.runs.indexOf(run) < index);
    assert.deepEqual(twice.toSorted(byText), ['Box', 'BoxPage', 'Context', 'Features', 'Outlook', 'Ratings', 'Schedule', 'SchedulePage', 'TeamForm'].map((name) => `${name} 2024-01-20`));
    for (const phase of ['phase_1_scrapers', 'phase_2_raw', 'phase_3_analytics']) {
      const cascade = (await cascadesOf(phase)).find(({ day }) => formatDay(day) === '2024-01-20');
      assert.deepEqual([cascade?.state, cascade?.backfillId], ['released', id], phase);
    }
  });

  it('is refused where the router starts nothing, or where somebody else is started', () => {
    const definition = definitionOf([BY_CASCADE]);
    const pipelineWith = (index: number, changes: object) => {
      const mini = miniDefinition();
      return compilePipeline({ ...mini, phases: mini.phases.map((phase, at) => (at === index ? { ...phase, ...changes } : phase)) }, { directory: '', sql: new Map() });
    };
    assert.equal(whyNotCascading(season.state.pipeline, definition), null);
    assert.match(whyNotCascading(pipelineWith(2, { mode: 'observe' }), definition) ?? '', /stage dates of whole cascades, and phase_3_analytics is in observe mode/);
    assert.match(whyNotCascading(pipelineWith(3, { cascade_target: { topic: 'theirs' } }), definition) ?? '', /phase_4_precompute is started by the topic theirs/);
    assert.equal(whyNotCascading(pipelineWith(2, { mode: 'observe' }), definitionOf(SEASON_STAGES)), null, 'no other definition is concerned');
  });
});
