import type { ProcessorFunction, ProcessorInput } from '../../shared/ports/processor.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { gamesOn, pointsOf, type LeagueGame } from './mini-league.ts';

/** Functions of the mini pipeline: each row is made of every row that was read, so that a wrong input gives a wrong output. */

/** The source as it is now: in most tests every game is over and there. */
export interface LeagueSource {
  /** 1 to be played, 2 being played, 3 final, 4 postponed. */
  status(gameId: string): number;
  /** What the page says now, where it has been corrected. */
  points?(gameId: string, team: string): number;
  /** The games of a date, where they are not the league's. */
  games?(date: string): readonly LeagueGame[];
}
const ALL_FINAL: LeagueSource = { status: () => 3 };

export function miniProcessors(source: LeagueSource = ALL_FINAL): ReadonlyMap<string, ProcessorFunction> {
  const gamesOf = (date: string): readonly LeagueGame[] => source.games?.(date) ?? gamesOn(date);
  return new Map<string, ProcessorFunction>([
    ['SchedulePage', async ({ gameDate }) => done(gamesOf(gameDate).map(({ id, home, away }) => ({ game_date: gameDate, game_id: id, home, away, status: source.status(id) })))],
    ['BoxPage', async ({ gameDate }) => {
      const over = gamesOf(gameDate).filter(({ id }) => source.status(id) === 3);
      if (over.length === 0) return { status: 'no_data', message: `the league has no box score of ${gameDate} yet` };
      return done(over.flatMap(({ id, home, away }) => [home, away].map((team) => ({ game_date: gameDate, game_id: id, team, points: source.points?.(id, team) ?? pointsOf(id, team) }))));
    }],
    ['Schedule', schedule],
    ['Box', async (input) => done((await input.read('BoxPage')).map((row) => ({ ...row })))],
    ['TeamForm', teamForm],
    ['Context', context],
    ['Features', features],
    ['Ratings', ratings],
    ['Outlook', outlook],
  ]);
}

function done(rows: readonly Row[]): { readonly status: 'success'; readonly rows: readonly Row[] } {
  return { status: 'success', rows };
}

const text = (row: Row, column: string): string => String(row[column] ?? '');
const number = (row: Row, column: string): number => Number(row[column] ?? 0);

/** One number of all rows that were read, whatever their order. */
function digest(rows: readonly Row[]): number {
  let sum = 0;
  for (const row of rows) {
    let hash = 17;
    for (const letter of Object.keys(row).sort().map((name) => `${name}=${text(row, name)}`).join('|')) hash = Math.imul(hash, 33) + letter.charCodeAt(0);
    sum = (sum + (hash >>> 0)) % 1_000_000_007;
  }
  return sum;
}

let processed = 0;
async function schedule(input: ProcessorInput): ReturnType<ProcessorFunction> {
  const page = await input.read('SchedulePage');
  processed += 1;
  return done(page.map((row) => ({
    game_date: input.gameDate, game_id: text(row, 'game_id'), home: text(row, 'home'), away: text(row, 'away'), game_status: number(row, 'status'),
    processed_at: new Date(Date.UTC(2024, 5, 1) + processed * 1000).toISOString(),
  })));
}

async function teamForm(input: ProcessorInput): ReturnType<ProcessorFunction> {
  const games = await input.read('Schedule');
  const box = await input.read('Box');
  return done(box.filter((row) => row['game_date'] === input.gameDate).map((row) => {
    const team = text(row, 'team');
    const game = games.find((candidate) => candidate['game_id'] === row['game_id']);
    const own = box.filter((candidate) => candidate['team'] === team);
    return {
      game_date: input.gameDate, game_id: text(row, 'game_id'), team, points: number(row, 'points'), is_home: game ? game['home'] === team : null,
      games_last_5: own.length, points_last_5: own.reduce((sum, candidate) => sum + number(candidate, 'points'), 0), league_last_5: digest(box),
    };
  }));
}

async function context(input: ProcessorInput): ReturnType<ProcessorFunction> {
  const games = await input.read('Schedule');
  const box = await input.read('Box');
  return done(games.flatMap((game) => [text(game, 'home'), text(game, 'away')].map((team) => {
    const own = box.filter((row) => row['team'] === team);
    return {
      game_date: input.gameDate, game_id: text(game, 'game_id'), team, games_last_4_days: own.length,
      points_last_4_days: own.reduce((sum, row) => sum + number(row, 'points'), 0), league_last_4_days: digest(box),
    };
  })));
}

async function features(input: ProcessorInput): ReturnType<ProcessorFunction> {
  const form = await input.read('TeamForm');
  const before = await input.read('Context');
  return done(before.map((row) => {
    const own = form.filter((candidate) => candidate['team'] === row['team']);
    return {
      game_date: input.gameDate, game_id: text(row, 'game_id'), team: text(row, 'team'), season_games: own.length,
      season_points: own.reduce((sum, candidate) => sum + number(candidate, 'points'), 0), season_digest: digest(form), context_digest: digest(before),
    };
  }));
}

async function ratings(input: ProcessorInput): ReturnType<ProcessorFunction> {
  const history = await input.read('Ratings');
  const form = await input.read('TeamForm');
  return done(form.map((row) => {
    const team = text(row, 'team');
    const mine = history.filter((candidate) => candidate['team'] === team);
    return {
      game_date: input.gameDate, game_id: text(row, 'game_id'), team,
      rating: number(row, 'points') + Math.floor(mine.reduce((sum, candidate) => sum + number(candidate, 'rating'), 0) / 2) + digest(history) % 1000,
    };
  }));
}

async function outlook(input: ProcessorInput): ReturnType<ProcessorFunction> {
  const form = await input.read('TeamForm');
  const before = await input.read('Context');
  if (form.length === 0) return done([]);
  return done(before.map((row) => ({ game_date: input.gameDate, game_id: text(row, 'game_id'), team: text(row, 'team'), outlook: digest(form) % 10_007 + digest([row]) % 10_007 })));
}

/** For runtimes that load functions by module and name. */
const byDefault = miniProcessors();
const named = (name: string): ProcessorFunction => (input) => {
  const run = byDefault.get(name);
  if (!run) throw new RangeError(`received ${name}, which the mini pipeline does not have`);
  return run(input);
};
export const SchedulePage = named('SchedulePage');
export const BoxPage = named('BoxPage');
export const Schedule = named('Schedule');
export const Box = named('Box');
export const TeamForm = named('TeamForm');
export const Context = named('Context');
export const Features = named('Features');
export const Ratings = named('Ratings');
export const Outlook = named('Outlook');
