-- team_defense_game_summary: what a team allowed in one game, and its defence's form through that game.
--
-- Grain:   one row a team and game on @game_date (game_id, team). Regular season and playoffs.
-- Inputs:  nbac_team_boxscore  30 game dates and the own date, for the last 10 games of who played tonight
--          nbac_schedule       own date, for home, away and the season type
-- Windows: "last 10" is the team's last 10 games, tonight's included; they lie within 30 game dates.
--
-- Possessions as in team_offense_game_summary, where the estimate is explained.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH boxes AS (
  SELECT
    game_date, game_id, team, minutes, points, steals, blocks, turnovers, fgm, fga, fg3m, fg3a, ftm, fta,
    100 * fga + 44 * fta + 100 * turnovers - COALESCE(100 * offensive_rebounds, 23 * (fga - fgm)) AS estimate_x100
  FROM nbac_team_boxscore
),
games AS (
  SELECT
    own.game_date, own.game_id, own.team, other.team AS opponent, own.minutes, own.steals, own.blocks,
    other.points AS points_allowed, other.turnovers AS opponent_turnovers,
    other.fgm AS opponent_fgm, other.fga AS opponent_fga, other.fg3m AS opponent_fg3m,
    other.fg3a AS opponent_fg3a, other.ftm AS opponent_ftm, other.fta AS opponent_fta,
    DIV((own.estimate_x100 + other.estimate_x100), 2) AS possessions_x100
  FROM boxes AS own
  JOIN boxes AS other ON other.game_id = own.game_id AND other.team <> own.team
),
ranked AS (
  SELECT
    team, points_allowed, possessions_x100, opponent_turnovers, opponent_fgm, opponent_fga, opponent_fg3m,
    ROW_NUMBER() OVER (PARTITION BY team ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM games
),
form AS (
  SELECT
    team,
    COUNT(*) AS games,
    SUM(points_allowed) AS points_allowed,
    SUM(possessions_x100) AS possessions_x100,
    SUM(opponent_turnovers) AS opponent_turnovers,
    SUM(opponent_fgm) AS opponent_fgm,
    SUM(opponent_fga) AS opponent_fga,
    SUM(opponent_fg3m) AS opponent_fg3m
  FROM ranked
  WHERE games_ago <= 10
  GROUP BY team
)
SELECT
  @game_date AS game_date,
  games.game_id,
  games.team,
  games.opponent,
  schedule.season_type,
  schedule.home_team = games.team AS is_home,
  games.minutes AS game_minutes,
  games.points_allowed,
  games.possessions_x100,
  games.steals,
  games.blocks,
  games.opponent_turnovers,
  games.opponent_fgm,
  games.opponent_fga,
  games.opponent_fg3m,
  games.opponent_fg3a,
  games.opponent_ftm,
  games.opponent_fta,
  ROUND(SAFE_DIVIDE(10000 * games.points_allowed, games.possessions_x100) + 1e-9, 4) AS defensive_rating,
  ROUND(SAFE_DIVIDE(2 * games.opponent_fgm + games.opponent_fg3m, 2 * games.opponent_fga) + 1e-9, 4) AS opponent_effective_fg_pct,
  ROUND(SAFE_DIVIDE(games.opponent_fg3a, games.opponent_fga) + 1e-9, 4) AS opponent_three_point_rate,
  ROUND(SAFE_DIVIDE(games.opponent_fta, games.opponent_fga) + 1e-9, 4) AS opponent_free_throw_rate,
  ROUND(SAFE_DIVIDE(100 * games.opponent_turnovers, games.possessions_x100) + 1e-9, 4) AS forced_turnover_rate,
  form.games AS games_last_10,
  ROUND(SAFE_DIVIDE(form.points_allowed, form.games) + 1e-9, 4) AS points_allowed_avg_last_10,
  ROUND(SAFE_DIVIDE(10000 * form.points_allowed, form.possessions_x100) + 1e-9, 4) AS defensive_rating_last_10,
  ROUND(SAFE_DIVIDE(2 * form.opponent_fgm + form.opponent_fg3m, 2 * form.opponent_fga) + 1e-9, 4) AS opponent_effective_fg_last_10,
  ROUND(SAFE_DIVIDE(100 * form.opponent_turnovers, form.possessions_x100) + 1e-9, 4) AS forced_turnover_rate_last_10
FROM games
JOIN form ON form.team = games.team
LEFT JOIN nbac_schedule AS schedule ON schedule.game_id = games.game_id
WHERE games.game_date = @game_date
