import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import type { CellFacts } from '../../shared/gaps/facts.ts';
import type { World } from '../../shared/gaps/world.ts';
import { askers, reprocessModes, type Asker } from '../../shared/requests/ask.ts';
import { actionOf, askPolicy, cellClasses, classOf, type AskAction, type CellClass } from '../../shared/requests/ask-policy.ts';
import { accepted, alter, change, complete, emptyCell, failureOf, LEAGUE, lose, makePipeline, makeWorld, openOn, ran } from '../core-builders.ts';

const ACTIONS: readonly AskAction[] = ['open', 'rerun', 'join', 'again', 'done', 'hold', 'refuse'];

describe('The table of facts × who asks', () => {
  it('is total', () => {
    for (const cellClass of cellClasses) for (const asker of askers) assert.ok(ACTIONS.includes(askPolicy[cellClass][asker]), `${cellClass} × ${asker}`);
    assert.deepEqual(Object.keys(askPolicy).sort(), [...cellClasses].sort());
  });

  it('never opens a second request on a cell that has one', () => {
    for (const cellClass of ['open', 'in_flight'] as const) for (const asker of askers) for (const reprocess of reprocessModes) {
      assert.ok(['join', 'again'].includes(actionOf(cellClass, asker, reprocess)));
    }
  });

  it('never runs what a person holds by hand, whoever asks', () => {
    for (const asker of askers) for (const reprocess of reprocessModes) assert.equal(actionOf('held_by_hand', asker, reprocess), 'hold');
  });

  it('lets a person, a plan and a backfill run what failed or cools; the detector and a cascade leave it', () => {
    const runs = (asker: Asker): boolean => asker === 'person' || asker === 'plan' || asker === 'backfill';
    for (const cellClass of ['held_by_failure', 'cooling'] as const) for (const asker of askers) assert.equal(askPolicy[cellClass][asker], runs(asker) ? 'open' : 'hold');
  });

  it('opens what lacks rows or has wrong ones, whoever asks', () => {
    for (const cellClass of ['lacking', 'wrong'] as const) for (const asker of askers) for (const reprocess of reprocessModes) assert.equal(actionOf(cellClass, asker, reprocess), 'open');
  });

  it('refuses a person a single date on which nothing is expected', () => {
    for (const reprocess of reprocessModes) assert.equal(actionOf('not_expected', 'person', reprocess), 'refuse');
  });

  const reprocess: readonly (readonly [CellClass, AskAction, AskAction, AskAction])[] = [
    // none, failed, completed
    ['complete', 'done', 'done', 'rerun'],
    ['failed_but_good', 'done', 'rerun', 'rerun'],
    ['accepted', 'done', 'done', 'rerun'],
    ['lacking', 'open', 'open', 'open'],
    ['pending', 'open', 'open', 'open'],
    ['not_expected', 'refuse', 'refuse', 'refuse'],
  ];
  for (const [cellClass, ...actions] of reprocess) {
    it(`with reprocess none, failed, completed does ${actions.join(', ')} to what is ${cellClass}`, () => {
      assert.deepEqual(reprocessModes.map((mode) => actionOf(cellClass, 'person', mode)), actions);
    });
  }
});

describe('What a cell is like', () => {
  const league = makePipeline(LEAGUE);
  const at = '2024-01-10';
  const failed = failureOf({ definitionHash: league.byName.get('Box')?.definitionHash ?? '' });
  const table: readonly (readonly [CellClass, string, (world: World) => void])[] = [
    ['complete', 'good rows', () => undefined],
    ['lacking', 'no rows', (world) => lose(world, 'Box', at)],
    ['lacking', 'too few rows', (world) => alter(world, 'Box', at, { rows: 2, games: { '10a': 2 } })],
    ['wrong', 'rows of somebody else', (world) => alter(world, 'Box', at)],
    ['open', 'a request', (world) => { lose(world, 'Box', at); openOn(world, 'Box', at); }],
    ['in_flight', 'a run under way', (world) => openOn(world, 'Box', at, { state: 'processing' })],
    ['accepted', 'an accepted gap', (world) => { lose(world, 'Box', at); accepted(world, 'Box', at); }],
    ['held_by_hand', 'a hold', (world) => change(world, 'Box', at, { hold: { by: 'ann', reason: 'wait', at: 0 } })],
    ['held_by_hand', 'a hold and a failure', (world) => change(world, 'Box', at, { hold: { by: 'ann', reason: 'wait', at: 0 }, failure: failed })],
    ['held_by_failure', 'no rows, and a failure that running again does not mend', (world) => { lose(world, 'Box', at); change(world, 'Box', at, { failure: failed }); }],
    ['cooling', 'no rows, and a failure that cools', (world) => { lose(world, 'Box', at); change(world, 'Box', at, { failure: failureOf({ coolsUntil: world.moment.now + 1 }) }); }],
    ['lacking', 'no rows, and a failure that has cooled', (world) => { lose(world, 'Box', at); change(world, 'Box', at, { failure: failureOf({ coolsUntil: world.moment.now }) }); }],
    ['failed_but_good', 'good rows, and a failure that holds', (world) => change(world, 'Box', at, { failure: failed })],
    ['failed_but_good', 'good rows, and a failure that has cooled', (world) => change(world, 'Box', at, { failure: failureOf({ coolsUntil: 1 }) })],
  ];
  for (const [cellClass, words, edit] of table) {
    it(`${words}: ${cellClass}`, () => {
      const world = complete(makeWorld(league), '2024-01-31');
      edit(world);
      const box = world.processor('Box');
      assert.equal(classOf(factsOf(world, box, dayOf(at)), world.record(box, dayOf(at))), cellClass);
    });
  }

  it('pending and not expected', () => {
    const facts: CellFacts = { data: 'pending', trace: 'unknown', activity: 'idle', shortcomings: [], changedEdges: [], readIncomplete: false, codeChanged: false };
    assert.equal(classOf(facts, emptyCell()), 'pending');
    assert.equal(classOf({ ...facts, data: 'not_expected' }, emptyCell()), 'not_expected');
  });

  it('wrong, when it read other rows than there are now', () => {
    const world = complete(makeWorld(league), '2024-01-31');
    ran(world, 'Box', at, 2);
    const summary = world.processor('Summary');
    assert.equal(classOf(factsOf(world, summary, dayOf(at)), world.record(summary, dayOf(at))), 'wrong');
  });
});
