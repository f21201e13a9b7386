import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { tellDigests } from '../../shared/flows/digests.ts';
import { untoldFailure } from '../contract/request-records.ts';
import { WholeSeason } from '../simulation/season.ts';
import { Site } from '../simulation/site.ts';
import { lost } from './staged/empty-season.ts';

const broken = { type: 'ValueError', message: 'division by zero' };
const SEASON = ['2024-01-01', '2024-01-20'] as const;
const MINUTE = 60_000;

describe('flows/digests, of runs in backfill mode by hand', () => {
  let season: WholeSeason;
  const titles = (): string[] => season.site.alerts.map(({ title }) => title);
  const askAll = async (times: number): Promise<number> => {
    for (let time = 0; time < times; time += 1) {
      for (const { name } of season.site.pipeline.processors) await season.ask(name, SEASON, { reprocess: 'completed', request_id: `ask-${name}-${time}` });
    }
    return season.outside.started.length;
  };
  beforeEach(async () => { season = await WholeSeason.open(); });
  afterEach(() => season.close());

  it('200 failures are one digest', async () => {
    season.outside.down = () => broken;
    const failed = await askAll(2);
    assert.ok(failed >= 200, `${failed} failures`);
    assert.deepEqual(titles(), [], 'none alerts by itself');
    for (let minute = 0; minute < 10; minute += 1) {
      season.clock.advance(MINUTE);
      await tellDigests(season.site.engine);
    }
    assert.deepEqual(titles(), [`backfills: ${failed} cells have failed`]);
    const [digest] = season.site.alerts;
    assert.match(digest?.lines.join('\n') ?? '', /Box: \d+ \(processing\), 2024-01-0\d to 2024-01-\d\d/);
    assert.match(digest?.command ?? '', /^smart-backfill gaps --from 2024-01-01 --to 2024-01-20$/);
    assert.deepEqual(await season.site.store.untold(1000), []);
    season.clock.advance(15 * MINUTE);
    await tellDigests(season.site.engine);
    assert.deepEqual(await season.site.store.leases(), [], 'nothing is kept of a window that is over');
  });

  it('goes out with the tick of the detector', async () => {
    season.outside.fail('TeamForm 2024-01-12', broken);
    await season.ask('TeamForm', '2024-01-12', { reprocess: 'completed' });
    season.clock.advance(5 * MINUTE);
    await season.tick();
    assert.deepEqual(season.site.alerts.map(({ title, command }) => [title, command]), [['backfills: 1 cell has failed', 'smart-backfill why TeamForm 2024-01-12']]);
  });

  it('does not tell of what detection tries again by itself', async () => {
    season.outside.fail('TeamForm 2024-01-12', lost, lost, lost);
    await season.ask('TeamForm', '2024-01-12', { reprocess: 'completed' });
    await season.wait(season.site.worker.ring(season.site.stop.signal));
    for (let minute = 0; minute < 20; minute += 1) {
      season.clock.advance(MINUTE);
      await season.wait(season.site.worker.ring(season.site.stop.signal));
    }
    assert.notEqual((await season.record('TeamForm', '2024-01-12')).failure?.coolsUntil ?? null, null, 'it cools');
    await tellDigests(season.site.engine);
    assert.deepEqual(titles(), []);
    assert.deepEqual(await season.site.store.untold(10), [], 'nor later');
  });

  it('does not tell of what was tried again and ran', async () => {
    season.outside.fail('TeamForm 2024-01-12', lost);
    await season.ask('TeamForm', '2024-01-12', { reprocess: 'completed' });
    season.clock.advance(MINUTE);
    await season.wait(season.site.worker.ring(season.site.stop.signal));
    season.clock.advance(20 * MINUTE);
    await tellDigests(season.site.engine);
    assert.deepEqual(titles(), []);
  });

  it('a live run alerts at once, whatever a digest holds back', async () => {
    season.outside.fail('TeamForm 2024-01-12', broken);
    await season.ask('TeamForm', '2024-01-12', { reprocess: 'completed', is_backfill: false });
    assert.deepEqual(season.site.alerts.map(({ event }) => event), ['request_failed']);
    assert.deepEqual(await season.site.store.untold(10), []);
  });

  it('tells of a used-up quota at once, and once while it lasts', async () => {
    season.outside.down = (cell) => (cell.startsWith('TeamForm') ? { type: 'QuotaError', message: 'Exceeded quota: concurrent queries' } : null);
    await season.ask('TeamForm', SEASON, { reprocess: 'completed' });
    const quota = (): unknown[] => season.site.alerts.map(({ severity, event, lines }) => [severity, event, lines[0]?.replace(/ 2024-\S+: \w+/, '')]);
    assert.deepEqual(quota(), [['critical', 'quota_used_up', 'TeamForm: Exceeded quota: concurrent queries']]);
    for (let look = 0; look < 6; look += 1) {
      season.clock.advance(5 * MINUTE);
      await season.wait(season.site.worker.ring(season.site.stop.signal));
      await tellDigests(season.site.engine);
    }
    assert.equal(quota().length, 1);
    season.outside.down = () => null;
    season.clock.advance(5 * MINUTE);
    await season.wait(season.site.worker.ring(season.site.stop.signal));
    season.clock.advance(20 * MINUTE);
    await tellDigests(season.site.engine);
    assert.deepEqual((await season.site.store.leases()).map(({ name }) => name), []);
  });

  it('tells of a used-up quota also where the process dies before it could', async () => {
    season.outside.fail('TeamForm 2024-01-12', { type: 'QuotaError', message: 'Exceeded quota: concurrent queries' });
    let killed = 0;
    season.site.engine.parts.notifier.notify = async () => {
      killed += 1;
      throw new Error('killed');
    };
    await season.ask('TeamForm', '2024-01-12', { reprocess: 'completed' });
    assert.equal(killed, 1);
    const other = Site.beside(season.site, { pipeline: season.site.pipeline, databasePath: '', warehouse: season.warehouse, clock: season.clock, outside: season.outside });
    await tellDigests(other.engine);
    assert.deepEqual(other.alerts, [], 'it may be on its way');
    season.clock.advance(MINUTE);
    await tellDigests(other.engine);
    await tellDigests(other.engine);
    assert.deepEqual(other.alerts.map(({ event }) => event), ['quota_used_up']);
  });

  it('two workers with failures, and two that look at the same time: one digest', async () => {
    const other = Site.beside(season.site, { pipeline: season.site.pipeline, databasePath: '', warehouse: season.warehouse, clock: season.clock, outside: season.outside });
    const at = season.clock.now();
    for (const [index, site] of [season.site, other].entries()) {
      await site.engine.change({}, () => ({ writes: { untold: Array.from({ length: 300 }, (_, cell) => untoldFailure(`worker ${index} cell ${cell}`, { at })) }, result: null }));
    }
    season.clock.advance(15 * MINUTE);
    await Promise.all([season.site, other, season.site, other].map((site) => tellDigests(site.engine)));
    assert.deepEqual([...season.site.alerts, ...other.alerts].map(({ title }) => title), ['backfills: 600 cells have failed']);
    assert.deepEqual(await other.store.untold(10), []);
  });

  it('a digest that is on its way is not sent by another look of the same process', async () => {
    const sent: string[] = [];
    const slow = Site.beside(season.site, {
      pipeline: season.site.pipeline, databasePath: '', warehouse: season.warehouse, clock: season.clock, outside: season.outside,
      notifier: { notify: async ({ title }) => { sent.push(title); for (let turn = 0; turn < 50; turn += 1) await nextTurn(); } },
    });
    await slow.engine.change({}, () => ({ writes: { untold: [untoldFailure('a', { at: season.clock.now() })] }, result: null }));
    season.clock.advance(15 * MINUTE);
    const first = tellDigests(slow.engine);
    while (sent.length === 0) await nextTurn();
    await tellDigests(slow.engine);
    await first;
    assert.deepEqual(sent, ['backfills: 1 cell has failed']);
  });

  it('a digest whose sender died on the way is sent by whoever looks next', async () => {
    const at = season.clock.now();
    await season.site.engine.change({}, () => ({ writes: { untold: [untoldFailure('a', { at })] }, result: null }));
    const dying = Site.beside(season.site, {
      pipeline: season.site.pipeline, databasePath: '', warehouse: season.warehouse, clock: season.clock, outside: season.outside, notifier: { notify: async () => { throw new Error('killed'); } },
    });
    season.clock.advance(15 * MINUTE);
    await assert.rejects(tellDigests(dying.engine), /killed/);
    await tellDigests(season.site.engine);
    assert.deepEqual(titles(), [], 'it may be on its way');
    season.clock.advance(MINUTE);
    await tellDigests(season.site.engine);
    assert.deepEqual(titles(), ['backfills: 1 cell has failed']);
  });
});
