import assert from 'node:assert/strict';
import { addDays, formatDay, type Day } from '../../shared/calendar/day.ts';
import { accept } from '../../shared/flows/operate.ts';
import type { ErrorPolicy } from '../../shared/staged/schema.ts';
import { hasEnded, type BackfillRecord } from '../../shared/staged/record.ts';
import { approved, paused, resumed, retried, skipped } from '../../shared/staged/transitions.ts';
import { openAsk } from '../../shared/flows/open.ts';
import type { Reprocess } from '../../shared/requests/ask.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { askOf } from '../core-builders.ts';
import { EmptySeason, kim, SEASON_STAGES } from '../flows/staged/empty-season.ts';
import type { StageSketch } from '../staged/builders.ts';
import { Fuse, SimulatedCrash } from './crash.ts';
import { GAME_DAYS, SEASON } from './mini-league.ts';
import { cellName, reachableFrom } from './mini-pipeline.ts';
import { Random, replayable, seeds } from './random.ts';
import { inManualTime, TOPICS } from './site.ts';
import { GrowingCalendar } from './staged-growth.ts';
import { effectiveTwice, StagedJudge, WatchedWarehouse } from './staged-judge.ts';

const BUG = { type: 'ValueError', message: 'invalid literal for int()' };
const ERRORS = [BUG, { type: 'ConnectionError', message: 'connection reset by peer' }, { type: 'MemoryError', message: 'Resources exceeded during query execution' }, { type: 'no_data', message: 'nothing yet' }] as const;
const POLICIES: readonly ErrorPolicy[] = ['stop', 'continue', 'skip-deps'];
const NAMES = ['BoxPage', 'Box', 'TeamForm', 'Context', 'Features', 'Ratings'];

/** The first so many days of the season. */
function daysTo(random: Random, least: number, most: number): readonly Day[] {
  const count = random.chance(0.1) ? 20 : least + random.below(most - least + 1);
  return Array.from({ length: count }, (_, index) => addDays(SEASON.from, index));
}

const CHECK = { file: 'checks/points.sql', sql: 'SELECT 1 FROM box' };

function stagesOf(random: Random, others: Random): readonly StageSketch[] {
  return SEASON_STAGES.map((stage, index) => {
    const { gate, ...rest } = stage;
    return {
      ...rest, ...(gate !== undefined && random.chance(0.8) ? { gate: { ...gate, ...(others.chance(0.5) ? { checks: [CHECK.file] } : {}) } } : {}), ...(random.chance(0.5) ? { error_policy: random.pick(POLICIES) } : {}),
      ...(index > 0 && random.chance(0.3) ? { needs_approval: true } : {}),
    };
  });
}

/** Messages of services that ran a cell: some come twice, none in order, and none says that it was a backfill. */
async function reportLate(season: EmptySeason, random: Random, count: number): Promise<void> {
  const done = (await season.site.store.cells(SEASON.from, SEASON.to)).filter((cell) => cell.last !== null);
  for (let index = 0; index < count && done.length > 0; index += 1) {
    const cell = random.pick(done);
    const { phase } = season.site.processor(cell.processor);
    const body = JSON.stringify({ phase: phase.name, processor_name: cell.processor, game_date: formatDay(cell.day), status: 'success', run_id: cell.last?.runId });
    for (let copies = 1 + random.below(2); copies > 0; copies -= 1) await season.site.bus.publish(phase.completionTopic, body);
  }
  await inManualTime(season.clock, season.site.deliver());
}

/** What an earlier stage without a gate has left undone is no part of this stage: a person asks for it by hand. */
async function askForEarlier(season: EmptySeason, record: BackfillRecord): Promise<void> {
  const stage = record.stages[record.stage]?.name;
  for (const failure of record.failures.filter((entry) => entry.stage !== stage && entry.became !== 'retried' && !record.skips.some((skip) => skip.day === entry.day))) {
    await season.site.bus.publish(TOPICS.requests, JSON.stringify({ processor_name: failure.processor, start_date: formatDay(failure.day), end_date: formatDay(failure.day) }));
  }
  await inManualTime(season.clock, season.site.deliver());
}

