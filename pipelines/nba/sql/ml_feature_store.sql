-- ml_feature_store: one feature vector a player and game, for the predictions of phase 5, before the games of @game_date.
--
-- Grain:   one row a player of upcoming_player_game_context (game_id, player_id). Regular season.
-- Inputs:  upcoming_player_game_context, upcoming_team_game_context, player_daily_cache, player_composite_factors  own date
--          player_shot_zone_analysis     30 game dates before the own date: his latest row (30 games)
--          team_defense_zone_analysis    20 game dates before the own date: the opponent's latest row (30 games)
--
-- A feature that is not known yet is null, never a made-up average: features_known counts those that are, of 25.
-- A player and a team play one game a date at most, so the latest date names one row.
WITH players AS (
  SELECT player_id, MAX(game_date) AS game_date
  FROM player_shot_zone_analysis
  GROUP BY player_id
),
zones AS (
  SELECT
    players.player_id, latest.two_point_attempt_share, latest.three_point_attempt_share, latest.free_throw_rate, latest.points_per_shot
  FROM players
  JOIN player_shot_zone_analysis AS latest ON latest.player_id = players.player_id AND latest.game_date = players.game_date
),
teams AS (
  SELECT team, MAX(game_date) AS game_date
  FROM team_defense_zone_analysis
  GROUP BY team
),
defenses AS (
  SELECT
    teams.team, latest.defensive_rating, latest.two_point_pct, latest.three_point_pct, latest.free_throw_rate
  FROM teams
  JOIN team_defense_zone_analysis AS latest ON latest.team = teams.team AND latest.game_date = teams.game_date
),
features AS (
  SELECT
    player.game_id,
    player.player_id,
    player.player_name,
    player.team,
    player.opponent,
    cache.points_avg_last_5,
    cache.points_avg_last_10,
    cache.points_avg_last_30,
    cache.points_stddev_last_30,
    cache.minutes_avg_last_10,
    cache.usage_rate_last_30,
    cache.true_shooting_last_30,
    cache.games_last_14_days,
    cache.team_pace_last_10,
    cache.team_offensive_rating_last_10,
    player.rest_days,
    player.team_games_missed,
    player.is_home,
    team.is_back_to_back,
    team.opponent_pace_last_15,
    factors.fatigue_score,
    factors.shot_zone_mismatch_score,
    factors.usage_spike_score,
    zones.two_point_attempt_share,
    zones.three_point_attempt_share,
    zones.free_throw_rate,
    zones.points_per_shot,
    defenses.defensive_rating AS opponent_defensive_rating,
    defenses.two_point_pct AS opponent_two_point_pct_allowed,
    defenses.three_point_pct AS opponent_three_point_pct_allowed
  FROM upcoming_player_game_context AS player
  LEFT JOIN upcoming_team_game_context AS team ON team.game_id = player.game_id AND team.team = player.team
  LEFT JOIN player_daily_cache AS cache ON cache.game_id = player.game_id AND cache.player_id = player.player_id
  LEFT JOIN player_composite_factors AS factors ON factors.game_id = player.game_id AND factors.player_id = player.player_id
  LEFT JOIN zones ON zones.player_id = player.player_id
  LEFT JOIN defenses ON defenses.team = player.opponent
)
SELECT
  @game_date AS game_date,
  game_id,
  player_id,
  player_name,
  team,
  opponent,
  points_avg_last_5,
  points_avg_last_10,
  points_avg_last_30,
  points_stddev_last_30,
  minutes_avg_last_10,
  usage_rate_last_30,
  true_shooting_last_30,
  games_last_14_days,
  team_pace_last_10,
  team_offensive_rating_last_10,
  rest_days,
  team_games_missed,
  is_home,
  is_back_to_back,
  opponent_pace_last_15,
  fatigue_score,
  shot_zone_mismatch_score,
  usage_spike_score,
  two_point_attempt_share,
  three_point_attempt_share,
  free_throw_rate,
  points_per_shot,
  opponent_defensive_rating,
  opponent_two_point_pct_allowed,
  opponent_three_point_pct_allowed,
  IF(points_avg_last_5 IS NULL, 0, 1) + IF(points_avg_last_10 IS NULL, 0, 1) + IF(points_avg_last_30 IS NULL, 0, 1)
  + IF(points_stddev_last_30 IS NULL, 0, 1) + IF(minutes_avg_last_10 IS NULL, 0, 1) + IF(usage_rate_last_30 IS NULL, 0, 1)
  + IF(true_shooting_last_30 IS NULL, 0, 1) + IF(games_last_14_days IS NULL, 0, 1) + IF(team_pace_last_10 IS NULL, 0, 1)
  + IF(team_offensive_rating_last_10 IS NULL, 0, 1) + IF(rest_days IS NULL, 0, 1) + IF(team_games_missed IS NULL, 0, 1)
  + IF(is_home IS NULL, 0, 1) + IF(is_back_to_back IS NULL, 0, 1) + IF(opponent_pace_last_15 IS NULL, 0, 1)
  + IF(fatigue_score IS NULL, 0, 1) + IF(shot_zone_mismatch_score IS NULL, 0, 1) + IF(usage_spike_score IS NULL, 0, 1)
  + IF(two_point_attempt_share IS NULL, 0, 1) + IF(three_point_attempt_share IS NULL, 0, 1)
  + IF(free_throw_rate IS NULL, 0, 1) + IF(points_per_shot IS NULL, 0, 1) + IF(opponent_defensive_rating IS NULL, 0, 1)
  + IF(opponent_two_point_pct_allowed IS NULL, 0, 1) + IF(opponent_three_point_pct_allowed IS NULL, 0, 1) AS features_known
FROM features
