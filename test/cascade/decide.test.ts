import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dayOf } from '../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../shared/cascade/cascade.ts';
import { cascadeAfter, decideCascade, PARKING, type CascadeDecision, type CascadeQuestion } from '../../shared/cascade/decide.ts';
import { describeCell } from '../../shared/gaps/usable.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { Phase } from '../../shared/pipeline/pipeline.ts';
import { change, complete, failureOf, LEAGUE, lose, makePipeline, makeWorld, openOn, ran } from '../core-builders.ts';

const league = makePipeline(LEAGUE);
const STRICT = { strict: true, windowCompleteness: 0.9 };
const TURN = '2024-01-18';
const NOW = '2024-01-19T15:00:00Z';

/** The morning after the games of the 18th: the raw phase is complete, and nothing that reads it has been run for it. */
function morning(): World {
  const world = complete(makeWorld(league, { now: NOW }), '2024-01-17');
  for (const date of ['2024-01-18', '2024-01-19']) ran(world, 'Schedule', date);
  ran(world, 'Box', TURN);
  return world;
}
function phase(world: World, name: string): Phase {
  const found = world.pipeline.phases.find((one) => one.name === name);
  assert.ok(found);
  return found;
}
function question(world: World, changes: Partial<CascadeQuestion> = {}): CascadeQuestion {
  return { phase: phase(world, 'raw'), turn: dayOf(TURN), status: 'success', isBackfill: false, skipDownstreamTrigger: false, owed: false, paused: false, record: null, byPerson: null, ...changes };
}
function decide(world: World, changes: Partial<CascadeQuestion> = {}, strictness = STRICT): CascadeDecision {
  return decideCascade(world, question(world, changes), strictness);
}
const numbers = (decision: CascadeDecision): number[] => [...new Set(decision.reasons.map((reason) => reason.condition))];
function recordOf(changes: Partial<CascadeRecord> = {}): CascadeRecord {
  return {
    phase: 'raw', day: dayOf(TURN), state: 'expected', reasons: [], wouldHave: [], digest: null, releasedDigests: [], openedAt: 1, decidedAt: 1, releasedAt: null, backfillId: null, releasedBy: null, ...changes,
  };
}

describe('A cascade whose ten conditions all hold', () => {
  it('is released, with the cells that its date makes ready', () => {
    const decision = decide(morning());
    assert.deepEqual(decision.reasons, []);
    assert.deepEqual(decision.release.map(describeCell), ['Summary 2024-01-18']);
  });

  it('goes from phase to phase', () => {
    const world = morning();
    ran(world, 'Summary', TURN);
    assert.deepEqual(decide(world, { phase: phase(world, 'analytics') }).release.map(describeCell), ['Features 2024-01-18']);
  });
});

