import assert from 'node:assert/strict';
import { formatDay } from '../../shared/calendar/day.ts';
import { accept } from '../../shared/flows/operate.ts';
import type { ErrorPolicy } from '../../shared/staged/schema.ts';
import { hasEnded, type BackfillRecord } from '../../shared/staged/record.ts';
import { approved, paused, resumed } from '../../shared/staged/transitions.ts';
import { EmptySeason, kim, SEASON_STAGES } from '../flows/staged-season.ts';
import type { StageSketch } from '../staged/builders.ts';
import { Fuse, SimulatedCrash } from './crash.ts';
import { GAME_DAYS } from './mini-league.ts';
import { Random, replayable, seeds } from './random.ts';

const ERRORS = [
  { type: 'ValueError', message: 'invalid literal for int()' }, { type: 'ConnectionError', message: 'connection reset by peer' }, { type: 'MemoryError', message: 'Resources exceeded during query execution' },
  { type: 'no_data', message: 'nothing yet' },
] as const;

/** One seed's story: failures, power cuts, pauses and approvals until the backfill has ended; every state it was seen in. */
async function live(seed: number): Promise<void> {
  const random = new Random(seed);
  const season = await EmptySeason.open(1 + random.below(4));
  const policies: readonly ErrorPolicy[] = ['stop', 'continue', 'skip-deps'];
  const stages: readonly StageSketch[] = SEASON_STAGES.map((stage, index) => ({ ...stage, ...(random.chance(0.5) ? { error_policy: random.pick(policies) } : {}), ...(index > 0 && random.chance(0.3) ? { needs_approval: true } : {}) }));
  for (let failures = random.below(8); failures > 0; failures -= 1) {
    season.outside.fail(`${random.pick(['BoxPage', 'Box', 'TeamForm', 'Context', 'Features', 'Ratings'])} ${formatDay(random.pick(GAME_DAYS))}`, random.pick(ERRORS));
  }
  // Sometimes a source has lost a date for good.
  const lostDay = random.chance(0.3) ? random.pick(GAME_DAYS.slice(1)) : null;
  season.outside.down = (cell) => (lostDay !== null && cell === `BoxPage ${formatDay(lostDay)}` ? { type: 'no_data', message: 'the league has lost it' } : null);
  const { id } = await season.start(stages, { concurrency: 1 + random.below(6) });
  let crashes = 3 + random.below(6);
  let record: BackfillRecord | null = null;
  for (let turn = 0; turn < 80 && (record === null || !hasEnded(record)); turn += 1) {
    const fuse = crashes > 0 ? new Fuse(1 + random.below(150), random.chance(0.5)) : Fuse.never();
    crashes -= 1;
    const before = await season.site.store.backfill(id).catch(() => null);
    try {
      await season.reopen(fuse);
      const pauseAt = random.chance(0.3) ? 1 + random.below(30) : 0;
      let runs = 0;
      season.outside.during = async (_cell, when) => {
        if (when !== 'before' || (runs += 1) !== pauseAt) return;
        await season.order(id, (current, now) => (current.state === 'running' ? paused(current, kim, now) : current));
      };
      record = await season.advance(id);
      if (record?.state === 'waits_for_approval') await season.order(id, (current, now) => approved(current, kim, now));
      else if (record && record.state !== 'running' && !hasEnded(record)) {
        // What the source will never have is accepted by a person: a date that is only skipped would keep its readers waiting.
        if (lostDay !== null && record.failures.some((entry) => entry.day === lostDay && entry.processor === 'BoxPage' && entry.became === 'open')) {
          await season.site.engine.refresh(lostDay, lostDay);
          await accept(season.site.engine, [{ processor: 'BoxPage', day: lostDay }], kim, null);
        }
        await season.order(id, (current, now) => resumed(current, kim, now));
      }
    } catch (error) {
      if (!(error instanceof SimulatedCrash) && !fuse.blown) throw error;
    }
    await season.reopen();
    const after = await season.site.store.backfill(id);
    assert.ok(after && (before === null || after.stage >= before.stage), 'it never goes back');
    for (const [index, stage] of stages.entries()) if (after.stage > index && stage['gate'] !== undefined) assert.equal(after.stages[index]?.gate?.passed, true, `stage ${stage.name} was left although its gate holds`);
    record = after;
    season.clock.set(season.clock.now() + 3_600_000);
  }
  assert.equal(record?.state, 'finished', `${record?.state}: ${record?.journal.at(-2)?.text}; lost ${lostDay === null ? 'nothing' : formatDay(lostDay)}`);
  const affected = (cell: string): boolean => lostDay !== null && cell.slice(-10) >= formatDay(lostDay);
  assert.deepEqual((await season.wrong()).filter((cell) => !affected(cell)), []);
  assert.deepEqual((await season.openCells()).filter((cell) => cell.request?.backfillId === id), []);
  const cells = await season.site.store.cells(GAME_DAYS[0]!, GAME_DAYS.at(-1)!);
  for (const cell of cells) assert.ok(cell.last !== null || cell.failure !== null || affected(`${cell.processor} ${formatDay(cell.day)}`), `${cell.processor} ${formatDay(cell.day)} ended without a word`);
  season.close();
}

describe('a staged backfill, disturbed', function () {
  this.timeout(60_000);
  for (const seed of seeds(25)) it(`ends complete, or with a reason for each date, and no gate is passed that should hold (seed ${seed})`, () => replayable(seed, 'disturbed', () => live(seed)));
});
