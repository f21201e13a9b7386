import assert from 'node:assert/strict';
import fc from 'fast-check';
import { acceptanceHolds, failureHolds, isSettled, statuses, statusOf, type ActivityFact, type CellFacts, type DataFact, type Status, type TraceFact } from '../../shared/gaps/facts.ts';
import { emptyCell, failureOf } from '../core-builders.ts';

const DATA: readonly DataFact[] = ['not_expected', 'pending', 'missing', 'short', 'present'];
const TRACE: readonly TraceFact[] = ['fresh', 'stale', 'altered', 'suspect', 'unknown'];
const ACTIVITY: readonly ActivityFact[] = ['idle', 'open', 'in_flight', 'cooling', 'held', 'accepted'];

function facts(data: DataFact, trace: TraceFact, activity: ActivityFact): CellFacts {
  return { data, trace, activity, shortcomings: [], changedEdges: [], readIncomplete: false, codeChanged: false };
}

/** design.md, section 2, word for word: the status is the first that holds. */
const ORDER: readonly (readonly [Status, (one: CellFacts) => boolean])[] = [
  ['not_expected', ({ data }) => data === 'not_expected'],
  ['pending', ({ data }) => data === 'pending'],
  ['accepted', ({ activity }) => activity === 'accepted'],
  ['held', ({ activity }) => activity === 'held'],
  ['in_flight', ({ activity }) => activity === 'in_flight'],
  ['failed', ({ data, activity }) => activity === 'cooling' && (data === 'missing' || data === 'short')],
  ['missing', ({ data }) => data === 'missing'],
  ['short', ({ data }) => data === 'short'],
  ['altered', ({ trace }) => trace === 'altered'],
  ['stale', ({ trace }) => trace === 'stale'],
  ['suspect', ({ trace }) => trace === 'suspect'],
  ['complete', () => true],
];

describe('The one-word status', () => {
  it('has the words of the design, in their order', () => assert.deepEqual(statuses, ORDER.map(([status]) => status)));

  it('is the first that holds, for all combinations of the three facts', () => {
    const reached = new Set<Status>();
    for (const data of DATA) for (const trace of TRACE) for (const activity of ACTIVITY) {
      const one = facts(data, trace, activity);
      const expected = ORDER.find(([, holds]) => holds(one))?.[0];
      assert.equal(statusOf(one), expected, `${data}, ${trace}, ${activity}`);
      reached.add(statusOf(one));
    }
    assert.equal(reached.size, statuses.length, 'every status can be reached');
  });

  it('counts a cell without a trace as complete', () => assert.equal(statusOf(facts('present', 'unknown', 'idle')), 'complete'));

  it('needs no work where it is complete, accepted, pending or not expected, and nowhere else', () => {
    for (const data of DATA) for (const trace of TRACE) for (const activity of ACTIVITY) {
      const one = facts(data, trace, activity);
      assert.equal(isSettled(one), ['complete', 'accepted', 'pending', 'not_expected'].includes(statusOf(one)));
    }
  });
});

describe('An acceptance', () => {
  const coverage = { rows: 3, games: null, duplicates: 0, nulls: 0, fingerprint: '3:aa', views: {} };
  const record = (fingerprint: string | null, until: number | null = null) => ({ ...emptyCell(), acceptance: { by: 'ann', reason: 'known', at: 0, until, fingerprint, missingKeys: [] } });

  it('holds for the rows that were accepted, and no others', () => {
    assert.equal(acceptanceHolds(record('3:aa'), coverage, 0), true);
    assert.equal(acceptanceHolds(record('3:aa'), { ...coverage, fingerprint: '3:bb' }, 0), false);
    assert.equal(acceptanceHolds(record('3:aa'), undefined, 0), false);
  });

  it('of absence holds while there are no rows', () => {
    assert.equal(acceptanceHolds(record(null), undefined, 0), true);
    assert.equal(acceptanceHolds(record(null), { ...coverage, rows: 0 }, 0), true);
    assert.equal(acceptanceHolds(record(null), coverage, 0), false);
  });

  it('ends at its instant', () => {
    assert.deepEqual([9, 10, 11].map((now) => acceptanceHolds(record('3:aa', 10), coverage, now)), [true, false, false]);
  });

  it('is not there unless somebody accepted', () => assert.equal(acceptanceHolds(emptyCell(), undefined, 0), false));
});

describe('A hold by failure', () => {
  it('ends when the inputs or the definition are others than the failed run saw', () => {
    const failure = failureOf({ inputsDigest: 'i', definitionHash: 'd' });
    assert.equal(failureHolds(failure, 'i', 'd'), true);
    assert.equal(failureHolds(failure, 'other', 'd'), false);
    assert.equal(failureHolds(failure, 'i', 'other'), false);
  });

  it('stands whatever the inputs are where no run saw any', () => assert.equal(failureHolds(failureOf({ definitionHash: 'd' }), 'any', 'd'), true));

  it('is none where the cell cools, or did not fail', () => {
    fc.assert(fc.property(fc.integer(), (coolsUntil) => !failureHolds(failureOf({ definitionHash: 'd', coolsUntil }), 'i', 'd')));
    assert.equal(failureHolds(null, 'i', 'd'), false);
  });
});
