/**
 * Words that stand for what the transpiler would spoil: it takes them for plain names, and they are replaced afterwards.
 * `@game_date` would become ABS(game_date), NUMERIC would become DECIMAL, which is DECIMAL(18, 3) in DuckDB.
 */
const PARAMETER = 'sb_parameter_';
const NUMERIC = 'SB_NUMERIC_';

/** BigQuery's NUMERIC. */
const NUMERIC_PRECISION = '38_9';

export function parameterPlaceholder(parameter: string): string {
  return `${PARAMETER}${parameter.slice(1)}`;
}

/** `size` as the definition writes it: '10, 2', or nothing. */
export function numericPlaceholder(size: string): string {
  const [precision, scale] = size.split(',').map((part) => part.trim());
  return `${NUMERIC}${precision ? `${precision}_${scale ?? '0'}` : NUMERIC_PRECISION}`;
}

// Strings and quoted names are skipped over; DuckDB's know no escapes but the doubled quote.
const SKIPPED_OR_PLACEHOLDER = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\bsb_parameter_(\w+)|\bSB_NUMERIC_(\d+)_(\d+)\b/gi;

export function withoutPlaceholders(duckdb: string): string {
  return duckdb.replaceAll(SKIPPED_OR_PLACEHOLDER, (all: string, parameter?: string, precision?: string, scale?: string) => {
    if (parameter !== undefined) return `$${parameter}`;
    return precision === undefined ? all : `DECIMAL(${precision}, ${scale ?? '0'})`;
  });
}
