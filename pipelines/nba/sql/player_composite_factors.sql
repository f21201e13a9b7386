-- player_composite_factors: what speaks for and against a player in his game of @game_date, as scores, before the game.
--
-- Grain:   one row a player of upcoming_player_game_context (game_id, player_id). Regular season.
-- Inputs:  upcoming_player_game_context  own date: his rest and load
--          upcoming_team_game_context    own date: both teams' rest and pace
--          player_daily_cache            own date: his usage, lately and over 30 games
--          player_shot_zone_analysis     30 game dates before the own date: his latest row (30 games)
--          team_defense_zone_analysis    20 game dates before the own date: the opponent's latest row (30 games)
--
-- Scores, each null where an input of it is not known yet:
--   fatigue_score            0 (exhausted) to 100 (fresh): back-to-backs, third game in four nights, games and minutes of
--                            the last 7 days, minutes a game over 34
--   shot_zone_mismatch_score points more (or less) from 100 of his shots than against an average defence, by where he shoots
--                            from and what the opponent allows there
--   pace_score               possessions more (or less) than his team is used to, were the pace half the opponent's
--   usage_spike_score        percentage points of usage more (or less) in the last 5 games than in the last 30
--   opponent_strength_score  points per 100 possessions that the opponent allows over the league's average; below 0: strong
--   composite_score          the weighted sum of all, in points: the weights are judgement, kept here in one place
-- A player and a team play one game a date at most, so the latest date names one row.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH players AS (
  SELECT player_id, MAX(game_date) AS game_date
  FROM player_shot_zone_analysis
  GROUP BY player_id
),
zones AS (
  SELECT
    players.player_id, latest.two_point_attempt_share, latest.three_point_attempt_share
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
    teams.team, latest.defensive_rating_vs_league, latest.two_point_pct_vs_league, latest.three_point_pct_vs_league
  FROM teams
  JOIN team_defense_zone_analysis AS latest ON latest.team = teams.team AND latest.game_date = teams.game_date
),
scores AS (
  SELECT
    player.game_id,
    player.player_id,
    player.player_name,
    player.team,
    player.opponent,
    IF(player.is_back_to_back, 20, 0)
    + IF(team.is_third_game_in_four_nights, 10, 0)
    + IF(player.games_last_7_days > 3, 5 * (player.games_last_7_days - 3), 0)
    + IF(player.minutes_last_7_days > 110, DIV((player.minutes_last_7_days - 110), 3), 0)
    + IF(player.minutes_avg_last_10 > 34, 2 * CAST(FLOOR(player.minutes_avg_last_10 - 34) AS INT64), 0) AS fatigue,
    ROUND(100 * (2 * zones.two_point_attempt_share * defenses.two_point_pct_vs_league
      + 3 * zones.three_point_attempt_share * defenses.three_point_pct_vs_league) + 1e-9, 4) AS shot_zone_mismatch_score,
    ROUND((team.opponent_pace_last_15 - team.pace_last_15) / 2 + 1e-9, 4) AS pace_score,
    ROUND(100 * (cache.usage_rate_last_5 - cache.usage_rate_last_30) + 1e-9, 4) AS usage_spike_score,
    ROUND(defenses.defensive_rating_vs_league + 1e-9, 4) AS opponent_strength_score,
    team.rest_advantage,
    IF(player.is_home, 1, -1) AS home_court_score
  FROM upcoming_player_game_context AS player
  LEFT JOIN upcoming_team_game_context AS team ON team.game_id = player.game_id AND team.team = player.team
  LEFT JOIN player_daily_cache AS cache ON cache.game_id = player.game_id AND cache.player_id = player.player_id
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
  IF(fatigue > 100, 0, 100 - fatigue) AS fatigue_score,
  shot_zone_mismatch_score,
  pace_score,
  usage_spike_score,
  opponent_strength_score,
  rest_advantage,
  home_court_score,
  ROUND(
    -0.05 * IF(fatigue > 100, 100, fatigue)
    + 0.15 * COALESCE(shot_zone_mismatch_score, 0)
    + 0.20 * COALESCE(pace_score, 0)
    + 0.30 * COALESCE(usage_spike_score, 0)
    + 0.10 * COALESCE(opponent_strength_score, 0)
    + 0.10 * COALESCE(rest_advantage, 0)
    + 0.30 * home_court_score + 1e-9, 4) AS composite_score
FROM scores
