import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { addDays, formatDay } from '../../shared/calendar/day.ts';
import { orderBackfill, startBackfill } from '../../shared/flows/staged/orders.ts';
import { ManualClock } from '../manual-clock.ts';
import type { ErrorPolicy } from '../../shared/staged/schema.ts';
import { hasEnded } from '../../shared/staged/record.ts';
import { approved, paused, resumed } from '../../shared/staged/transitions.ts';
import { kim, SEASON_STAGES } from '../flows/staged/empty-season.ts';
import { asked, definitionOf, type StageSketch } from '../staged/builders.ts';
import { AFTER_SEASON, cleanState, newState } from './clean.ts';
import { Cluster } from './cluster.ts';
import { GAME_DAYS, SEASON } from './mini-league.ts';
import { Random, replayable, seeds } from './random.ts';
import { differences, inManualTime, Outside, rowsOf, TOPICS } from './site.ts';
import { GrowingCalendar } from './staged-growth.ts';
import { effectiveTwice, StagedJudge, WatchedWarehouse } from './staged-judge.ts';

const ERRORS = [{ type: 'ValueError', message: 'invalid literal for int()' }, { type: 'ConnectionError', message: 'connection reset by peer' }, { type: 'MemoryError', message: 'Resources exceeded during query execution' }] as const;
const POLICIES: readonly ErrorPolicy[] = ['stop', 'continue', 'skip-deps'];
const NAMES = ['BoxPage', 'Box', 'TeamForm', 'Context', 'Features', 'Ratings'];
const BY_CASCADE: StageSketch = { name: 'dates', phases: ['phase_3_analytics', 'phase_4_precompute'], order: 'by_date', cascade: true, gate: { coverage_percent: 100 } };
/** Processors that may run on by themselves, and tell their end by a message. */
const MAY_RUN_ON = ['Box', 'TeamForm', 'Context', 'Ratings'];

/**
 * One seed's story: functions and two coordinators on one state, which die and come back; messages in no order and twice;
 * clocks that differ and go back; a person who asks for dates by hand meanwhile, pauses, resumes and approves.
 */
