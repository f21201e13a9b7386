import { z } from 'zod';

/** The shapes in which rows are landed. What a page shows beyond them is left out of the raw tables. */

const whole = z.union([z.number().int(), z.string().regex(/^-?\d+$/, { error: 'a whole number' }).transform(Number)]);
const gameId = z.string().regex(/^\d{10}$/, { error: 'a game id is text of ten digits' });
const gameDate = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, { error: 'a date is YYYY-MM-DD' });
const team = z.string().regex(/^[A-Z]{3}$/, { error: 'a team is three capital letters' });

const counts = {
  minutes: whole,
  points: whole,
  rebounds: whole,
  assists: whole,
  steals: whole,
  blocks: whole,
  turnovers: whole,
  fgm: whole,
  fga: whole,
  fg3m: whole,
  fg3a: whole,
  ftm: whole,
  fta: whole,
  plus_minus: whole,
};

export const landedGame = z.object({
  game_date: gameDate,
  game_id: gameId,
  season: z.string(),
  season_type: z.string(),
  home_team: team,
  away_team: team,
  home_points: whole,
  away_points: whole,
});

export const landedPlayerLine = z.object({
  game_date: gameDate,
  game_id: gameId,
  team,
  player_id: whole,
  player_name: z.string(),
  ...counts,
});

export const landedTeamLine = z.object({
  game_date: gameDate,
  game_id: gameId,
  team,
  ...counts,
  offensive_rebounds: whole.nullable(),
  defensive_rebounds: whole.nullable(),
  personal_fouls: whole.nullable(),
});
