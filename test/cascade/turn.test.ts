import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { nextPhase, readyCells, siblings, turnCell, turnDigest, turnOf } from '../../shared/cascade/turn.ts';
import { describeCell } from '../../shared/gaps/usable.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { Phase } from '../../shared/pipeline/pipeline.ts';
import { complete, LEAGUE, makePipeline, makeWorld, ran, type Games, type PipelineSketch } from '../core-builders.ts';

/** The features look forward too, as NBA's do. */
const FORWARD: PipelineSketch = {
  ...LEAGUE,
  processors: { ...LEAGUE.processors, Features: { phase: 'features', expected: 'before_games', upstream: [{ processor: 'Ahead', window: 'own_date' }, { processor: 'Summary', window: { days: 5, include_own_date: false } }] } },
};
const pipeline = makePipeline(FORWARD);
const GAMES: Games = { '2024-01-02': ['2a'], '2024-01-05': ['5a'], '2024-01-06': ['6a'], '2024-03-04': ['s4'], '2024-03-06': ['s6'] };

function phase(world: World, name: string): Phase {
  const found = world.pipeline.phases.find((one) => one.name === name);
  assert.ok(found);
  return found;
}
const names = (world: World, of: string, turn: string): string[] => readyCells(world, phase(world, of), dayOf(turn)).map(describeCell);

describe('The turn of a date', () => {
  const world = makeWorld(pipeline, { games: GAMES });
  const cellOf = (name: string, turn: string): string | null => {
    const found = turnCell(world, world.processor(name), dayOf(turn));
    return found && formatDay(found.day);
  };
  const turn = (name: string, date: string): string | null => {
    const found = turnOf(world, world.processor(name), dayOf(date));
    return found === null ? null : formatDay(found);
  };

  it('is the date itself for what looks back, and the next one for what looks forward', () => {
    assert.deepEqual(['Box', 'Summary', 'Ahead', 'Features', 'Schedule'].map((name) => cellOf(name, '2024-01-02')), ['2024-01-02', '2024-01-02', '2024-01-05', '2024-01-05', '2024-01-03']);
  });

  it('of an off-day has what looks forward only', () => assert.deepEqual(['Box', 'Ahead', 'Schedule'].map((name) => cellOf(name, '2024-01-03')), [null, '2024-01-05', '2024-01-04']));

  it('does not reach over the end of a season: an opening night has no games before it', () => {
    assert.deepEqual([cellOf('Ahead', '2024-01-06'), cellOf('Schedule', '2024-01-31'), cellOf('Ahead', '2024-03-06')], [null, null, null]);
    assert.deepEqual([turn('Ahead', '2024-03-04'), turn('Schedule', '2024-03-01'), turn('Ahead', '2024-01-02')], [null, null, null]);
  });

  it('of a completed cell is the one that it takes part in', () => {
    assert.deepEqual([turn('Box', '2024-01-05'), turn('Ahead', '2024-01-05'), turn('Ahead', '2024-01-06'), turn('Schedule', '2024-01-05'), turn('Ahead', '2024-03-06')], ['2024-01-05', '2024-01-02', '2024-01-05', '2024-01-04', '2024-03-04']);
  });

  it('and the cell of a turn belong together, for any expected date', () => {
    const cells = world.pipeline.processors.flatMap((processor) => world.expectedDates(processor).dates.map((day) => ({ processor, day })));
    fc.assert(fc.property(fc.constantFrom(...cells), ({ processor, day }) => {
      const found = turnOf(world, processor, day);
      if (found !== null) assert.deepEqual(turnCell(world, processor, found), { processor: processor.name, day });
    }));
  });
});

describe('The next phase', () => {
  it('is none where that does not cascade or is not backfilled', () => {
    const world = makeWorld(pipeline);
    assert.deepEqual(['raw', 'analytics', 'features', 'predictions'].map((name) => nextPhase(world, phase(world, name))?.name ?? null), ['analytics', 'features', null, null]);
  });
});

describe('What a turn makes ready', () => {
  it('is what looks back on it, and what looks forward once its own date has its schedule', () => {
    const world = complete(makeWorld(pipeline, { games: GAMES, now: '2024-01-05T15:00:00Z' }), '2024-01-04');
    assert.deepEqual(names(world, 'raw', '2024-01-02'), ['Summary 2024-01-02', 'Ahead 2024-01-05']);
    assert.deepEqual(names(world, 'analytics', '2024-01-02'), ['Features 2024-01-05']);
  });

  it('leaves what looks forward to the turn before its date, while its schedule is not due', () => {
    const world = complete(makeWorld(pipeline, { games: GAMES, now: '2024-01-03T15:00:00Z' }), '2024-01-03');
    assert.deepEqual(names(world, 'raw', '2024-01-02'), ['Summary 2024-01-02']);
    ran(world, 'Schedule', '2024-01-05');
    assert.deepEqual(names(world, 'raw', '2024-01-02'), ['Summary 2024-01-02', 'Ahead 2024-01-05']);
    assert.deepEqual(names(world, 'raw', '2024-01-04'), ['Ahead 2024-01-05']);
  });

  it('is nothing in the last phase', () => assert.deepEqual(names(makeWorld(pipeline, { games: GAMES }), 'features', '2024-01-02'), []));
});

describe('Siblings', () => {
  it('are the cells of the phase that those of the next one read in this turn', () => {
    const world = complete(makeWorld(pipeline, { games: GAMES, now: '2024-01-06T15:00:00Z' }), '2024-01-05');
    const of = (name: string, turn: string): string[] => siblings(world, phase(world, name), dayOf(turn), readyCells(world, phase(world, name), dayOf(turn))).map(describeCell);
    assert.deepEqual(of('raw', '2024-01-05'), ['Box 2024-01-05', 'Schedule 2024-01-06']);
    assert.deepEqual(of('analytics', '2024-01-05'), ['Summary 2024-01-05', 'Ahead 2024-01-06']);
    assert.deepEqual(of('features', '2024-01-05'), []);
  });
});

describe('The digest of a turn', () => {
  it('is another for corrected data of the phase, and only for that', () => {
    const world = complete(makeWorld(pipeline, { games: GAMES, now: '2024-01-06T15:00:00Z' }), '2024-01-05');
    const digest = (): string => turnDigest(world, phase(world, 'raw'), dayOf('2024-01-05'));
    const before = digest();
    ran(world, 'Summary', '2024-01-05', 2);
    ran(world, 'Box', '2024-01-02', 2);
    assert.equal(digest(), before);
    ran(world, 'Box', '2024-01-05', 2);
    assert.notEqual(digest(), before);
  });
});
