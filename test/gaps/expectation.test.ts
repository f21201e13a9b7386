import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { expectationOf } from '../../shared/gaps/expectation.ts';
import type { Coverage } from '../../shared/gaps/coverage.ts';
import type { World } from '../../shared/gaps/world.ts';
import { accepted, CHAIN, complete, goodRows, lose, LEAGUE, makePipeline, makeWorld, ran } from '../core-builders.ts';

const pipeline = makePipeline(LEAGUE);

function dataOf(world: World, name: string, date: string): { data: string; shortcomings: readonly string[] } {
  const { data, shortcomings } = factsOf(world, world.processor(name), dayOf(date));
  return { data, shortcomings };
}

/** A world in which one date of one processor has these rows. */
function withRows(name: string, date: string, changes: Partial<Coverage>, world = makeWorld(pipeline)): World {
  world.setCoverage(world.processor(name), dayOf(date), goodRows(world, name, dayOf(date), 1, changes));
  return world;
}

describe('Rows are judged by expected keys', () => {
  const table: readonly (readonly [string, Partial<Coverage>, string, readonly string[]])[] = [
    ['all games with their rows', {}, 'present', []],
    ['a game missing, although there are more rows than ever', { rows: 400, games: { '2a': 400 } }, 'short', ['1 of 2 games missing: 2b']],
    ['both games missing, and rows of another', { rows: 9, games: { zz: 9 } }, 'short', ['2 of 2 games missing: 2a, 2b']],
    ['a game with fewer rows than one game has', { rows: 3, games: { '2a': 2, '2b': 1 } }, 'short', ['fewer than 2 rows for game 2b']],
    ['rows that repeat a key', { rows: 6, duplicates: 2 }, 'short', ['2 rows repeat a key']],
    ['nulls where there must be none', { nulls: 3 }, 'short', ['3 nulls in required columns']],
    ['several things at once', { rows: 1, games: { '2a': 1 }, duplicates: 1, nulls: 1 }, 'short', ['1 of 2 games missing: 2b', 'fewer than 2 rows for game 2a', '1 rows repeat a key', '1 nulls in required columns']],
  ];
  for (const [words, changes, data, shortcomings] of table) {
    it(`with ${words}: ${data}`, () => assert.deepEqual(dataOf(withRows('Box', '2024-01-02', changes), 'Box', '2024-01-02'), { data, shortcomings }));
  }

  it('on a date of one game that game is enough: twenty rows are not short', () => {
    const world = makeWorld(makePipeline({ ...LEAGUE, processors: { ...LEAGUE.processors, Box: { expectations: { min_rows_per_game: 13, min_rows: 100 } } } }), { games: { '2024-01-02': ['only'] } });
    assert.equal(dataOf(withRows('Box', '2024-01-02', { rows: 20, games: { only: 20 } }, world), 'Box', '2024-01-02').data, 'present');
  });
});

describe('Where no keys are known rows are counted', () => {
  const noKeys = (expectations: object): World => makeWorld(makePipeline({ processors: { A: { expectations } } }));
  const table: readonly (readonly [string, object, number, string])[] = [
    ['min_rows at the row threshold', { min_rows: 100 }, 90, 'present'],
    ['one row under the threshold', { min_rows: 100 }, 89, 'short'],
    ['nothing declared: one row', {}, 1, 'present'],
  ];
  for (const [words, expectations, rows, data] of table) {
    it(`${words}: ${rows} rows are ${data}`, () => assert.equal(dataOf(withRows('A', '2024-01-02', { rows }, noKeys(expectations)), 'A', '2024-01-02').data, data));
  }

  it('by game, where games are known and keys are not looked at', () => {
    const world = makeWorld(makePipeline({ ...LEAGUE, processors: { ...LEAGUE.processors, Box: { expectations: { expected_keys: 'none', min_rows_per_game: 10 } } } }), { games: { '2024-01-02': ['a', 'b', 'c'], '2024-01-04': ['d'] } });
    assert.equal(dataOf(withRows('Box', '2024-01-02', { rows: 26, games: null }, world), 'Box', '2024-01-02').data, 'short');
    assert.equal(dataOf(withRows('Box', '2024-01-02', { rows: 27, games: null }, world), 'Box', '2024-01-02').data, 'present');
    assert.equal(dataOf(withRows('Box', '2024-01-04', { rows: 9, games: null }, world), 'Box', '2024-01-04').data, 'present');
  });
});

