import type { DuckDBValue } from '@duckdb/node-api';
import type { QuerySettings } from './bound-query.ts';
import type { TableRef } from './catalog.ts';
import type { Field } from './schema.ts';
import type { Statement } from './statements.ts';
import type { WriteOptions } from './write.ts';

/** What a query job is asked to do, and what came of it. */

export interface QueryOrder extends QuerySettings {
  readonly sql: string;
  readonly dryRun: boolean;
  readonly maximumBytesBilled: number | null;
  readonly destination: { readonly ref: TableRef; readonly options: WriteOptions } | null;
}

export interface QueryOutcome {
  readonly statementType: string;
  readonly fields: readonly Field[];
  /** Null once they are forgotten. */
  readonly rows: readonly (readonly DuckDBValue[])[] | null;
  readonly bytesProcessed: number;
  readonly bytesBilled: number;
  readonly changes: { readonly inserted: number; readonly updated: number; readonly deleted: number } | null;
  readonly definition: { readonly operation: string; readonly target: { readonly datasetId: string; readonly tableId: string } } | null;
}

export const NOTHING: Omit<QueryOutcome, 'statementType'> = { fields: [], rows: [], bytesProcessed: 0, bytesBilled: 0, changes: null, definition: null };

export function statementTypeOf(statement: Statement): string {
  switch (statement.kind) {
    case 'select': return 'SELECT';
    case 'dml': return statement.type;
    case 'create_table': return statement.query === null ? 'CREATE_TABLE' : 'CREATE_TABLE_AS_SELECT';
    case 'create_view': return 'CREATE_VIEW';
    case 'create_schema': return 'CREATE_SCHEMA';
    case 'drop': return `DROP_${statement.what}`;
    case 'alter_table': return 'ALTER_TABLE';
  }
}
