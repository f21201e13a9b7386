-- what a team's defence allowed is what its opponent is said to have scored
--
-- Returns the games and teams of which both summaries are there, and where they do not agree.
SELECT defense.game_date, defense.game_id, defense.team, defense.points_allowed, offense.opponent_points
FROM team_defense_game_summary AS defense
JOIN team_offense_game_summary AS offense
  ON offense.game_date = defense.game_date AND offense.game_id = defense.game_id AND offense.team = defense.team
WHERE defense.points_allowed <> offense.opponent_points