async function live(seed: number): Promise<void> {
  const random = new Random(seed);
  const state = await cleanState();
  const days = Array.from({ length: 4 + random.below(5) }, (_, index) => addDays(SEASON.from, index));
  const gameDays = GAME_DAYS.filter((day) => days.includes(day));
  const warehouse = new WatchedWarehouse(state.pipeline);
  const clock = new ManualClock(AFTER_SEASON);
  const outside = new Outside();
  const databasePath = newState(state);
  const cluster = new Cluster({
    pipeline: state.pipeline, databasePath, warehouse, clock, outside, random, instances: 1 + random.below(2), coordinators: 2, duplicates: random.chance(0.5) ? 0.4 : 0, kills: random.chance(0.7) ? 0.6 : 0,
    asynchronous: new Set(random.chance(0.5) ? MAY_RUN_ON.filter(() => random.chance(0.5)) : []), lanes: 1 + random.below(3), longestRunMs: random.pick([0, 5000]), skewMs: random.pick([0, 3000]),
  });
  const judge = new StagedJudge(state, days, warehouse);
  for (let failures = random.below(6); failures > 0; failures -= 1) outside.fail(`${random.pick(NAMES)} ${formatDay(random.pick(gameDays))}`, random.pick(ERRORS));
  const growing = random.chance(0.5) ? new GrowingCalendar(outside, random.pick(gameDays)) : null;
  let isMade = false;
  const announcedAt = 1 + random.below(days.length * 8);
  if (growing) for (const cell of growing.reached(state.pipeline)) if (cell.endsWith(formatDay(growing.day))) judge.unknown.add(cell);
  const person = cluster.person();
  const byCascade = random.chance(0.4);
  const stages: readonly StageSketch[] = (byCascade ? [...SEASON_STAGES.slice(0, 2), BY_CASCADE] : SEASON_STAGES).map((stage, index) => ({ ...stage, ...(random.chance(0.4) ? { error_policy: random.pick(POLICIES) } : {}), ...(index > 0 && random.chance(0.2) ? { needs_approval: true } : {}) }));
  const { id } = await startBackfill(person, definitionOf(stages), { ...asked('2024-01-01', '2024-01-20'), to: days.at(-1)!, at: clock.now(), concurrency: 1 + random.below(6) }, '2024');
  const isPaused = random.chance(0.4);
  let runs = 0;
  outside.during = async () => {
    for (let turns = random.below(4); turns > 0; turns -= 1) await nextTurn();
    runs += 1;
    if (random.chance(0.02)) clock.set(clock.now() - random.below(600_000));
    if (growing && (growing.isAnnounced ? growing.isRead && !isMade : runs >= announcedAt)) {
      isMade = growing.isAnnounced;
      const [page, schedule] = growing.announce();
      await cluster.publish(TOPICS.requests, JSON.stringify({ processor_name: (isMade ? schedule : page).processor, start_date: formatDay(growing.day), end_date: formatDay(growing.day), reprocess: 'completed' }));
    }
    // A person asks for a cell of it, too, by hand.
    if (random.chance(0.03)) {
      const date = formatDay(random.pick(gameDays));
      await cluster.publish(TOPICS.requests, JSON.stringify({ processor_name: random.pick(NAMES.slice(0, 2)), start_date: date, end_date: date }));
    }
    if (isPaused && runs === 20) await orderBackfill(person, id, (record, now) => (record.state === 'running' ? paused(record, kim, now) : record));
  };
  const stop = new AbortController();
  await inManualTime(clock, (async () => {
    for (let turn = 0; turn < 40; turn += 1) {
      await cluster.coordinate(id, { signal: stop.signal, on: judge.on });
      await cluster.quiet();
      const record = await cluster.store.backfill(id);
      if (record) judge.look(record);
      if (!record || hasEnded(record)) break;
      if (record.state !== 'running') await orderBackfill(person, id, (current, now) => (current.state === 'waits_for_approval' ? approved(current, kim, now) : current.state === 'running' ? current : resumed(current, kim, now)));
    }
  })());
  const record = await cluster.store.backfill(id);
  const story = `${record?.state}: ${record?.journal.slice(-3).map((entry) => entry.text).join(' | ')}; ${cluster.killed} killed`;
  assert.equal(record?.state, 'finished', story);
  assert.deepEqual(judge.faults, [], story);
  assert.deepEqual(cluster.thrown.map(String), [], story);
  // A run that was given up, and was begun before the date was known, may write its rows after all.
  const isExact = cluster.killed === 0 && cluster.options.asynchronous.size === 0;
  const reached = growing?.reached(state.pipeline) ?? new Set();
  const wrong = differences(state.pipeline, await rowsOf(state.pipeline, warehouse), state.rows).filter((cell) => cell.slice(-10) <= formatDay(days.at(-1)!) && (!reached.has(cell) || (isExact && growing?.isInTime())));
  assert.deepEqual(judge.unaccounted(record, wrong), [], story);
  assert.deepEqual(wrong, [], 'every gate asks for all of it');
  assert.deepEqual((await cluster.store.openCells()).filter((cell) => cell.request?.backfillId === id), []);
  cluster.close();
  assert.deepEqual(await effectiveTwice(databasePath, (cell) => (!reached.has(cell) ? 1 : cell.startsWith('Schedule') ? 3 : 2)), [], story);
}

describe('a staged backfill, with two coordinators on one state', function () {
  this.timeout(60_000);
  for (const seed of seeds(25)) it(`ends complete, no cell counts twice, and no gate is passed that should hold (seed ${seed})`, () => replayable(seed, 'two coordinators', () => live(seed)));
});
