import assert from 'node:assert/strict';
import { classify } from '../../shared/failures/classify.ts';
import { BigQueryPromotion } from '../../shared/google/bigquery-promotion.ts';
import { attemptName, type FilledStage } from '../../shared/google/bigquery-staging.ts';
import { MemoryPromotionMarkers } from './memory-promotion-markers.ts';
import type { PromoteOutcome } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { claimOf, named, nov15 } from '../contract/warehouse-under-test.ts';
import { JobService } from './job-service.ts';

describe('Promotion by copy jobs', () => {
  const boxscores = named(warehousePipeline(), 'Boxscores');
  const key = { processor: 'Boxscores', day: nov15 };
  let service: JobService;
  let markers: MemoryPromotionMarkers;
  let promotion: BigQueryPromotion;

  beforeEach(() => {
    service = new JobService();
    markers = new MemoryPromotionMarkers();
    promotion = new BigQueryPromotion({ jobs: service.runner(), markers, pipeline: 'contract' });
  });

  const stageOf = (runId: string): FilledStage => ({
    dataset: 'staging', table: runId, reference: { projectId: 'p', datasetId: 'staging', tableId: runId }, byPartition: true,
    coverage: { rows: 1, games: null, duplicates: 0, nulls: 0, fingerprint: `1:${attemptName(runId)}`, views: {} },
  });
  const no = async (): Promise<boolean> => false;
  function promote(generation: number, runId = `run-${generation}`, isThere = no): Promise<PromoteOutcome> {
    return promotion.promote(claimOf(boxscores, nov15, generation, runId), stageOf(runId), `{"of":"${runId}"}`, isThere);
  }
  const winnerOf = (outcome: PromoteOutcome): string => (outcome.kind === 'fenced' ? outcome.winner.runId : outcome.kind);

  it('has one job id for each cell and generation, so that the second of two attempts attaches to the first (P21)', async () => {
    const outcomes = await Promise.all([promote(1, 'a'), promote(1, 'b'), promote(1, 'c')]);
    assert.deepEqual(outcomes.map(winnerOf), ['promoted', 'a', 'a']);
    assert.deepEqual(service.copied, ['a']);
    assert.equal(service.jobs.size, 1);
  });

  it('keeps out an attempt of a lower generation that stalled before it inserted its job (P8)', async () => {
    const stalled = Promise.withResolvers<boolean>();
    const zombie = promote(1, 'zombie', () => stalled.promise);
    assert.deepEqual(await promote(2), { kind: 'promoted' });
    stalled.resolve(false);
    assert.equal(winnerOf(await zombie), 'run-2');
    assert.deepEqual(service.copied, ['run-2']);
  });

  it('keeps it out also when it finds its rows in the table', async () => {
    const stalled = Promise.withResolvers<boolean>();
    const zombie = promote(1, 'zombie', () => stalled.promise);
    await promote(2);
    stalled.resolve(true);
    assert.equal(winnerOf(await zombie), 'run-2');
    assert.equal((await promotion.newest(key))?.runId, 'run-2');
  });

  it('tells an attempt whose generation was ended before anybody promoted to come back', async () => {
    const [first, second] = [Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>()];
    const zombie = promote(1, 'zombie', () => first.promise);
    const later = promote(2, 'later', () => second.promise);
    await new Promise(setImmediate);
    first.resolve(false);
    await assert.rejects(zombie, /generation 1 of Boxscores for 2023-11-15 is over: generation 2 has begun to promote/);
    await assert.rejects(promote(1, 'another'), /generation 1 .* is over/);
    second.resolve(false);
    assert.deepEqual(await later, { kind: 'promoted' });
    assert.deepEqual(service.copied, ['later']);
  });

  it('throws the failure of its own job with its reason, and lets the next attempt of the generation promote (P22)', async () => {
    service.failures.push({ reason: 'jobRateLimitExceeded', message: 'Job exceeded rate limits' });
    const thrown: unknown = await promote(1, 'a').catch((error: unknown) => error);
    assert.match(String(thrown), /exceeded rate limits/);
    assert.deepEqual([classify(thrown).category, classify(thrown).rule], ['resource_exhausted', 'google:jobRateLimitExceeded']);
    assert.equal(await promotion.newest(key), null);
    assert.deepEqual(await promote(1, 'b'), { kind: 'promoted' });
    assert.deepEqual([service.copied, service.jobs.size], [['b'], 2]);
    assert.equal(winnerOf(await promote(1, 'c')), 'b', 'the row of ids ends at the job that succeeded');
  });

  it('is found after a crash between the job and the marker, from the job', async () => {
    const settle = markers.settle.bind(markers);
    markers.settle = () => Promise.reject(new Error('the process died'));
    await assert.rejects(promote(1, 'mine'), /died/);
    markers.settle = settle;
    assert.deepEqual(await promotion.newest(key), { runId: 'mine', generation: 1, token: 1, fingerprint: `1:${attemptName('mine')}`, trace: '{"of":"mine"}' });
    assert.equal((await markers.read(key)).promoted?.runId, 'mine');
    assert.equal(winnerOf(await promote(1, 'rival')), 'mine');
  });

  it('is none after a crash between the intent and the job', async () => {
    await promote(1);
    await assert.rejects(promote(2, 'dead', () => Promise.reject(new Error('the process died'))), /died/);
    assert.equal((await promotion.newest(key))?.generation, 1);
    assert.deepEqual(await promote(2, 'next'), { kind: 'promoted' });
  });

  it("uses the generation's id up also when the table holds the rows already", async () => {
    assert.deepEqual(await promote(1, 'a', async () => true), { kind: 'unchanged' });
    assert.deepEqual(service.copied, []);
    assert.equal(winnerOf(await promote(1, 'b')), 'a');
    assert.deepEqual([service.copied, service.jobs.size], [[], 1]);
    assert.equal((await promotion.newest(key))?.trace, '{"of":"a"}');
  });

  it('takes 409 for its own job when the answer to its first try was lost', async () => {
    service.lostAnswers = 1;
    await assert.rejects(promote(1, 'mine'), /lost/);
    assert.deepEqual(await promote(1, 'mine'), { kind: 'promoted' });
    assert.deepEqual(service.copied, ['mine']);
  });

  it('says what it can of a promotion that a state from a backup does not know', async () => {
    await promote(1, 'forgotten');
    const restored = new MemoryPromotionMarkers();
    restored.epoch = () => markers.epoch();
    promotion = new BigQueryPromotion({ jobs: service.runner(), markers: restored, pipeline: 'contract' });
    const outcome = await promote(1, 'mine');
    assert.deepEqual(outcome, { kind: 'fenced', winner: { runId: 'forgotten', generation: 1, token: 0, fingerprint: '', trace: '{}' } });
    assert.deepEqual(service.copied, ['forgotten']);
  });

  it('begins anew with a state that was wiped: its epoch is in the job ids', async () => {
    await promote(1, 'before');
    promotion = new BigQueryPromotion({ jobs: service.runner(), markers: new MemoryPromotionMarkers(), pipeline: 'contract' });
    assert.deepEqual(await promote(1, 'after'), { kind: 'promoted' });
  });
});
