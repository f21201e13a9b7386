-- upcoming_team_game_context: in what state each team comes to its game of @game_date, known before that game.
--
-- Grain:   one row a team and game on @game_date (game_id, team). All season types.
-- Inputs:  nbac_schedule              21 days and the own date, named columns only (no scores): rest, travel, density
--          team_offense_game_summary  43 game dates before the own date, for the last 15 games
--          team_defense_game_summary  the same
-- Windows: "last 15" is the team's last 15 games before this one; they lie within 43 game dates. Play-in games and the
--          in-season tournament's final are on the schedule only: they count for rest, not for form.
--
-- On a team's opening night form and rest are null: no window crosses a season's start.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH sides AS (
  SELECT game_date, game_id, season_type, home_team AS team, away_team AS opponent, TRUE AS is_home
  FROM nbac_schedule
  UNION ALL
  SELECT game_date, game_id, season_type, away_team AS team, home_team AS opponent, FALSE AS is_home
  FROM nbac_schedule
),
last_home AS (
  SELECT team, MAX(IF(is_home, game_date, NULL)) AS game_date
  FROM sides
  WHERE game_date < @game_date
  GROUP BY team
),
played AS (
  SELECT
    sides.team,
    DATE_DIFF(@game_date, MAX(sides.game_date), DAY) - 1 AS rest_days,
    COUNTIF(DATE_DIFF(@game_date, sides.game_date, DAY) <= 3) AS games_last_3_days,
    COUNTIF(DATE_DIFF(@game_date, sides.game_date, DAY) <= 7) AS games_last_7_days,
    COUNTIF(DATE_DIFF(@game_date, sides.game_date, DAY) <= 14) AS games_last_14_days,
    COUNTIF(last_home.game_date IS NULL OR sides.game_date > last_home.game_date) AS away_games_in_a_row
  FROM sides
  JOIN last_home ON last_home.team = sides.team
  WHERE sides.game_date < @game_date
  GROUP BY sides.team
),
ranked AS (
  SELECT
    offense.team, offense.won, offense.game_minutes, offense.points, offense.opponent_points, offense.possessions_x100,
    offense.fgm, offense.fga, offense.fg3m, defense.opponent_fgm, defense.opponent_fga, defense.opponent_fg3m,
    ROW_NUMBER() OVER (PARTITION BY offense.team ORDER BY offense.game_date DESC, offense.game_id DESC) AS games_ago
  FROM team_offense_game_summary AS offense
  JOIN team_defense_game_summary AS defense ON defense.game_id = offense.game_id AND defense.team = offense.team
),
form AS (
  SELECT
    team,
    COUNT(*) AS games,
    COUNTIF(won) AS wins,
    SUM(game_minutes) AS minutes,
    SUM(points) AS points,
    SUM(opponent_points) AS opponent_points,
    SUM(possessions_x100) AS possessions_x100,
    SUM(fgm) AS fgm,
    SUM(fga) AS fga,
    SUM(fg3m) AS fg3m,
    SUM(opponent_fgm) AS opponent_fgm,
    SUM(opponent_fga) AS opponent_fga,
    SUM(opponent_fg3m) AS opponent_fg3m
  FROM ranked
  WHERE games_ago <= 15
  GROUP BY team
),
ratings AS (
  SELECT
    team,
    games,
    wins,
    ROUND(SAFE_DIVIDE(48 * possessions_x100, 100 * minutes) + 1e-9, 4) AS pace,
    ROUND(SAFE_DIVIDE(10000 * points, possessions_x100) + 1e-9, 4) AS offensive_rating,
    ROUND(SAFE_DIVIDE(10000 * opponent_points, possessions_x100) + 1e-9, 4) AS defensive_rating,
    ROUND(SAFE_DIVIDE(10000 * (points - opponent_points), possessions_x100) + 1e-9, 4) AS net_rating,
    ROUND(SAFE_DIVIDE(2 * fgm + fg3m, 2 * fga) + 1e-9, 4) AS effective_fg,
    ROUND(SAFE_DIVIDE(2 * opponent_fgm + opponent_fg3m, 2 * opponent_fga) + 1e-9, 4) AS effective_fg_allowed
  FROM form
)
SELECT
  @game_date AS game_date,
  sides.game_id,
  sides.team,
  sides.opponent,
  sides.season_type,
  sides.is_home,
  own_rest.rest_days,
  opponent_rest.rest_days AS opponent_rest_days,
  own_rest.rest_days - opponent_rest.rest_days AS rest_advantage,
  COALESCE(own_rest.rest_days = 0, FALSE) AS is_back_to_back,
  COALESCE(own_rest.games_last_3_days >= 2, FALSE) AS is_third_game_in_four_nights,
  COALESCE(own_rest.games_last_7_days, 0) AS games_last_7_days,
  COALESCE(own_rest.games_last_14_days, 0) AS games_last_14_days,
  IF(sides.is_home, 0, 1 + COALESCE(own_rest.away_games_in_a_row, 0)) AS road_trip_game,
  COALESCE(own.games, 0) AS games_last_15,
  own.wins AS wins_last_15,
  own.pace AS pace_last_15,
  own.offensive_rating AS offensive_rating_last_15,
  own.defensive_rating AS defensive_rating_last_15,
  own.net_rating AS net_rating_last_15,
  own.effective_fg AS effective_fg_last_15,
  own.effective_fg_allowed AS effective_fg_allowed_last_15,
  rival.pace AS opponent_pace_last_15,
  rival.offensive_rating AS opponent_offensive_rating_last_15,
  rival.defensive_rating AS opponent_defensive_rating_last_15,
  rival.net_rating AS opponent_net_rating_last_15
FROM sides
LEFT JOIN played AS own_rest ON own_rest.team = sides.team
LEFT JOIN played AS opponent_rest ON opponent_rest.team = sides.opponent
LEFT JOIN ratings AS own ON own.team = sides.team
LEFT JOIN ratings AS rival ON rival.team = sides.opponent
WHERE sides.game_date = @game_date
