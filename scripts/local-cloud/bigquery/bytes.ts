import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { sqlTokens } from '../../../shared/pipeline/sql-tokens.ts';
import { ApiError } from './api-error.ts';
import type { Catalog, Table } from './catalog.ts';
import { bytesSql } from './partitions.ts';
import { prunedWhere } from './pruning.ts';
import { resolvePath, tableMentions } from './references.ts';
import { numberOf } from './storage.ts';
import { relation } from './tables.ts';
import type { QuerySettings } from './bound-query.ts';

/** What a query reads, and what it is billed. https://cloud.google.com/bigquery/pricing#on_demand_pricing */

const MEBIBYTE = 1_048_576;
const LEAST_BILLED_A_TABLE = 10 * MEBIBYTE;

/** Bytes of the columns that a query names, in the partitions that its conditions leave, over all tables; through views too. */
export async function bytesProcessed(session: Session, catalog: Catalog, googleSql: string, tables: readonly Table[], settings: QuerySettings): Promise<number> {
  let bytes = 0;
  const words = new Set(sqlTokens(googleSql).flatMap((token) => (token.kind === 'word' ? [token.text.toLowerCase()] : token.kind === 'quoted' ? [token.text.slice(1, -1).toLowerCase()] : [])));
  const readsAll = namesAllColumns(googleSql);
  for (const table of tables) {
    if (table.kind === 'VIEW' && table.query !== null) {
      const inner = tableMentions(table.query).flatMap(({ parts }) => {
        const resolved = resolvePath(parts, catalog.projectId, table.datasetId);
        return resolved.kind === 'table' ? [catalog.find(resolved)].filter((found) => found !== null) : [];
      });
      bytes += await bytesProcessed(session, catalog, table.query, inner, { ...settings, defaultDataset: table.datasetId });
      continue;
    }
    const fields = table.fields.filter(({ name }) => readsAll || words.has(name.toLowerCase()));
    if (fields.length === 0) continue;
    bytes += await numberOf(session, `SELECT CAST(coalesce(sum(${bytesSql(fields)}), 0) AS BIGINT) FROM ${relation(table)} WHERE ${prunedWhere(catalog, googleSql, table, settings)}`);
  }
  return bytes;
}

export function bytesBilled(processed: number, tables: number): number {
  if (processed === 0) return 0;
  return Math.max(LEAST_BILLED_A_TABLE * Math.max(1, tables), Math.ceil(processed / MEBIBYTE) * MEBIBYTE);
}

export function refuseOverLimit(billed: number, maximumBytesBilled: number | null): void {
  if (maximumBytesBilled !== null && billed > maximumBytesBilled) {
    throw new ApiError('bytesBilledLimitExceeded', `Query exceeded limit for bytes billed: ${maximumBytesBilled}. ${billed} or higher required.`);
  }
}

/** `SELECT *`, `t.*`; not COUNT(*) or a product. */
function namesAllColumns(googleSql: string): boolean {
  const tokens = sqlTokens(googleSql);
  return tokens.some((token, index) => token.text === '*' && ['SELECT', ',', '.', 'DISTINCT', 'ALL'].includes(tokens[index - 1]?.text.toUpperCase() ?? ''));
}
