import assert from 'node:assert/strict';
import { stoodFor, tookText } from '../../scripts/output/backfill-standing.ts';

const MINUTE = 60_000;
const journal = ([
  [0, 'started'], [5, 'paused'], [605, 'resumed'], [610, 'stopped'], [612, 'paused'], [615, 'resumed'], [616, 'gate_held'], [618, 'retried'], [620, 'gate_passed'], [620, 'waits_for_approval'], [630, 'approved'],
  [640, 'quota'], [650, 'went_on'], [660, 'finished'],
] as const).map(([minute, event]) => ({ at: minute * MINUTE, by: 'kim', event, text: '' }));

describe('output/backfill-standing', () => {
  it('counts the time in which a backfill waited for a person or a quota, each minute once', () => {
    assert.equal(stoodFor({ journal }, 0, 660 * MINUTE), (600 + 5 + 2 + 10 + 10) * MINUTE);
  });

  it('counts what lies in the time asked about only', () => {
    assert.equal(stoodFor({ journal }, 600 * MINUTE, 612 * MINUTE), 7 * MINUTE);
  });

  it('counts on while it still stands', () => {
    assert.equal(stoodFor({ journal: journal.slice(0, 2) }, 0, 65 * MINUTE), 60 * MINUTE);
  });

  it('is told beside how long something took, where it is worth a word', () => {
    assert.equal(tookText({ journal }, 0, 660 * MINUTE), '11 h 00 min (stood 10 h 27 min)');
    assert.equal(tookText({ journal }, 0, 5 * MINUTE), '5 min 00 s');
    assert.equal(tookText({ journal }, 5 * MINUTE, 2 * MINUTE), '0 ms');
  });
});
