import assert from 'node:assert/strict';
import type { Firestore } from '@google-cloud/firestore';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { tellDigests } from '../../shared/flows/digests.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { work } from '../../shared/flows/work.ts';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import type { Alert } from '../../shared/ports/notifier.ts';
import { ManualClock } from '../manual-clock.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { askOf, untoldFailure } from '../contract/request-records.ts';
import { AFTER_SEASON } from '../simulation/clean.ts';
import { SEASON, SEASON_DAYS } from '../simulation/mini-league.ts';
import { miniPipeline } from '../simulation/mini-pipeline.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';

const MINUTE = 60_000;

describeWithFirestore('digests of several instances on one state', () => {
  let client: Firestore;
  let clock: ManualClock;
  let alerts: Alert[];
  let instances: readonly Engine[];
  beforeEach(() => {
    client = emulatedFirestore();
    clock = new ManualClock(AFTER_SEASON);
    alerts = [];
    const pipeline = miniPipeline();
    const warehouse = new MemoryWarehouse(pipeline);
    const root = freshRoot();
    instances = ['first', 'second'].map((owner) => new Engine({
      pipeline, warehouse, clock, owner, lanes: 2, shared: true, ids: new RandomIds(),
      store: new FirestoreRequestStore(client, { rankOf: (name) => pipeline.byName.get(name)?.rank ?? 0, root }),
      runner: { run: async () => ({ kind: 'failed', error: { type: 'ValueError', message: 'division by zero' } }), cancel: async () => null, sourceHas: async () => 'unknown' },
      notifier: { notify: async (alert) => { alerts.push(alert); } },
    }));
  });
  afterEach(() => client.terminate());

  it('are one a window, with every failure of every instance, whoever looks and how often', async () => {
    const [first, second] = instances;
    assert.ok(first && second);
    await Promise.all(instances.map((engine) => engine.refresh(SEASON.from, SEASON.to)));
    await openAsk(first, { ...askOf('by-hand'), at: clock.now() }, SEASON_DAYS.map((day) => ({ processor: 'SchedulePage', day })));
    const signal = new AbortController().signal;
    await Promise.all(instances.map((engine) => work(engine, { signal })));
    assert.equal((await first.parts.store.untold(100)).length, SEASON_DAYS.length);
    const more = (engine: Engine) => engine.change({}, () => ({ writes: { untold: Array.from({ length: 220 }, (_, cell) => untoldFailure(`${engine.parts.owner} ${cell}`, { at: clock.now() })) }, result: null }));
    await Promise.all(instances.map(more));
    await Promise.all([...instances, ...instances].map((engine) => tellDigests(engine)));
    assert.deepEqual(alerts, [], 'the burst may go on');
    clock.advance(MINUTE);
    await Promise.all([...instances, ...instances].map((engine) => tellDigests(engine)));
    assert.deepEqual(alerts.map(({ title }) => title), [`backfills: ${SEASON_DAYS.length + 440} cells have failed`]);
    assert.deepEqual(await second.parts.store.untold(10), []);
    await more(second);
    clock.advance(14 * MINUTE);
    await Promise.all(instances.map((engine) => tellDigests(engine)));
    assert.equal(alerts.length, 1, 'the window is not over');
    clock.advance(MINUTE);
    await Promise.all(instances.map((engine) => tellDigests(engine)));
    assert.deepEqual(alerts.slice(1).map(({ title }) => title), ['backfills: 220 cells have failed']);
  });
});
