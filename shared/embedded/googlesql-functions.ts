import { numericPlaceholder } from './googlesql-placeholders.ts';

/**
 * GoogleSQL's functions in words that mean the same in DuckDB. What is in neither of the two lists is refused: a function
 * that merely has the same name may mean something else there.
 */

/** Says why a call has no translation. */
export type Refuse = (what: string, instead: string) => never;

/** Arguments as rewritten text. */
export type Rewrite = (args: readonly string[], refuse: Refuse) => string;

/** Functions that mean the same in both, or that the transpiler renders right; each has a row in the tests. */
export const SAME_MEANING: ReadonlySet<string> = new Set([
  'ABS', 'SIGN', 'CEIL', 'CEILING', 'FLOOR', 'ROUND', 'SQRT', 'POW', 'POWER', 'EXP', 'LN',
  'COUNT', 'SUM', 'AVG', 'MIN', 'MAX', 'LOGICAL_OR', 'LOGICAL_AND', 'STDDEV', 'STDDEV_SAMP', 'STDDEV_POP', 'VARIANCE', 'VAR_SAMP', 'VAR_POP', 'PERCENTILE_CONT',
  'COALESCE', 'IFNULL', 'NULLIF', 'IF', 'GREATEST', 'LEAST',
  'UPPER', 'LOWER', 'LENGTH', 'TRIM', 'LTRIM', 'RTRIM', 'REPLACE', 'STARTS_WITH', 'ENDS_WITH', 'LPAD', 'RPAD',
  'ROW_NUMBER', 'RANK', 'DENSE_RANK', 'NTILE', 'PERCENT_RANK', 'CUME_DIST', 'LAG', 'LEAD', 'FIRST_VALUE', 'LAST_VALUE', 'NTH_VALUE',
  'STRING_AGG', 'ARRAY_LENGTH', 'ARRAY', 'UNNEST', 'EXISTS', 'GENERATE_DATE_ARRAY', 'LAST_DAY', 'UNIX_DATE', 'ERROR',
]);

const WEEK_PARTS: ReadonlySet<string> = new Set(['ISOWEEK', 'WEEK(MONDAY)']);
const DATE_PARTS: ReadonlySet<string> = new Set(['DAY', 'MONTH', 'QUARTER', 'YEAR']);

/** `strftime` has these in both, with the same meaning. */
const DATE_FORMAT = /^'(?:[^%'\\]|%[YmdyBbAajF%])*'$/;

export const REWRITTEN: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ['COUNTIF', ([condition]) => `COUNT(CASE WHEN ${condition ?? ''} THEN 1 END)`],
  ['CONCAT', (args) => `(${args.map((arg) => `(${arg})`).join(' || ')})`],
  ['SAFE_DIVIDE', ([a, b]) => `((${a ?? ''}) / NULLIF(${b ?? ''}, 0))`],
  ['DIV', ([a, b]) => `DIV((${a ?? ''}), ${divisor(b ?? '')})`],
  ['MOD', ([a, b]) => `MOD((${a ?? ''}), ${divisor(b ?? '')})`],
  ['DATE_ADD', dateArithmetic('DATE_ADD')],
  ['DATE_SUB', dateArithmetic('DATE_SUB')],
  ['DATE_DIFF', ([a, b, part], refuse) => {
    const unit = (part ?? '').toUpperCase().replaceAll(' ', '');
    if (WEEK_PARTS.has(unit)) return `DATE_DIFF(${a ?? ''}, ${b ?? ''}, ISOWEEK)`;
    if (unit === 'WEEK' || DATE_PARTS.has(unit)) return `DATE_DIFF(${a ?? ''}, ${b ?? ''}, ${unit})`;
    return refuse(`DATE_DIFF in ${part ?? 'no part'}`, 'use DAY, WEEK, ISOWEEK, WEEK(MONDAY), MONTH, QUARTER or YEAR');
  }],
  ['DATE_TRUNC', ([date, part], refuse) => {
    const unit = (part ?? '').toUpperCase().replaceAll(' ', '');
    // BigQuery's WEEK starts on Sunday, DuckDB's on Monday.
    if (unit === 'WEEK') return asDate(`DATE_SUB(DATE_TRUNC(DATE_ADD(${date ?? ''}, INTERVAL 1 DAY), WEEK), INTERVAL 1 DAY)`);
    if (WEEK_PARTS.has(unit)) return asDate(`DATE_TRUNC(${date ?? ''}, WEEK)`);
    if (DATE_PARTS.has(unit)) return asDate(`DATE_TRUNC(${date ?? ''}, ${unit})`);
    return refuse(`DATE_TRUNC to ${part ?? 'no part'}`, 'use DAY, WEEK, ISOWEEK, WEEK(MONDAY), MONTH, QUARTER or YEAR');
  }],
  ['DATE', (args, refuse) => {
    if (args.length !== 3) return refuse('DATE with a timestamp or a time zone', 'use DATE(year, month, day), or a DATE column');
    return `DATE(${args.join(', ')})`;
  }],
  ['FORMAT_DATE', ([format, date], refuse) => {
    if (!DATE_FORMAT.test(format ?? '')) return refuse(`the date format ${format ?? ''}`, "use a text of %Y %m %d %y %B %b %A %a %j %F and %%");
    return `FORMAT_DATE(${format ?? ''}, ${date ?? ''})`;
  }],
  ['PARSE_DATE', ([format, text], refuse) => {
    if (!/^'(?:[^%'\\]|%[Ymd])*'$/.test(format ?? '')) return refuse(`the date format ${format ?? ''}`, 'use a text of %Y, %m and %d');
    return asDate(`STRPTIME(${text ?? ''}, ${format ?? ''})`);
  }],
  ['REGEXP_CONTAINS', ([text, pattern]) => `REGEXP_MATCHES(${text ?? ''}, ${pattern ?? ''})`],
  ['SUBSTR', substring],
  ['SUBSTRING', substring],
  ['TRUNC', (args, refuse) => (args.length === 1 ? `TRUNC(${args[0] ?? ''})` : refuse('TRUNC with digits', 'use ROUND(x, n), or TRUNC(x * 100) / 100'))],
]);

