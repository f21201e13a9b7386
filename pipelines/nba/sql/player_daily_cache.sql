-- player_daily_cache: a player's averages over three horizons, ready before the games of @game_date.
--
-- Grain:   one row a player of upcoming_player_game_context (game_id, player_id). Regular season.
-- Inputs:  upcoming_player_game_context  own date, for who may play
--          player_game_summary           60 game dates before the own date
--          team_offense_game_summary     30 game dates before the own date, for the team's last 10 games
-- Windows: the player's last 5, 10 and 30 games before this one, as far as they lie in the 60 game dates.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH today AS (
  SELECT game_id, player_id, player_name, team
  FROM upcoming_player_game_context
  WHERE game_date = @game_date
),
ranked AS (
  SELECT
    game_date, player_id, minutes, points, rebounds, assists, fga, fta,
    plays_x100 * game_minutes AS plays_used,
    minutes * team_plays_x100 AS plays_seen,
    ROW_NUMBER() OVER (PARTITION BY player_id ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM player_game_summary
  WHERE player_id IN (SELECT player_id FROM today)
),
sums AS (
  SELECT
    player_id,
    COUNT(*) AS games_30,
    COUNTIF(games_ago <= 10) AS games_10,
    COUNTIF(games_ago <= 5) AS games_5,
    COUNTIF(DATE_DIFF(@game_date, game_date, DAY) <= 14) AS games_14_days,
    SUM(IF(DATE_DIFF(@game_date, game_date, DAY) <= 14, minutes, 0)) AS minutes_14_days,
    SUM(IF(games_ago <= 5, minutes, 0)) AS minutes_5,
    SUM(IF(games_ago <= 10, minutes, 0)) AS minutes_10,
    SUM(minutes) AS minutes_30,
    SUM(IF(games_ago <= 5, points, 0)) AS points_5,
    SUM(IF(games_ago <= 10, points, 0)) AS points_10,
    SUM(points) AS points_30,
    SUM(points * points) AS points_squared_30,
    SUM(IF(games_ago <= 10, rebounds, 0)) AS rebounds_10,
    SUM(rebounds) AS rebounds_30,
    SUM(IF(games_ago <= 10, assists, 0)) AS assists_10,
    SUM(assists) AS assists_30,
    SUM(fga) AS fga_30,
    SUM(fta) AS fta_30,
    SUM(IF(games_ago <= 5, plays_used, 0)) AS plays_used_5,
    SUM(IF(games_ago <= 5, plays_seen, 0)) AS plays_seen_5,
    SUM(plays_used) AS plays_used_30,
    SUM(plays_seen) AS plays_seen_30
  FROM ranked
  WHERE games_ago <= 30
  GROUP BY player_id
),
teams_ranked AS (
  SELECT
    team, points, possessions_x100, game_minutes,
    ROW_NUMBER() OVER (PARTITION BY team ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM team_offense_game_summary
),
teams AS (
  SELECT
    team,
    ROUND(SAFE_DIVIDE(48 * SUM(possessions_x100), 100 * SUM(game_minutes)) + 1e-9, 4) AS pace,
    ROUND(SAFE_DIVIDE(10000 * SUM(points), SUM(possessions_x100)) + 1e-9, 4) AS offensive_rating
  FROM teams_ranked
  WHERE games_ago <= 10
  GROUP BY team
)
SELECT
  @game_date AS game_date,
  today.game_id,
  today.player_id,
  today.player_name,
  today.team,
  sums.games_30 AS games_last_30,
  sums.games_14_days AS games_last_14_days,
  sums.minutes_14_days AS minutes_last_14_days,
  ROUND(SAFE_DIVIDE(sums.minutes_5, sums.games_5) + 1e-9, 4) AS minutes_avg_last_5,
  ROUND(SAFE_DIVIDE(sums.minutes_10, sums.games_10) + 1e-9, 4) AS minutes_avg_last_10,
  ROUND(SAFE_DIVIDE(sums.minutes_30, sums.games_30) + 1e-9, 4) AS minutes_avg_last_30,
  ROUND(SAFE_DIVIDE(sums.points_5, sums.games_5) + 1e-9, 4) AS points_avg_last_5,
  ROUND(SAFE_DIVIDE(sums.points_10, sums.games_10) + 1e-9, 4) AS points_avg_last_10,
  ROUND(SAFE_DIVIDE(sums.points_30, sums.games_30) + 1e-9, 4) AS points_avg_last_30,
  ROUND(SQRT(SAFE_DIVIDE(sums.games_30 * sums.points_squared_30 - sums.points_30 * sums.points_30, sums.games_30 * sums.games_30)) + 1e-9, 4) AS points_stddev_last_30,
  ROUND(SAFE_DIVIDE(36 * sums.points_30, sums.minutes_30) + 1e-9, 4) AS points_per_36_last_30,
  ROUND(SAFE_DIVIDE(sums.rebounds_10, sums.games_10) + 1e-9, 4) AS rebounds_avg_last_10,
  ROUND(SAFE_DIVIDE(sums.rebounds_30, sums.games_30) + 1e-9, 4) AS rebounds_avg_last_30,
  ROUND(SAFE_DIVIDE(sums.assists_10, sums.games_10) + 1e-9, 4) AS assists_avg_last_10,
  ROUND(SAFE_DIVIDE(sums.assists_30, sums.games_30) + 1e-9, 4) AS assists_avg_last_30,
  ROUND(SAFE_DIVIDE(100 * sums.points_30, 200 * sums.fga_30 + 88 * sums.fta_30) + 1e-9, 4) AS true_shooting_last_30,
  ROUND(SAFE_DIVIDE(sums.plays_used_5, sums.plays_seen_5) + 1e-9, 4) AS usage_rate_last_5,
  ROUND(SAFE_DIVIDE(sums.plays_used_30, sums.plays_seen_30) + 1e-9, 4) AS usage_rate_last_30,
  teams.pace AS team_pace_last_10,
  teams.offensive_rating AS team_offensive_rating_last_10
FROM today
JOIN sums ON sums.player_id = today.player_id
LEFT JOIN teams ON teams.team = today.team
