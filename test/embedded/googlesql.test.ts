import assert from 'node:assert/strict';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { translate, translateWithInputs } from '../../shared/embedded/googlesql.ts';

/** Each row: a GoogleSQL expression or query, and what GoogleSQL's documentation says it gives. */

const T = `(SELECT 1 AS k, 10 AS x, CAST(NULL AS STRING) AS s UNION ALL SELECT 2, NULL, 'b' UNION ALL SELECT 3, 30, 'a')`;

/** Faults of the transpiler, and what means something else in DuckDB. */
const VALUES: readonly (readonly [string, string, unknown])[] = [
  // NULL order
  ['ascending, NULL comes first', `SELECT STRING_AGG(CAST(k AS STRING), ',' ORDER BY x) FROM ${T}`, '2,1,3'],
  ['descending, NULL comes last', `SELECT STRING_AGG(CAST(k AS STRING), ',' ORDER BY x DESC) FROM ${T}`, '3,1,2'],
  ['NULLS LAST is kept', `SELECT STRING_AGG(CAST(k AS STRING), ',' ORDER BY x ASC NULLS LAST) FROM ${T}`, '1,3,2'],
  ['NULLS FIRST is kept', `SELECT STRING_AGG(CAST(k AS STRING), ',' ORDER BY x DESC NULLS FIRST) FROM ${T}`, '2,3,1'],
  ['a window puts NULL first', `SELECT k FROM ${T} QUALIFY ROW_NUMBER() OVER (ORDER BY x) = 1`, '2'],
  ['a window puts NULL last when descending', `SELECT k FROM ${T} QUALIFY ROW_NUMBER() OVER (ORDER BY x DESC, k) = 3`, '2'],
  ['a named window puts NULL first', `SELECT FIRST_VALUE(k) OVER w FROM ${T} WINDOW w AS (ORDER BY x) LIMIT 1`, '2'],
  ['a query puts NULL first', `SELECT k FROM ${T} ORDER BY x LIMIT 1`, '2'],
  ['a query puts NULL last when descending', `SELECT k FROM ${T} ORDER BY x DESC LIMIT 1`, '3'],
  ['ARRAY_AGG orders NULL first', `SELECT ARRAY_LENGTH(ARRAY_AGG(k ORDER BY x)) + ARRAY_AGG(k ORDER BY x)[OFFSET(0)] FROM ${T}`, '5'],
  ['ARRAY_AGG with LIMIT', `SELECT ARRAY_AGG(k ORDER BY x DESC LIMIT 1)[OFFSET(0)] FROM ${T}`, '3'],
  ['ARRAY_AGG IGNORE NULLS', `SELECT ARRAY_AGG(x IGNORE NULLS ORDER BY k DESC LIMIT 2)[OFFSET(1)] FROM ${T}`, '10'],
  // division
  ['integers divide to FLOAT64', 'SELECT 7 / 2', 3.5],
  ['a divided column', `SELECT SUM(x) / COUNT(x) FROM ${T}`, 20],
  ['division binds before addition', 'SELECT 1 + 6 / 4 - 0.5', 2],
  ['division by a window', `SELECT MAX(y) FROM (SELECT x / COUNT(*) OVER (PARTITION BY 1) AS y FROM ${T})`, 10],
  ['division by CASE', 'SELECT 6 / CASE WHEN TRUE THEN 4 ELSE 0 END', 1.5],
  ['division by a negative', 'SELECT 6 / -4', -1.5],
  ['division by NULL is NULL', 'SELECT 6 / CAST(NULL AS INT64)', null],
  ['division by NULLIF', 'SELECT 6 / NULLIF(0, 0)', null],
  ['SAFE_DIVIDE', 'SELECT SAFE_DIVIDE(1 + 2, 4)', 0.75],
  ['SAFE_DIVIDE by zero', 'SELECT SAFE_DIVIDE(1, 1 - 1)', null],
  ['DIV cuts off towards zero', 'SELECT DIV(-7, 2)', '-3'],
  ['DIV of a sum', 'SELECT DIV(5 + 2, 2)', '3'],
  ['MOD has the sign of the dividend', 'SELECT MOD(-25, 12)', '-1'],
  ['MOD of a sum', 'SELECT MOD(20 + 5, 12)', '1'],
  // dates
  ['DATE_SUB', "SELECT DATE_SUB(DATE '2023-03-01', INTERVAL 1 DAY)", '2023-02-28'],
  ['DATE_ADD of a column', "SELECT DATE_ADD(DATE '2024-01-30', INTERVAL n MONTH) FROM (SELECT 1 AS n)", '2024-02-29'],
  ['DATE_ADD of an expression', "SELECT DATE_ADD(DATE '2024-01-30', INTERVAL (1 + 1) DAY)", '2024-02-01'],
  ['DATE_DIFF is first minus second', "SELECT DATE_DIFF(DATE '2023-11-15', DATE '2023-11-12', DAY)", '3'],
  ['DATE_DIFF in WEEK counts Sundays', "SELECT DATE_DIFF(DATE '2017-10-15', DATE '2017-10-14', WEEK)", '1'],
  ['DATE_DIFF in ISOWEEK counts Mondays', "SELECT DATE_DIFF(DATE '2017-10-15', DATE '2017-10-14', ISOWEEK)", '0'],
  ['DATE_DIFF in WEEK(MONDAY)', "SELECT DATE_DIFF(DATE '2017-10-16', DATE '2017-10-15', WEEK(MONDAY))", '1'],
  ['DATE_DIFF in YEAR counts boundaries', "SELECT DATE_DIFF(DATE '2017-12-30', DATE '2014-12-30', YEAR)", '3'],
  ['DATE_DIFF in MONTH counts boundaries', "SELECT DATE_DIFF(DATE '2018-01-01', DATE '2017-10-31', MONTH)", '3'],
  ['DATE_TRUNC to a month', "SELECT DATE_TRUNC(DATE '2008-12-25', MONTH)", '2008-12-01'],
  ['DATE_TRUNC to a week starts on Sunday', "SELECT DATE_TRUNC(DATE '2017-11-05', WEEK)", '2017-11-05'],
  ['DATE_TRUNC to an ISO week starts on Monday', "SELECT DATE_TRUNC(DATE '2017-11-05', ISOWEEK)", '2017-10-30'],
  ['DATE_TRUNC to WEEK(MONDAY)', "SELECT DATE_TRUNC(DATE '2017-11-05', WEEK(MONDAY))", '2017-10-30'],
  ['a date of its parts', 'SELECT DATE(2016, 12, 25)', '2016-12-25'],
  ['a date and a number', "SELECT DATE '2023-01-01' - 1", '2022-12-31'],
  ['Sunday is 1', "SELECT EXTRACT(DAYOFWEEK FROM DATE '2023-11-12')", '1'],
  ['Saturday is 7', "SELECT EXTRACT(DAYOFWEEK FROM DATE '2023-11-11')", '7'],
  ['ISO week', "SELECT EXTRACT(ISOWEEK FROM DATE '2016-01-01')", '53'],
  ['ISO year', "SELECT EXTRACT(ISOYEAR FROM DATE '2016-01-01')", '2015'],
  ['year, quarter, month, day', "SELECT EXTRACT(YEAR FROM d) * 1000000 + EXTRACT(QUARTER FROM d) * 10000 + EXTRACT(MONTH FROM d) * 100 + EXTRACT(DAY FROM d) FROM (SELECT DATE '2023-11-15' AS d)", '2023041115'],
  ['day of the year', "SELECT EXTRACT(DAYOFYEAR FROM DATE '2023-02-01')", '32'],
  ['FORMAT_DATE', "SELECT FORMAT_DATE('%Y/%m/%d %A %b %j %%', DATE '2023-11-15')", '2023/11/15 Wednesday Nov 319 %'],
  ['PARSE_DATE', "SELECT PARSE_DATE('%Y%m%d', '20231115')", '2023-11-15'],
  ['LAST_DAY', "SELECT LAST_DAY(DATE '2024-02-10')", '2024-02-29'],
  ['UNIX_DATE', "SELECT UNIX_DATE(DATE '2008-12-25')", '14238'],
  ['GENERATE_DATE_ARRAY includes its end', "SELECT COUNT(*) FROM UNNEST(GENERATE_DATE_ARRAY(DATE '2023-01-01', DATE '2023-01-03')) AS d", '3'],
  // conversions
  ['SAFE_CAST that fails is NULL', "SELECT SAFE_CAST('apple' AS INT64)", null],
  ['SAFE_CAST of a text with a point is NULL', "SELECT SAFE_CAST('1.5' AS INT64)", null],
  ['SAFE_CAST', "SELECT SAFE_CAST('12' AS INT64)", '12'],
  ['CAST to INT64 rounds halves away from zero', 'SELECT CAST(2.5 AS INT64)', '3'],
  ['CAST to INT64 rounds negative halves away from zero', 'SELECT CAST(-2.5 AS INT64)', '-3'],
  ['CAST of a large text keeps its digits', "SELECT CAST('9007199254740993' AS INT64)", '9007199254740993'],
  ['NUMERIC has nine places', "SELECT CAST('1.123456789' AS NUMERIC)", '1.123456789'],
  ['a NUMERIC literal', "SELECT NUMERIC '0.123456789'", '0.123456789'],
  ['NUMERIC rounds halves away from zero', "SELECT CAST(CAST('1.25' AS NUMERIC) AS NUMERIC(3, 1))", '1.3'],
  ['NUMERIC holds 29 digits before the point', "SELECT CAST('12345678901234567890123456789' AS NUMERIC)", '12345678901234567890123456789.000000000'],
  ['a number with a point is FLOAT64', 'SELECT 0.1 + 0.2', 0.30000000000000004],
  ['ROUND away from zero', 'SELECT ROUND(2.5)', 3],
  ['ROUND of a negative away from zero', 'SELECT ROUND(-2.5)', -3],
  ['ROUND to places', 'SELECT ROUND(123.456, 1)', 123.5],
  ['ROUND of NUMERIC', "SELECT ROUND(NUMERIC '2.125', 2)", '2.13'],
  // NULL and logic
  ['GREATEST with NULL is NULL', 'SELECT GREATEST(1, NULL, 3)', null],
  ['LEAST with NULL is NULL', 'SELECT LEAST(1, NULL)', null],
  ['GREATEST', 'SELECT GREATEST(1, 3, 2)', '3'],
  ['LEAST', 'SELECT LEAST(2, 1, 3)', '1'],
  ['IF takes NULL for false', 'SELECT IF(NULL, 1, 2)', '2'],
  ['IFNULL', 'SELECT IFNULL(NULL, 2)', '2'],
  ['COALESCE', 'SELECT COALESCE(NULL, NULL, 3)', '3'],
  ['NULLIF', 'SELECT NULLIF(3, 3)', null],
  ['COUNTIF counts no NULL', `SELECT COUNTIF(x > 5) FROM ${T}`, '2'],
  ['COUNTIF of nothing is 0', `SELECT COUNTIF(x > 5) FROM ${T} WHERE FALSE`, '0'],
  ['COUNTIF over a window', `SELECT MAX(c) FROM (SELECT COUNTIF(x > 5) OVER (ORDER BY k) AS c FROM ${T})`, '2'],
  ['LOGICAL_OR ignores NULL', `SELECT LOGICAL_OR(x > 20) FROM ${T}`, true],
  ['LOGICAL_AND', `SELECT LOGICAL_AND(x > 20) FROM ${T}`, false],
  ['CONCAT with NULL is NULL', "SELECT CONCAT('a', NULL)", null],
  ['CONCAT', "SELECT CONCAT('a', 'b', 'c')", 'abc'],
  ['|| with NULL is NULL', "SELECT 'a' || CAST(NULL AS STRING)", null],
  ['STRING_AGG leaves NULL out', `SELECT STRING_AGG(s ORDER BY s) FROM ${T}`, 'a,b'],
  ['STRING_AGG DISTINCT', "SELECT STRING_AGG(DISTINCT v, '-' ORDER BY v DESC) FROM (SELECT 'a' AS v UNION ALL SELECT 'a' UNION ALL SELECT 'b')", 'b-a'],
  ['IN UNNEST', 'SELECT 2 IN UNNEST([1, 2])', true],
  ['IS DISTINCT FROM', 'SELECT NULL IS DISTINCT FROM 1', true],
  // aggregates and windows
  ['SUM leaves NULL out', `SELECT SUM(x) FROM ${T}`, '40'],
  ['SUM of nothing is NULL', `SELECT SUM(x) FROM ${T} WHERE FALSE`, null],
  ['AVG', `SELECT AVG(x) FROM ${T}`, 20],
  ['MIN, MAX, COUNT', `SELECT MIN(x) * 10000 + MAX(x) * 100 + COUNT(*) * 10 + COUNT(x) FROM ${T}`, '103032'],
  ['STDDEV is of a sample', 'SELECT STDDEV(v) FROM UNNEST([2, 4]) AS v', Math.SQRT2],
  ['STDDEV_SAMP', 'SELECT STDDEV_SAMP(v) FROM UNNEST([2, 4]) AS v', Math.SQRT2],
  ['STDDEV_POP', 'SELECT STDDEV_POP(v) FROM UNNEST([2, 4]) AS v', 1],
  ['STDDEV of one value is NULL', 'SELECT STDDEV(v) FROM UNNEST([2]) AS v', null],
  ['VARIANCE, VAR_SAMP, VAR_POP', 'SELECT VARIANCE(v) + VAR_SAMP(v) + VAR_POP(v) FROM UNNEST([2, 4]) AS v', 5],
  ['PERCENTILE_CONT', 'SELECT PERCENTILE_CONT(v, 0.5) OVER () FROM UNNEST([1, 2, 3, 10]) AS v LIMIT 1', 2.5],
  ['LAG and LEAD', `SELECT LAG(k) OVER (ORDER BY k) * 10 + LEAD(k) OVER (ORDER BY k) FROM ${T} ORDER BY k LIMIT 1 OFFSET 1`, '13'],
  ['LAST_VALUE IGNORE NULLS', `SELECT LAST_VALUE(x IGNORE NULLS) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ${T} ORDER BY k LIMIT 1 OFFSET 1`, '10'],
  ['NTH_VALUE', `SELECT NTH_VALUE(k, 2) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM ${T} LIMIT 1`, '2'],
  ['RANK, DENSE_RANK, NTILE', 'SELECT MAX(r * 100 + d * 10 + n) FROM (SELECT RANK() OVER (ORDER BY v) AS r, DENSE_RANK() OVER (ORDER BY v) AS d, NTILE(3) OVER (ORDER BY v) AS n FROM UNNEST([1, 1, 2]) AS v)', '323'],
  ['PERCENT_RANK, CUME_DIST', 'SELECT MAX(p + c) FROM (SELECT PERCENT_RANK() OVER (ORDER BY v) AS p, CUME_DIST() OVER (ORDER BY v) AS c FROM UNNEST([1, 2]) AS v)', 2],
  ['a frame of rows', `SELECT MAX(n) FROM (SELECT COUNT(*) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM ${T})`, '2'],
  ['QUALIFY', `SELECT k FROM ${T} WHERE TRUE QUALIFY RANK() OVER (ORDER BY k DESC) = 1`, '3'],
  ['SELECT * EXCEPT', `SELECT * EXCEPT (x, s) FROM ${T} ORDER BY k LIMIT 1`, '1'],
  ['SELECT * REPLACE', `SELECT * EXCEPT (k, s) REPLACE (k * 5 AS x) FROM ${T} ORDER BY k LIMIT 1`, '5'],
  ['UNION DISTINCT', 'SELECT COUNT(*) FROM (SELECT 1 AS v UNION DISTINCT SELECT 1)', '1'],
  ['EXCEPT DISTINCT', 'SELECT v FROM (SELECT v FROM UNNEST([1, 2]) AS v EXCEPT DISTINCT SELECT 1)', '2'],
  ['INTERSECT DISTINCT', 'SELECT v FROM (SELECT v FROM UNNEST([1, 2]) AS v INTERSECT DISTINCT SELECT 2)', '2'],
  ['EXISTS', `SELECT EXISTS (SELECT 1 FROM ${T} WHERE x > 20)`, true],
  ['ARRAY of a query', `SELECT ARRAY_LENGTH(ARRAY(SELECT k FROM ${T} ORDER BY k))`, '3'],
  // numbers and texts
  ['ABS, SIGN', 'SELECT ABS(-3) * 10 + SIGN(5)', '31'],
  ['CEIL, CEILING, FLOOR, TRUNC', 'SELECT CEIL(1.2) * 1000 + CEILING(1.2) * 100 + FLOOR(-1.2) * 10 + TRUNC(-1.8)', 2179],
  ['SQRT, POW, POWER', 'SELECT SQRT(16) + POW(2, 3) + POWER(2, 2)', 16],
  ['EXP, LN', 'SELECT LN(EXP(1))', 1],
  ['UPPER, LOWER', "SELECT UPPER('a') || LOWER('B')", 'Ab'],
  ['LENGTH counts characters', "SELECT LENGTH('Dončić')", '6'],
  ['TRIM, LTRIM, RTRIM', "SELECT TRIM(' a ') || LTRIM(' b') || RTRIM('c ')", 'abc'],
  ['REPLACE', "SELECT REPLACE('aXb', 'X', '-')", 'a-b'],
  ['STARTS_WITH, ENDS_WITH', "SELECT STARTS_WITH('abc', 'ab') AND ENDS_WITH('abc', 'bc')", true],
  ['SUBSTR', "SELECT SUBSTR('apple', 2, 3) || SUBSTR('apple', -2)", 'pplle'],
  ['LPAD, RPAD', "SELECT LPAD('7', 3, '0') || RPAD('7', 3, '-')", '0077--'],
  ['REGEXP_CONTAINS finds a part', "SELECT REGEXP_CONTAINS('0022300001', r'^00\\d+1$')", true],
  ['texts with quotes and escapes', `SELECT 'it\\'s' || "a\\"b" || r'\\d' || 'C:\\\\' || 'x\\ny'`, 'it\'sa"b\\dC:\\x\ny'],
  ['a comment with a quote', "SELECT 1 -- it's\n + /* ' */ 1", '2'],
  ['a name that is a keyword', 'SELECT t.`order` FROM (SELECT 4 AS `order`) AS t', '4'],
  ['a path in one pair of backticks', 'SELECT v FROM `project.d.t`', '8'],
  ['a path of two names', 'SELECT v FROM `d.t`', '8'],
  ['a parameter', 'SELECT @game_date', '2023-11-15'],
  ['a parameter in a function', 'SELECT DATE_SUB(@game_date, INTERVAL 15 DAY)', '2023-10-31'],
  ['a parameter in a text is text', "SELECT '@game_date NUMERIC'", '@game_date NUMERIC'],
  ['a final semicolon', 'SELECT 1;', '1'],
  ['WITH RECURSIVE', 'WITH RECURSIVE r AS (SELECT 1 AS v UNION ALL SELECT v + 1 FROM r WHERE v < 5) SELECT MAX(v) FROM r', '5'],
];

