import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { tellDigests } from '../../../shared/flows/digests.ts';
import { sweep } from '../../../shared/flows/sweep.ts';
import { cancelled, paused } from '../../../shared/staged/transitions.ts';
import { Channels } from '../../../shared/system/channels.ts';
import { AFTER_SEASON } from '../../simulation/clean.ts';
import { Site } from '../../simulation/site.ts';
import { EmptySeason, kim, RAW } from './empty-season.ts';

const broken = { type: 'ValueError', message: 'division by zero' };
const MINUTE = 60_000;

describe('flows/digests, of staged backfills', () => {
  let season: EmptySeason;
  const events = (): string[] => season.site.alerts.map(({ event }) => event);
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('tells of the start, of each gate and of the end, and of what failed with them', async () => {
    season.outside.down = (cell) => (cell.startsWith('BoxPage') && cell !== 'BoxPage 2024-01-01' ? broken : null);
    const { id } = await season.start(RAW);
    await season.advance(id);
    assert.deepEqual(events(), ['backfill_started', 'backfill_gate_held']);
    const [, held] = season.site.alerts;
    assert.deepEqual([held?.severity, held?.command], ['critical', `smart-backfill backfill status ${id}`]);
    assert.match(held?.title ?? '', /^backfill whole-2024 is held by a gate; \d+ cells have failed$/);
    assert.match(held?.lines.join('\n') ?? '', /BoxPage: \d+ \(processing\)/);
    assert.match(held?.lines.at(-1) ?? '', /^stage raw, 2 of 2; \d+ of \d+ cells complete; \d+ failures are open$/);
    assert.deepEqual(await season.site.store.untold(100), []);
  });

  it('holds failures back while it goes on, one digest a window', async () => {
    const slow = (cell: string): boolean => cell.startsWith('BoxPage') && cell !== 'BoxPage 2024-01-01';
    season.outside.down = (cell) => (slow(cell) ? broken : null);
    season.outside.during = async (cell) => {
      for (let step = 0; slow(cell) && step < 24; step += 1) {
        season.clock.advance(10_000);
        await nextTurn();
      }
    };
    const { id } = await season.start(RAW, { concurrency: 1 });
    await season.advance(id);
    const sentAt = season.site.alerts.filter(({ event }) => event === 'backfill_failures').map(({ at }) => at);
    assert.ok(sentAt.length >= 2, `${sentAt.length} digests`);
    for (const [index, at] of sentAt.entries()) assert.ok(index === 0 || at - (sentAt[index - 1] ?? 0) >= 15 * MINUTE);
    const told = season.site.alerts.map(({ title }) => Number(/(\d+) cells? ha/.exec(title)?.[1] ?? 0)).reduce((sum, count) => sum + count, 0);
    assert.equal(told, season.outside.started.filter(slow).length, 'each is in one of them');
  });

  it('stops holding back when whoever advanced it is dead: what was held is told by whoever looks next', async () => {
    season.outside.down = (cell) => (cell.startsWith('BoxPage') && cell !== 'BoxPage 2024-01-01' ? broken : null);
    const { id } = await season.start(RAW, { concurrency: 1 });
    season.outside.during = async (cell) => { if (cell === 'BoxPage 2024-01-05') season.site.stop.abort(); };
    await season.advance(id);
    const before = await season.site.store.untold(100);
    assert.ok(before.length > 0);
    const other = Site.beside(season.site, { pipeline: season.state.pipeline, databasePath: '', warehouse: season.warehouse, clock: season.clock, outside: season.outside });
    await tellDigests(other.engine);
    assert.equal(other.alerts.length, 0, 'its lease still lives');
    season.clock.advance(2 * MINUTE);
    await tellDigests(other.engine);
    assert.deepEqual(other.alerts.map(({ event, severity, command }) => [event, severity, command]), [['backfill_failures', 'warning', `smart-backfill backfill watch ${id}`]]);
    assert.match(other.alerts[0]?.lines[0] ?? '', /^nobody advances it since /);
    await tellDigests(other.engine);
    assert.equal(other.alerts.length, 1);
    assert.deepEqual(await other.store.untold(100), []);
  });

  it('a process that is known to be dead holds nothing back, and who goes on does not tell of the start again', async () => {
    season.outside.down = (cell) => (cell.startsWith('BoxPage') && cell !== 'BoxPage 2024-01-01' ? broken : null);
    const { id } = await season.start(RAW, { concurrency: 1 });
    season.outside.during = async (cell) => { if (cell === 'BoxPage 2024-01-05') season.site.stop.abort(); };
    await season.advance(id);
    season.clock.advance(1000);
    await season.reopen();
    await tellDigests(season.site.engine);
    assert.deepEqual(events(), ['backfill_failures']);
    season.outside.during = () => undefined;
    await season.advance(id);
    assert.deepEqual(events(), ['backfill_failures', 'backfill_gate_held']);
  });

  it('tells of what a person ordered while nobody advanced it, and keeps nothing of one that has ended', async () => {
    const { id } = await season.start(RAW, { concurrency: 1 });
    season.outside.during = async (cell) => { if (cell === 'BoxPage 2024-01-01') await season.order(id, (record, now) => (record.state === 'running' ? paused(record, kim, now) : record)); };
    await season.advance(id);
    assert.deepEqual(events(), ['backfill_started', 'backfill_paused']);
    assert.equal(season.site.alerts[1]?.command, `smart-backfill backfill resume ${id}`);
    await season.order(id, (record, now) => cancelled(record, kim, now));
    await tellDigests(season.site.engine);
    await tellDigests(season.site.engine);
    assert.deepEqual(events(), ['backfill_started', 'backfill_paused', 'backfill_cancelled']);
    assert.deepEqual(await season.site.store.leases(), []);
  });

  it('gives a failure up to a digest when a worker died too often on it', async () => {
    const { id } = await season.start(RAW, { concurrency: 1 });
    season.outside.during = async (cell) => { if (cell === 'BoxPage 2024-01-01') season.site.stop.abort(); };
    await season.advance(id);
    assert.ok((await season.openCells()).length > 0);
    const [record] = await season.openCells();
    const { engine } = season.site;
    for (let death = 0; death < 3; death += 1) {
      await engine.change({ cells: [record!] }, (snapshot) => {
        const cell = snapshot.cell(record!);
        const request = cell.request && { ...cell.request, state: 'processing' as const, lease: { owner: 'dead', token: 9000 + death, until: season.clock.now() - 1, runId: `run-${death}`, startedAt: AFTER_SEASON } };
        return { writes: { cells: [{ ...cell, request }] }, result: null };
      });
      await sweep(engine);
    }
    assert.deepEqual((await season.site.store.untold(10)).map(({ backfillId, message }) => [backfillId, message]), [[id, 'worker died 3 times without an outcome']]);
  });

  it('is not delayed by a channel that hangs', async () => {
    const hanging = new Channels({ tell: () => undefined, channels: [{ name: 'webhook', deliver: () => new Promise(() => undefined) }], clock: season.clock, onUndelivered: () => undefined });
    const site = Site.beside(season.site, { pipeline: season.state.pipeline, databasePath: '', warehouse: season.warehouse, clock: season.clock, outside: season.outside, notifier: hanging, lanes: 4 });
    season.site = site;
    const { id } = await season.start();
    const before = season.clock.now();
    assert.equal((await season.advance(id))?.state, 'finished');
    const took = season.clock.now() - before;
    const quick = await EmptySeason.open();
    const other = await quick.start();
    const start = quick.clock.now();
    await quick.advance(other.id);
    assert.ok(took <= quick.clock.now() - start, `${took} ms, and ${quick.clock.now() - start} ms with a channel that answers`);
    quick.close();
  });
});
