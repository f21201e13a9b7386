import { dayOf, daysBetween, formatDay, type Day } from '../../shared/calendar/day.ts';

/** A league of six teams and twenty days, the same in every process: what the source of the mini pipeline has. */
export const SEASON = { from: dayOf('2024-01-01'), to: dayOf('2024-01-20') } as const;
export const SEASON_DAYS: readonly Day[] = daysBetween(SEASON.from, SEASON.to);

export interface LeagueGame {
  readonly id: string;
  readonly home: string;
  readonly away: string;
}

const TEAMS = ['ATL', 'BOS', 'CHI', 'DEN', 'GSW', 'LAL'] as const;

/** Days without games: 4, 10, 11 and 16 January. */
const OFF_DAYS: ReadonlySet<string> = new Set(['2024-01-04', '2024-01-10', '2024-01-11', '2024-01-16']);

export function gamesOn(date: string): readonly LeagueGame[] {
  if (OFF_DAYS.has(date) || date < formatDay(SEASON.from) || date > formatDay(SEASON.to)) return [];
  const number = Number(date.slice(8));
  const count = 1 + (number * 7) % 3;
  return Array.from({ length: count }, (_, index) => {
    const home = TEAMS[(number + index * 2) % TEAMS.length] ?? 'ATL';
    const away = TEAMS[(number + index * 2 + 1) % TEAMS.length] ?? 'BOS';
    return { id: `${date}-${index}`, home, away };
  });
}

export const GAME_DAYS: readonly Day[] = SEASON_DAYS.filter((day) => gamesOn(formatDay(day)).length > 0);

export function pointsOf(gameId: string, team: string): number {
  let hash = 7;
  for (const letter of `${gameId}/${team}`) hash = Math.imul(hash, 31) + letter.charCodeAt(0);
  return 80 + (hash >>> 0) % 50;
}
