import assert from 'node:assert/strict';
import { digestDue, type Situation } from '../../shared/alerts/due.ts';

const MINUTE = 60_000;
const now = 1_000 * MINUTE;
const quiet: Situation = { now, windowMs: 15 * MINUTE, sentAt: null, heldUntil: null, untold: null, hasNews: false, isOver: false, leaving: false };
const ago = (minutes: number): number => now - minutes * MINUTE;
const failed = (first: number, last = first) => ({ firstAt: ago(first), lastAt: ago(last) });

describe('alerts/due', () => {
  const cases: readonly (readonly [string, Partial<Situation>, boolean])[] = [
    ['nothing to say', {}, false],
    ['nothing to say for a long time', { sentAt: ago(600) }, false],
    ['news, with nothing failed', { hasNews: true, sentAt: ago(0) }, true],
    ['a failure just now', { untold: failed(0) }, false],
    ['a first failure that a window has passed since', { untold: failed(15, 0) }, true],
    ['a failure within the window of the last digest', { sentAt: ago(14), untold: failed(10, 0) }, false],
    ['what was held for the window of the last digest', { sentAt: ago(15), untold: failed(10, 0) }, true],
    ['a first failure long after the last digest', { sentAt: ago(100), untold: failed(3) }, false],
    ['a burst by hand that is over, and quiet for a minute', { untold: failed(3, 1), isOver: true }, true],
    ['a burst by hand that is over just now', { untold: failed(3, 0), isOver: true }, false],
    ['a burst that is over, within the window of the last digest', { sentAt: ago(5), untold: failed(3, 2), isOver: true }, false],
    ['a process that leaves with a failure', { untold: failed(0), leaving: true }, true],
    ['a process that leaves within the window of the last digest', { sentAt: ago(5), untold: failed(0), leaving: true }, false],
    ['a process that leaves with nothing to say', { leaving: true }, false],
    ['a holder that lives', { sentAt: ago(5), heldUntil: now + 1, untold: failed(4) }, false],
    ['a holder that died after the last digest', { sentAt: ago(5), heldUntil: ago(2), untold: failed(4) }, true],
    ['a holder that died before the last digest: a window is kept', { sentAt: ago(1), heldUntil: ago(2), untold: failed(0) }, false],
    ['a clock that was set back since the last digest', { sentAt: now + 500 * MINUTE, untold: failed(1) }, true],
  ];
  for (const [name, change, due] of cases) {
    it(`${due ? 'is' : 'is not'} due: ${name}`, () => assert.equal(digestDue({ ...quiet, ...change }), due));
  }
});
