import assert from 'node:assert/strict';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { Reprocess } from '../../shared/requests/ask.ts';
import { hasEnded, type BackfillRecord } from '../../shared/staged/record.ts';
import { resumed, retried } from '../../shared/staged/transitions.ts';
import { EmptySeason, kim } from '../flows/staged/empty-season.ts';
import type { StageSketch } from '../staged/builders.ts';
import { recoverAll } from './clean.ts';
import { GAME_DAYS, pointsOf, SEASON, SEASON_DAYS } from './mini-league.ts';
import { cellName, cellsOf } from './mini-pipeline.ts';
import { Random, replayable, seeds } from './random.ts';
import { inManualTime, rowsOf } from './site.ts';

const RAW = ['phase_1_scrapers', 'phase_2_raw'] as const;
const COMPUTED = ['phase_3_analytics', 'phase_4_precompute'] as const;
const ALL = [...RAW, ...COMPUTED] as const;
const ERRORS = [{ type: 'ValueError', message: 'invalid literal for int()' }, { type: 'ConnectionError', message: 'connection reset by peer' }] as const;

/** Stages of any shape that take every phase once or more. */
function stagesOf(random: Random): StageSketch[] {
  const common = (): object => ({ concurrency: 1 + random.below(6), order: random.pick(['parallel', 'by_date']), error_policy: random.pick(['stop', 'continue']), retries: random.below(2) });
  const preflight = random.chance(0.5) ? [{ name: 'preflight', phases: RAW, calendar_first: true, dates: 'first', error_policy: 'stop' }] : [];
  const shape = random.pick<readonly (readonly string[])[]>([[ALL], [RAW, COMPUTED], [RAW, ['phase_3_analytics'], ['phase_4_precompute']], [['phase_1_scrapers'], ['phase_2_raw', 'phase_3_analytics'], ['phase_4_precompute']], [RAW, COMPUTED, ALL]]);
  const stages = shape.map((phases, index) => ({ name: `stage_${index}`, phases, ...common(), gate: { coverage_percent: 100 } }));
  const cascades = random.chance(0.5);
  return [...preflight, ...stages.map((stage) => (cascades && stage.phases === COMPUTED ? { ...stage, order: 'by_date', cascade: true } : stage))];
}

/**
 * A season that was computed from box scores of which some were wrong, and lost; the league has the right ones by now. Any
 * backfill fills what is missing, redoes every reader that saw the wrong ones once, and ends right.
 */
async function fill(seed: number): Promise<void> {
  const random = new Random(seed + 7000);
  const season = await EmptySeason.open(1 + random.below(4));
  const { pipeline } = season.state;
  const wrongDays = new Set<Day>(GAME_DAYS.filter(() => random.chance(0.25)));
  season.outside.source = { status: () => 3, points: (id, team) => pointsOf(id, team) + (GAME_DAYS.some((day) => wrongDays.has(day) && id.startsWith(formatDay(day))) ? 1 : 0) };
  await inManualTime(season.clock, recoverAll(season.site));
  season.outside.source = undefined;
  for (const day of wrongDays) for (const name of ['BoxPage', 'Box']) season.warehouse.outside(pipeline.byName.get(name)!, day, null);
  for (const cell of cellsOf(pipeline, SEASON_DAYS)) if (random.chance(0.04)) season.warehouse.outside(pipeline.byName.get(cell.processor)!, cell.day, null);
  const before = await rowsOf(pipeline, season.warehouse);
  season.outside.runs.length = 0;
  for (let failures = random.below(5); failures > 0; failures -= 1) {
    season.outside.fail(cellName(random.pick(cellsOf(pipeline, GAME_DAYS))), random.pick(ERRORS));
  }
  const reprocess = random.pick<Reprocess>(['none', 'none', 'failed', 'completed']);
  const stages = stagesOf(random);
  const { id } = await season.start(stages, { reprocess, ...(random.chance(0.3) ? { ramp: true } : {}) });
  let record: BackfillRecord | null = null;
  for (let turn = 0; turn < 20 && (record === null || !hasEnded(record)); turn += 1) {
    record = await season.advance(id);
    if (record && !hasEnded(record)) await season.order(id, (current, now) => (random.chance(0.5) ? resumed(current, kim, now) : retried(current, kim, now)));
  }
  const told = JSON.stringify({ stages, reprocess, from: formatDay(SEASON.from), journal: record?.journal.slice(-6).map((entry) => entry.text) });
  assert.equal(record?.state, 'finished', told);
  assert.deepEqual(await season.wrong(), [], told);
  const counts = new Map<string, number>();
  for (const run of season.outside.runs) counts.set(run, (counts.get(run) ?? 0) + 1);
  const often = [...counts].filter(([, count]) => count > 1).map(([run, count]) => `${run} ${count} times${before.has(run) ? '' : ' (was missing)'}`);
  assert.deepEqual(often, [], told);
  if (reprocess === 'completed') assert.deepEqual([...before.keys()].filter((cell) => !counts.has(cell)), [], 'each was run again');
  season.close();
}

describe('A staged backfill over a history that was wrong', function () {
  this.timeout(60_000);
  for (const seed of seeds(30)) it(`redoes no cell more than once, however many of its inputs are filled, in however many stages and rounds (seed ${seed})`, () => replayable(seed, 'redoes', () => fill(seed)));
});
