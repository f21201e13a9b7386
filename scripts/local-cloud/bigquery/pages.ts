import type { DuckDBValue } from '@duckdb/node-api';
import { invalid } from './api-error.ts';
import { wholeNumber } from './http.ts';
import type { Field } from './schema.ts';
import { cellOf, type ApiRow, type TimestampFormat } from './values.ts';

/** One page of rows, and where the next begins. Google's own pages end at about 10 MB: here at as many rows. */

const MOST_ROWS = 100_000;

export interface Page { readonly rows: readonly ApiRow[]; readonly pageToken?: string }

export function pageOf(fields: readonly Field[], rows: readonly (readonly DuckDBValue[])[], query: URLSearchParams): Page {
  const token = query.get('pageToken');
  if (token !== null && !/^row_\d{1,15}$/.test(token)) throw invalid(`Invalid page token: ${token}`);
  const from = token === null ? wholeNumber(query, 'startIndex', 0) : Number(token.slice(4));
  const size = Math.min(wholeNumber(query, 'maxResults', MOST_ROWS), MOST_ROWS);
  const format = timestampFormat(query);
  const page = rows.slice(from, from + size).map((row) => ({ f: fields.map((field, index) => cellOf(field, row[index], format)) }));
  return { rows: page, ...(size > 0 && from + size < rows.length ? { pageToken: `row_${from + size}` } : {}) };
}

function timestampFormat(query: URLSearchParams): TimestampFormat {
  const named = query.get('formatOptions.timestampOutputFormat');
  if (named === 'ISO8601_STRING') return 'iso';
  return query.get('formatOptions.useInt64Timestamp') === 'true' || named === 'INT64' ? 'micros' : 'seconds';
}
