import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { statusOf, type CellFacts } from '../../shared/gaps/facts.ts';
import { traceOf } from '../../shared/gaps/trace.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { accepted, alter, CHAIN, change, complete, failureOf, goodRows, GAMES, LEAGUE, lose, makePipeline, makeWorld, momentOf, openOn, ran, rowsOfGames, runOf } from '../core-builders.ts';
import { Calendar } from '../../shared/calendar/calendar.ts';

const league = makePipeline(LEAGUE);
const chain = makePipeline(CHAIN);

function facts(world: World, name: string, date: string): CellFacts {
  return factsOf(world, world.processor(name), dayOf(date));
}

function completeChain(pipeline: Pipeline = chain): World {
  return complete(makeWorld(pipeline, { now: '2024-02-10' }), '2024-01-31');
}

/** Rows without a record: what stands in a warehouse on the day of adoption. */
function adopted(): World {
  const world = makeWorld(chain);
  for (const name of ['A', 'B', 'C']) for (const day of world.expectedDates(world.processor(name)).within(dayOf('2024-01-01'), dayOf('2024-01-31'))) world.setCoverage(world.processor(name), day, goodRows(world, name, day));
  return world;
}

describe('The data fact', () => {
  it('is not_expected on a day without games, and outside all seasons', () => {
    const world = makeWorld(league);
    assert.equal(facts(world, 'Box', '2024-01-03').data, 'not_expected');
    assert.equal(facts(world, 'Box', '2024-02-03').data, 'not_expected');
    assert.equal(facts(world, 'Box', '1999-02-03').data, 'not_expected');
  });

  it('is pending until the date has settled, and then missing', () => {
    assert.equal(facts(makeWorld(league, { now: '2024-01-10T17:00:00Z' }), 'Box', '2024-01-10').data, 'pending');
    assert.equal(facts(makeWorld(league, { now: '2024-01-11T11:00:00Z' }), 'Box', '2024-01-10').data, 'missing');
  });

  it('is present before it is due, once its rows are good', () => {
    const world = makeWorld(league, { now: '2024-01-10T17:00:00Z' });
    world.setCoverage(world.processor('Box'), dayOf('2024-01-10'), goodRows(world, 'Box', dayOf('2024-01-10')));
    assert.equal(facts(world, 'Box', '2024-01-10').data, 'present');
  });

  it('is judged like any other once a run is on record: a completion ends pending', () => {
    const world = makeWorld(league, { now: '2024-01-10T17:00:00Z' });
    ran(world, 'Box', '2024-01-10');
    lose(world, 'Box', '2024-01-10');
    assert.equal(facts(world, 'Box', '2024-01-10').data, 'missing');
  });

  it('is not_expected past the retention of landed files, which then lack nothing for their readers', () => {
    const pipeline = makePipeline({ processors: { ...CHAIN.processors, A: { retention_days: 7 } } });
    const world = makeWorld(pipeline, { now: '2024-01-20' });
    assert.equal(facts(world, 'A', '2024-01-12').data, 'not_expected');
    assert.equal(facts(world, 'A', '2024-01-13').data, 'missing');
    for (const day of [5, 20]) world.setCoverage(world.processor('B'), dayOf(`2024-01-${String(day).padStart(2, '0')}`), goodRows(world, 'B', dayOf('2024-01-05')));
    assert.equal(facts(world, 'B', '2024-01-05').trace, 'unknown');
  });

  it('is not_expected where all games are stuck: nothing was played that could be judged', () => {
    const games = { ...GAMES, '2024-01-10': [{ key: 's', status: 1 }], '2024-01-12': ['12a', { key: '12s', status: 1 }] };
    assert.equal(facts(makeWorld(league, { games, now: '2024-01-12T12:00:00Z' }), 'Box', '2024-01-10').data, 'pending');
    const later = makeWorld(league, { games, now: '2024-01-14T12:00:00Z' });
    assert.equal(facts(later, 'Box', '2024-01-10').data, 'not_expected');
    ran(later, 'Box', '2024-01-12');
    assert.equal(facts(later, 'Box', '2024-01-12').data, 'present', 'the rest of the date is judged');
  });
});