/** One seed's story: failures, power cuts, pauses, skips and approvals until the backfill has ended. */
async function live(seed: number): Promise<void> {
  const random = new Random(seed);
  const season = await EmptySeason.open(1 + random.below(4), (pipeline) => new WatchedWarehouse(pipeline));
  const days = daysTo(random, 5, 10);
  const gameDays = GAME_DAYS.filter((day) => days.includes(day));
  assert.ok(season.warehouse instanceof WatchedWarehouse);
  const judge = new StagedJudge(season.state, days, season.warehouse);
  for (let failures = random.below(8); failures > 0; failures -= 1) season.outside.fail(`${random.pick(NAMES)} ${formatDay(random.pick(gameDays))}`, random.pick(ERRORS));
  // Sometimes a source has lost a date for good: a person accepts that, or gives up that date and what comes after it.
  const lostDay = random.chance(0.3) ? random.pick(gameDays.slice(1)) : null;
  const isAccepted = random.chance(0.5);
  season.outside.down = (cell) => (lostDay !== null && cell === `BoxPage ${formatDay(lostDay)}` ? { type: 'no_data', message: 'the league has lost it' } : null);
  // What happens beside it: games that get known of only then, somebody else's requests, gates that are cut short.
  const others = new Random(seed + 40_000);
  const growing = others.chance(0.5) ? new GrowingCalendar(season.outside, others.pick(gameDays.filter((day) => day !== lostDay))) : null;
  const announcedAt = 1 + others.below(days.length * 8);
  if (growing) for (const cell of growing.reached(season.state.pipeline)) if (cell.endsWith(formatDay(growing.day))) judge.unknown.add(cell);
  const askAs = async (name: string, reprocess: Reprocess, cells: readonly CellKey[]): Promise<void> => {
    const { engine } = season.site;
    await engine.ensure(SEASON.from, SEASON.to);
    await openAsk(engine, askOf({ id: name, asker: 'person', by: 'ann', reprocess, at: season.clock.now() }), cells);
  };
  let allRuns = 0;
  const beside = async (): Promise<void> => {
    if (growing && !growing.isAnnounced && (allRuns += 1) >= announcedAt) await askAs('announced', 'completed', growing.announce());
    // A detector in the same process reads everything again.
    if (others.chance(0.05)) await season.site.engine.refresh(SEASON.from, SEASON.to);
    if (others.chance(0.03)) await askAs(`anns-${others.below(1_000_000)}`, 'none', [{ processor: others.pick(NAMES), day: others.pick(gameDays) }]);
  };
  season.warehouse.asked = () => {
    if (!others.chance(0.3)) return;
    season.site.stop.abort();
    throw new Error('the process is asked to stop');
  };
  const stages = stagesOf(random, others);
  const { id } = await season.start(stages, { to: days.at(-1)!, concurrency: 1 + random.below(6), ...(random.chance(0.3) ? { maxFailures: 1 + random.below(4) } : {}) }, [CHECK]);
  let crashes = 3 + random.below(6);
  let record: BackfillRecord | null = await season.site.store.backfill(id);
  for (let turn = 0; turn < 80 && (record === null || !hasEnded(record)); turn += 1) {
    const fuse = crashes > 0 ? new Fuse(1 + random.below(150), random.chance(0.5), random.chance(0.5) ? 'changes' : 'all calls') : Fuse.never();
    crashes -= 1;
    try {
      await season.reopen(fuse);
      const pauseAt = random.chance(0.3) ? 1 + random.below(30) : 0;
      let runs = 0;
      season.outside.during = async (_cell, when) => {
        if (random.chance(0.02)) season.clock.set(season.clock.now() - random.below(7_200_000));
        if (when === 'before') await beside();
        if (when !== 'before' || (runs += 1) !== pauseAt) return;
        await season.order(id, (current, now) => (current.state === 'running' ? paused(current, kim, now) : current));
      };
      record = await season.advance(id, judge.on);
      if (random.chance(0.3)) await reportLate(season, random, 1 + random.below(5));
      if (record?.state === 'waits_for_approval') await season.order(id, (current, now) => approved(current, kim, now));
      else if (record && record.state !== 'running' && !hasEnded(record)) {
        // Or has begun to give it up, and was cut off.
        if (lostDay !== null && (record.skips.length > 0 || record.failures.some((entry) => entry.day === lostDay && entry.processor === 'BoxPage' && entry.became === 'open'))) {
          if (isAccepted) {
            await season.site.engine.refresh(lostDay, lostDay);
            await accept(season.site.engine, [{ processor: 'BoxPage', day: lostDay }], kim, null);
          } else {
            const gone = days.filter((day) => day >= lostDay && !record?.skips.some((skip) => skip.day === day));
            for (const day of gone) await season.order(id, (current, now) => (current.skips.some((skip) => skip.day === day) ? current : skipped(current, day, kim, now)));
          }
        }
        await askForEarlier(season, record);
        const goesOn = random.chance(0.2) && record.state !== 'paused' ? retried : resumed;
        await season.order(id, (current, now) => goesOn(current, kim, now));
      }
    } catch (error) {
      if (!(error instanceof SimulatedCrash) && !fuse.blown) throw error;
    }
    await season.reopen();
    const cells = await season.site.store.cells(days[0]!, days.at(-1)!);
    for (const cell of cells) if (cell.acceptance !== null) for (const reader of reachableFrom(season.state.pipeline, [cellName(cell)])) judge.accepted.add(reader);
    record = await season.site.store.backfill(id);
    if (record) judge.look(record);
    // Whoever announced it may have been cut off.
    if (growing?.isAnnounced) await askAs('announced', 'completed', growing.announce());
    season.clock.set(season.clock.now() + 3_600_000);
  }
  const story = `${record?.state}: ${record?.journal.slice(-3).map((entry) => entry.text).join(' | ')}; lost ${lostDay === null ? 'nothing' : formatDay(lostDay)}`;
  assert.equal(record?.state, 'finished', story);
  assert.deepEqual(judge.faults, [], story);
  const reached = growing?.reached(season.state.pipeline) ?? new Set();
  const wrong = (await season.wrong()).filter((cell) => !reached.has(cell) || growing?.isInTime());
  assert.deepEqual(judge.unaccounted(record, wrong), [], story);
  assert.deepEqual((await season.openCells()).filter((cell) => cell.request?.backfillId === id), []);
  season.close();
  assert.deepEqual(await effectiveTwice(season.path, (cell) => (reached.has(cell) ? 2 : 1)), [], story);
}

