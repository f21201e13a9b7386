-- player_game_summary: what each player did in one game, and his form through that game.
--
-- Grain:   one row a player who played on @game_date (game_id, player_id). Regular season.
-- Inputs:  nbac_player_boxscore  30 game dates and the own date, for the last 10 games of who played tonight
--          nbac_team_boxscore    own date, for the team's plays and the result
--          nbac_schedule         own date, for home and away
-- Windows: "last 10" is the player's last 10 games, tonight's included, as far as they lie in the 30 game dates;
--          games_last_10 says how many those are.
--
-- A play ends in a shot, a trip to the line (0.44 of a free throw) or a turnover; plays_x100 counts hundredths of plays, so
-- that all sums are sums of integers. Usage is the player's share of his team's plays while he was on the court.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH tonight AS (
  SELECT
    game_id, player_id, player_name, team, minutes, points, rebounds, assists, steals, blocks, turnovers,
    fgm, fga, fg3m, fg3a, ftm, fta, plus_minus,
    100 * fga + 44 * fta + 100 * turnovers AS plays_x100
  FROM nbac_player_boxscore
  WHERE game_date = @game_date
),
sides AS (
  SELECT game_id, home_team AS team, away_team AS opponent, TRUE AS is_home
  FROM nbac_schedule
  WHERE game_date = @game_date
  UNION ALL
  SELECT game_id, away_team AS team, home_team AS opponent, FALSE AS is_home
  FROM nbac_schedule
  WHERE game_date = @game_date
),
teams AS (
  SELECT
    game_id, team, minutes AS game_minutes, plus_minus AS margin,
    100 * fga + 44 * fta + 100 * turnovers AS team_plays_x100
  FROM nbac_team_boxscore
  WHERE game_date = @game_date
),
ranked AS (
  SELECT
    player_id, minutes, points, rebounds, assists, fga, fta,
    ROW_NUMBER() OVER (PARTITION BY player_id ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM nbac_player_boxscore
  WHERE player_id IN (SELECT player_id FROM tonight)
),
form AS (
  SELECT
    player_id,
    COUNT(*) AS games,
    SUM(minutes) AS minutes,
    SUM(points) AS points,
    SUM(points * points) AS points_squared,
    SUM(rebounds) AS rebounds,
    SUM(assists) AS assists,
    SUM(fga) AS fga,
    SUM(fta) AS fta
  FROM ranked
  WHERE games_ago <= 10
  GROUP BY player_id
)
SELECT
  @game_date AS game_date,
  tonight.game_id,
  tonight.player_id,
  tonight.player_name,
  tonight.team,
  sides.opponent,
  sides.is_home,
  teams.margin > 0 AS won,
  tonight.minutes,
  tonight.points,
  tonight.rebounds,
  tonight.assists,
  tonight.steals,
  tonight.blocks,
  tonight.turnovers,
  tonight.fgm,
  tonight.fga,
  tonight.fg3m,
  tonight.fg3a,
  tonight.ftm,
  tonight.fta,
  tonight.plus_minus,
  teams.game_minutes,
  tonight.plays_x100,
  teams.team_plays_x100,
  ROUND(SAFE_DIVIDE(2 * tonight.fgm + tonight.fg3m, 2 * tonight.fga) + 1e-9, 4) AS effective_fg_pct,
  ROUND(SAFE_DIVIDE(100 * tonight.points, 200 * tonight.fga + 88 * tonight.fta) + 1e-9, 4) AS true_shooting_pct,
  ROUND(SAFE_DIVIDE(tonight.plays_x100 * teams.game_minutes, tonight.minutes * teams.team_plays_x100) + 1e-9, 4) AS usage_rate,
  ROUND(SAFE_DIVIDE(tonight.assists, tonight.turnovers) + 1e-9, 4) AS assist_turnover_ratio,
  form.games AS games_last_10,
  ROUND(SAFE_DIVIDE(form.minutes, form.games) + 1e-9, 4) AS minutes_avg_last_10,
  ROUND(SAFE_DIVIDE(form.points, form.games) + 1e-9, 4) AS points_avg_last_10,
  ROUND(SQRT(SAFE_DIVIDE(form.games * form.points_squared - form.points * form.points, form.games * form.games)) + 1e-9, 4) AS points_stddev_last_10,
  ROUND(SAFE_DIVIDE(form.rebounds, form.games) + 1e-9, 4) AS rebounds_avg_last_10,
  ROUND(SAFE_DIVIDE(form.assists, form.games) + 1e-9, 4) AS assists_avg_last_10,
  ROUND(SAFE_DIVIDE(100 * form.points, 200 * form.fga + 88 * form.fta) + 1e-9, 4) AS true_shooting_last_10
FROM tonight
JOIN form ON form.player_id = tonight.player_id
LEFT JOIN sides ON sides.game_id = tonight.game_id AND sides.team = tonight.team
LEFT JOIN teams ON teams.game_id = tonight.game_id AND teams.team = tonight.team