describe('The trace fact', () => {
  it('is fresh where rows are those of the last run and inputs those that it read', () => {
    const world = completeChain();
    assert.deepEqual(facts(world, 'C', '2024-01-15'), { data: 'present', trace: 'fresh', activity: 'idle', shortcomings: [], changedEdges: [], readIncomplete: false, codeChanged: false });
  });

  it('is stale when an input has other rows, verified by a run of its own', () => {
    const world = completeChain();
    ran(world, 'A', '2024-01-10', 2);
    assert.deepEqual(['2024-01-09', '2024-01-10', '2024-01-11', '2024-01-12', '2024-01-13'].map((date) => facts(world, 'B', date).trace), ['fresh', 'stale', 'stale', 'stale', 'fresh']);
    assert.deepEqual(facts(world, 'B', '2024-01-10').changedEdges, ['A']);
    assert.equal(facts(world, 'C', '2024-01-10').trace, 'fresh', 'B itself has not changed yet');
  });

  it('is stale when there are rows where it read none', () => {
    const world = makeWorld(chain);
    for (const date of ['2024-01-01', '2024-01-03']) ran(world, 'A', date);
    ran(world, 'B', '2024-01-03');
    assert.equal(facts(world, 'B', '2024-01-03').trace, 'fresh');
    ran(world, 'A', '2024-01-02');
    assert.equal(facts(world, 'B', '2024-01-03').trace, 'stale');
  });

  it('is stale when a date enters or leaves its window', () => {
    const world = complete(makeWorld(league), '2024-01-20');
    const games = { ...GAMES, '2024-01-09': ['9a', '9b'] };
    const more = world.at(world.moment, new Calendar(league, rowsOfGames(games)));
    assert.equal(facts(more, 'Summary', '2024-01-10').trace, 'stale', 'the ninth entered');
    const { '2024-01-08': _gone, ...fewer } = GAMES;
    const less = world.at(world.moment, new Calendar(league, rowsOfGames(fewer)));
    assert.equal(facts(less, 'Summary', '2024-01-14').trace, 'stale', 'the sixth entered in place of the eighth');
    assert.equal(facts(less, 'Summary', '2024-01-06').trace, 'fresh');
  });

  it('is not stale when an input that it read is missing now: that is a gap of its own', () => {
    const world = completeChain();
    lose(world, 'A', '2024-01-10');
    const found = facts(world, 'B', '2024-01-10');
    assert.deepEqual([found.trace, found.readIncomplete, statusOf(found)], ['fresh', true, 'complete']);
  });

  it('is not stale when an input has been altered by somebody: that too is a finding of its own', () => {
    const world = completeChain();
    alter(world, 'A', '2024-01-10');
    assert.deepEqual([facts(world, 'A', '2024-01-10').trace, facts(world, 'B', '2024-01-10').trace], ['altered', 'fresh']);
    accepted(world, 'A', '2024-01-10');
    assert.deepEqual([facts(world, 'A', '2024-01-10').trace, facts(world, 'B', '2024-01-10').trace], ['fresh', 'stale'], 'once a person accepts the rows');
  });

  it('is stale by one input while another is lost', () => {
    const world = completeChain();
    lose(world, 'A', '2024-01-10');
    ran(world, 'A', '2024-01-11', 2);
    assert.equal(facts(world, 'B', '2024-01-11').trace, 'stale');
  });

  it('is not stale when an input is short now, as long as its last run is the one that was read', () => {
    const world = complete(makeWorld(league), '2024-01-20');
    alter(world, 'Box', '2024-01-10', { rows: 2, games: { '10a': 2 } });
    assert.equal(facts(world, 'Box', '2024-01-10').data, 'short');
    assert.equal(facts(world, 'Summary', '2024-01-10').trace, 'fresh');
  });

  it('is fresh for an edge that names columns when only others change', () => {
    const world = complete(makeWorld(league), '2024-01-20');
    const schedule = world.processor('Schedule');
    const before = world.coverage(schedule, dayOf('2024-01-10'));
    assert.ok(before);
    world.setCoverage(schedule, dayOf('2024-01-10'), { ...goodRows(world, 'Schedule', dayOf('2024-01-10'), 2), views: before.views });
    world.setRecord({ ...world.record(schedule, dayOf('2024-01-10')), last: runOf(world, 'Schedule', dayOf('2024-01-10')) });
    assert.equal(facts(world, 'Ahead', '2024-01-10').trace, 'fresh');
    ran(world, 'Schedule', '2024-01-10', 3);
    assert.equal(facts(world, 'Ahead', '2024-01-10').trace, 'stale');
    assert.deepEqual(facts(world, 'Ahead', '2024-01-10').changedEdges, ['Schedule(game_date,game_id)']);
  });

  it('is altered when the rows are not those of the last run, until that run is repeated or they are accepted', () => {
    const world = completeChain();
    alter(world, 'C', '2024-01-10');
    assert.equal(facts(world, 'C', '2024-01-10').trace, 'altered');
    ran(world, 'C', '2024-01-10');
    assert.equal(facts(world, 'C', '2024-01-10').trace, 'fresh');
  });

  it('is altered where rows stand although the last run wrote none', () => {
    const world = completeChain();
    const { last } = world.record(world.processor('A'), dayOf('2024-01-10'));
    change(world, 'A', '2024-01-10', { last: last && { ...last, rows: 0, fingerprint: '0:0000000000000000' } });
    assert.equal(facts(world, 'A', '2024-01-10').trace, 'altered');
  });

  it('says when code or definition have changed, and is stale for it only by policy', () => {
    const world = completeChain();
    const { last } = world.record(world.processor('A'), dayOf('2024-01-10'));
    const trace = last?.trace ? { ...last.trace, codeVersion: 'older' } : null;
    change(world, 'A', '2024-01-10', { last: last && { ...last, trace } });
    assert.deepEqual([facts(world, 'A', '2024-01-10').trace, facts(world, 'A', '2024-01-10').codeChanged], ['fresh', true]);
    const eager = completeChain(makePipeline({ processors: { ...CHAIN.processors, A: { code_change_policy: 'reprocess' } } }));
    change(eager, 'A', '2024-01-10', { last: last && { ...last, trace } });
    assert.equal(facts(eager, 'A', '2024-01-10').trace, 'stale');
  });
});

