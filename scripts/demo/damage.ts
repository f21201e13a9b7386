import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addDays, formatDay, type Day } from '../../shared/calendar/day.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { work } from '../../shared/flows/work.ts';
import type { Ask } from '../../shared/requests/ask.ts';
import { emptyRecord, type CellKey } from '../../shared/requests/cell.ts';
import type { EmbeddedRuntime } from '../runtime/embedded.ts';
import { DEMO } from './season.ts';

/** What was done to the warehouse, for the demo to tell: nothing of the outcome is scripted, only the damage is. */
export interface Damage {
  readonly what: string;
}

type Choose = (choices: number) => number;

/** The league's site as the stand-in is told to be: nothing for a date, or not reachable. */
export function setOutages(stateDirectory: string, outages: Readonly<Record<string, Readonly<Record<string, 'no_data' | 'down'>>>>): void {
  const folder = join(stateDirectory, 'source');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'outages.json'), `${JSON.stringify(outages)}\n`);
}

/** A night that has not been worked on yet: no landed files, no rows, no records of it or of what it makes ready. */
export async function forgetNight(runtime: EmbeddedRuntime, stateDirectory: string, night: Day): Promise<void> {
  const { engine, pipeline } = runtime;
  const cells: CellKey[] = [];
  for (const processor of pipeline.processors) {
    if (processor.fillsCalendar) continue;
    const day = processor.expected === 'before_games' ? addDays(night, 1) : night;
    if (processor.output.kind === 'landing') rmSync(join(stateDirectory, 'landing', processor.output.folder, `game_date=${formatDay(day)}`), { recursive: true, force: true });
    else await deleteDate(runtime, processor.output.ref, day);
    cells.push({ processor: processor.name, day });
  }
  runtime.warehouse.forget();
  await engine.parts.store.transact({ cells }, (snapshot) => ({ writes: { cells: cells.map((cell) => ({ ...emptyRecord(cell), generation: snapshot.cell(cell).generation })) }, result: null }));
}

/** The damage of a fortnight that nobody looked at. Dates are picked by the seed. */
export async function damageAtRest(runtime: EmbeddedRuntime, stateDirectory: string, choose: Choose): Promise<Damage[]> {
  const world = await runtime.engine.refresh(DEMO.from, DEMO.lastNight);
  const nights = world.expectedDates(world.processor('PlayerGameSummaryProcessor')).within(DEMO.from, DEMO.lastNight);
  const pick = (from: number, count: number): Day => nights[Math.min(nights.length - 1, from + choose(count))] ?? DEMO.lastNight;
  const damage: Damage[] = [];

  const lost = pick(14, 3);
  await deleteDate(runtime, 'nba_raw.nbac_player_boxscore', lost);
  await deleteDate(runtime, 'nba_analytics.player_game_summary', lost);
  damage.push({ what: `${formatDay(lost)}: the run of nbac_player_boxscore failed, so player_game_summary has no rows either` });

  runtime.warehouse.forget();
  const later = nights.filter((night) => night > lost).slice(0, 2);
  await computeOnIncompleteHistory(runtime, later);
  damage.push({ what: `${later.map(formatDay).join(', ')}: player summaries and shot zones were computed without it` });

  const thin = pick(2, 4);
  const game = world.expectedDates(world.processor('NbacTeamBoxscoreProcessor')).keys(thin)[0] ?? '';
  await runtime.warehouse.outside(`DELETE FROM nba_raw.nbac_team_boxscore WHERE game_date = DATE '${formatDay(thin)}' AND game_id = '${game}'`);
  damage.push({ what: `${formatDay(thin)}: game ${game} is missing from nbac_team_boxscore` });

  const doubled = pick(7, 3);
  await runtime.warehouse.outside(`INSERT INTO nba_analytics.team_offense_game_summary SELECT * FROM nba_analytics.team_offense_game_summary WHERE game_date = DATE '${formatDay(doubled)}'`);
  damage.push({ what: `${formatDay(doubled)}: team_offense_game_summary was written twice` });

  const start = 10;
  const gap = nights.slice(start, start + 4 + choose(2));
  for (const night of gap) await deleteDate(runtime, 'nba_precompute.team_defense_zone_analysis', night);
  damage.push({ what: `${formatDay(gap[0] ?? lost)} to ${formatDay(gap.at(-1) ?? lost)}: ${gap.length} dates of team_defense_zone_analysis are gone` });

  const altered = nights.at(-2) ?? DEMO.lastNight;
  await runtime.warehouse.outside(`UPDATE nba_raw.nbac_team_boxscore SET points = points + 10 WHERE game_date = DATE '${formatDay(altered)}'`);
  damage.push({ what: `${formatDay(altered)}: somebody added 10 points to every team in nbac_team_boxscore` });

  const dead = nights.at(-1) ?? DEMO.lastNight;
  await deleteDate(runtime, 'nba_raw.nbac_player_boxscore', dead);
  rmSync(join(stateDirectory, 'landing', 'player_boxscore', `game_date=${formatDay(dead)}`), { recursive: true, force: true });
  setOutages(stateDirectory, { player_boxscore: { [formatDay(dead)]: 'no_data' } });
  damage.push({ what: `${formatDay(dead)}: the player box scores are lost, and the league's site has nothing for that date` });
  runtime.warehouse.forget();
  return damage;
}

async function deleteDate(runtime: EmbeddedRuntime, table: string, day: Day): Promise<void> {
  await runtime.warehouse.outside(`DELETE FROM ${table} WHERE game_date = DATE '${formatDay(day)}'`);
}

/** Runs the real processors although an input is missing, as an old scheduler would have. */
async function computeOnIncompleteHistory(runtime: EmbeddedRuntime, nights: readonly Day[]): Promise<void> {
  const { engine } = runtime;
  await engine.refresh(DEMO.from, DEMO.lastNight);
  const ask: Ask = {
    id: engine.parts.ids.next('old-scheduler'), asker: 'person', by: 'old-scheduler', reason: 'ran without looking at its history', at: engine.parts.clock.now(), priority: 'normal', reprocess: 'completed',
    force: true, skipDownstreamTrigger: true, isBackfill: false, planId: null, backfillId: null, summary: 'nightly run', refused: null,
  };
  const cells = nights.flatMap((day) => ['PlayerGameSummaryProcessor', 'PlayerShotZoneAnalysisProcessor'].map((processor) => ({ processor, day })));
  await openAsk(engine, ask, cells);
  await work(engine, { signal: new AbortController().signal });
}
