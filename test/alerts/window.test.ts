import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Alert } from '../../shared/alerts/alert.ts';
import { alertWindowSchema, isForgotten, newWindow, nextStep, sent, type AlertWindow, type Circumstances } from '../../shared/alerts/window.ts';
import { cancelled, paused, resumed } from '../../shared/staged/transitions.ts';
import type { BackfillRecord } from '../../shared/staged/record.ts';
import type { UntoldFailure } from '../../shared/alerts/untold.ts';
import { now, untoldFailure } from '../contract/request-records.ts';
import { recordOf } from '../staged/builders.ts';

const MINUTE = 60_000;
const windowMs = 15 * MINUTE;
const ana = { by: 'ana', reason: 'looking' };
const calm: Circumstances = { now, windowMs, by: 'w', heldUntil: null, untold: [], record: null, isOver: false, leaving: false };
const failures = (count: number, change: Partial<UntoldFailure> = {}) => Array.from({ length: count }, (_, index) => untoldFailure(`x${index}`, change));

/** Steps a window as a flow does: until there is nothing to do, each whole digest handed over. */
class Told {
  window: AlertWindow;
  untold: readonly UntoldFailure[] = [];
  readonly alerts: Alert[] = [];
  readonly counted: number[] = [];

  constructor(record: BackfillRecord | null) {
    this.window = newWindow(record);
  }

  tick(circumstances: Partial<Circumstances> & { readonly now: number }): void {
    for (;;) {
      const step = nextStep(this.window, { ...calm, ...circumstances, untold: this.untold });
      if (!step) return;
      this.window = alertWindowSchema.parse(JSON.parse(JSON.stringify(step.window)));
      this.untold = this.untold.filter(({ id }) => !step.takes.includes(id));
      if (!step.alert) continue;
      this.alerts.push(step.alert);
      this.counted.push(Number(/(\d+) cells? ha/.exec(step.alert.title)?.[1] ?? 0));
      this.window = sent(this.window);
    }
  }
}

describe('alerts/window', () => {
  it('makes one digest of 200 failures', () => {
    const told = new Told(null);
    told.untold = failures(200, { at: now - windowMs });
    told.tick({ now });
    assert.deepEqual(told.alerts.map(({ title }) => title), ['backfills: 200 cells have failed']);
    assert.deepEqual(told.untold, []);
  });

  it('makes one digest of more failures than a commit takes', () => {
    const told = new Told(null);
    told.untold = failures(1850, { at: now - windowMs });
    told.tick({ now });
    assert.deepEqual(told.alerts.map(({ title }) => title), ['backfills: 1850 cells have failed']);
  });

  it('leaves a digest that is on its way to whoever sends it, and sends it again once that one must be dead', () => {
    const step = nextStep(newWindow(null), { ...calm, untold: failures(1, { at: now - windowMs }) });
    assert.ok(step?.alert);
    const other = { ...calm, by: 'other' };
    assert.equal(nextStep(step.window, calm), null, 'not even by itself');
    assert.equal(nextStep(step.window, { ...other, now: now + 59_000 }), null);
    assert.deepEqual(nextStep(step.window, { ...other, now: now + 60_000 })?.alert, step.alert);
    assert.deepEqual(nextStep(step.window, { ...other, now: now - 1 })?.alert, step.alert, 'the clock was set back');
    assert.deepEqual(nextStep(step.window, { ...other, heldUntil: now })?.alert, step.alert, 'its lease ran out');
    assert.equal(nextStep(sent(step.window), { ...other, now: now + 60_000 }), null);
  });

  it('is for all of a journal that nobody was told of, and for nothing of one that has ended', () => {
    assert.equal(nextStep(newWindow(recordOf()), { ...calm, record: recordOf() })?.alert?.event, 'backfill_started');
    const ended = cancelled(recordOf(), ana, now);
    assert.equal(nextStep(newWindow(ended), { ...calm, record: ended }), null);
  });

  it('is kept while its backfill is open, its end untold, or its window not over', () => {
    const after = { now: now + windowMs, windowMs };
    const quiet = { ...newWindow(null), sentAt: now };
    assert.equal(isForgotten(quiet, { ...after, record: null }), true);
    assert.equal(isForgotten(quiet, { ...after, now: now + 1, record: null }), false);
    assert.equal(isForgotten(quiet, { ...after, record: recordOf() }), false);
    const ended = cancelled(recordOf(), ana, now);
    assert.equal(isForgotten(quiet, { ...after, record: ended }), false);
    assert.equal(isForgotten({ ...newWindow(ended), sentAt: now }, { ...after, record: ended }), true);
  });

  type Event =
    | { readonly kind: 'pass'; readonly seconds: number }
    | { readonly kind: 'fail'; readonly count: number }
    | { readonly kind: 'pause' }
    | { readonly kind: 'tick'; readonly isOver: boolean; readonly leaving: boolean };
  const event: fc.Arbitrary<Event> = fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 1500 }) }),
    fc.record({ kind: fc.constant('fail' as const), count: fc.integer({ min: 1, max: 500 }) }),
    fc.record({ kind: fc.constant('pause' as const) }),
    fc.record({ kind: fc.constant('tick' as const), isOver: fc.boolean(), leaving: fc.boolean() }),
  );

  it('whatever comes in whatever order: every failure is in exactly one digest, at most one goes out a window, and news go out at once', () => {
    fc.assert(fc.property(fc.boolean(), fc.array(event, { maxLength: 60 }), (isStaged, events) => {
      let at = now;
      let failed = 0;
      let record = isStaged ? recordOf() : null;
      const told = new Told(record);
      const withoutNews: number[] = [];
      let anyAt: number | null = null;
      const tick = (isOver: boolean, leaving: boolean): void => {
        const before = told.alerts.length;
        told.tick({ now: at, record, isOver: isOver && !isStaged, leaving, heldUntil: isStaged ? at + 2 * MINUTE : null });
        assert.ok(told.alerts.length - before <= 1, 'one at a time');
        const alert = told.alerts[before];
        if (!alert) return;
        if (alert.event === 'backfill_failures') {
          assert.ok(anyAt === null || at - anyAt >= windowMs, `${(at - (anyAt ?? 0)) / 1000} s after the last one`);
          withoutNews.push(at);
        }
        anyAt = at;
      };
      for (const next of events) {
        if (next.kind === 'pass') at += next.seconds * 1000;
        else if (next.kind === 'fail') {
          const from = failed;
          failed += next.count;
          told.untold = [...told.untold, ...Array.from({ length: next.count }, (_, index) => untoldFailure(`f${from + index}`, { at, backfillId: record?.id ?? null }))];
        } else if (next.kind === 'pause' && record) {
          at += 1;
          record = record.state === 'paused' ? resumed(record, ana, at) : paused(record, ana, at);
          const wasPaused = record.state === 'paused';
          const before = told.alerts.length;
          tick(false, false);
          if (wasPaused) assert.match(told.alerts[before]?.title ?? 'none', /is paused/);
        } else if (next.kind === 'tick') tick(next.isOver, next.leaving);
      }
      // Later, with nothing new, all of it has been told.
      for (let minutes = 0; minutes < 31; minutes += 1) {
        at += MINUTE;
        tick(true, false);
      }
      assert.equal(told.counted.reduce((sum, count) => sum + count, 0), failed);
      assert.deepEqual(told.untold, []);
    }), { numRuns: 300 });
  });
});
