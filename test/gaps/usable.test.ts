import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import type { CellFacts } from '../../shared/gaps/facts.ts';
import { describeCell, judgeInputs, lastOpenInput, usable, type InputsVerdict } from '../../shared/gaps/usable.ts';
import type { World } from '../../shared/gaps/world.ts';
import { accepted, alter, cell, CHAIN, complete, LEAGUE, lose, makePipeline, makeWorld, named, openOn, ran } from '../core-builders.ts';

const chain = makePipeline(CHAIN);
const redone = named(chain, 'A');
const reported = { ...redone, stalePolicy: 'report' } as const;

function facts(changes: Partial<CellFacts>): CellFacts {
  return { data: 'present', trace: 'fresh', activity: 'idle', shortcomings: [], changedEdges: [], readIncomplete: false, codeChanged: false, ...changes };
}

describe('An input may be read', () => {
  const table: readonly (readonly [string, Partial<CellFacts>, boolean, boolean])[] = [
    // Facts; where stale rows are redone; where they are only reported.
    ['verified rows', {}, true, true],
    ['rows without a trace', { trace: 'unknown' }, true, true],
    ['nothing expected', { data: 'not_expected' }, true, true],
    ['not due yet', { data: 'pending' }, false, false],
    ['missing', { data: 'missing' }, false, false],
    ['missing and cooling', { data: 'missing', activity: 'cooling' }, false, false],
    ['short', { data: 'short', shortcomings: ['x'] }, false, false],
    ['altered', { trace: 'altered' }, false, false],
    ['stale', { trace: 'stale' }, false, true],
    ['suspect', { trace: 'suspect' }, false, true],
    ['good rows, held by hand', { activity: 'held' }, true, true],
    ['good rows, a request open', { activity: 'open' }, true, true],
    ['missing and accepted', { data: 'missing', activity: 'accepted' }, true, true],
    ['short and accepted', { data: 'short', activity: 'accepted' }, true, true],
    ['stale and accepted', { trace: 'stale', activity: 'accepted' }, true, true],
  ];
  for (const [words, changes, whereRedone, whereReported] of table) {
    it(`${words}: ${whereRedone ? 'yes' : 'no'}${whereRedone === whereReported ? '' : ', yes where stale rows are only reported'}`, () => {
      assert.equal(usable(redone, facts(changes)).usable, whereRedone);
      assert.equal(usable(reported, facts(changes)).usable, whereReported);
    });
  }

  it('or the reason is said', () => {
    const verdict = usable(redone, facts({ data: 'short', shortcomings: ['1 of 2 games missing: b', '3 nulls'] }));
    assert.deepEqual(verdict, { usable: false, because: 'short: 1 of 2 games missing: b; 3 nulls' });
  });
});

