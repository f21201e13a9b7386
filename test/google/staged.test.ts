import assert from 'node:assert/strict';
import { z } from 'zod';
import { handleStages, type StageDeps } from '../../functions/stage-coordinator/handler.ts';
import { addDays, dayOf, formatDay } from '../../shared/calendar/day.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { backfillLease } from '../../shared/flows/leases.ts';
import { Advancing } from '../../shared/flows/staged/process.ts';
import type { BackfillRecord } from '../../shared/staged/record.ts';
import { ended, parsed, Sandbox, type Ended } from '../cli/harness.ts';
import { describeWithEmulators } from './emulated.ts';
import { sharedPlaces, startSmallCloud, type SmallCloud } from './small-cloud.ts';
import { until } from './until.ts';

/** More than the two minutes for which a dead coordinator's lease is believed, and the one of a dead worker's claim. */
const LATER_MS = 180_000;

const startedOutput = z.looseObject({ id: z.string(), state: z.string() });
const statusOutput = z.looseObject({ state: z.string() });

describeWithEmulators('a staged backfill on Google', () => {
  const sandbox = new Sandbox();
  let cloud: SmallCloud;
  before(async function () {
    cloud = await startSmallCloud(sharedPlaces());
  });
  after(async function () {
    await sandbox.remove();
    await cloud.dispose();
  });

  const run = (...words: readonly string[]): Promise<Ended> => sandbox.call(['backfill', ...words, '--runtime', 'google'], { env: cloud.environment });
  const story = (): string => cloud.lines.all.slice(-40).map((line) => JSON.stringify(line).slice(0, 300)).join('\n');
  const reaches = (id: string, state: BackfillRecord['state'], withinMs = 200_000): Promise<BackfillRecord> => until(`${id} is ${state}`, async () => {
    const record = await cloud.runtime.store.backfill(id);
    return record?.state === state && record;
  }, withinMs, story);
  const dates = (from: string, count: number): string[] => Array.from({ length: count }, (_, index) => formatDay(addDays(dayOf(from), index)));
  const promotions = (processor: string, date: string): number => cloud.bigquery.jobs().filter(({ jobId }) => jobId.includes('promote') && jobId.includes(`${processor}_${date.replaceAll('-', '')}`)).length;

  it('is started, disturbed, killed, paused, resumed, approved and reported by these commands alone', async () => {
    const id = 'season-2024-03-01-to-2024-03-08';
    const days = dates('2024-03-01', 8);
    const tried = new Map<string, number>();
    cloud.team.answer = ({ start_date: date }) => {
      const times = (tried.get(date) ?? 0) + 1;
      tried.set(date, times);
      if (date === days[1] && times === 1) return { status: 503, body: { error: { type: 'ConnectionError', message: 'connection reset by peer' } } };
      if (date === days[4] && times === 1) return { status: 500, body: { error: { type: 'ValueError', message: 'invalid literal for int()' } } };
      return null;
    };
    const words = ['--definition', 'season', '--from', '2024-03-01', '--to', '2024-03-08'];
    assert.match(ended(await run('start', ...words, '--yes'), 2).stderr, /received no reason; starting a backfill is recorded with who and why/);
    assert.equal(parsed(startedOutput, ended(await run('start', ...words, '--yes', '--reason', 'never loaded', '--json'), 0)).id, id);

    // One failure is tried again, the other is not: the gate holds.
    const held = await reaches(id, 'gate_held');
    assert.deepEqual(held.failures.map((entry) => [entry.processor, formatDay(entry.day), entry.category]), [['Scores', days[4], 'processing']]);
    assert.equal(tried.get(days[1] ?? ''), 2);
    assert.match(ended(await run('status', id), 0).stdout, /87.5 % of 8 dates/);
    ended(await run('resume', id, '--reason', 'the source is mended'), 0);
    await reaches(id, 'waits_for_approval');

    // Coordinator and worker die in the middle of a run.
    const first = cloud.bigquery.holdJobs({ kind: 'query', sql: /SUM\(points\)/ });
    ended(await run('approve', id), 0);
    await first.reached;
    await Promise.all((['stage-coordinator', 'backfill-worker'] as const).map((name) => cloud.function(name).kill()));
    first.release();
    const later = new Date(cloud.runtime.engine.parts.clock.now() + LATER_MS).toISOString();
    await Promise.all((['stage-coordinator', 'backfill-worker'] as const).map((name) => cloud.function(name).start({ NOW: later })));
    const again = cloud.bigquery.holdJobs({ kind: 'query', sql: /SUM\(points\)/ });
    const tick = cloud.push('stage-coordinator', 'tick');
    await again.reached;

    // What runs is finished, and nothing new starts until a person resumes it.
    ended(await run('pause', id, '--reason', 'over night'), 0);
    again.release();
    await cloud.ended('Totals', days[0] ?? '');
    await until('the coordinator leaves it', async () => (await cloud.runtime.store.leases()).every(({ name }) => name !== backfillLease(id)), 120_000, story);
    assert.deepEqual(days.filter((date) => promotions('Totals', date) > 0), days.slice(0, 1));
    assert.equal((await run('watch', id)).code, 5, 'held back: it is paused');
    ended(await run('resume', id, '--reason', 'the morning'), 0);
    assert.equal(ended(await run('watch', id), 0).code, 0);
    await tick;

    assert.equal(parsed(statusOutput, ended(await run('status', id, '--json'), 0)).state, 'finished');
    for (const date of days) assert.equal(promotions('Totals', date), 1, `Totals ${date} was promoted once`);
    const report = ended(await run('report', id), 0).stdout;
    for (const told of [/never loaded/, /over night/, /invalid literal for int/, /the source is mended/, /taken over \| from [^|]+, of which nothing was heard since 2024-/, /finished/]) assert.match(report, told);
    assert.match(ended(await run('list'), 0).stdout, new RegExp(`${id} +finished`));
    assert.deepEqual((await cloud.runtime.store.openCells()).filter((cell) => cell.request?.backfillId === id), []);
    cloud.team.answer = () => null;
  });

  it('is advanced by one of two coordinators at once, and by none whose lease another has taken', async () => {
    await cloud.function('stage-coordinator').kill();
    const id = 'season-2024-04-01-to-2024-04-06';
    const days = dates('2024-04-01', 6);
    const { runtime } = cloud;
    const stop = new AbortController();
    const coordinatorOf = (owner: string): StageDeps => {
      // The worker's clock is ahead since it was started again: theirs is as well.
      const clock = { now: () => runtime.engine.parts.clock.now() + LATER_MS, sleep: (milliseconds: number, signal?: AbortSignal) => runtime.engine.parts.clock.sleep(milliseconds, signal) };
      const engine = new Engine({ ...runtime.engine.parts, clock, owner });
      return { engine, advancing: new Advancing(engine), bus: runtime.bus, detectionTopic: runtime.detectionTopic, coordinationTopic: runtime.coordinationTopic, requestsTopic: runtime.pipeline.topics.backfill_requests, signal: stop.signal };
    };
    const message = (deliveryAttempt = 1) => ({ messageId: 'tick', topic: '', subscription: '', attributes: {}, deliveryAttempt, body: JSON.stringify({ trigger: 'tick' }) });
    const [one, two] = [coordinatorOf('one'), coordinatorOf('two')];
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    cloud.team.answer = async ({ start_date: date }) => {
      running += 1;
      most = Math.max(most, running);
      if (date === days[2]) {
        reached.resolve();
        await gate.promise;
      }
      running -= 1;
      return null;
    };
    try {
      ended(await run('start', '--definition', 'season', '--from', '2024-04-01', '--to', '2024-04-06', '--detach', '--yes', '--reason', 'two at once'), 0);
      const [left] = await Promise.all([Promise.race([handleStages(one, message()), handleStages(two, message())]), reached.promise]);
      assert.deepEqual(left, { kind: 'ack' }, 'one of them left it to the other');
      // Both believed to hold it would open nothing: somebody else has the lease.
      const name = backfillLease(id);
      await until('the others have ended', async () => running === 1 && (await runtime.store.openCells()).length <= 3);
      const before = await runtime.store.backfill(id);
      await runtime.engine.change({ leases: [name] }, () => ({ writes: { leases: [{ name, owner: 'thief', until: one.engine.parts.clock.now() + 600_000, again: false, detail: '{}' }] }, result: null }));
      gate.resolve();
      await cloud.ended('Scores', days[2] ?? '');
      const started = cloud.team.runs.length;
      await until('what was open has ended', async () => (await runtime.store.openCells()).every((cell) => cell.request?.state !== 'processing'));
      assert.deepEqual([await handleStages(one, message()), await handleStages(two, message())], [{ kind: 'ack' }, { kind: 'ack' }]);
      assert.ok(cloud.team.runs.length <= started + 3);
      assert.deepEqual((await runtime.store.backfill(id))?.journal, before?.journal);
      await runtime.engine.change({ leases: [name] }, () => ({ writes: { releaseLeases: [name] }, result: null }));
      await handleStages(two, message(2));
      await reaches(id, 'waits_for_approval');
      assert.deepEqual(days.map((date) => cloud.team.runsOf(date)), days.map(() => 1));
      assert.ok(most <= 3, `${most} at a time`);
    } finally {
      stop.abort();
      cloud.team.answer = () => null;
      await cloud.function('stage-coordinator').start();
    }
  });

  it('goes by cascade from date to date, waits for a quota and goes on by the tick, and is joined by another', async () => {
    const id = 'by_cascade-2024-05-01-to-2024-05-03';
    const after = 'season-2024-05-03-to-2024-05-04';
    const days = dates('2024-05-01', 3);
    const early: string[] = [];
    let refusals = 0;
    cloud.team.answer = ({ start_date: date }) => {
      const index = days.indexOf(date);
      const before = days[index - 1];
      if (before !== undefined && promotions('Totals', before) !== 1) early.push(date);
      if (index !== 1 || (refusals += 1) > 1) return null;
      return { status: 500, body: { error: { type: 'Forbidden', message: 'Quota exceeded: Your project exceeded quota for concurrent queries' } } };
    };
    const mark = cloud.lines.mark();
    ended(await run('start', '--definition', 'by_cascade', '--from', '2024-05-01', '--to', '2024-05-03', '--detach', '--yes', '--reason', 'date by date'), 0);
    const waits = await reaches(id, 'paused');
    assert.match(waits.note, /^a quota is used up, and it goes on by itself at 2024-\S+: Scores 2024-05-02: /);
    assert.deepEqual(days.map((date) => [cloud.team.runsOf(date), promotions('Totals', date)]), [[1, 1], [1, 0], [0, 0]]);

    const both = ['start', '--definition', 'season', '--from', '2024-05-03', '--to', '2024-05-04', '--detach', '--yes', '--reason', 'the day after, too'];
    assert.match(ended(await run(...both), 5).stderr, new RegExp(`backfill ${id} .*--join ${id}`));
    ended(await run(...both, '--join', id), 0);
    await until('it stands by', async () => (await cloud.runtime.store.backfill(after))?.note.startsWith(`waits for backfill ${id}`), 120_000, story);
    assert.deepEqual(cloud.team.runs.filter(({ start_date: date }) => date >= (days[2] ?? '')), [], 'neither has begun the third date');

    // Nobody is there while it waits: the tick of a later time finds it.
    const functions = ['stage-coordinator', 'backfill-worker'] as const;
    await Promise.all(functions.map((name) => cloud.function(name).kill()));
    const later = new Date((waits.goesOn?.at ?? 0) + LATER_MS).toISOString();
    await Promise.all(functions.map((name) => cloud.function(name).start({ NOW: later })));
    void cloud.push('stage-coordinator', 'tick').catch(() => undefined);
    const record = await reaches(id, 'finished');
    assert.deepEqual(record.journal.filter(({ event }) => event === 'quota' || event === 'went_on').map(({ event }) => event), ['quota', 'went_on']);
    assert.deepEqual(record.failures, []);
    assert.deepEqual(days.map((date) => [cloud.team.runsOf(date), promotions('Totals', date)]), [[1, 1], [2, 1], [1, 1]]);
    assert.deepEqual(early, [], 'no date begins before the one before it is filled');
    const cascades = await cloud.runtime.store.cascades(dayOf('2024-05-01'), dayOf('2024-05-04'));
    assert.deepEqual(cascades.map(({ phase, day, state, backfillId }) => [phase, formatDay(day), state, backfillId]), days.map((date) => ['phase_2_raw', date, 'released', id]));
    assert.ok(cloud.lines.since(mark, { from: 'phase-router', event: 'message_received' }).length >= days.length, 'the router heard of each');

    // The other takes up what is left: one date, which it fills in stages.
    await reaches(after, 'waits_for_approval');
    assert.equal(cloud.team.runsOf('2024-05-04'), 1);
    ended(await run('approve', after), 0);
    await reaches(after, 'finished');
    assert.deepEqual([...days, '2024-05-04'].map((date) => promotions('Totals', date)), [1, 1, 1, 1]);
    assert.deepEqual((await cloud.runtime.store.cascades(dayOf('2024-05-04'), dayOf('2024-05-04'))), [], 'a stage that does not cascade has none');
    cloud.team.answer = () => null;
  });
});
