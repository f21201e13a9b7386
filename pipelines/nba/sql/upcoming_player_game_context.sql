-- upcoming_player_game_context: who may play on @game_date, and in what form and state, known before the games.
--
-- Grain:   one row a player whose latest team plays on @game_date (game_id, player_id). Regular season.
-- Inputs:  nbac_schedule              21 days and the own date, named columns only (no scores)
--          player_game_summary        30 game dates before the own date, for the last 10 games
--          team_defense_game_summary  30 game dates before the own date, for the opponent's last 10 games
-- Windows: "last 10" is the player's last 10 games before this one, as far as they lie in the 30 game dates.
--
-- There is no roster here (espn_team_roster is left out, see pipeline.yaml): a player belongs to the team of his latest game
-- of the last 30 game dates. team_games_missed counts his team's games since then: an injury shows there.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH sides AS (
  SELECT game_date, game_id, home_team AS team, away_team AS opponent, TRUE AS is_home
  FROM nbac_schedule
  UNION ALL
  SELECT game_date, game_id, away_team AS team, home_team AS opponent, FALSE AS is_home
  FROM nbac_schedule
),
ranked AS (
  SELECT
    game_date, player_id, player_name, team, minutes, points, fga, fta, plays_x100, team_plays_x100, game_minutes,
    ROW_NUMBER() OVER (PARTITION BY player_id ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM player_game_summary
),
form AS (
  SELECT
    player_id,
    MAX(IF(games_ago = 1, player_name, NULL)) AS player_name,
    MAX(IF(games_ago = 1, team, NULL)) AS team,
    MAX(game_date) AS last_game_date,
    COUNTIF(DATE_DIFF(@game_date, game_date, DAY) <= 7) AS games_last_7_days,
    SUM(IF(DATE_DIFF(@game_date, game_date, DAY) <= 7, minutes, 0)) AS minutes_last_7_days,
    COUNT(*) AS games,
    COUNTIF(games_ago <= 5) AS games_5,
    SUM(minutes) AS minutes,
    SUM(points) AS points,
    SUM(IF(games_ago <= 5, points, 0)) AS points_5,
    SUM(points * points) AS points_squared,
    SUM(fga) AS fga,
    SUM(fta) AS fta,
    SUM(plays_x100 * game_minutes) AS plays_used,
    SUM(minutes * team_plays_x100) AS plays_seen
  FROM ranked
  WHERE games_ago <= 10
  GROUP BY player_id
),
missed AS (
  SELECT form.player_id, COUNT(*) AS games
  FROM form
  JOIN sides ON sides.team = form.team
  WHERE sides.game_date > form.last_game_date AND sides.game_date < @game_date
  GROUP BY form.player_id
),
defenses_ranked AS (
  SELECT
    team, points_allowed, possessions_x100, game_minutes,
    ROW_NUMBER() OVER (PARTITION BY team ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM team_defense_game_summary
),
defenses AS (
  SELECT
    team,
    ROUND(SAFE_DIVIDE(10000 * SUM(points_allowed), SUM(possessions_x100)) + 1e-9, 4) AS defensive_rating,
    ROUND(SAFE_DIVIDE(48 * SUM(possessions_x100), 100 * SUM(game_minutes)) + 1e-9, 4) AS pace
  FROM defenses_ranked
  WHERE games_ago <= 10
  GROUP BY team
)
SELECT
  @game_date AS game_date,
  sides.game_id,
  form.player_id,
  form.player_name,
  sides.team,
  sides.opponent,
  sides.is_home,
  form.last_game_date,
  DATE_DIFF(@game_date, form.last_game_date, DAY) - 1 AS rest_days,
  DATE_DIFF(@game_date, form.last_game_date, DAY) = 1 AS is_back_to_back,
  COALESCE(missed.games, 0) AS team_games_missed,
  form.games_last_7_days,
  form.minutes_last_7_days,
  form.games AS games_last_10,
  ROUND(SAFE_DIVIDE(form.minutes, form.games) + 1e-9, 4) AS minutes_avg_last_10,
  ROUND(SAFE_DIVIDE(form.points_5, form.games_5) + 1e-9, 4) AS points_avg_last_5,
  ROUND(SAFE_DIVIDE(form.points, form.games) + 1e-9, 4) AS points_avg_last_10,
  ROUND(SQRT(SAFE_DIVIDE(form.games * form.points_squared - form.points * form.points, form.games * form.games)) + 1e-9, 4) AS points_stddev_last_10,
  ROUND(SAFE_DIVIDE(100 * form.points, 200 * form.fga + 88 * form.fta) + 1e-9, 4) AS true_shooting_last_10,
  ROUND(SAFE_DIVIDE(form.plays_used, form.plays_seen) + 1e-9, 4) AS usage_rate_last_10,
  defenses.defensive_rating AS opponent_defensive_rating_last_10,
  defenses.pace AS opponent_pace_last_10
FROM sides
JOIN form ON form.team = sides.team
LEFT JOIN missed ON missed.player_id = form.player_id
LEFT JOIN defenses ON defenses.team = sides.opponent
WHERE sides.game_date = @game_date
