import type { SiteCounts, SitePlayerLine, SiteTeamLine } from './league-site.ts';

/**
 * Team totals as sums of the players' lines of one date. Turnovers that count for the team alone are not in them, and the
 * lines split no rebounds and name no fouls. A team's margin is its points less the opponent's.
 */
export function teamLinesOf(lines: readonly SitePlayerLine[]): readonly SiteTeamLine[] {
  const teams = new Map<string, SitePlayerLine[]>();
  for (const line of lines) {
    const key = `${line.game_id} ${line.team}`;
    const players = teams.get(key);
    if (players) players.push(line);
    else teams.set(key, [line]);
  }
  const pointsOfGame = new Map<string, number>();
  for (const line of lines) pointsOfGame.set(line.game_id, (pointsOfGame.get(line.game_id) ?? 0) + line.points);
  return [...teams.values()].flatMap((players) => {
    const [first] = players;
    if (!first) return [];
    const points = total(players, 'points');
    return [{
      game_date: first.game_date,
      game_id: first.game_id,
      team: first.team,
      minutes: gameMinutes(total(players, 'minutes')),
      points,
      offensive_rebounds: null,
      defensive_rebounds: null,
      rebounds: total(players, 'rebounds'),
      assists: total(players, 'assists'),
      steals: total(players, 'steals'),
      blocks: total(players, 'blocks'),
      turnovers: total(players, 'turnovers'),
      personal_fouls: null,
      fgm: total(players, 'fgm'),
      fga: total(players, 'fga'),
      fg3m: total(players, 'fg3m'),
      fg3a: total(players, 'fg3a'),
      ftm: total(players, 'ftm'),
      fta: total(players, 'fta'),
      plus_minus: 2 * points - (pointsOfGame.get(first.game_id) ?? 0),
    }];
  });
}

function total(players: readonly SitePlayerLine[], count: keyof SiteCounts): number {
  return players.reduce((sum, player) => sum + player[count], 0);
}

/** Five players share 48 minutes, and 5 more for each overtime; players' minutes are rounded, so their sum is near it. */
export function gameMinutes(playerMinutes: number): number {
  const overtimes = Math.max(0, Math.round((playerMinutes - 5 * 48) / (5 * 5)));
  return 48 + 5 * overtimes;
}
