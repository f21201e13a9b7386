import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { openAsk } from '../../../shared/flows/open.ts';
import { work } from '../../../shared/flows/work.ts';
import { resumed } from '../../../shared/staged/transitions.ts';
import type { Asked, BackfillRecord } from '../../../shared/staged/record.ts';
import { askOf } from '../../core-builders.ts';
import { gamesOn, SEASON } from '../../simulation/mini-league.ts';
import { Fuse } from '../../simulation/crash.ts';
import { inManualTime } from '../../simulation/site.ts';
import { startBackfill } from '../../../shared/flows/staged/orders.ts';
import { asked, definitionOf, type StageSketch } from '../../staged/builders.ts';
import { broken, EmptySeason, kim, SEASON_STAGES } from './empty-season.ts';

const LATE = '2024-01-08';
const RAW = /^(?:BoxPage|Box) /;
const CHECK = { file: 'checks/points.sql', sql: 'SELECT 1 FROM box' };
const withChecks = { coverage_percent: 100, checks: [CHECK.file] };
const BY_CASCADE: StageSketch = { name: 'dates', phases: ['phase_3_analytics', 'phase_4_precompute'], order: 'by_date', cascade: true, gate: { coverage_percent: 100 } };

describe('A date that the calendar gains while a backfill is past the stage that fills it', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  /** A season without games on one date, which get known while `cell` runs: somebody has the page of that date read again. */
  async function gaining(cell: string, stages: readonly StageSketch[], changes: Partial<Asked> = {}, late: string = LATE): Promise<BackfillRecord> {
    let isKnown = false;
    season.outside.source = { status: () => 3, games: (date) => (date === late && !isKnown ? [] : gamesOn(date)) };
    let isSeen = false;
    season.outside.during = async (running, when) => {
      if (isKnown && !isSeen && season.outside.runs.filter((cell) => cell === `Schedule ${late}`).length > 1 && running.slice(-10) !== late) {
        isSeen = true;
        await season.site.engine.refresh(SEASON.from, SEASON.to);
      }
      if (isKnown || when !== 'before' || running !== cell) return;
      isKnown = true;
      const ask = askOf({ id: 'anns', asker: 'person', by: 'ann', reprocess: 'completed', at: season.clock.now() });
      await openAsk(season.site.engine, ask, ['SchedulePage', 'Schedule'].map((processor) => ({ processor, day: dayOf(late) })));
    };
    const { id } = await season.start(stages, changes);
    const record = await season.advance(id);
    assert.ok(record && isKnown);
    return record;
  }
  const events = ({ journal }: BackfillRecord, ...wanted: readonly string[]) => journal.filter(({ event }) => wanted.includes(event)).map(({ text }) => text);

  for (const [name, cell, stages] of [
    ['in the next stage', 'TeamForm 2024-01-03', SEASON_STAGES],
    ['stages later', 'Features 2024-01-03', SEASON_STAGES],
    ['by cascade', 'TeamForm 2024-01-03', [...SEASON_STAGES.slice(0, 2), BY_CASCADE]],
  ] as const) {
    it(`${name}: is filled by that stage, whose gate is looked at once more, before what reads it; nobody is needed`, async () => {
      const record = await gaining(cell, stages);
      assert.equal(record.state, 'finished', record.note);
      assert.deepEqual(await season.wrong(), []);
      assert.deepEqual(record.failures, []);
      const back = events(record, 'went_back');
      assert.equal(back.length, 1);
      assert.match(back[0] ?? '', /^back to stage raw: BoxPage 2024-01-08 was not expected when that had its end, and is to be filled before what reads it$/);
      assert.deepEqual(events(record, 'gate_passed', 'went_back').slice(0, 3).map((text) => text.replace(/:.*/, '')), stages.length === 4 && cell.startsWith('Features')
        ? ['the gate after raw is passed', 'the gate after analytics is passed', 'back to stage raw'] : ['the gate after raw is passed', 'back to stage raw', 'the gate after raw is passed']);
      const first = season.outside.runs.indexOf(`TeamForm ${LATE}`);
      assert.ok(season.outside.runs.findLastIndex((run) => RAW.test(run) && run.endsWith(LATE)) < first, 'raw rows of it come first');
    });
  }

  it('is gone back to, too, where cells that read it are queued already: they are taken back, and have not failed', async () => {
    await season.reopen(Fuse.never(), 1);
    const record = await gaining('TeamForm 2024-01-07', [...SEASON_STAGES.slice(0, 2), { ...SEASON_STAGES[2]!, order: 'parallel', concurrency: 8 }, SEASON_STAGES[3]!]);
    assert.equal(record.state, 'finished', record.note);
    assert.deepEqual(await season.wrong(), []);
    assert.deepEqual(record.failures, []);
  });

  it('is gone back to, too, where only a cascade reads so far back', async () => {
    const record = await gaining('TeamForm 2024-01-17', [...SEASON_STAGES.slice(0, 2), BY_CASCADE], {}, '2024-01-02');
    assert.equal(record.state, 'finished', record.note);
    assert.deepEqual(await season.wrong(), []);
    assert.deepEqual(record.failures, []);
  });

  it('is gone back to, too, where it gets known while the gate is looked at', async () => {
    for (const stage of ['raw', 'analytics', 'precompute']) {
      season.close();
      season = await EmptySeason.open();
      const { engine } = season.site;
      let isLooking = false;
      const stages = [...SEASON_STAGES.slice(0, 2), SEASON_STAGES[2]!, SEASON_STAGES[3]!].map((one) => (one.name === stage ? { ...one, gate: { ...withChecks } } : one));
      season.outside.source = { status: () => 3, games: (date) => (date === LATE && !isLooking ? [] : gamesOn(date)) };
      const warehouse = season.warehouse;
      warehouse.check = async () => {
        if (!isLooking) {
          isLooking = true;
          await openAsk(engine, askOf({ id: 'anns', asker: 'person', by: 'ann', reprocess: 'completed', at: season.clock.now() }), ['SchedulePage', 'Schedule'].map((processor) => ({ processor, day: dayOf(LATE) })));
          while ((await season.openCells()).length > 0) await work(engine, { signal: season.site.stop.signal });
        }
        return { rows: 0, sample: [] };
      };
      const { id } = await startBackfill(engine, definitionOf(stages, [CHECK]), { ...asked('2024-01-01', '2024-01-20'), at: season.clock.now() }, '2024');
      const record = await season.advance(id);
      assert.ok(isLooking);
      assert.equal(record?.state, 'finished', record?.note);
      assert.equal(events(record, 'went_back').length, 1);
      assert.deepEqual(await season.wrong(), []);
    }
  });

  it('is no reason to go round without end where pages of the calendar itself are lost', async () => {
    const one = { name: 'all', phases: season.state.pipeline.phases.map(({ name }) => name), calendar_first: true, error_policy: 'skip-deps', retries: 0, gate: { coverage_percent: 100 } };
    const first = await season.start([one]);
    assert.equal((await season.advance(first.id))?.state, 'finished');
    for (const name of ['SchedulePage', 'Schedule', 'BoxPage', 'Box']) season.warehouse.outside(season.state.pipeline.byName.get(name)!, dayOf(LATE), null);
    season.outside.down = (cell) => (cell === `SchedulePage ${LATE}` ? broken : null);
    const { id } = await season.start([one]);
    const record = await season.advance(id);
    assert.equal(record?.state, 'gate_held', record?.note);
    assert.ok(record.journal.length < 10, events(record, 'went_back').join());
  });

  it('holds at the gate of that stage where it can not be filled: nothing that reads it is run', async () => {
    const isGood = (cell: string): boolean => cell !== `BoxPage ${LATE}`;
    season.outside.down = (cell) => (isGood(cell) ? null : { type: 'ValueError', message: 'invalid literal for int()' });
    const record = await gaining('TeamForm 2024-01-03', SEASON_STAGES);
    assert.deepEqual([record.state, record.stage], ['gate_held', 1], record.note);
    assert.match(record.note, /the gate after raw holds: .*raw\.box.*1 missing/);
    assert.equal(season.outside.started.includes(`TeamForm ${LATE}`), false);
    season.outside.down = () => null;
    await season.order(record.id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(record.id))?.state, 'finished');
    assert.deepEqual(await season.wrong(), []);
  });

  it('where no stage of the backfill fills what it needs, stops, and says the command that does', async () => {
    const raw = await season.start(SEASON_STAGES.slice(0, 2));
    assert.equal((await season.advance(raw.id))?.state, 'finished');
    const box = season.state.pipeline.byName.get('Box')!;
    season.warehouse.outside(box, dayOf(LATE), null);
    const { id } = await season.start([SEASON_STAGES[2]!]);
    const record = await season.advance(id);
    assert.equal(record?.state, 'stopped');
    assert.match(record?.note ?? '', /reads Box 2024-01-08, which is missing; this backfill does not fill it: smart-backfill request Box 2024-01-08$/);
    await openAsk(season.site.engine, askOf({ id: 'kims', asker: 'person', by: 'kim', at: season.clock.now() }), [{ processor: 'Box', day: dayOf(LATE) }]);
    await inManualTime(season.clock, work(season.site.engine, { signal: season.site.stop.signal }));
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
  });
});