describe('Rows without a trace', () => {
  it('are unknown', () => assert.deepEqual([facts(adopted(), 'C', '2024-01-10').trace, statusOf(facts(adopted(), 'C', '2024-01-10'))], ['unknown', 'complete']));

  it('are suspect when an input is absent', () => {
    const world = adopted();
    lose(world, 'A', '2024-01-10');
    assert.deepEqual(['2024-01-09', '2024-01-10', '2024-01-12', '2024-01-13'].map((date) => facts(world, 'B', date).trace), ['unknown', 'suspect', 'suspect', 'unknown']);
    assert.equal(facts(world, 'C', '2024-01-10').trace, 'unknown');
  });

  it('are suspect as soon as this system has filled an input', () => {
    const world = adopted();
    ran(world, 'A', '2024-01-10', 2);
    assert.equal(facts(world, 'B', '2024-01-11').trace, 'suspect');
  });

  it('are not suspect by a run that somebody else made', () => {
    const world = adopted();
    change(world, 'A', '2024-01-10', { last: runOf(world, 'A', dayOf('2024-01-10'), { origin: 'external' }) });
    assert.equal(facts(world, 'B', '2024-01-11').trace, 'unknown');
  });

  it('are suspect when the record says so', () => {
    const world = adopted();
    change(world, 'B', '2024-01-10', { suspect: 'an input was written after this run had started' });
    assert.equal(facts(world, 'B', '2024-01-10').trace, 'suspect');
    change(world, 'B', '2024-01-11', { last: runOf(world, 'B', dayOf('2024-01-11'), { trace: null, origin: 'external' }), suspect: 'so' });
    assert.equal(facts(world, 'B', '2024-01-11').trace, 'suspect');
  });
});

