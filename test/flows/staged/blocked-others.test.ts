import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { openAsk } from '../../../shared/flows/open.ts';
import { hold } from '../../../shared/flows/operate.ts';
import { resumed } from '../../../shared/staged/transitions.ts';
import { askOf } from '../../core-builders.ts';
import type { StageSketch } from '../../staged/builders.ts';
import { EmptySeason, kim, SEASON_STAGES } from './empty-season.ts';

const HOUR = 3_600_000;
const RAW = SEASON_STAGES.slice(0, 2);
const BY_CASCADE: StageSketch = { name: 'dates', phases: ['phase_3_analytics', 'phase_4_precompute'], order: 'by_date', cascade: true, gate: { coverage_percent: 100 } };
const [ANALYTICS, PRECOMPUTE] = [SEASON_STAGES[2]!, SEASON_STAGES[3]!];
const BOX = { processor: 'Box', day: dayOf('2024-01-05') };
const CONTEXT = { processor: 'Context', day: dayOf('2024-01-06') };

describe('A staged backfill whose cells wait for a request of somebody else that is blocked', () => {
  let season: EmptySeason;
  // One lane: what is queued waits for its turn, and somebody can come between.
  beforeEach(async () => { season = await EmptySeason.open(1); });
  afterEach(() => season.close());

  /** While `cell` runs, ann asks for what its date reads to be done again; what that reads is gone, and held. */
  function annAsksWhile(cell: string): void {
    let once = false;
    season.outside.during = async (running, when) => {
      if (once || when !== 'before' || running !== cell) return;
      once = true;
      const { engine } = season.site;
      season.warehouse.outside(engine.world.processor('Box'), BOX.day, null);
      await engine.relearn([BOX]);
      await hold(engine, [BOX], { by: 'ann', reason: 'the page is wrong' });
      await openAsk(engine, askOf({ id: 'anns', asker: 'person', by: 'ann', reprocess: 'completed', at: season.clock.now() }), [CONTEXT]);
      assert.equal((await season.site.store.cell(CONTEXT)).request?.state, 'blocked');
    };
  }

  async function isMended(id: string): Promise<void> {
    season.outside.during = () => undefined;
    const { engine } = season.site;
    season.warehouse.outside(engine.world.processor('Box'), BOX.day, season.state.rows.get('Box 2024-01-05')!);
    await engine.relearn([BOX]);
    await season.order(id, (current, now) => resumed(current, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(await season.wrong(), []);
  }

  it('does not wait for it where it stands before a cascade: its error policy says what that means, and it says on what and whose it is', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE], { concurrency: 1 });
    annAsksWhile('Features 2024-01-06');
    const started = season.clock.now();
    const record = await season.advance(id);
    assert.equal(record?.state, 'stopped', record?.note);
    assert.ok(season.clock.now() - started < HOUR);
    assert.match(record?.note ?? '', /: Context 2024-01-06, which ann has asked for, waits for Box 2024-01-05, which is missing; see: smart-backfill why Box 2024-01-05; the cascade of phase_3_analytics was not released: /);
    assert.deepEqual((await season.openCells()).map(({ processor, request }) => [processor, request?.requestedBy]), [['Context', 'ann']], 'her request stays');
    await isMended(id);
  });

  it('does not wait for it where its own request is open already', async () => {
    const { id } = await season.start([...RAW, { ...ANALYTICS, gate: undefined }, { ...PRECOMPUTE, concurrency: 3 }]);
    annAsksWhile('Features 2024-01-06');
    const started = season.clock.now();
    const record = await season.advance(id);
    assert.equal(record?.state, 'stopped', record?.note);
    assert.ok(season.clock.now() - started < HOUR);
    assert.match(record?.note ?? '', /^Outlook 2024-01-06 failed \(defensive_block\): reads Context 2024-01-06, which ann has asked for and which waits for Box 2024-01-05, which is missing; see: smart-backfill why Box 2024-01-05$/);
    assert.deepEqual((await season.openCells()).map(({ processor, request }) => [processor, request?.requestedBy]), [['Context', 'ann']]);
    await isMended(id);
  });

  it('waits for it while somebody works on what that waits for', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE], { concurrency: 1 });
    let once = false;
    season.outside.during = async (running, when) => {
      if (once || when !== 'before' || running !== 'Features 2024-01-06') return;
      once = true;
      const { engine } = season.site;
      const ask = askOf({ id: 'anns', asker: 'person', by: 'ann', reprocess: 'completed', at: season.clock.now() });
      await openAsk(engine, ask, [BOX, CONTEXT]);
      assert.equal((await season.site.store.cell(CONTEXT)).request?.state, 'waiting');
    };
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.deepEqual(record?.failures, []);
    assert.deepEqual(await season.wrong(), []);
  });

  for (const [name, stages, missing, during] of [
    ['in a stage', [ANALYTICS], BOX, 'TeamForm 2024-01-03'],
    ['in a stage that skips what reads a failure', [{ ...ANALYTICS, error_policy: 'skip-deps' }], BOX, 'TeamForm 2024-01-03'],
    ['before a cascade', [BY_CASCADE], { processor: 'TeamForm', day: dayOf('2024-01-02') }, 'TeamForm 2024-01-17'],
  ] as const) {
    it(`waits ${name} for what somebody works on, though nothing of it is there yet: it has not failed`, async () => {
      const raw = await season.start(RAW);
      assert.equal((await season.advance(raw.id))?.state, 'finished');
      const { engine } = season.site;
      let once = false;
      season.outside.during = async (running, when) => {
        if (once || when !== 'before' || running !== during) return;
        once = true;
        season.warehouse.outside(engine.world.processor(missing.processor), missing.day, null);
        await engine.relearn([missing]);
        await openAsk(engine, askOf({ id: 'anns', asker: 'person', by: 'ann', priority: 'low', at: season.clock.now() }), [missing]);
      };
      const { id } = await season.start(stages);
      const record = await season.advance(id);
      assert.deepEqual(record?.failures, []);
      assert.equal(record?.state, 'finished', record?.note);
    });
  }
});
