import { Calendar } from '../../shared/calendar/calendar.ts';
import { day } from '../../shared/calendar/day.ts';
import { boxscore, claimOf, named, nov15 } from '../contract/warehouse-under-test.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { openDuckDb } from './duckdb-under-test.ts';

/** Promotes without end, and says each time when it has: `processor offset generation`. Killed by duckdb-crash.test.ts. */
const [stateDirectory, firstGeneration] = process.argv.slice(2);
const pipeline = warehousePipeline();
const { warehouse } = await openDuckDb(pipeline, stateDirectory);
const calendar = new Calendar(pipeline, []);

for (let generation = Number(firstGeneration); ; generation += 1) {
  await Promise.all([0, 1, 2].flatMap((offset) => ['Boxscores', 'Landed'].map(async (name) => {
    const at = day(nov15 + offset);
    const rows = Array.from({ length: 20 }, (_, player) => boxscore(player, { points: generation }, at));
    const source = name === 'Landed' ? rows.map(({ game_date, game_id, player_id, points }) => ({ game_date: game_date ?? null, game_id: game_id ?? null, player_id: player_id ?? null, points: points ?? null })) : rows;
    const staged = await warehouse.stage(claimOf(named(pipeline, name), at, generation), { kind: 'rows', rows: source }, calendar);
    const { kind } = await staged.promote(String(generation));
    if (kind === 'promoted') process.stdout.write(`${name} ${offset} ${generation}\n`);
  })));
}
