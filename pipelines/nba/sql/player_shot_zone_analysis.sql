-- player_shot_zone_analysis: from where a player scores, and how well, after the games of @game_date.
--
-- Grain:   one row a player who played on @game_date (game_id, player_id). Regular season.
-- Inputs:  player_game_summary  60 game dates and the own date
-- Windows: the player's last 30 games, tonight's included, as far as they lie in the 60 game dates (half of the players who
--          have 30 games have them there); games_in_window says how many. The league it is compared with is every player's
--          games of the whole window.
--
-- The sources hold no shot places, so a zone is a kind of scoring: two-point shots, three-point shots, free throws.
-- Who has not attempted a shot in a zone has null there.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH league AS (
  SELECT
    SAFE_DIVIDE(SUM(fgm - fg3m), SUM(fga - fg3a)) AS fg2_pct,
    SAFE_DIVIDE(SUM(fg3m), SUM(fg3a)) AS fg3_pct,
    SAFE_DIVIDE(SUM(ftm), SUM(fta)) AS ft_pct
  FROM player_game_summary
),
tonight AS (
  SELECT game_id, player_id, player_name, team
  FROM player_game_summary
  WHERE game_date = @game_date
),
ranked AS (
  SELECT
    player_id, points, fgm, fga, fg3m, fg3a, ftm, fta,
    ROW_NUMBER() OVER (PARTITION BY player_id ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM player_game_summary
  WHERE player_id IN (SELECT player_id FROM tonight)
),
sums AS (
  SELECT
    player_id,
    COUNT(*) AS games,
    SUM(points) AS points,
    SUM(fgm - fg3m) AS fg2m,
    SUM(fga - fg3a) AS fg2a,
    SUM(fg3m) AS fg3m,
    SUM(fg3a) AS fg3a,
    SUM(ftm) AS ftm,
    SUM(fta) AS fta,
    SUM(fga) AS fga
  FROM ranked
  WHERE games_ago <= 30
  GROUP BY player_id
)
SELECT
  @game_date AS game_date,
  tonight.game_id,
  tonight.player_id,
  tonight.player_name,
  tonight.team,
  sums.games AS games_in_window,
  sums.fga AS attempts_in_window,
  ROUND(SAFE_DIVIDE(sums.fg2a, sums.fga) + 1e-9, 4) AS two_point_attempt_share,
  ROUND(SAFE_DIVIDE(sums.fg3a, sums.fga) + 1e-9, 4) AS three_point_attempt_share,
  ROUND(SAFE_DIVIDE(sums.fta, sums.fga) + 1e-9, 4) AS free_throw_rate,
  ROUND(SAFE_DIVIDE(sums.fg2m, sums.fg2a) + 1e-9, 4) AS two_point_pct,
  ROUND(SAFE_DIVIDE(sums.fg3m, sums.fg3a) + 1e-9, 4) AS three_point_pct,
  ROUND(SAFE_DIVIDE(sums.ftm, sums.fta) + 1e-9, 4) AS free_throw_pct,
  ROUND(SAFE_DIVIDE(2 * sums.fg2m, sums.points) + 1e-9, 4) AS two_point_points_share,
  ROUND(SAFE_DIVIDE(3 * sums.fg3m, sums.points) + 1e-9, 4) AS three_point_points_share,
  ROUND(SAFE_DIVIDE(sums.ftm, sums.points) + 1e-9, 4) AS free_throw_points_share,
  ROUND(SAFE_DIVIDE(2 * sums.fg2m + 3 * sums.fg3m, sums.fga) + 1e-9, 4) AS points_per_shot,
  ROUND(SAFE_DIVIDE(sums.fg2m, sums.fg2a) - league.fg2_pct + 1e-9, 4) AS two_point_pct_vs_league,
  ROUND(SAFE_DIVIDE(sums.fg3m, sums.fg3a) - league.fg3_pct + 1e-9, 4) AS three_point_pct_vs_league,
  ROUND(SAFE_DIVIDE(sums.ftm, sums.fta) - league.ft_pct + 1e-9, 4) AS free_throw_pct_vs_league,
  CASE
    WHEN sums.points = 0 THEN 'none'
    WHEN 2 * sums.fg2m >= 3 * sums.fg3m AND 2 * sums.fg2m >= sums.ftm THEN 'two_point'
    WHEN 3 * sums.fg3m >= sums.ftm THEN 'three_point'
    ELSE 'free_throw'
  END AS primary_zone
FROM tonight
JOIN sums ON sums.player_id = tonight.player_id
CROSS JOIN league
