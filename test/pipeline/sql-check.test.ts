import assert from 'node:assert/strict';
import { mistakeMessage } from '../../shared/pipeline/problems.ts';
import { sqlMistakes } from '../../shared/pipeline/sql-check.ts';
import { positionAt } from '../../shared/pipeline/sql-tokens.ts';

describe('pipeline/sql-check', () => {
  const check = (sql: string) => sqlMistakes(sql, ['boxscore', 'schedule']).map(({ offset, ...mistake }) => {
    const { line, column } = positionAt(sql, offset);
    return `${line}:${column}: ${mistakeMessage(mistake)}`;
  });

  const REFUSED: readonly (readonly [string, readonly string[]])[] = [
    ['SELECT RAND() AS r FROM boxscore', [
      '1:8: RAND gives other rows each time; derive it from the key; received: RAND(…); allowed: functions that their arguments decide',
    ]],
    ['SELECT GENERATE_UUID() AS r FROM boxscore', [
      '1:8: GENERATE_UUID gives other rows each time; derive it from the key; received: GENERATE_UUID(…); allowed: functions that their arguments decide',
    ]],
    ['SELECT CURRENT_DATE AS d FROM boxscore', [
      '1:8: CURRENT_DATE gives other rows each time; use @game_date; received: CURRENT_DATE; allowed: functions that their arguments decide',
    ]],
    ['SELECT CURRENT_TIMESTAMP() AS d FROM boxscore', [
      '1:8: CURRENT_TIMESTAMP gives other rows each time; use @game_date; received: CURRENT_TIMESTAMP(…); allowed: functions that their arguments decide',
    ]],
    [`SELECT CURRENT_DATE('America/New_York') AS d FROM boxscore`, [
      '1:8: CURRENT_DATE gives other rows each time; use @game_date; received: CURRENT_DATE(…); allowed: functions that their arguments decide',
    ]],
    ['SELECT APPROX_COUNT_DISTINCT(a) AS n FROM boxscore', [
      '1:8: APPROX_COUNT_DISTINCT gives other rows each time; use the exact function, for example COUNT(DISTINCT …); received: APPROX_COUNT_DISTINCT(…); allowed: functions that their arguments decide',
    ]],
    ['SELECT ANY_VALUE(a) AS n FROM boxscore', [
      '1:8: ANY_VALUE gives other rows each time; use MIN, MAX, or ARRAY_AGG(… ORDER BY … LIMIT 1); received: ANY_VALUE(…); allowed: functions that their arguments decide',
    ]],
    ['SELECT MAX_BY(a, b) AS n FROM boxscore', [
      '1:8: MAX_BY gives other rows each time; use MIN, MAX, or ARRAY_AGG(… ORDER BY … LIMIT 1); received: MAX_BY(…); allowed: functions that their arguments decide',
    ]],
    ['SELECT SESSION_USER() AS n FROM boxscore', [
      '1:8: SESSION_USER gives other rows each time; remove it: rows do not depend on who computes them; received: SESSION_USER(…); allowed: functions that their arguments decide',
    ]],
    ['SELECT a FROM boxscore LIMIT 5', [
      '1:24: LIMIT without ORDER BY; add ORDER BY, ending with the key; received: LIMIT; allowed: ORDER BY … LIMIT …',
    ]],
    ['SELECT a FROM (SELECT a FROM boxscore LIMIT 5) ORDER BY a', [
      '1:39: LIMIT without ORDER BY; add ORDER BY, ending with the key; received: LIMIT; allowed: ORDER BY … LIMIT …',
    ]],
    ['SELECT ARRAY_AGG(a) AS n FROM boxscore', [
      '1:8: ARRAY_AGG without ORDER BY; add ORDER BY, ending with the key; received: ARRAY_AGG(…); allowed: ARRAY_AGG(… ORDER BY …)',
    ]],
    [`SELECT STRING_AGG(a, ',') AS n FROM boxscore`, [
      '1:8: STRING_AGG without ORDER BY; add ORDER BY, ending with the key; received: STRING_AGG(…); allowed: STRING_AGG(… ORDER BY …)',
    ]],
    ['SELECT ROW_NUMBER() OVER (PARTITION BY a) AS n FROM boxscore', [
      '1:8: ROW_NUMBER over a window without ORDER BY; add ORDER BY, ending with the key; received: ROW_NUMBER(…); allowed: OVER (… ORDER BY …)',
    ]],
    ['SELECT LAG(a) OVER w AS n FROM boxscore WINDOW w AS (PARTITION BY a)', [
      '1:8: LAG over a window without ORDER BY; add ORDER BY, ending with the key; received: LAG(…); allowed: OVER (… ORDER BY …)',
    ]],
    ['SELECT SUM(a) OVER (PARTITION BY b ROWS 3 PRECEDING) AS n FROM boxscore', [
      '1:8: SUM over a frame without ORDER BY; add ORDER BY, ending with the key, or remove the frame; received: SUM(…); allowed: OVER (… ORDER BY … ROWS …)',
    ]],
    ['SELECT ARRAY(SELECT a FROM boxscore) AS n', [
      '1:8: ARRAY(SELECT …) without ORDER BY; add ORDER BY, ending with the key; received: ARRAY(…); allowed: ARRAY(SELECT … ORDER BY …)',
    ]],
    ['SELECT a FROM boxscore TABLESAMPLE SYSTEM (10 PERCENT)', [
      '1:24: TABLESAMPLE gives other rows each time; remove it; received: TABLESAMPLE; allowed: all rows of an input',
    ]],
    ['SELECT a FROM boxscor', [
      '1:15: unknown input boxscor; did you mean boxscore? received: boxscor; allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['SELECT a FROM odds', [
      '1:15: unknown input odds; declare its processor as an upstream in pipeline.yaml; received: odds; allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['SELECT a FROM raw.boxscore', [
      '1:15: raw.boxscore is read past its window; write boxscore: the engine supplies it, cut to its window; received: raw.boxscore; allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['SELECT a FROM `p.raw.odds`', [
      '1:15: p.raw.odds is read past its window; declare the processor of p.raw.odds as an upstream, and write odds; received: p.raw.odds; allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['SELECT a FROM boxscore, odds', [
      '1:25: unknown input odds; declare its processor as an upstream in pipeline.yaml; received: odds; allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['SELECT a FROM boxscore JOIN (schedule CROSS JOIN odds) ON TRUE', [
      '1:50: unknown input odds; declare its processor as an upstream in pipeline.yaml; received: odds; allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['SELECT a FROM boxscore WHERE a IN (SELECT a FROM odds)', [
      '1:50: unknown input odds; declare its processor as an upstream in pipeline.yaml; received: odds; allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['SELECT a FROM EXTERNAL_QUERY("x", "y")', [
      '1:15: EXTERNAL_QUERY(…) is no declared input; read a declared upstream; received: EXTERNAL_QUERY(…); allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['WITH boxscore AS (SELECT 1 AS a) SELECT a FROM boxscore', [
      '1:6: the WITH clause boxscore has the name of an input; rename it; received: boxscore; allowed: a name that no upstream table has',
    ]],
    ['WITH x AS (SELECT a FROM odds) SELECT a FROM x', [
      '1:26: unknown input odds; declare its processor as an upstream in pipeline.yaml; received: odds; allowed: boxscore, schedule (the declared upstreams)',
    ]],
    ['SELECT 1 AS a; SELECT 2 AS a', [
      '1:16: several statements; put steps into WITH clauses; received: a second one that starts with SELECT; allowed: one query that starts with SELECT or WITH',
    ]],
    ['INSERT INTO boxscore SELECT 1', [
      `1:1: a processor's SQL is a query, not INSERT; keep the SELECT only: the engine stages, checks and promotes its rows; received: INSERT; allowed: one query that starts with SELECT or WITH`,
    ]],
    ['DELETE FROM boxscore WHERE TRUE', [
      `1:1: a processor's SQL is a query, not DELETE; keep the SELECT only: the engine stages, checks and promotes its rows; received: DELETE; allowed: one query that starts with SELECT or WITH`,
    ]],
    ['CREATE TABLE x AS SELECT 1 AS a', [
      `1:1: a processor's SQL is a query, not CREATE; keep the SELECT only: the engine stages, checks and promotes its rows; received: CREATE; allowed: one query that starts with SELECT or WITH`,
    ]],
    ['DECLARE x INT64', [
      `1:1: a processor's SQL is a query, not DECLARE; keep the SELECT only: the engine stages, checks and promotes its rows; received: DECLARE; allowed: one query that starts with SELECT or WITH`,
    ]],
    ['SELECT a FROM boxscore WHERE d = @date', [
      '1:34: unknown parameter @date; use @game_date, or write the value out; received: @date; allowed: @game_date',
    ]],
    ['SELECT a FROM boxscore WHERE d = ?', [
      '1:34: unknown parameter ?; use @game_date, or write the value out; received: ?; allowed: @game_date',
    ]],
    ['SELECT @@project_id AS a FROM boxscore', [
      '1:8: unknown parameter @@project_id; remove it: a system variable makes the rows depend on where they are computed; received: @@project_id; allowed: @game_date',
    ]],
    ['SELECT * FROM boxscore', [
      `1:8: SELECT * at the top level; name each column; received: *; allowed: the table's columns by name, as game_date, team_id, …`,
    ]],
    ['SELECT b.* FROM boxscore AS b', [
      `1:10: SELECT * at the top level; name each column; received: *; allowed: the table's columns by name, as game_date, team_id, …`,
    ]],
    ['SELECT a FROM boxscore UNION ALL SELECT * FROM schedule', [
      `1:41: SELECT * at the top level; name each column; received: *; allowed: the table's columns by name, as game_date, team_id, …`,
    ]],
    ['(SELECT * FROM boxscore) UNION ALL (SELECT a FROM schedule)', [
      `1:9: SELECT * at the top level; name each column; received: *; allowed: the table's columns by name, as game_date, team_id, …`,
    ]],
    ['SELECT * EXCEPT (a) FROM boxscore', [
      `1:8: SELECT * at the top level; name each column; received: *; allowed: the table's columns by name, as game_date, team_id, …`,
    ]],
    [`SELECT 'a FROM boxscore`, [
      `1:8: this text or comment never ends; close it; received: 'a FROM boxscore; allowed: a closing quote, or */`,
    ]],
    ['SELECT a /* FROM boxscore', [
      '1:10: this text or comment never ends; close it; received: /* FROM boxscore; allowed: a closing quote, or */',
    ]],
    ['SELECT (a FROM boxscore', [
      '1:8: this ( has no partner; add or remove one; received: (; allowed: pairs of parentheses',
    ]],
    ['-- nothing', [
      '1:1: there is no query; write the query; received: comments and blanks only; allowed: one SELECT',
    ]],
    ['FROM boxscore |> SELECT a', [
      `1:1: a processor's SQL is a query, not FROM; keep the SELECT only: the engine stages, checks and promotes its rows; received: FROM; allowed: one query that starts with SELECT or WITH`,
      '1:15: pipe syntax does not run in both runtimes; write it as SELECT … FROM … WHERE …; received: |>; allowed: one query that starts with SELECT or WITH',
    ]],
    ['SELECT RAND(),\n  a\nFROM odds\nLIMIT 1', [
      '1:8: RAND gives other rows each time; derive it from the key; received: RAND(…); allowed: functions that their arguments decide',
      '3:6: unknown input odds; declare its processor as an upstream in pipeline.yaml; received: odds; allowed: boxscore, schedule (the declared upstreams)',
      '4:1: LIMIT without ORDER BY; add ORDER BY, ending with the key; received: LIMIT; allowed: ORDER BY … LIMIT …',
    ]],
  ];
  for (const [sql, messages] of REFUSED) it(`refuses ${sql}`, () => { assert.deepEqual(check(sql), messages); });

  const ALLOWED: readonly string[] = [
    `SELECT 'RAND() FROM odds; @x' AS a FROM boxscore -- RAND() FROM odds\n`,
    'SELECT a /* LIMIT 5 */ FROM boxscore',
    'SELECT a FROM boxscore;',
    'SELECT a FROM Boxscore',
    'SELECT a FROM `boxscore` AS b JOIN schedule AS s USING (game_id)',
    'WITH x AS (SELECT * FROM boxscore), y AS (SELECT a FROM x) SELECT a FROM y ORDER BY a LIMIT 5',
    'SELECT COUNT(*) AS n, a * b AS p FROM boxscore GROUP BY a',
    'SELECT EXTRACT(YEAR FROM d) AS y FROM boxscore',
    'SELECT a IS DISTINCT FROM b AS c FROM boxscore',
    'SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) AS n FROM boxscore',
    'SELECT LAG(a) OVER w AS n FROM boxscore WINDOW w AS (ORDER BY a)',
    'SELECT SUM(a) OVER (PARTITION BY b) AS n FROM boxscore',
    'SELECT SUM(a) OVER (w ROWS 3 PRECEDING) AS n FROM boxscore WINDOW w AS (ORDER BY b)',
    `SELECT STRING_AGG(a, ',' ORDER BY a) AS s, ARRAY_AGG(a ORDER BY a LIMIT 1)[OFFSET(0)] AS f FROM boxscore`,
    'SELECT d FROM UNNEST(GENERATE_DATE_ARRAY(@game_date, @game_date)) AS d',
    'SELECT a FROM boxscore, UNNEST([1, 2]) AS u',
    'SELECT b.current_date AS rand FROM boxscore AS b',
    'SELECT a FROM boxscore WHERE EXISTS (SELECT 1 FROM schedule WHERE d = @game_date)',
    '(SELECT a FROM boxscore) UNION ALL (SELECT a FROM schedule)',
    'SELECT a FROM (boxscore CROSS JOIN schedule)',
    'SELECT a FROM (SELECT a FROM boxscore) AS t',
    'SELECT IF(a = 1, (SELECT MAX(b) FROM schedule), 0) AS m FROM boxscore',
    'SELECT a FROM boxscore QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1',
    'SELECT (SELECT COUNT(*) FROM schedule) AS n FROM boxscore',
    'WITH RECURSIVE r AS (SELECT 1 AS v UNION ALL SELECT v + 1 FROM r WHERE v < 5) SELECT v FROM r',
  ];
  for (const sql of ALLOWED) it(`allows ${sql}`, () => { assert.deepEqual(check(sql), []); });

  it('lets any table through where the inputs are not all known', () => {
    assert.deepEqual(sqlMistakes('SELECT a FROM odds', [], false), []);
  });
});
