-- Rows of player_composite_factors whose scores cannot be: a check passes when it finds none.
SELECT
  game_date,
  game_id,
  player_id,
  fatigue_score,
  home_court_score
FROM player_composite_factors
WHERE fatigue_score IS NULL
  OR fatigue_score < 0
  OR fatigue_score > 100
  OR home_court_score NOT IN (-1, 1)
  OR composite_score IS NULL
