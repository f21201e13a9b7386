-- no feature of ml_feature_store is null that every player has who has played a game
--
-- Returns the rows in which one is. Features that may be unknown (zones of who has not attempted a shot, opponents that have
-- not played yet) are left out: features_known counts them.
SELECT
  game_date, game_id, player_id, points_avg_last_5, points_avg_last_10, points_avg_last_30, points_stddev_last_30,
  minutes_avg_last_10, games_last_14_days, team_pace_last_10, team_offensive_rating_last_10, rest_days, team_games_missed, is_home,
  is_back_to_back, fatigue_score, features_known
FROM ml_feature_store
WHERE points_avg_last_5 IS NULL OR points_avg_last_10 IS NULL OR points_avg_last_30 IS NULL OR points_stddev_last_30 IS NULL
  OR minutes_avg_last_10 IS NULL OR games_last_14_days IS NULL OR team_pace_last_10 IS NULL
  OR team_offensive_rating_last_10 IS NULL OR rest_days IS NULL OR team_games_missed IS NULL OR is_home IS NULL
  OR is_back_to_back IS NULL OR fatigue_score IS NULL OR features_known IS NULL OR features_known NOT BETWEEN 0 AND 25
