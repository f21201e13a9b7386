-- team_offense_game_summary: how a team attacked in one game, and its attack's form through that game.
--
-- Grain:   one row a team and game on @game_date (game_id, team). Regular season and playoffs.
-- Inputs:  nbac_team_boxscore  30 game dates and the own date, for the last 10 games of who played tonight
--          nbac_schedule       own date, for home, away and the season type
-- Windows: "last 10" is the team's last 10 games, tonight's included; they lie within 30 game dates.
--
-- Possessions are shots, 0.44 of the free throws and turnovers, less the offensive rebounds; where the source has none
-- (regular season) 23 of 100 missed shots count as rebounded, the league's share in these seasons. Both teams of a game have
-- the mean of the two estimates, in hundredths, so that all sums are sums of integers.
--
-- Ratios are rounded with 1e-9 added: engines differ in which way they round a decimal tie, such as 0.56875 to four places.
WITH boxes AS (
  SELECT
    game_date, game_id, team, minutes, points, assists, turnovers, fgm, fga, fg3m, fg3a, ftm, fta,
    100 * fga + 44 * fta + 100 * turnovers - COALESCE(100 * offensive_rebounds, 23 * (fga - fgm)) AS estimate_x100
  FROM nbac_team_boxscore
),
games AS (
  SELECT
    own.game_date, own.game_id, own.team, other.team AS opponent, own.minutes, own.points, other.points AS opponent_points,
    own.assists, own.turnovers, own.fgm, own.fga, own.fg3m, own.fg3a, own.ftm, own.fta,
    DIV((own.estimate_x100 + other.estimate_x100), 2) AS possessions_x100
  FROM boxes AS own
  JOIN boxes AS other ON other.game_id = own.game_id AND other.team <> own.team
),
ranked AS (
  SELECT
    team, minutes, points, opponent_points, possessions_x100, fgm, fga, fg3m,
    ROW_NUMBER() OVER (PARTITION BY team ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM games
),
form AS (
  SELECT
    team,
    COUNT(*) AS games,
    COUNTIF(points > opponent_points) AS wins,
    SUM(minutes) AS minutes,
    SUM(points) AS points,
    SUM(possessions_x100) AS possessions_x100,
    SUM(fgm) AS fgm,
    SUM(fga) AS fga,
    SUM(fg3m) AS fg3m
  FROM ranked
  WHERE games_ago <= 10
  GROUP BY team
)
SELECT
  @game_date AS game_date,
  games.game_id,
  games.team,
  games.opponent,
  schedule.season_type,
  schedule.home_team = games.team AS is_home,
  games.points > games.opponent_points AS won,
  games.minutes AS game_minutes,
  games.points,
  games.opponent_points,
  games.possessions_x100,
  games.assists,
  games.turnovers,
  games.fgm,
  games.fga,
  games.fg3m,
  games.fg3a,
  games.ftm,
  games.fta,
  ROUND(SAFE_DIVIDE(48 * games.possessions_x100, 100 * games.minutes) + 1e-9, 4) AS pace,
  ROUND(SAFE_DIVIDE(10000 * games.points, games.possessions_x100) + 1e-9, 4) AS offensive_rating,
  ROUND(SAFE_DIVIDE(2 * games.fgm + games.fg3m, 2 * games.fga) + 1e-9, 4) AS effective_fg_pct,
  ROUND(SAFE_DIVIDE(100 * games.points, 200 * games.fga + 88 * games.fta) + 1e-9, 4) AS true_shooting_pct,
  ROUND(SAFE_DIVIDE(games.fg3a, games.fga) + 1e-9, 4) AS three_point_rate,
  ROUND(SAFE_DIVIDE(games.fta, games.fga) + 1e-9, 4) AS free_throw_rate,
  ROUND(SAFE_DIVIDE(100 * games.turnovers, games.possessions_x100) + 1e-9, 4) AS turnover_rate,
  ROUND(SAFE_DIVIDE(games.assists, games.fgm) + 1e-9, 4) AS assisted_fg_share,
  form.games AS games_last_10,
  form.wins AS wins_last_10,
  ROUND(SAFE_DIVIDE(form.points, form.games) + 1e-9, 4) AS points_avg_last_10,
  ROUND(SAFE_DIVIDE(48 * form.possessions_x100, 100 * form.minutes) + 1e-9, 4) AS pace_last_10,
  ROUND(SAFE_DIVIDE(10000 * form.points, form.possessions_x100) + 1e-9, 4) AS offensive_rating_last_10,
  ROUND(SAFE_DIVIDE(2 * form.fgm + form.fg3m, 2 * form.fga) + 1e-9, 4) AS effective_fg_last_10
FROM games
JOIN form ON form.team = games.team
LEFT JOIN nbac_schedule AS schedule ON schedule.game_id = games.game_id
WHERE games.game_date = @game_date
