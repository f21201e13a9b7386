import { createHash } from 'node:crypto';
import type { Column, Edge, TableFilter } from './pipeline.ts';
import { normalizedSql } from './sql-tokens.ts';

/**
 * SHA-256 of what decides a processor's rows: its SQL without comments and layout, what it reads, its columns,
 * and which rows of a shared table are its own. The
 * critical part of a window decides when it may run, not what it computes, and is left out.
 */
export function definitionHash(sql: string | null, columns: readonly Column[], upstreams: readonly Edge[], filter: TableFilter | null): string {
  const reads = upstreams.map(({ upstream, window, view, ownHistory }) => [upstream, window.reach, window.ownDate, view, ownHistory]);
  const text = JSON.stringify({
    sql: sql === null ? null : normalizedSql(sql),
    columns: columns.map(({ name, type }) => `${name} ${type}`).sort(),
    reads: reads.map((read) => JSON.stringify(read)).sort(),
    ...(filter === null ? {} : { filter: [filter.column, filter.equals] }),
  });
  return createHash('sha256').update(text).digest('hex');
}
