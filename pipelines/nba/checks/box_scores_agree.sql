-- the points of a team's players add up to those of its box score
--
-- Returns the games and teams of which both box scores are there, and where they do not.
WITH players AS (
  SELECT game_date, game_id, team, SUM(points) AS points
  FROM nbac_player_boxscore
  GROUP BY game_date, game_id, team
)
SELECT teams.game_date, teams.game_id, teams.team, teams.points, players.points AS points_of_players
FROM nbac_team_boxscore AS teams
JOIN players ON players.game_date = teams.game_date AND players.game_id = teams.game_id AND players.team = teams.team
WHERE teams.points <> players.points