function asDate(expression: string): string {
  return `CAST(${expression} AS DATE)`;
}

/** DuckDB makes a TIMESTAMP of a DATE and an interval. */
function dateArithmetic(name: string): Rewrite {
  return ([date, interval], refuse) => {
    const unit = /\b(DAY|WEEK|MONTH|QUARTER|YEAR)$/i.exec(interval ?? '');
    if (!unit) return refuse(`${name} of ${interval ?? 'nothing'}`, 'use INTERVAL n DAY, WEEK, MONTH, QUARTER or YEAR');
    return asDate(`${name}(${date ?? ''}, ${interval ?? ''})`);
  };
}

/** Position 0 is 1 in BigQuery, and one before it in DuckDB. */
function substring(args: readonly string[], refuse: Refuse): string {
  if (args[1] === '0') return refuse('SUBSTR from position 0', 'count positions from 1');
  return `SUBSTR(${args.join(', ')})`;
}

/** A divisor that raises BigQuery's error where it is zero: DuckDB gives NULL or infinity. */
export function divisor(expression: string): string {
  const isNonzeroNumber = /^[\d.e+-]*[1-9]/i.test(expression) && Number(expression) !== 0 && !Number.isNaN(Number(expression));
  if (isNonzeroNumber || /^NULLIF\([^()]*, 0\)$/.test(expression)) return expression;
  return `(CASE WHEN (${expression}) = 0 THEN ERROR('division by zero') ELSE (${expression}) END)`;
}

const INTEGERS: ReadonlySet<string> = new Set(['INT64', 'INT', 'INTEGER', 'BIGINT', 'SMALLINT', 'TINYINT', 'BYTEINT']);
const PLAIN_TYPES: ReadonlySet<string> = new Set(['FLOAT64', 'STRING', 'BOOL', 'BOOLEAN', 'DATE']);

/** CAST and SAFE_CAST. `size` is what stands in the type's parentheses. */
export function castTo(cast: 'CAST' | 'SAFE_CAST', value: string, type: string, size: string, refuse: Refuse): string {
  if (type === 'NUMERIC' || type === 'DECIMAL') return `${cast}(${value} AS ${numericPlaceholder(size)})`;
  if (size !== '' || (!INTEGERS.has(type) && !PLAIN_TYPES.has(type))) return refuse(`${cast} to ${type}${size && `(${size})`}`, 'use INT64, FLOAT64, NUMERIC, NUMERIC(p, s), STRING, BOOL or DATE');
  if (!INTEGERS.has(type)) return `${cast}(${value} AS ${type})`;
  // DuckDB rounds halves of a DOUBLE to even, and takes '1.5' for 2; BigQuery rounds away from zero, and refuses '1.5'.
  const notWhole = cast === 'CAST' ? `ERROR('Bad int64 value')` : 'NULL';
  return `(CASE WHEN TYPEOF(${value}) IN ('DOUBLE', 'FLOAT') THEN ${cast}(ROUND(${cast}(${value} AS FLOAT64)) AS INT64) `
    + `WHEN TYPEOF(${value}) = 'VARCHAR' AND NOT REGEXP_MATCHES(CAST(${value} AS STRING), '^ *[-+]?[0-9]+ *$') THEN ${notWhole} ELSE ${cast}(${value} AS INT64) END)`;
}