describe('The activity fact', () => {
  const at = '2024-01-10';
  const activity = (edit: (world: World) => void): string => {
    const world = completeChain();
    edit(world);
    return facts(world, 'B', at).activity;
  };
  const now = momentOf(chain, '2024-02-10').now;
  const digest = (world: World): string => traceOf(world, world.processor('B'), dayOf(at)).digest;
  const hash = chain.byName.get('B')?.definitionHash ?? '';
  const table: readonly (readonly [string, string, (world: World) => void])[] = [
    ['idle', 'nothing is known of it', () => undefined],
    ['open', 'a request is queued', (world) => openOn(world, 'B', at)],
    ['open', 'a request is blocked', (world) => openOn(world, 'B', at, { state: 'blocked' })],
    ['in_flight', 'a request is processing', (world) => openOn(world, 'B', at, { state: 'processing' })],
    ['cooling', 'it failed and will be tried again', (world) => change(world, 'B', at, { failure: failureOf({ category: 'infrastructure', coolsUntil: now + 1 }) })],
    ['idle', 'it has cooled down', (world) => change(world, 'B', at, { failure: failureOf({ category: 'infrastructure', coolsUntil: now }) })],
    ['held', 'it failed, and nothing that it reads has changed since', (world) => change(world, 'B', at, { failure: failureOf({ inputsDigest: digest(world), definitionHash: hash }) })],
    ['idle', 'it failed, and its definition has changed since', (world) => change(world, 'B', at, { failure: failureOf({ inputsDigest: digest(world), definitionHash: 'older' }) })],
    ['idle', 'it failed, and an input has changed since', (world) => { change(world, 'B', at, { failure: failureOf({ inputsDigest: digest(world), definitionHash: hash }) }); facts(world, 'B', at); ran(world, 'A', '2024-01-09', 2); }],
    ['held', 'a person holds it', (world) => change(world, 'B', at, { hold: { by: 'ann', reason: 'wait', at: 0 } })],
    ['accepted', 'a person accepted its rows', (world) => accepted(world, 'B', at)],
    ['accepted', 'accepted comes before held and before an open request', (world) => { accepted(world, 'B', at); change(world, 'B', at, { hold: { by: 'ann', reason: 'wait', at: 0 } }); openOn(world, 'B', at); }],
    ['held', 'held comes before in flight', (world) => { change(world, 'B', at, { hold: { by: 'ann', reason: 'wait', at: 0 } }); openOn(world, 'B', at, { state: 'processing' }); }],
    ['idle', 'an acceptance of other rows has ended', (world) => { accepted(world, 'B', at); alter(world, 'B', at); }],
  ];
  for (const [fact, words, edit] of table) it(`is ${fact}: ${words}`, () => assert.equal(activity(edit), fact));
});

describe('Every status', () => {
  it('is reached by something that happens', () => {
    const world = complete(makeWorld(league, { now: '2024-01-19T12:00:00Z' }), '2024-01-18');
    const reach = (name: string, date: string): string => statusOf(facts(world, name, date));
    lose(world, 'Box', '2024-01-02', '2024-01-04', '2024-01-06');
    accepted(world, 'Box', '2024-01-04');
    change(world, 'Box', '2024-01-06', { failure: failureOf({ category: 'infrastructure', coolsUntil: world.moment.now + 1 }) });
    alter(world, 'Box', '2024-01-08', { rows: 2, games: { '8a': 2 } });
    alter(world, 'Box', '2024-01-10');
    openOn(world, 'Box', '2024-01-12', { state: 'processing' });
    change(world, 'Box', '2024-01-14', { hold: { by: 'ann', reason: 'wait', at: 0 } });
    ran(world, 'Box', '2024-01-16', 2);
    change(world, 'Features', '2024-01-18', { last: null, suspect: 'so' });
    const found = ['2024-01-03', '2024-01-20', '2024-01-04', '2024-01-14', '2024-01-12', '2024-01-06', '2024-01-02', '2024-01-08', '2024-01-10'].map((date) => reach('Box', date));
    assert.deepEqual([...found, reach('Summary', '2024-01-16'), reach('Features', '2024-01-18'), reach('Box', '2024-01-16')],
      ['not_expected', 'pending', 'accepted', 'held', 'in_flight', 'failed', 'missing', 'short', 'altered', 'stale', 'suspect', 'complete']);
  });
});
