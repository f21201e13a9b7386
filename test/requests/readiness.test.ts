import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { OpenRequest } from '../../shared/requests/cell.ts';
import { readiness } from '../../shared/requests/readiness.ts';
import { alter, CHAIN, change, complete, failureOf, LEAGUE, lose, makePipeline, makeWorld, openOn, ran, type PipelineSketch } from '../core-builders.ts';

const chain = makePipeline(CHAIN);
const STRICT = { strict: true, windowCompleteness: 0.9 };

function completeChain(sketch: PipelineSketch = CHAIN): World {
  return complete(makeWorld(sketch === CHAIN ? chain : makePipeline(sketch), { now: '2024-02-10' }), '2024-01-31');
}
function ready(world: World, request: Partial<Pick<OpenRequest, 'force' | 'kind'>> = {}, name = 'B', date = '2024-01-10', strictness = STRICT): string {
  const found = readiness(world, world.processor(name), dayOf(date), { force: false, kind: 'auto', ...request }, strictness);
  return found.kind === 'ready' ? 'ready' : `${found.kind} ${found.on.processor} ${formatDay(found.on.day)}: ${found.because}`;
}

describe('A request', () => {
  it('is ready when every input in its windows is usable', () => assert.equal(ready(completeChain()), 'ready'));

  it('waits for the last unusable input in topological order, so that it is woken about once', () => {
    const world = completeChain();
    lose(world, 'A', '2024-01-09', '2024-01-10', '2024-01-08');
    assert.equal(ready(world), 'waiting A 2024-01-10: A 2024-01-10 is missing');
  });

  it('waits for an input that is being worked on, the last one, although its rows are good', () => {
    const world = completeChain();
    openOn(world, 'A', '2024-01-08');
    openOn(world, 'A', '2024-01-09', { state: 'processing' });
    assert.equal(ready(world), 'waiting A 2024-01-09: A 2024-01-09 is being worked on');
  });

  it('waits for an open input before one that nobody works on', () => {
    const world = completeChain();
    lose(world, 'A', '2024-01-10');
    openOn(world, 'A', '2024-01-08');
    assert.equal(ready(world), 'waiting A 2024-01-08: A 2024-01-08 is being worked on');
  });

  it('takes no notice of what lies outside its windows', () => {
    const world = completeChain();
    lose(world, 'A', '2024-01-07');
    openOn(world, 'A', '2024-01-11');
    assert.equal(ready(world), 'ready');
  });

  it('is blocked by an input that is held by a person or by its failure', () => {
    for (const record of [{ hold: { by: 'ann', reason: 'wait', at: 0 } }, { failure: failureOf({ definitionHash: chain.byName.get('A')?.definitionHash ?? '' }) }]) {
      const world = completeChain();
      lose(world, 'A', '2024-01-10');
      change(world, 'A', '2024-01-10', record);
      assert.equal(ready(world), 'blocked A 2024-01-10: A 2024-01-10 is missing');
    }
  });

  it('waits for one that only cools down', () => {
    const world = completeChain();
    lose(world, 'A', '2024-01-10');
    change(world, 'A', '2024-01-10', { failure: failureOf({ coolsUntil: Number.MAX_SAFE_INTEGER }) });
    assert.equal(ready(world), 'waiting A 2024-01-10: A 2024-01-10 is missing');
  });

  it('is blocked by altered rows that are only reported, and waits for those that are redone', () => {
    const world = completeChain();
    alter(world, 'A', '2024-01-10');
    assert.match(ready(world), /^blocked A 2024-01-10/);
    alter(world, 'B', '2024-01-15');
    assert.match(ready(world, {}, 'C', '2024-01-15'), /^waiting B 2024-01-15/);
  });

  it('runs at once by force', () => {
    const world = completeChain();
    lose(world, 'A', '2024-01-10');
    openOn(world, 'A', '2024-01-09');
    assert.equal(ready(world, { force: true }), 'ready');
  });

  it('not strict, runs with a gap outside its critical window', () => {
    const world = complete(makeWorld(makePipeline(LEAGUE)), '2024-01-31');
    lose(world, 'Box', '2024-01-08');
    const loose = { strict: false, windowCompleteness: 0.7 };
    assert.equal(ready(world, {}, 'Summary', '2024-01-14', loose), 'ready');
    assert.match(ready(world, {}, 'Summary', '2024-01-14'), /^waiting Box/);
    lose(world, 'Box', '2024-01-12');
    assert.match(ready(world, {}, 'Summary', '2024-01-14', loose), /^waiting Box 2024-01-12/);
  });
});

describe("Tonight's run", () => {
  it('reads the old rows of an input that a backfill redoes: that pass comes back to it', () => {
    const world = completeChain();
    openOn(world, 'A', '2024-01-09', { rerun: true });
    assert.equal(ready(world, { kind: 'cascade' }), 'ready');
    assert.match(ready(world, { kind: 'auto' }), /^waiting A 2024-01-09/);
  });

  it('waits for an input that is missing, or run live itself', () => {
    const missing = completeChain();
    lose(missing, 'A', '2024-01-09');
    openOn(missing, 'A', '2024-01-09');
    assert.match(ready(missing, { kind: 'cascade' }), /^waiting A 2024-01-09/);
    const live = completeChain();
    openOn(live, 'A', '2024-01-09', { isBackfill: false });
    assert.match(ready(live, { kind: 'cascade' }), /^waiting A 2024-01-09/);
  });

  it('waits for an older input that may not be read, behind a newer one that may', () => {
    const world = completeChain();
    openOn(world, 'A', '2024-01-10', { rerun: true });
    openOn(world, 'A', '2024-01-08', { isBackfill: false });
    assert.match(ready(world, { kind: 'cascade' }), /^waiting A 2024-01-08/);
  });
});

describe('A sequential processor', () => {
  const sketch: PipelineSketch = { processors: { ...CHAIN.processors, B: { ...CHAIN.processors['B'], order: 'sequential' } } };

  it('waits for an earlier open date of the season', () => {
    const world = completeChain(sketch);
    openOn(world, 'B', '2024-01-02');
    assert.equal(ready(world), 'waiting B 2024-01-02: B 2024-01-02 comes first');
    assert.equal(ready(completeChain(), {}), 'ready');
  });

  it('does not wait for an earlier date that failed, nor for another season', () => {
    const world = complete(makeWorld(makePipeline(sketch), { now: '2024-04-10' }));
    lose(world, 'B', '2024-01-02');
    openOn(world, 'B', '2024-01-20');
    assert.equal(ready(world), 'ready');
    assert.equal(ready(world, {}, 'B', '2024-03-10'), 'ready');
  });
});

describe('Own history', () => {
  const sketch: PipelineSketch = { processors: { ...CHAIN.processors, B: { phase: 'analytics', upstream: [{ processor: 'A', window: 'own_date' }], reads_own_history: { window: { days: 2 } } } } };

  it('is an input like any other, bounded, without its own date', () => {
    const world = completeChain(sketch);
    lose(world, 'B', '2024-01-07', '2024-01-10');
    assert.equal(ready(world), 'ready');
    lose(world, 'B', '2024-01-08');
    assert.equal(ready(world), 'waiting B 2024-01-08: B 2024-01-08 is missing');
    ran(world, 'B', '2024-01-08');
    openOn(world, 'B', '2024-01-10');
    assert.equal(ready(world), 'ready', 'its own request is no input of it');
  });
});
