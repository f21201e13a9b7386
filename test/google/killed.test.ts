import assert from 'node:assert/strict';
import { Engine } from '../../shared/flows/engine.ts';
import { receiveRequest } from '../../shared/flows/request.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { work, type Worked } from '../../shared/flows/work.ts';
import type { PromoteOutcome, Warehouse } from '../../shared/ports/warehouse.ts';
import { describeWithEmulators } from './emulated.ts';
import { request, sharedPlaces, startSmallCloud, type SmallCloud } from './small-cloud.ts';
import { until } from './until.ts';

/** More than the minute for which a claim is believed without a heartbeat. */
const LATER_MS = 120_000;

describeWithEmulators('a worker that is killed in the middle of a run', () => {
  let cloud: SmallCloud;
  before(async function () {
    cloud = await startSmallCloud(sharedPlaces());
  });
  after(() => cloud.dispose());

  const pipelineNow = (): number => cloud.runtime.engine.parts.clock.now();
  const leased = (date: string): Promise<string> => until(`${date} is being worked on`, async () => (await cloud.record('Totals', date)).request?.lease?.runId);
  /** Starts worker and detector again at a time when the dead one's lease has run out, and has the detector look. */
  const lookLater = async (): Promise<void> => {
    for (const name of ['backfill-worker', 'gap-detector'] as const) {
      await cloud.function(name).kill();
      await cloud.function(name).start({ NOW: new Date(pipelineNow() + LATER_MS).toISOString() });
    }
    assert.equal((await cloud.push('gap-detector', 'tick')).status, 204);
  };
  const startAgain = async (): Promise<void> => {
    for (const name of ['backfill-worker', 'gap-detector'] as const) {
      await cloud.function(name).kill();
      await cloud.function(name).start();
    }
  };

  it('has its lease taken over once that has run out, and the work is done once', async () => {
    const date = '2024-03-01';
    await cloud.team.write(date, [5, 6]);
    const held = cloud.bigquery.holdJobs({ kind: 'query', sql: /SUM\(points\)/ });
    const answer = cloud.push('backfill-worker', request('Totals', date), { id: 'killed-1' }).catch(() => null);
    await held.reached;
    const first = await leased(date);
    await cloud.function('backfill-worker').kill();
    assert.equal(await answer, null, 'the connection broke');
    held.release();
    try {
      await lookLater();
      const { last, generation } = await cloud.ended('Totals', date);
      assert.equal(last?.rows, 2);
      assert.notEqual(last?.runId, first);
      assert.equal(generation, 1);
      // Pub/Sub delivers what was not answered again.
      assert.equal((await cloud.push('backfill-worker', request('Totals', date), { id: 'killed-1' })).status, 204);
      assert.deepEqual((await cloud.runtime.store.ask('killed-1'))?.cells.map(({ outcome }) => outcome), ['ran']);
      const copies = cloud.bigquery.jobs().filter(({ jobId }) => jobId.includes('promote') && jobId.includes('Totals_20240301'));
      assert.equal(copies.length, 1, 'promoted once');
    } finally {
      await startAgain();
    }
  });

  it('has its run finished, not repeated, where its rows were promoted before it could say so', async () => {
    const date = '2024-03-02';
    await cloud.team.write(date, [7, 8]);
    const held = cloud.bigquery.holdJobs({ kind: 'copy', jobId: /Totals_20240302/ });
    const answer = cloud.push('backfill-worker', request('Totals', date), { id: 'killed-2' }).catch(() => null);
    const copy = await held.reached;
    const first = await leased(date);
    await cloud.function('backfill-worker').kill();
    await answer;
    held.release();
    await until('the copy job ends', () => cloud.bigquery.jobs().find(({ jobId }) => jobId === copy)?.state === 'DONE');
    try {
      await lookLater();
      const { last } = await cloud.ended('Totals', date);
      assert.deepEqual([last?.runId, last?.rows], [first, 2], "the dead worker's own run");
      assert.deepEqual((await cloud.runtime.store.ask('killed-2'))?.cells.map(({ outcome }) => outcome), ['ran']);
    } finally {
      await startAgain();
    }
  });

  it('cannot promote when it turns out to be alive: its promotion is fenced off, and the winner’s run stays on record', async () => {
    const date = '2024-03-03';
    await cloud.team.write(date, [9, 10]);
    const { parts } = cloud.runtime.engine;
    const gate = Promise.withResolvers<void>();
    const staged = Promise.withResolvers<void>();
    const promotions: PromoteOutcome[] = [];
    const slow = new Engine({ ...parts, owner: 'slow', lanes: 1, warehouse: slowed(parts.warehouse, { staged: staged.resolve, gate: gate.promise, promotions }) });
    const fast = new Engine({ ...parts, owner: 'fast', lanes: 1, clock: { now: () => pipelineNow() + LATER_MS, sleep: (milliseconds, signal) => parts.clock.sleep(milliseconds, signal) } });
    const run = async (engine: Engine): Promise<Worked[]> => {
      const ended: Worked[] = [];
      await work(engine, { signal: new AbortController().signal, onEnd: (worked) => ended.push(worked) });
      return ended;
    };

    await receiveRequest(slow, { messageId: 'fenced-1', topic: '', subscription: '', attributes: {}, deliveryAttempt: 1, body: JSON.stringify(request('Totals', date)) });
    const slowly = run(slow);
    await staged.promise;
    const zombie = await leased(date);
    assert.equal((await sweep(fast)).requeued, 1);
    const [winner, ...others] = await run(fast);
    assert.deepEqual([winner?.outcome, others], ['ran', []]);
    assert.notEqual(winner?.runId, zombie);
    gate.resolve();
    await slowly;
    assert.deepEqual(promotions.map((promotion) => (promotion.kind === 'fenced' ? promotion.winner.runId : promotion.kind)), [winner?.runId], 'who is fenced off is told who won');
    assert.equal((await cloud.ended('Totals', date)).last?.runId, winner?.runId);
    assert.equal(cloud.bigquery.jobs().filter(({ jobId }) => jobId.includes('promote') && jobId.includes('Totals_20240303')).length, 1, 'one promotion');
    assert.deepEqual((await cloud.runtime.store.ask('fenced-1'))?.cells.map(({ outcome }) => outcome), ['ran']);
  });
});

/** A warehouse whose caller sleeps between its staging and its promotion. */
function slowed(warehouse: Warehouse, { staged, gate, promotions }: { readonly staged: () => void; readonly gate: Promise<void>; readonly promotions: PromoteOutcome[] }): Warehouse {
  return {
    coverage: (...asked) => warehouse.coverage(...asked), mayHaveChanged: (...asked) => warehouse.mayHaveChanged(...asked), calendarRows: (...asked) => warehouse.calendarRows(...asked),
    promotion: (...asked) => warehouse.promotion(...asked), rows: (...asked) => warehouse.rows(...asked), check: (...asked) => warehouse.check(...asked),
    keep: (...asked) => warehouse.keep(...asked), kept: (...asked) => warehouse.kept(...asked), remembersMs: (...asked) => warehouse.remembersMs(...asked), close: () => warehouse.close(),
    stage: async (...asked) => {
      const stage = await warehouse.stage(...asked);
      staged();
      await gate;
      return {
        coverage: stage.coverage, discard: () => stage.discard(),
        promote: async (trace) => {
          const outcome = await stage.promote(trace);
          promotions.push(outcome);
          return outcome;
        },
      };
    },
  };
}
