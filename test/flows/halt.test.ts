import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { claimCell } from '../../shared/flows/claim.ts';
import { halting, isHalted, releaseHalt } from '../../shared/flows/halt.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { stageAsk } from '../../shared/flows/staged/ask.ts';
import { EmptySeason, SEASON_STAGES } from './staged/empty-season.ts';

const none = { paused: null, adoptedOn: null, autoCells: null, lastBoundsAlert: null };

describe('flows/halt', () => {
  it('halts a backfill once, where the failed request says so', () => {
    const halted = { ...none, halted: ['a'] };
    assert.deepEqual(halting(none, { backfillId: 'a', halts: true }), { controls: halted });
    assert.deepEqual(halting(halted, { backfillId: 'a', halts: true }), {});
    assert.deepEqual(halting(halted, { backfillId: 'b', halts: true }), { controls: { ...none, halted: ['a', 'b'] } });
    assert.deepEqual([halting(none, { backfillId: 'a' }), halting(none, { backfillId: null, halts: true })], [{}, {}]);
  });

  it('stops what is the backfill’s alone', () => {
    const controls = { ...none, halted: ['a'] };
    assert.equal(isHalted(controls, { backfillId: 'a', asks: ['backfill:a:raw:0'] }), true);
    assert.equal(isHalted(controls, { backfillId: 'a', asks: ['backfill:a:raw:0', 'msg-1'] }), false, 'a person has asked for it too');
    assert.equal(isHalted(controls, { backfillId: 'ab', asks: ['backfill:ab:raw:0'] }), false);
    assert.equal(isHalted(none, { backfillId: 'a', asks: ['backfill:a:raw:0'] }), false);
  });

  it('lets nothing of it be claimed before its coordinator has looked, whoever claims', async () => {
    const season = await EmptySeason.open();
    const { engine } = season.site;
    const record = await season.start([{ ...SEASON_STAGES[0]!, error_policy: 'stop' }]);
    const day = dayOf('2024-01-01');
    await engine.refresh(day, day);
    const key = { processor: 'SchedulePage', day };
    await openAsk(engine, stageAsk(record, { rerun: false, silent: true, at: season.clock.now() }), [key]);
    await engine.change({ controls: true }, (snapshot) => ({ writes: halting(snapshot.controls(), { backfillId: record.id, halts: true }), result: null }));
    assert.equal((await claimCell(engine, key)).kind, 'not_now');
    await releaseHalt(engine, record.id);
    assert.equal((await claimCell(engine, key)).kind, 'claimed');
    season.close();
  });
});
