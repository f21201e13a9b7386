import { z } from 'zod';
import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { quoted } from '../../../shared/embedded/duckdb-values.ts';
import { invalid, notModelled } from './api-error.ts';
import type { Catalog, Table, TableRef } from './catalog.ts';
import { checkedRow, insertChecked, jsonRowSchema, RowProblem } from './json-rows.ts';
import { partitionsOf, touch } from './partitions.ts';
import { atomically } from './storage.ts';
import { buffer, refuseView, relation, stored } from './tables.ts';

/** insertAll: rows that queries see at once, and that are in no partition until the buffer is flushed (P18, P19). */

export const insertAllSchema = z.object({
  rows: z.array(z.object({ insertId: z.string().max(128).optional(), json: jsonRowSchema })).min(1, 'No rows present in the request.').max(50_000),
  skipInvalidRows: z.boolean().default(false), ignoreUnknownValues: z.boolean().default(false), templateSuffix: z.string().optional(),
});
type InsertAll = z.infer<typeof insertAllSchema>;

/** Google remembers an insertId for at least a minute, at best (P20). */
const REMEMBERED_MS = 60_000;

export class Streaming {
  readonly #catalog: Catalog;
  /** When each id was last seen, by table. */
  readonly #seen = new Map<string, Map<string, number>>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  async insert(session: Session, ref: TableRef, { rows, skipInvalidRows, ignoreUnknownValues, templateSuffix }: InsertAll): Promise<unknown> {
    if (templateSuffix !== undefined) throw notModelled('templateSuffix');
    if (ref.partition !== null) throw notModelled('streaming into a partition by decorator');
    const table = this.#catalog.table(ref);
    refuseView(this.#catalog, table);
    if (table.fields.length === 0) throw invalid('The destination table has no schema.');
    const problems: { readonly index: number; readonly problem: RowProblem }[] = [];
    const checked = rows.flatMap(({ insertId, json }, index) => {
      try {
        return [{ insertId, row: checkedRow(table.fields, json, ignoreUnknownValues) }];
      } catch (thrown) {
        if (!(thrown instanceof RowProblem)) throw thrown;
        problems.push({ index, problem: thrown });
        return [];
      }
    });
    const insertErrors = problems.map(({ index, problem }) => ({ index, errors: [{ reason: 'invalid', location: problem.field, debugInfo: '', message: problem.message }] }));
    const answer = { kind: 'bigquery#tableDataInsertAllResponse' };
    if (problems.length > 0 && !skipInvalidRows) {
      const bad = new Set(problems.map(({ index }) => index));
      const others = rows.flatMap((_, index) => (bad.has(index) ? [] : [{ index, errors: [{ reason: 'stopped', location: '', debugInfo: '', message: '' }] }]));
      return { ...answer, insertErrors: [...insertErrors, ...others] };
    }
    const fresh = checked.filter(({ insertId }) => insertId === undefined || this.#isNew(this.#catalog.name(table), insertId));
    await atomically(session, async () => {
      if (fresh.length === 0) return;
      await openBuffer(session, this.#catalog, table);
      await insertChecked(session, buffer(table), table.fields, fresh.map(({ row }) => row));
    });
    return insertErrors.length > 0 ? { ...answer, insertErrors } : answer;
  }

  #isNew(table: string, insertId: string): boolean {
    const seen = this.#seen.get(table) ?? new Map<string, number>();
    this.#seen.set(table, seen);
    const now = this.#catalog.now();
    const last = seen.get(insertId);
    seen.set(insertId, now);
    return last === undefined || last + REMEMBERED_MS <= now;
  }
}

async function openBuffer(session: Session, catalog: Catalog, table: Table): Promise<void> {
  if (table.bufferedSinceMs !== null) return;
  const buffered = { ...table, bufferedSinceMs: catalog.now() };
  await session.run(`ALTER TABLE ${relation(table)} RENAME TO ${quoted(`${table.tableId}$stored`)}`);
  await session.run(`CREATE TABLE ${buffer(table)} AS SELECT * FROM ${stored(buffered)} LIMIT 0`);
  await session.run(`CREATE VIEW ${relation(table)} AS SELECT * FROM ${stored(buffered)} UNION ALL SELECT * FROM ${buffer(table)}`);
  await catalog.save(session, buffered);
}

/** Rows of the buffer become the partitions' own. */
export async function flushBuffer(session: Session, catalog: Catalog, table: Table): Promise<void> {
  if (table.bufferedSinceMs === null) return;
  await atomically(session, async () => {
    const partitions = await partitionsOf(session, table, buffer(table));
    await session.run(`INSERT INTO ${stored(table)} SELECT * FROM ${buffer(table)}`);
    await session.run(`DROP VIEW ${relation(table)}; DROP TABLE ${buffer(table)}`);
    await session.run(`ALTER TABLE ${stored(table)} RENAME TO ${quoted(table.tableId)}`);
    await touch(session, catalog, { ...table, bufferedSinceMs: null }, partitions);
  });
}
