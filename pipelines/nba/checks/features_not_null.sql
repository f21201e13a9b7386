-- Rows of ml_feature_store that name nobody, or of which next to nothing is known: a check passes when it finds none.
SELECT
  game_date,
  game_id,
  player_id,
  features_known
FROM ml_feature_store
WHERE player_id IS NULL
  OR game_id IS NULL
  OR is_home IS NULL
  OR features_known IS NULL
  OR features_known = 0