describe('Each condition alone holds a cascade back', () => {
  const table: readonly (readonly [number, string, (world: World) => void, (world: World) => Partial<CascadeQuestion>])[] = [
    [1, 'the run failed', () => undefined, () => ({ status: 'failed' })],
    [1, 'the run was skipped', () => undefined, () => ({ status: 'skipped' })],
    [1, 'the run found no data', () => undefined, () => ({ status: 'no_data' })],
    [2, 'the run is a backfill', () => undefined, () => ({ isBackfill: true })],
    [2, 'its date is not live any more', () => undefined, () => ({ turn: dayOf('2024-01-14') })],
    [3, 'skip_downstream_trigger', () => undefined, () => ({ skipDownstreamTrigger: true })],
    [4, 'the next phase does not cascade', () => undefined, (world) => ({ phase: phase(world, 'features') })],
    [4, 'there is no next phase', () => undefined, (world) => ({ phase: phase(world, 'predictions') })],
    [5, 'the pipeline is paused', () => undefined, () => ({ paused: true })],
    [6, 'a sibling is not complete', (world) => lose(world, 'Box', TURN), () => ({})],
    [7, 'a sibling failed and has no data', (world) => { lose(world, 'Box', TURN); change(world, 'Box', TURN, { failure: failureOf() }); }, () => ({})],
    [10, 'it was released already', () => undefined, (world) => ({ record: recordOf({ state: 'released', releasedDigests: [decide(world).digest] }) })],
  ];
  for (const [condition, words, edit, changes] of table) {
    it(`${condition}: ${words}`, () => {
      const world = morning();
      edit(world);
      assert.deepEqual(numbers(decide(world, changes(world))), [condition]);
    });
  }

  it('8 and 9: inputs in the windows are not usable, and too few of the rest are', () => {
    const world = morning();
    lose(world, 'Box', '2024-01-14');
    const decision = decide(world);
    assert.deepEqual(decision.reasons, [{ condition: 8, text: 'Box 2024-01-14 is missing' }, { condition: 9, text: '3 of 4 input cells are usable, under 0.9' }]);
  });

  it('8 alone where enough of the windows is usable', () => {
    const world = morning();
    lose(world, 'Box', '2024-01-14');
    assert.deepEqual(numbers(decide(world, {}, { strict: true, windowCompleteness: 0.7 })), [8]);
  });

  it('not strict, 8 looks at the critical windows only, and 9 at all of them', () => {
    const world = morning();
    lose(world, 'Box', '2024-01-14');
    assert.deepEqual(numbers(decide(world, {}, { strict: false, windowCompleteness: 0.7 })), []);
    assert.deepEqual(numbers(decide(world, {}, { strict: false, windowCompleteness: 0.9 })), [9]);
    lose(world, 'Box', '2024-01-16');
    assert.deepEqual(decide(world, {}, { strict: false, windowCompleteness: 0.5 }).reasons.map((reason) => reason.text), ['Box 2024-01-16 is missing']);
  });

  it('says nothing of 9 for siblings that are still to come: those are waited for', () => {
    const world = morning();
    lose(world, 'Box', TURN);
    assert.deepEqual(numbers(decide(world, {}, { strict: true, windowCompleteness: 1 })), [6]);
  });
});

describe('Exceptions to 2 and 3', () => {
  it('are a cascade that is owed: the recovery of a live date, or a staged backfill whose stage cascades', () => {
    assert.deepEqual(numbers(decide(morning(), { isBackfill: true, skipDownstreamTrigger: true, owed: true })), []);
  });

  it('let an owed one through whatever its age', () => {
    const world = morning();
    ran(world, 'Box', '2024-01-14');
    assert.deepEqual(numbers(decide(world, { turn: dayOf('2024-01-14'), owed: true })), []);
  });

  it('let a person release an old one', () => {
    assert.deepEqual(numbers(decide(morning(), { turn: dayOf('2024-01-14'), byPerson: 'ann' })), []);
    assert.deepEqual(numbers(decide(morning(), { turn: dayOf('2024-01-14'), byPerson: 'ann', isBackfill: true })), [2]);
  });
});

describe('All reasons are evaluated and kept', () => {
  it('in their order, whichever hold', () => {
    const flags = fc.record({ failed: fc.boolean(), backfill: fc.boolean(), skip: fc.boolean(), paused: fc.boolean(), sibling: fc.constantFrom('good', 'missing', 'failed'), gap: fc.boolean(), released: fc.boolean(), old: fc.boolean() });
    fc.assert(fc.property(flags, (flag) => {
      const world = morning();
      const turn = flag.old ? '2024-01-14' : TURN;
      if (flag.sibling !== 'good') lose(world, 'Box', turn);
      if (flag.sibling === 'failed') change(world, 'Box', turn, { failure: failureOf() });
      if (flag.gap) lose(world, 'Box', '2024-01-12');
      const base: Partial<CascadeQuestion> = { turn: dayOf(turn) };
      const { digest } = decide(world, base);
      const expected = [
        ...(flag.failed ? [1] : []), ...(flag.backfill || flag.old ? [2] : []), ...(flag.skip ? [3] : []), ...(flag.paused ? [5] : []),
        ...(flag.sibling === 'missing' ? [6] : []), ...(flag.sibling === 'failed' ? [7] : []), ...(flag.gap ? [8, 9] : []), ...(flag.released ? [10] : []),
      ];
      const decision = decide(world, {
        ...base, status: flag.failed ? 'failed' : 'success', isBackfill: flag.backfill, skipDownstreamTrigger: flag.skip, paused: flag.paused, record: flag.released ? recordOf({ releasedDigests: [digest] }) : null,
      });
      assert.deepEqual(numbers(decision), expected);
    }));
  });
});

