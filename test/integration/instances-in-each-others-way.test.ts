import assert from 'node:assert/strict';
import { handleBackfillRequest } from '../../functions/backfill-worker/handler.ts';
import { handleDetection } from '../../functions/gap-detector/handler.ts';
import { addDays, dayOf, formatDay } from '../../shared/calendar/day.ts';
import { askOf } from '../core-builders.ts';
import { ManualClock } from '../manual-clock.ts';
import { claimCell } from '../../shared/flows/claim.ts';
import { detectGaps } from '../../shared/flows/detect-gaps.ts';
import { finishFailed } from '../../shared/flows/finish.ts';
import { takeOrAsk } from '../../shared/flows/leases.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { TimeBudget } from '../../shared/flows/time-budget.ts';
import { work } from '../../shared/flows/work.ts';
import type { Ask } from '../../shared/requests/ask.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { classify } from '../../shared/failures/classify.ts';
import { AFTER_SEASON, cleanState, copyOfState, copyOfWarehouse } from '../simulation/clean.ts';
import { Cluster, type ClusterOptions } from '../simulation/cluster.ts';
import { cellName } from '../simulation/mini-pipeline.ts';
import { Random } from '../simulation/random.ts';
import { inManualTime, Outside, TOPICS } from '../simulation/site.ts';

const DAY = dayOf('2024-01-05');
const MINUTE_MS = 60_000;

const ask = (id: string, more: Partial<Ask> = {}): Ask => askOf({ id, by: 'kim', at: AFTER_SEASON, reprocess: 'completed', ...more });