describe('No rows at all', () => {
  it('are missing', () => assert.equal(dataOf(makeWorld(pipeline), 'Box', '2024-01-02').data, 'missing'));

  it('are right in the warm-up of a season once a run of it is on record, and missing after it', () => {
    const world = makeWorld(pipeline);
    assert.equal(dataOf(world, 'Ahead', '2024-01-02').data, 'missing', 'not before');
    for (const date of ['2024-01-02', '2024-01-04']) {
      ran(world, 'Ahead', date);
      lose(world, 'Ahead', date);
      const record = world.record(world.processor('Ahead'), dayOf(date));
      world.setRecord({ ...record, last: record.last && { ...record.last, rows: 0, fingerprint: '0:0000000000000000' } });
    }
    assert.equal(dataOf(world, 'Ahead', '2024-01-02').data, 'present');
    assert.equal(dataOf(world, 'Ahead', '2024-01-04').data, 'missing');
  });

  it('are right of what is filled every day once a run of it is on record', () => {
    const world = complete(makeWorld(pipeline));
    const { last } = world.record(world.processor('Schedule'), dayOf('2024-01-03'));
    world.setCoverage(world.processor('Schedule'), dayOf('2024-01-03'), undefined);
    assert.equal(dataOf(world, 'Schedule', '2024-01-03').data, 'missing', 'it had rows');
    world.setRecord({ ...world.record(world.processor('Schedule'), dayOf('2024-01-03')), last: last && { ...last, rows: 0 } });
    assert.equal(dataOf(world, 'Schedule', '2024-01-03').data, 'present');
  });

  it('demand no keys in the warm-up, but rows that are there are judged', () => {
    assert.equal(dataOf(withRows('Ahead', '2024-01-02', { rows: 1, games: { '2a': 1 } }), 'Ahead', '2024-01-02').data, 'present');
    assert.equal(dataOf(withRows('Ahead', '2024-01-02', { rows: 1, games: { '2a': 1 }, duplicates: 1 }), 'Ahead', '2024-01-02').data, 'short');
    assert.equal(dataOf(withRows('Ahead', '2024-01-04', { rows: 1, games: { '4a': 1 } }), 'Ahead', '2024-01-04').data, 'short');
  });
});

describe('Keys that a person accepts as missing', () => {
  function acceptedGame(): World {
    const world = complete(makeWorld(pipeline));
    for (const name of ['Box', 'Summary', 'Features']) withRows(name, '2024-01-06', { rows: 2, games: { '6a': 2 } }, world);
    return world;
  }
  const keys = (world: World, name: string): readonly string[] => expectationOf(world, world.processor(name), dayOf('2024-01-06')).keys;

  it('leave the expectations of all that derives from them, at any depth', () => {
    const world = acceptedGame();
    assert.deepEqual(['Box', 'Summary', 'Features'].map((name) => dataOf(world, name, '2024-01-06').data), ['short', 'short', 'short']);
    accepted(world, 'Box', '2024-01-06', { missingKeys: ['6b'] });
    assert.deepEqual(['Box', 'Summary', 'Features'].map((name) => dataOf(world, name, '2024-01-06').data), ['present', 'present', 'present']);
    assert.deepEqual(keys(world, 'Features'), ['6a']);
  });

  it('stay expected of what reads other dates only', () => {
    const world = acceptedGame();
    accepted(world, 'Box', '2024-01-06', { missingKeys: ['6b'] });
    assert.deepEqual(keys(world, 'Ahead'), ['6a', '6b']);
  });

  it('are expected again as soon as the rows are others than those accepted', () => {
    const world = acceptedGame();
    accepted(world, 'Box', '2024-01-06', { missingKeys: ['6b'] });
    assert.equal(dataOf(world, 'Summary', '2024-01-06').data, 'present');
    withRows('Box', '2024-01-06', {}, world);
    assert.deepEqual(keys(world, 'Summary'), ['6a', '6b']);
    assert.equal(dataOf(world, 'Summary', '2024-01-06').data, 'short');
  });

  it('are expected again when the acceptance is taken back or has ended', () => {
    const world = acceptedGame();
    const record = accepted(world, 'Box', '2024-01-06', { missingKeys: ['6b'], until: world.moment.now + 1 });
    assert.equal(dataOf(world.at({ ...world.moment, now: world.moment.now + 1 }), 'Summary', '2024-01-06').data, 'short');
    assert.equal(dataOf(world, 'Summary', '2024-01-06').data, 'present');
    world.setRecord({ ...record, acceptance: null });
    assert.equal(dataOf(world, 'Summary', '2024-01-06').data, 'short');
  });

  it('leave nothing to expect when they are all', () => {
    const world = complete(makeWorld(pipeline));
    lose(world, 'Box', '2024-01-06');
    accepted(world, 'Box', '2024-01-06', { missingKeys: ['6a', '6b'] });
    assert.equal(expectationOf(world, world.processor('Summary'), dayOf('2024-01-06')).mayBeEmpty, true);
  });
});

describe('What derives from nothing known', () => {
  it('has no keys in a pipeline without a schedule', () => {
    const world = makeWorld(makePipeline(CHAIN));
    assert.deepEqual(expectationOf(world, world.processor('B'), dayOf('2024-01-02')), { keys: [], minRowsPerKey: 0, minRows: 0, mayBeEmpty: true });
  });
});
