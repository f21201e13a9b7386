-- every row of ml_feature_store has its factors, and the same fatigue score as they have
--
-- Returns the rows that have none, or another one: they were made before their factors, or of others.
SELECT features.game_date, features.game_id, features.player_id, features.fatigue_score, factors.fatigue_score AS fatigue_score_of_factors
FROM ml_feature_store AS features
LEFT JOIN player_composite_factors AS factors
  ON factors.game_date = features.game_date AND factors.game_id = features.game_id AND factors.player_id = features.player_id
WHERE factors.player_id IS NULL OR features.fatigue_score <> factors.fatigue_score