describe('instances in each other\'s way', () => {
  let cluster: Cluster;
  let clock: ManualClock;
  let outside: Outside;
  const open = async (more: Partial<ClusterOptions> = {}): Promise<void> => {
    const state = await cleanState();
    clock = new ManualClock(AFTER_SEASON);
    outside = new Outside();
    const warehouse = await copyOfWarehouse(state);
    cluster = new Cluster({
      pipeline: state.pipeline, databasePath: copyOfState(state), warehouse, clock, outside, random: new Random(1), longestRunMs: 1, instances: 2, duplicates: 0, kills: 0, asynchronous: new Set(), lanes: 1, ...more,
    });
    for (const at of [0, 1]) await cluster.instance('worker', at).engine.refresh(DAY, DAY);
  };
  beforeEach(() => open());
  afterEach(() => cluster.close());
  const engines = () => [cluster.instance('worker', 0).engine, cluster.instance('worker', 1).engine] as const;
  const wait = <T>(work: Promise<T>): Promise<T> => inManualTime(clock, work);
  const signal = new AbortController().signal;
  const openCells = async (): Promise<readonly string[]> => (await cluster.store.openCells()).map((record) => `${cellName(record)} ${record.request?.state ?? ''}`);
  const key = (processor: string, day = DAY) => ({ processor, day });

  it('what ended elsewhere is not waited for, although this instance has not heard of its end', async () => {
    const [a, b] = engines();
    await openAsk(a, ask('input'), [key('Box')]);
    await b.reread();
    // A's run hands back the same rows: nothing in the warehouse tells B of it.
    await wait(work(a, { signal }));
    await openAsk(a, ask('reader'), [key('TeamForm')]);
    await wait(work(b, { signal }));
    assert.deepEqual(await openCells(), []);
  });

  it('what is opened does not wait for what ended elsewhere', async () => {
    const [a, b] = engines();
    await openAsk(a, ask('input'), [key('Box')]);
    await b.reread();
    await wait(work(a, { signal }));
    await openAsk(b, ask('reader'), [key('TeamForm')]);
    assert.deepEqual(await openCells(), ['TeamForm 2024-01-05 queued']);
  });

  it('who frees a slot takes what another instance has queued meanwhile, whatever became of its own run', async () => {
    const [a, b] = engines();
    const slots = a.world.processor('Box').slots;
    const days = [DAY, addDays(DAY, 1), addDays(DAY, 2)] as const;
    assert.equal(slots, 2);
    await openAsk(a, ask('first'), [key('Box', days[0]), key('Box', days[1])]);
    assert.equal((await claimCell(b, key('Box', days[1]))).kind, 'claimed');
    let refused: unknown = null;
    outside.during = async (_cell, when) => {
      if (when !== 'before' || refused !== null) return;
      refused = true;
      await openAsk(b, ask('second'), [key('Box', days[2])]);
      refused = await claimCell(b, key('Box', days[2]));
    };
    await wait(work(a, { signal }));
    assert.deepEqual(refused, { kind: 'not_now', noSlot: true });
    assert.deepEqual(await openCells(), ['Box 2024-01-06 processing']);
  });

  it('a lane that fails leaves no other at work when its caller is told', async () => {
    cluster.close();
    await open({ lanes: 2 });
    const [a] = engines();
    await openAsk(a, ask('own'), [key('Box')]);
    let running = 0;
    outside.during = async (_cell, when) => {
      running += when === 'before' ? 1 : -1;
    };
    const { store } = cluster;
    const looked = store.oldestQueued.bind(store);
    let looks = 0;
    store.oldestQueued = async (now) => {
      looks += 1;
      if (looks === 2) throw new Error('state is away');
      return looked(now);
    };
    await assert.rejects(wait(work(a, { signal, fairTurn: 1 })), /state is away/);
    assert.deepEqual([running, await openCells()], [0, []]);
  });

  it('a person\'s order to cancel outlives the instance that ran the cell', async () => {
    const [a, b] = engines();
    await openAsk(a, ask('own'), [key('Box')]);
    const claimed = await claimCell(a, key('Box'));
    assert.equal(claimed.kind, 'claimed');
    await stopOrder('cancel');
    clock.advance(2 * MINUTE_MS);
    await sweep(b);
    assert.deepEqual(await openCells(), []);
    assert.match((await cluster.store.cell(key('Box'))).failure?.message ?? '', /^cancelled by kim/);
  });

  it('a person\'s order to cancel stands when the run fails before it is seen', async () => {
    const [a] = engines();
    await openAsk(a, ask('own'), [key('Box')]);
    const claimed = await claimCell(a, key('Box'));
    assert.ok(claimed.kind === 'claimed');
    await stopOrder('cancel');
    await finishFailed(a, claimed.claim, classify(new Error('connection reset by peer')), null);
    assert.deepEqual(await openCells(), []);
    assert.match((await cluster.store.cell(key('Box'))).failure?.message ?? '', /^cancelled by kim/);
  });

  async function stopOrder(how: 'cancel' | 'pause'): Promise<void> {
    await cluster.store.transact({ cells: [key('Box')] }, (snapshot) => {
      const record = snapshot.cell(key('Box'));
      assert.ok(record.request);
      return { writes: { cells: [{ ...record, request: { ...record.request, stop: { how, by: 'kim', reason: 'wrong source', at: clock.now() } } }] }, result: null };
    });
  }

  it('a detection does what was asked for while it went on, for the dates that it was asked for', async () => {
    const [a, b] = engines();
    const lost = dayOf('2024-01-15');
    cluster.options.warehouse.outside(a.world.processor('Box'), dayOf('2024-01-03'), null);
    cluster.options.warehouse.outside(a.world.processor('Box'), lost, null);
    let joined: unknown = null;
    outside.during = async () => {
      joined ??= await detectGaps(b, { from: dayOf('2024-01-14'), to: dayOf('2024-01-20'), signal });
    };
    await wait(detectGaps(a, { from: dayOf('2024-01-01'), to: dayOf('2024-01-03'), signal }));
    assert.deepEqual(joined, { joined: true, detection: null, recovered: null });
    assert.ok(outside.runs.includes('Box 2024-01-15'));
    assert.deepEqual(await cluster.store.leases(), []);
  });

  it('what a detector was asked for is done by the next when it dies', async () => {
    const [a, b] = engines();
    cluster.options.warehouse.outside(a.world.processor('Box'), dayOf('2024-01-15'), null);
    await takeOrAsk(a, 'detector', ['2024-01-01/2024-01-03']);
    assert.equal((await detectGaps(b, { from: dayOf('2024-01-14'), to: dayOf('2024-01-20'), signal })).joined, true);
    clock.advance(3 * MINUTE_MS);
    await wait(detectGaps(b, { from: dayOf('2024-01-01'), to: dayOf('2024-01-03'), signal }));
    assert.ok(outside.runs.includes('Box 2024-01-15'));
  });

  it('a detector that has not time enough for anything does not ring itself for ever', async () => {
    const { engine, worker } = cluster.instance('detector');
    await engine.refresh(DAY, DAY);
    await openAsk(engine, ask('own'), [key('Box')]);
    const time = new TimeBudget(clock.now() + 40_000);
    const message = { messageId: '1', topic: TOPICS.detection, subscription: 'detector', body: '{}', attributes: {}, deliveryAttempt: 1 };
    await wait(handleDetection({ engine, worker, bus: cluster, detectionTopic: TOPICS.detection, signal, time }, message));
    assert.equal(time.ranOut, true);
    assert.equal(cluster.published.get(TOPICS.detection), undefined);
  });

  it('a request that comes again after its worker died has the detector look', async () => {
    const { engine, worker } = cluster.instance('worker');
    await openAsk(engine, ask('own'), [key('Box')]);
    await wait(work(engine, { signal }));
    const body = JSON.stringify({ processor_name: 'Box', start_date: '2024-01-05', end_date: '2024-01-05', request_id: 'own' });
    const deps = { engine, worker, bus: cluster, detectionTopic: TOPICS.detection, signal };
    const message = { messageId: '1', topic: TOPICS.requests, subscription: 'worker', body, attributes: {}, deliveryAttempt: 1 };
    await wait(handleBackfillRequest(deps, message));
    assert.equal(cluster.published.get(TOPICS.detection), undefined);
    await wait(handleBackfillRequest(deps, { ...message, deliveryAttempt: 2 }));
    assert.equal(cluster.published.get(TOPICS.detection), 1);
  });

  it('a completion of a silent run starts nothing, however often it comes', async () => {
    cluster.close();
    const { pipeline } = await cleanState();
    await open({ asynchronous: new Set(['Box']), pipeline: { ...pipeline, settings: { ...pipeline.settings, live_days: 60 } } });
    cluster.options.warehouse.outside(pipeline.processors.find(({ name }) => name === 'Box') ?? assert.fail(), DAY, null);
    await wait(asked(key('Box')));
    const { last } = await cluster.store.cell(key('Box'));
    assert.equal(last?.silent, true);
    await cluster.publish('mini-phase2-complete', JSON.stringify({ phase: 'phase_2_raw', processor_name: 'Box', game_date: '2024-01-05', status: 'success', run_id: last.runId }));
    await wait(cluster.quiet());
    assert.deepEqual((await cluster.store.cascades(DAY, DAY)).filter(({ state }) => state === 'released'), []);
  });

  async function asked({ processor, day }: CellKey): Promise<void> {
    await cluster.publish(TOPICS.requests, JSON.stringify({ processor_name: processor, start_date: formatDay(day), end_date: formatDay(day) }));
    await cluster.quiet();
  }
});
