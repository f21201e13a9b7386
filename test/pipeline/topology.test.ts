import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import { topologyOf } from '../../shared/pipeline/topology.ts';
import { changed, pipelineOf } from './fixture.ts';

describe('pipeline/topology', () => {
  const topology = topologyOf(pipelineOf());
  const named = (name: string) => topology.subscriptions.find((subscription) => subscription.name === name);

  it("gives NBA the source documents' names", () => {
    const loaded = loadPipeline(join(import.meta.dirname, '../../pipelines/nba'), { readText: (path) => readFileSync(path, 'utf8') });
    assert.ok(loaded.kind === 'ok');
    const nba = topologyOf(loaded.pipeline);
    assert.deepEqual(nba.topics.map(({ name, kind, phase }) => [name, kind, phase]), [
      ['nba-backfill-requests', 'requests', undefined],
      ['nba-gap-detection', 'detection', undefined],
      ['nba-stage-coordination', 'coordination', undefined],
      ['nba-backfill-dead-letters', 'dead_letters', undefined],
      ['nba-backfill-alerts', 'alerts', undefined],
      ['scraper-complete', 'completion', 'phase_1_scrapers'],
      ['nba-phase2-raw-complete', 'completion', 'phase_2_raw'],
      ['nba-phase3-analytics-complete', 'completion', 'phase_3_analytics'],
      ['nba-phase4-precompute-complete', 'completion', 'phase_4_precompute'],
      ['nba-phase5-predictions-complete', 'completion', 'phase_5_predictions'],
    ]);
    assert.deepEqual(nba.subscriptions.map(({ name, topic, push }) => [name, topic, push?.function]), [
      ['backfill-worker-sub', 'nba-backfill-requests', 'backfill-worker'],
      ['gap-detector-sub', 'nba-gap-detection', 'gap-detector'],
      ['stage-coordinator-sub', 'nba-stage-coordination', 'stage-coordinator'],
      ['phase-router-sub-phase_1_scrapers', 'scraper-complete', 'phase-router'],
      ['phase-router-sub-phase_2_raw', 'nba-phase2-raw-complete', 'phase-router'],
      ['phase-router-sub-phase_3_analytics', 'nba-phase3-analytics-complete', 'phase-router'],
      ['phase-router-sub-phase_4_precompute', 'nba-phase4-precompute-complete', 'phase-router'],
      ['phase-router-sub-phase_5_predictions', 'nba-phase5-predictions-complete', 'phase-router'],
      ['nba-backfill-dead-letters-sub', 'nba-backfill-dead-letters', undefined],
      ['nba-backfill-alerts-sub', 'nba-backfill-alerts', undefined],
    ]);
  });

  it('pushes with the deadline of the definition, a backoff and a dead-letter topic (P5, P13)', () => {
    const { subscriptions } = topologyOf(pipelineOf(changed(['phase_router: router-sub}', 'phase_router: router-sub, ack_deadline_seconds: 300}'])));
    const pushed = subscriptions.filter(({ push }) => push !== null);
    assert.equal(pushed.length, 5);
    for (const { name: _, topic: __, push: ___, ...settings } of pushed) {
      assert.deepEqual(settings, { ackDeadlineSeconds: 300, minBackoffSeconds: 10, maxBackoffSeconds: 600, deadLetterTopic: 'dead-letters', maxDeliveryAttempts: 20 });
    }
  });

  it('keeps dead letters and alerts for a person, and dead letters nothing of them (P5)', () => {
    for (const topic of ['dead-letters', 'alerts']) {
      assert.deepEqual(named(`${topic}-sub`), {
        name: `${topic}-sub`, topic, push: null, ackDeadlineSeconds: 60, minBackoffSeconds: 10, maxBackoffSeconds: 600, deadLetterTopic: null, maxDeliveryAttempts: 20,
      });
    }
  });

  it('names what the definition leaves out after the pipeline', () => {
    assert.deepEqual(topology.topics.find(({ kind }) => kind === 'detection'), { name: 'small-gap-detection', kind: 'detection' });
    assert.equal(named('gap-detector-sub')?.topic, 'small-gap-detection');
  });

  it('makes topics for what is started outside, once each, and no subscription on them', () => {
    const { topics, subscriptions } = topologyOf(pipelineOf(changed(
      ['completion_topic: analytics-complete}', 'completion_topic: analytics-complete, cascade_target: {topic: start-analytics}}'],
      ["target: {in_process: './land.ts#schedule'}", "target: {embedded: {in_process: './land.ts#schedule'}, google: {pubsub: start-raw}}"],
      ["target: {in_process: './land.ts#boxscore'}", "target: {embedded: {in_process: './land.ts#boxscore'}, google: {pubsub: start-raw}}"],
    )));
    assert.deepEqual(topics.filter(({ kind }) => kind === 'trigger'), [
      { name: 'start-raw', kind: 'trigger', phase: 'phase_2_raw' }, { name: 'start-analytics', kind: 'trigger', phase: 'phase_3_analytics' },
    ]);
    assert.ok(!subscriptions.some(({ topic }) => topic.startsWith('start-')));
  });

  it('makes one topic of one that starts a phase and a processor', () => {
    const { topics } = topologyOf(pipelineOf(changed(
      ['completion_topic: analytics-complete}', 'completion_topic: analytics-complete, cascade_target: {topic: start}}'],
      ["target: {in_process: './land.ts#schedule'}", "target: {embedded: {in_process: './land.ts#schedule'}, google: {pubsub: start}}"],
    )));
    assert.deepEqual(topics.filter(({ name }) => name === 'start'), [{ name: 'start', kind: 'trigger', phase: 'phase_3_analytics' }]);
  });

  it('gives every topic and subscription a name of its own, and reads only topics that exist', () => {
    const names = topology.topics.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.equal(new Set(topology.subscriptions.map(({ name }) => name)).size, topology.subscriptions.length);
    for (const { topic, deadLetterTopic } of topology.subscriptions) for (const read of [topic, deadLetterTopic]) assert.ok(read === null || names.includes(read), String(read));
  });
});