/** Cells that never come right until somebody mends them, mended one by one, with a resume after each. */
async function resumes(seed: number): Promise<void> {
  const random = new Random(seed);
  const season = await EmptySeason.open(1 + random.below(4), (pipeline) => new WatchedWarehouse(pipeline));
  const { pipeline, rows } = season.state;
  const days = daysTo(random, 4, 8);
  const policy = random.pick(POLICIES);
  const phases = pipeline.phases.map((phase) => phase.name);
  const stages: readonly StageSketch[] = [
    { name: 'all', phases, calendar_first: true, order: random.pick(['parallel', 'by_date']), error_policy: policy, retries: 0, gate: { coverage_percent: 100 } },
  ];
  const cells = GAME_DAYS.filter((day) => days.includes(day)).flatMap((day) => NAMES.map((name) => `${name} ${formatDay(day)}`));
  const bad = new Set(Array.from({ length: 1 + random.below(5) }, () => random.pick(cells)));
  season.outside.down = (cell) => (bad.has(cell) ? BUG : null);
  const wanted = [...rows.keys()].filter((cell) => cell.slice(-10) <= formatDay(days.at(-1)!));
  const { id } = await season.start(stages, { to: days.at(-1)!, concurrency: 1 + random.below(6) });
  const done = new Set<string>();
  for (let resume = 0; resume <= 20; resume += 1) {
    const before = season.outside.runs.length;
    if (random.chance(0.3)) await season.reopen();
    const record = await season.advance(id);
    const ran = season.outside.runs.slice(before).filter((cell) => rows.has(cell));
    assert.deepEqual(ran.filter((cell) => done.has(cell)), [], 'what was done is done again');
    assert.equal(new Set(ran).size, ran.length, 'a cell ran twice');
    const blocked = reachableFrom(pipeline, bad);
    const remaining = wanted.filter((cell) => !done.has(cell) && !blocked.has(cell));
    // Under `stop` what is behind the first failure is left; otherwise a resume runs exactly what can be run.
    if (policy === 'stop' && bad.size > 0) assert.deepEqual(ran.filter((cell) => !remaining.includes(cell)), []);
    else assert.deepEqual(ran.toSorted(), remaining.toSorted(), `resume ${resume} with ${[...bad].join(', ')} still bad`);
    for (const cell of ran) done.add(cell);
    if (bad.size === 0) {
      assert.equal(record?.state, 'finished', record?.note);
      assert.deepEqual(wanted.filter((cell) => !done.has(cell)), []);
      season.close();
      return;
    }
    assert.equal(record?.state, policy === 'stop' ? 'stopped' : 'gate_held', record?.note);
    // Sometimes a person resumes and has mended nothing.
    if (random.chance(0.8)) bad.delete(random.pick([...bad]));
    await season.order(id, (current, now) => resumed(current, kim, now));
  }
  throw new Error('twenty resumes were not enough');
}

describe('a staged backfill, disturbed', function () {
  this.timeout(60_000);
  for (const seed of seeds(45)) it(`ends with a reason for each date that is not done, no cell counts twice, and no gate is passed that should hold (seed ${seed})`, () => replayable(seed, 'disturbed', () => live(seed)));
});

describe('a staged backfill, resumed again and again', function () {
  this.timeout(60_000);
  for (const seed of seeds(30)) it(`runs exactly what is left, each time (seed ${seed})`, () => replayable(seed, 'resumed again', () => resumes(seed)));
});