describe('The record that a decision leaves', () => {
  const after = (decision: CascadeDecision, changes: Partial<CascadeQuestion> = {}, mode: Phase['mode'] = 'enforce'): CascadeRecord => cascadeAfter(question(morning(), changes), decision, mode, 99);
  const decisionOf = (...conditions: readonly number[]): CascadeDecision => ({ reasons: conditions.map((condition) => ({ condition, text: `${condition}` })), release: [], digest: 'd', usableCells: 0, expectedCells: 0 });

  const table: readonly (readonly [readonly number[], CascadeRecord['state'] | null, CascadeRecord['state']])[] = [
    [[], null, 'released'],
    ...[...PARKING].map((condition) => [[condition], null, 'parked'] as const),
    [[6], null, 'waiting'],
    [[6, 8], null, 'parked'],
    [[2], null, 'not_cascading'],
    [[3], null, 'not_cascading'],
    [[4], null, 'not_cascading'],
    [[2, 8], null, 'not_cascading'],
    [[10], 'released', 'released'],
    [[6, 10], 'released', 'released'],
    [[2], 'expected', 'expected'],
    [[2], 'parked', 'parked'],
    [[2], 'waiting', 'waiting'],
    [[2], 'released', 'released'],
    [[8], 'waiting', 'parked'],
    [[6], 'parked', 'waiting'],
    [[], 'parked', 'released'],
  ];
  for (const [conditions, before, state] of table) {
    it(`with ${conditions.length === 0 ? 'no reasons' : `reasons ${conditions.join(', ')}`}${before ? `, ${before} before` : ''}: ${state}`, () => {
      assert.equal(after(decisionOf(...conditions), { record: before && recordOf({ state: before }) }).state, state);
    });
  }

  it('knows the digests that were released: corrected data is a new cascade', () => {
    const world = morning();
    const first = decide(world);
    const record = cascadeAfter(question(world), first, 'enforce', 99);
    assert.deepEqual([record.releasedDigests, record.releasedAt], [[first.digest], 99]);
    assert.deepEqual(numbers(decide(world, { record })), [10]);
    ran(world, 'Box', TURN, 2);
    const second = decide(world, { record });
    assert.deepEqual(numbers(second), []);
    assert.deepEqual(cascadeAfter(question(world, { record }), second, 'enforce', 100).releasedDigests, [first.digest, second.digest]);
  });

  it('keeps when it was opened, and who released it', () => {
    const record = after(decisionOf(), { record: recordOf({ openedAt: 7, backfillId: 'b' }), byPerson: 'ann' });
    assert.deepEqual([record.openedAt, record.decidedAt, record.releasedBy, record.backfillId], [7, 99, 'ann', 'b']);
    assert.equal(after(decisionOf(5), { record: null }).openedAt, 99);
  });

  it('in observe and assist says what enforce would have held', () => {
    for (const mode of ['observe', 'assist'] as const) assert.deepEqual(after(decisionOf(5, 8), {}, mode).wouldHave.map((reason) => reason.condition), [5, 8]);
    const enforced = after(decisionOf(5, 8), {});
    assert.deepEqual([enforced.reasons.map((reason) => reason.condition), enforced.wouldHave], [[5, 8], []]);
    assert.deepEqual(after(decisionOf(), {}, 'observe').wouldHave, []);
  });
});

describe('Requests and rows under way', () => {
  it('a sibling that is being redone over good rows is complete', () => {
    const world = morning();
    openOn(world, 'Box', TURN, { state: 'processing' });
    assert.deepEqual(numbers(decide(world)), []);
  });
});
