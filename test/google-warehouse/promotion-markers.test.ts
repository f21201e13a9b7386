import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { NO_MARKERS, withIntent, withPromoted, type MarkerState } from '../../shared/google/promotion-markers.ts';
import { MemoryPromotionMarkers } from './memory-promotion-markers.ts';
import type { Promotion } from '../../shared/ports/warehouse.ts';

const marker = (generation: number, runId = `run-${generation}`): Promotion => ({ runId, generation, token: generation, fingerprint: '1:00', trace: '{}' });
const after = (...markers: readonly Promotion[]): MarkerState => markers.reduce((state, next) => withIntent(state, next).state, NO_MARKERS);

describe('Promotion markers', () => {
  it('let rivals of one generation intend: the job id decides between them', () => {
    assert.deepEqual(withIntent(after(marker(1, 'a')), marker(1, 'b')), { intent: { kind: 'intended', lower: [] }, state: { promoted: null, intents: [marker(1, 'a'), marker(1, 'b')] } });
  });
  it('name the lower generations whose attempts may still be about to insert their job', () => {
    assert.deepEqual(withIntent(after(marker(1), marker(3)), marker(4)).intent, { kind: 'intended', lower: [1, 3] });
  });
  it('refuse a generation when a later one has begun, before its job exists', () => {
    const state = after(marker(2));
    assert.deepEqual(withIntent(state, marker(1)), { intent: { kind: 'over', by: 2 }, state });
  });
  it('refuse what is not newer than the promoted, and name the winner', () => {
    const state = withPromoted(after(marker(2, 'winner')), marker(2, 'winner'));
    for (const late of [marker(1), marker(2, 'rival'), marker(2, 'winner')]) assert.deepEqual(withIntent(state, late).intent, { kind: 'promoted', winner: marker(2, 'winner') });
  });
  it('keep one intent of an attempt that tries again', () => {
    assert.equal(after(marker(1, 'a'), marker(1, 'a')).intents.length, 1);
  });
  it('drop the intents that a promotion ends, and keep a newer promotion that was settled before', () => {
    const state = after(marker(1), marker(2), marker(3));
    assert.deepEqual(withPromoted(state, marker(2)), { promoted: marker(2), intents: [marker(3)] });
    assert.deepEqual(withPromoted({ promoted: marker(3), intents: [] }, marker(2)), { promoted: marker(3), intents: [] });
  });
  it('in memory are kept by cell, under one epoch', async () => {
    const markers = new MemoryPromotionMarkers();
    const [one, other] = [{ processor: 'P', day: dayOf('2023-11-15') }, { processor: 'P', day: dayOf('2023-11-16') }];
    await markers.intend(one, marker(1));
    await markers.settle(one, marker(1));
    assert.deepEqual(await markers.read(one), { promoted: marker(1), intents: [] });
    assert.deepEqual(await markers.read(other), NO_MARKERS);
    assert.equal(await markers.epoch(), await markers.epoch());
    assert.notEqual(await markers.epoch(), await new MemoryPromotionMarkers().epoch());
  });
});
