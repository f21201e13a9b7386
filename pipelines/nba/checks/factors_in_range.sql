-- every factor of player_composite_factors lies within the range that its formula allows
--
-- Returns the rows that do not. Fatigue is a score of 0 to 100 and home court 1 or -1 by definition; rest is compared over a
-- window of 21 days. The other bounds are far outside what four seasons hold (shot zones -53 to 48, pace -7 to 7, usage -14
-- to 29, opponents -30 to 23, composite -11 to 9), so that only a wrong formula or wrong rows cross them.
SELECT
  game_date, game_id, player_id, fatigue_score, shot_zone_mismatch_score, pace_score, usage_spike_score, opponent_strength_score,
  rest_advantage, home_court_score, composite_score
FROM player_composite_factors
WHERE fatigue_score IS NULL OR fatigue_score NOT BETWEEN 0 AND 100
  OR home_court_score IS NULL OR home_court_score NOT IN (-1, 1)
  OR composite_score IS NULL OR composite_score NOT BETWEEN -50 AND 50
  OR shot_zone_mismatch_score NOT BETWEEN -100 AND 100
  OR pace_score NOT BETWEEN -25 AND 25
  OR usage_spike_score NOT BETWEEN -100 AND 100
  OR opponent_strength_score NOT BETWEEN -75 AND 75
  OR rest_advantage NOT BETWEEN -21 AND 21
