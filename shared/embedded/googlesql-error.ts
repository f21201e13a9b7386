import { positionAt } from '../pipeline/sql-tokens.ts';

/** A query that DuckDB would not answer as BigQuery does: it must be written otherwise. */
export class UntranslatableSql extends Error {
  override readonly name = 'UntranslatableSql';

  constructor(sql: string, offset: number, what: string, instead: string) {
    const { line, column } = positionAt(sql, offset);
    super(`line ${line}, column ${column}: ${what} has no tested translation to DuckDB; ${instead}`);
  }
}