describe('The inputs of a cell', () => {
  const league = makePipeline(LEAGUE);
  const judge = (world: World, strict: boolean, windowCompleteness = 0.9, name = 'Summary', date = '2024-01-14'): InputsVerdict => judgeInputs(world, world.processor(name), dayOf(date), { strict, windowCompleteness });
  const blocking = (verdict: InputsVerdict): string[] => verdict.blocking.map(describeCell);

  it('are all usable in a complete world', () => {
    assert.deepEqual(judge(complete(makeWorld(league)), true), { blocking: [], usableCells: 4, expectedCells: 4 });
  });

  it('strictly: each stands in the way, the last in topological order first', () => {
    const world = complete(makeWorld(league));
    lose(world, 'Box', '2024-01-08', '2024-01-14', '2024-01-10');
    const verdict = judge(world, true);
    assert.deepEqual(blocking(verdict), ['Box 2024-01-14', 'Box 2024-01-10', 'Box 2024-01-08']);
    assert.deepEqual([verdict.usableCells, verdict.expectedCells], [1, 4]);
    assert.deepEqual(verdict.blocking.map((input) => [input.critical, input.because]), [[true, 'missing'], [false, 'missing'], [false, 'missing']]);
  });

  it('not strictly: only those of the critical window, where enough of the whole is usable', () => {
    const world = complete(makeWorld(league));
    lose(world, 'Box', '2024-01-08');
    assert.deepEqual(blocking(judge(world, false, 0.75)), []);
    lose(world, 'Box', '2024-01-12');
    assert.deepEqual(blocking(judge(world, false, 0.5)), ['Box 2024-01-12']);
  });

  it('not strictly: all of them, where too little of the whole is usable', () => {
    const world = complete(makeWorld(league));
    lose(world, 'Box', '2024-01-08', '2024-01-10');
    assert.deepEqual(blocking(judge(world, false, 0.75)), ['Box 2024-01-10', 'Box 2024-01-08']);
  });

  it('include the expected dates only, and none before the start of the season', () => {
    const verdict = judge(complete(makeWorld(league)), true, 0.9, 'Summary', '2024-01-02');
    assert.equal(verdict.expectedCells, 1);
  });

  it('count accepted ones as usable', () => {
    const world = complete(makeWorld(league));
    lose(world, 'Box', '2024-01-10');
    accepted(world, 'Box', '2024-01-10');
    assert.deepEqual(blocking(judge(world, true)), []);
  });

  it('count those that are taken for usable', () => {
    const world = complete(makeWorld(league));
    lose(world, 'Box', '2024-01-10', '2024-01-12');
    const verdict = judgeInputs(world, world.processor('Summary'), dayOf('2024-01-14'), { strict: true, windowCompleteness: 0.9 }, (_upstream, day) => formatDay(day) === '2024-01-10');
    assert.deepEqual([blocking(verdict), verdict.usableCells], [['Box 2024-01-12'], 3]);
  });
});

describe('The last open input', () => {
  const world = (): World => complete(makeWorld(chain, { now: '2024-02-10' }), '2024-01-31');

  it('is the newest, of several processors that of the higher rank', () => {
    const one = complete(makeWorld(makePipeline({ processors: { ...CHAIN.processors, C: { phase: 'features', upstream: [{ processor: 'A', window: { days: 3, include_own_date: true } }, { processor: 'B', window: { days: 3, include_own_date: true } }] } } })), '2024-01-31');
    assert.equal(lastOpenInput(one, one.processor('C'), dayOf('2024-01-10')), null);
    openOn(one, 'B', '2024-01-08');
    openOn(one, 'A', '2024-01-09');
    assert.deepEqual(lastOpenInput(one, one.processor('C'), dayOf('2024-01-10')), cell('A', '2024-01-09'));
    openOn(one, 'B', '2024-01-09');
    assert.deepEqual(lastOpenInput(one, one.processor('C'), dayOf('2024-01-10')), cell('B', '2024-01-09'));
  });

  it('lies in the window only', () => {
    const one = world();
    openOn(one, 'A', '2024-01-07');
    openOn(one, 'A', '2024-01-11');
    assert.equal(lastOpenInput(one, one.processor('B'), dayOf('2024-01-10')), null);
  });

  it('passes over those that may be read all the same', () => {
    const one = world();
    openOn(one, 'A', '2024-01-08');
    openOn(one, 'A', '2024-01-10');
    assert.deepEqual(lastOpenInput(one, one.processor('B'), dayOf('2024-01-10'), (_upstream, day) => formatDay(day) === '2024-01-10'), cell('A', '2024-01-08'));
  });

  it('is gone with the request', () => {
    const one = world();
    openOn(one, 'A', '2024-01-10');
    one.setRecord({ ...one.record(one.processor('A'), dayOf('2024-01-10')), request: null });
    assert.equal(lastOpenInput(one, one.processor('B'), dayOf('2024-01-10')), null);
  });
});

describe('Altered rows', () => {
  it('keep their readers waiting until their last run is repeated', () => {
    const world = complete(makeWorld(chain, { now: '2024-02-10' }), '2024-01-31');
    alter(world, 'A', '2024-01-10');
    assert.deepEqual(judgeInputs(world, world.processor('B'), dayOf('2024-01-11'), { strict: true, windowCompleteness: 0.9 }).blocking.map(describeCell), ['A 2024-01-10']);
    ran(world, 'A', '2024-01-10');
    assert.deepEqual(judgeInputs(world, world.processor('B'), dayOf('2024-01-11'), { strict: true, windowCompleteness: 0.9 }).blocking, []);
  });
});
