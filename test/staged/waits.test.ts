import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { emptyRecord, type CellRecord, type OpenRequest } from '../../shared/requests/cell.ts';
import { cancelled, paused, quotaPaused, resumed, standsBy, wentOn } from '../../shared/staged/transitions.ts';
import { goesOnByItself, type BackfillRecord } from '../../shared/staged/record.ts';
import { joinedBy, quotaMet, turnDue, untilGoesOn } from '../../shared/staged/waits.ts';
import { recordOf } from './builders.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2024, 0, 25, 12);
const kim = { by: 'kim', reason: 'looked into' };

const REQUEST: OpenRequest = {
  state: 'queued', kind: 'staged', priority: 'low', reason: '', requestedBy: 'kim', openedAt: NOW, asks: [], waitingFor: null, waitingSince: null, attempts: 0, notBefore: null, lease: null, again: false, force: false, rerun: false,
  skipDownstreamTrigger: true, isBackfill: true, planId: null, backfillId: 'b', takeovers: 0,
};
function cell(date: string, changes: Partial<OpenRequest> = {}): CellRecord {
  return { ...emptyRecord({ processor: 'A', day: dayOf(date) }), request: { ...REQUEST, ...changes } };
}

describe('A backfill that a quota has paused', () => {
  const record = quotaPaused(recordOf(), 'A 2024-01-02: Quota exceeded', NOW + HOUR, NOW);

  it('says until when, in its state, its note and its journal', () => {
    assert.equal(record.state, 'paused');
    assert.match(record.note, /^a quota is used up, and it goes on by itself at 2024-01-25T13:00:00\.000Z: A 2024-01-02: Quota exceeded$/);
    assert.deepEqual(record.journal.at(-1), { at: NOW, by: 'smart-backfill', event: 'quota', text: record.note });
    assert.ok(goesOnByItself(record));
  });

  it('goes on at that time, and says so', () => {
    assert.deepEqual([untilGoesOn(record, NOW), untilGoesOn(record, NOW + HOUR - 1), untilGoesOn(record, NOW + HOUR)], [HOUR, 1, 0]);
    const on = wentOn(record, NOW + HOUR);
    assert.deepEqual([on.state, on.note, on.goesOn, on.journal.at(-1)?.event], ['running', '', null, 'went_on']);
  });

  it('tries again at once where the clock was set back', () => {
    assert.equal(untilGoesOn(record, NOW - 24 * HOUR), 0);
  });

  it('is a person’s to pause, resume or cancel like any other, and then waits for no time', () => {
    assert.deepEqual([resumed(record, kim, NOW).state, resumed(record, kim, NOW).goesOn], ['running', null]);
    const byHand = paused(record, kim, NOW);
    assert.deepEqual([byHand.state, byHand.note, goesOnByItself(byHand)], ['paused', 'paused by kim: looked into', false]);
    assert.throws(() => paused(byHand, kim, NOW), /is paused already: paused by kim/);
    assert.equal(goesOnByItself(cancelled(record, kim, NOW)), false);
  });

  it('is found by the request that met the quota, the latest where several did, and not when its time has come', () => {
    assert.equal(quotaMet([cell('2024-01-01'), cell('2024-01-02', { notBefore: NOW + 5 })], NOW), null, 'a retry is none');
    const met = quotaMet([cell('2024-01-01', { quota: 'a', notBefore: NOW + 5 }), cell('2024-01-02', { quota: 'b', notBefore: NOW + HOUR })], NOW);
    assert.deepEqual([met?.message, met?.at], ['b', NOW + HOUR]);
    assert.equal(quotaMet([cell('2024-01-01', { quota: 'a', notBefore: NOW })], NOW), null);
  });
});

describe('A backfill that has joined another', () => {
  const first = recordOf();
  const second = { ...recordOf(), asked: { ...recordOf().asked, join: first.id } };

  it('has joined what that has joined, too', () => {
    const [b, c] = [{ ...second, id: 'b' }, { ...second, id: 'c', asked: { ...second.asked, join: 'b' } }];
    const known = new Map([first, b, c].map((record) => [record.id, record]));
    const idsOf = (record: BackfillRecord): readonly string[] => joinedBy(record, known).map(({ id }) => id);
    assert.deepEqual([idsOf(first), idsOf(b), idsOf(c)], [[], [first.id], ['b', first.id]]);
    assert.deepEqual(joinedBy({ asked: { ...second.asked, join: 'gone' } }, known), []);
  });

  it('says so once in its journal, and again when it begins', () => {
    const waiting = standsBy(second, first, NOW);
    assert.equal(waiting.note, 'waits for backfill whole-1, which has cells in common with it (running)');
    assert.equal(standsBy(waiting, first, NOW + 1), waiting);
    const held = standsBy(waiting, { ...first, state: 'gate_held' }, NOW + 2);
    assert.match(held.note, /\(gate held\)$/);
    const begun = standsBy(held, null, NOW + 3);
    assert.deepEqual([begun.note, begun.stages[0]?.startedAt], ['', NOW + 3]);
    assert.deepEqual(begun.journal.slice(2).map((entry) => entry.event), ['waits', 'went_on']);
    assert.equal(standsBy(begun, null, NOW + 4), begun);
  });
});

describe('A backfill beside daily work that never ends', () => {
  const record = recordOf();

  it('has one of its requests put first when none has run for an hour', () => {
    const open = [cell('2024-01-02', { openedAt: NOW }), cell('2024-01-03', { openedAt: NOW + 5 })];
    assert.equal(turnDue(record, open, 0, NOW + HOUR - 1), null);
    assert.equal(turnDue(record, open, 0, NOW + HOUR)?.day, dayOf('2024-01-02'));
  });

  it('has the next one an hour later, whether the first came from its turn or by itself', () => {
    const open = [cell('2024-01-03', { openedAt: NOW })];
    assert.equal(turnDue({ turnGivenAt: NOW + HOUR }, open, 0, NOW + 2 * HOUR - 1), null);
    assert.equal(turnDue(record, open, NOW + HOUR, NOW + 2 * HOUR - 1), null);
    assert.notEqual(turnDue({ turnGivenAt: NOW + HOUR }, open, NOW + HOUR, NOW + 2 * HOUR), null);
  });

  it('has none while one runs, one is first already, or none could run', () => {
    const late = NOW + 9 * HOUR;
    assert.equal(turnDue(record, [cell('2024-01-02', { state: 'processing' }), cell('2024-01-03')], 0, late), null);
    assert.equal(turnDue(record, [cell('2024-01-02', { priority: 'high' }), cell('2024-01-03')], 0, late), null);
    assert.equal(turnDue(record, [cell('2024-01-02', { state: 'waiting' }), cell('2024-01-03', { notBefore: late + 1 })], 0, late), null);
    assert.equal(turnDue(record, [], 0, late), null);
  });

  it('is not without a turn for ever where the clock was set back', () => {
    assert.notEqual(turnDue({ turnGivenAt: NOW }, [cell('2024-01-02')], NOW, NOW - 24 * HOUR), null);
  });
});
