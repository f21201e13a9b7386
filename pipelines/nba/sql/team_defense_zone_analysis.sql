-- team_defense_zone_analysis: where a team's defence gives way, after the games of @game_date.
--
-- Grain:   one row a team that played on @game_date (game_id, team). Regular season and playoffs.
-- Inputs:  team_defense_game_summary  71 game dates and the own date
-- Windows: the team's last 30 games, tonight's included; they lie within 71 game dates. The league it is compared with is
--          every team's games of the whole window.
--
-- The sources hold no shot places, so a zone is a kind of scoring: two-point shots, three-point shots, free throws.
-- A zone is weak where the opponents get more from it than the league does: shots by percentage, the line by free throws
-- made a shot attempt.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH ranked AS (
  SELECT
    team, points_allowed, possessions_x100,
    opponent_fgm - opponent_fg3m AS fg2m, opponent_fga - opponent_fg3a AS fg2a,
    opponent_fg3m AS fg3m, opponent_fg3a AS fg3a, opponent_ftm AS ftm, opponent_fta AS fta, opponent_fga AS fga,
    ROW_NUMBER() OVER (PARTITION BY team ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM team_defense_game_summary
),
league AS (
  SELECT
    SAFE_DIVIDE(SUM(fg2m), SUM(fg2a)) AS fg2_pct,
    SAFE_DIVIDE(SUM(fg3m), SUM(fg3a)) AS fg3_pct,
    SAFE_DIVIDE(SUM(ftm), SUM(fga)) AS ft_rate,
    SAFE_DIVIDE(10000 * SUM(points_allowed), SUM(possessions_x100)) AS rating
  FROM ranked
),
sums AS (
  SELECT
    team,
    COUNT(*) AS games,
    SUM(points_allowed) AS points,
    SUM(possessions_x100) AS possessions_x100,
    SUM(fg2m) AS fg2m,
    SUM(fg2a) AS fg2a,
    SUM(fg3m) AS fg3m,
    SUM(fg3a) AS fg3a,
    SUM(ftm) AS ftm,
    SUM(fta) AS fta,
    SUM(fga) AS fga
  FROM ranked
  WHERE games_ago <= 30
  GROUP BY team
),
allowed AS (
  SELECT
    sums.*,
    SAFE_DIVIDE(sums.fg2m, sums.fg2a) AS fg2_pct,
    SAFE_DIVIDE(sums.fg3m, sums.fg3a) AS fg3_pct,
    SAFE_DIVIDE(sums.ftm, sums.fga) AS ft_rate,
    SAFE_DIVIDE(10000 * sums.points, sums.possessions_x100) AS rating
  FROM sums
),
compared AS (
  SELECT
    allowed.*,
    ROUND(allowed.fg2_pct - league.fg2_pct + 1e-9, 4) AS fg2_vs_league,
    ROUND(allowed.fg3_pct - league.fg3_pct + 1e-9, 4) AS fg3_vs_league,
    ROUND(allowed.ft_rate - league.ft_rate + 1e-9, 4) AS ft_vs_league,
    ROUND(allowed.rating - league.rating + 1e-9, 4) AS rating_vs_league,
    -- As a share of what the league allows, so that the three can be compared.
    ROUND(SAFE_DIVIDE(allowed.fg2_pct, league.fg2_pct) + 1e-9, 4) AS fg2_ratio,
    ROUND(SAFE_DIVIDE(allowed.fg3_pct, league.fg3_pct) + 1e-9, 4) AS fg3_ratio,
    ROUND(SAFE_DIVIDE(allowed.ft_rate, league.ft_rate) + 1e-9, 4) AS ft_ratio
  FROM allowed
  CROSS JOIN league
)
SELECT
  @game_date AS game_date,
  tonight.game_id,
  tonight.team,
  compared.games AS games_in_window,
  ROUND(compared.rating + 1e-9, 4) AS defensive_rating,
  ROUND(SAFE_DIVIDE(compared.fg2a, compared.fga) + 1e-9, 4) AS two_point_attempt_share,
  ROUND(SAFE_DIVIDE(compared.fg3a, compared.fga) + 1e-9, 4) AS three_point_attempt_share,
  ROUND(compared.ft_rate + 1e-9, 4) AS free_throw_rate,
  ROUND(compared.fg2_pct + 1e-9, 4) AS two_point_pct,
  ROUND(compared.fg3_pct + 1e-9, 4) AS three_point_pct,
  ROUND(SAFE_DIVIDE(2 * compared.fg2m, compared.points) + 1e-9, 4) AS two_point_points_share,
  ROUND(SAFE_DIVIDE(3 * compared.fg3m, compared.points) + 1e-9, 4) AS three_point_points_share,
  ROUND(SAFE_DIVIDE(compared.ftm, compared.points) + 1e-9, 4) AS free_throw_points_share,
  compared.rating_vs_league AS defensive_rating_vs_league,
  compared.fg2_vs_league AS two_point_pct_vs_league,
  compared.fg3_vs_league AS three_point_pct_vs_league,
  compared.ft_vs_league AS free_throw_rate_vs_league,
  CASE
    WHEN compared.fg2_ratio <= compared.fg3_ratio AND compared.fg2_ratio <= compared.ft_ratio THEN 'two_point'
    WHEN compared.fg3_ratio <= compared.ft_ratio THEN 'three_point'
    ELSE 'free_throw'
  END AS strongest_zone,
  CASE
    WHEN compared.fg2_ratio >= compared.fg3_ratio AND compared.fg2_ratio >= compared.ft_ratio THEN 'two_point'
    WHEN compared.fg3_ratio >= compared.ft_ratio THEN 'three_point'
    ELSE 'free_throw'
  END AS weakest_zone
FROM team_defense_game_summary AS tonight
JOIN compared ON compared.team = tonight.team
WHERE tonight.game_date = @game_date