const ERRORS: readonly (readonly [string, string, RegExp])[] = [
  ['division by zero', 'SELECT 1 / 0', /division by zero/],
  ['division of FLOAT64 by zero', 'SELECT 1.5 / 0.0', /division by zero/],
  ['division by a column that is zero', 'SELECT 1 / v FROM (SELECT 0 AS v)', /division by zero/],
  ['DIV by zero', 'SELECT DIV(1, 0)', /division by zero/],
  ['MOD by zero', 'SELECT MOD(1, 0)', /division by zero/],
  ['overflow of an addition', 'SELECT 9223372036854775807 + v FROM (SELECT CAST(1 AS INT64) AS v)', /Overflow/],
  ['CAST of a text that is no number', "SELECT CAST('apple' AS INT64)", /Bad int64 value/],
  ['CAST of a text with a point', "SELECT CAST('1.5' AS INT64)", /Bad int64 value/],
  ['SQRT of a negative', 'SELECT SQRT(-1)', /negative/],
  ['LN of zero', 'SELECT LN(0)', /zero/],
];

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['SELECT FARM_FINGERPRINT(x) FROM t', /line 1, column 8: the function FARM_FINGERPRINT has no tested translation.*googlesql-functions/],
  ['SELECT\n  SAFE.LN(x) FROM t', /line 2, column 8: SAFE\.LN/],
  ['SELECT x FROM t, UNNEST(a) AS x WITH OFFSET AS o', /UNNEST WITH OFFSET.*ROW_NUMBER/],
  ["SELECT STRING_AGG(a, ',' ORDER BY a LIMIT 2) FROM t", /STRING_AGG with LIMIT/],
  ['SELECT DATE(ts) FROM t', /DATE with a timestamp/],
  ['SELECT LOG(x) FROM t', /the function LOG/],
  ["SELECT REGEXP_EXTRACT(a, 'x') FROM t", /the function REGEXP_EXTRACT/],
  ['SELECT EXTRACT(WEEK FROM d) FROM t', /EXTRACT of WEEK.*ISOWEEK/],
  ["SELECT FORMAT_DATE('%e', d) FROM t", /the date format/],
  ['SELECT DATE_DIFF(a, b, WEEK(TUESDAY)) FROM t', /DATE_DIFF in WEEK \(TUESDAY\)/],
  ['SELECT CAST(a AS BIGNUMERIC) FROM t', /CAST to BIGNUMERIC/],
  ["SELECT TIMESTAMP '2023-01-01' ", /a TIMESTAMP literal/],
  ["SELECT a FROM t WHERE a LIKE '10\\\\%'", /LIKE with an escaped/],
  ['SELECT AS STRUCT a FROM t', /SELECT AS STRUCT/],
  ['SELECT a FROM t TABLESAMPLE SYSTEM (10 PERCENT)', /TABLESAMPLE/],
  ["SELECT SUBSTR('abc', 0, 2)", /position 0/],
  ['SELECT @@project_id', /@@project_id/],
  ["SELECT 'abc", /never ends/],
];

describe('embedded/googlesql', () => {
  let connection: DuckDBConnection;

  before(async () => {
    connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run('CREATE SCHEMA d; CREATE TABLE d.t AS SELECT 8 AS v');
  });
  after(() => { connection.closeSync(); });

  /** The single value of a DuckDB query, numbers of DuckDB's wide types as text. */
  async function run(duckdb: string): Promise<unknown> {
    const parameters = duckdb.includes('$game_date') ? { game_date: '2023-11-15' } : undefined;
    const rows = (await connection.runAndReadAll(duckdb, parameters)).getRowsJson();
    return rows[0]?.[0];
  }

  for (const [name, sql, expected] of VALUES) {
    it(name, async () => {
      const duckdb = await translate(sql);
      const value = await run(duckdb);
      const comparable = typeof expected === 'string' && typeof value === 'number' ? String(value) : value;
      const isClose = typeof expected === 'number' && typeof value === 'number' && Math.abs(value - expected) < 1e-12 && !sql.includes('0.1 + 0.2');
      if (!isClose) assert.deepEqual(comparable, expected, duckdb);
    });
  }

  it('keeps dates dates', async () => {
    for (const date of ["DATE_SUB(d, INTERVAL 1 DAY)", 'DATE_ADD(d, INTERVAL 2 WEEK)', 'DATE_TRUNC(d, MONTH)', 'DATE_TRUNC(d, WEEK)', "PARSE_DATE('%Y', '2023')", 'd - 1', '@game_date']) {
      const duckdb = await translate(`SELECT ${date} FROM (SELECT DATE '2023-01-31' AS d)`);
      assert.equal(await run(`SELECT typeof(v) FROM (${duckdb}) AS t(v)`), 'DATE', duckdb);
    }
  });

  for (const [name, sql, message] of ERRORS) {
    it(`raises an error: ${name}`, async () => {
      const duckdb = await translate(sql);
      await assert.rejects(run(duckdb), message);
    });
  }

  for (const [sql, message] of REFUSED) {
    it(`refuses ${sql}`, async () => { await assert.rejects(translate(sql), message); });
  }

  it('says what is wrong with text that is no GoogleSQL', async () => {
    await assert.rejects(translate('SELECT FROM WHERE'), /this is no GoogleSQL: .*received: SELECT FROM WHERE; allowed: one SELECT/);
  });

  it('documents what stays different: the sum of INT64 overflows only when it is stored', async () => {
    const duckdb = await translate('SELECT SUM(v) FROM UNNEST([9223372036854775807, 1]) AS v');
    assert.equal(await run(duckdb), '9223372036854775808');
    await assert.rejects(run(`SELECT CAST((${duckdb}) AS BIGINT)`), /out of range/);
  });

  it('documents what stays different: NUMERIC divides to DOUBLE, and a cast gives GoogleSQL\'s result', async () => {
    assert.equal(await run(`SELECT typeof(v) FROM (${await translate("SELECT NUMERIC '1' / NUMERIC '3'")}) AS t(v)`), 'DOUBLE');
    assert.equal(await run(await translate("SELECT CAST(NUMERIC '1' / NUMERIC '3' AS NUMERIC)")), '0.333333333');
    assert.equal(await run(await translate("SELECT CAST(NUMERIC '1.5' * NUMERIC '1.5' AS NUMERIC)")), '2.250000000');
  });

  it('creates a table without partitions and options', async () => {
    await connection.run(await translate(
      "CREATE TABLE IF NOT EXISTS `p.d.made` (a INT64 NOT NULL OPTIONS(description='it, (x)'), b NUMERIC, c NUMERIC(10, 2), game_date DATE, e STRING, f FLOAT64, g BOOL) PARTITION BY game_date CLUSTER BY a, e OPTIONS(require_partition_filter=TRUE);",
    ));
    const rows = (await connection.runAndReadAll("SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'made'")).getRowsJson();
    assert.equal(rows[0]?.[0], 'a BIGINT, b DECIMAL(38,9), c DECIMAL(10,2), game_date DATE, e VARCHAR, f DOUBLE, g BOOLEAN');
    await connection.run(await translate("CREATE OR REPLACE TABLE d.copied PARTITION BY game_date AS SELECT DATE_SUB(@game_date, INTERVAL 1 DAY) AS game_date").then((text) => text.replace('$game_date', "'2023-11-15'")));
    assert.equal(await run('SELECT CAST(game_date AS VARCHAR) FROM d.copied'), '2023-11-14');
  });

  describe('translateWithInputs', () => {
    const inputs = [{ name: 'a', select: 'SELECT 1 AS v' }, { name: 'order', select: 'SELECT v + 1 AS v FROM d.t' }];

    it('puts inputs before a query', async () => {
      assert.equal(await run(await translateWithInputs('SELECT a.v * 100 + o.v FROM a CROSS JOIN `order` AS o', inputs)), 109);
    });
    it("merges them with the query's own WITH", async () => {
      assert.equal(await run(await translateWithInputs('WITH b AS (SELECT v * 2 AS v FROM a) SELECT v FROM b', inputs)), 2);
    });
    it('keeps WITH RECURSIVE', async () => {
      assert.equal(await run(await translateWithInputs('WITH RECURSIVE r AS (SELECT v FROM a UNION ALL SELECT v + 1 FROM r WHERE v < 3) SELECT MAX(v) FROM r', inputs)), 3);
    });
    it('leaves a query without inputs as it is', async () => {
      assert.equal(await translateWithInputs('SELECT 1', []), 'SELECT 1');
    });
    it('hides a table of the same name', async () => {
      assert.equal(await run(await translateWithInputs('SELECT COUNT(*) FROM t', [{ name: 't', select: 'SELECT 1 WHERE FALSE' }])), '0');
    });
  });
});
