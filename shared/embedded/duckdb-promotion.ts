import { setTimeout as sleep } from 'node:timers/promises';
import { BIGINT, DATE, VARCHAR } from '@duckdb/node-api';
import type { Day } from '../calendar/day.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { PromoteOutcome, Promotion, WriteClaim } from '../ports/warehouse.ts';
import type { Lane, Session } from './duckdb-connections.ts';
import { isConflict } from './duckdb-errors.ts';
import { fingerprintOf, rowHashSql, type Measured } from './duckdb-measure.ts';
import { contentText } from './duckdb-scan.ts';
import { MARKERS, tableOf } from './duckdb-tables.ts';
import { columnList, dateValue, quoted } from './duckdb-values.ts';

/**
 * The one transaction that changes a date: fence and marker, then the rows. The marker's primary key is the cell, so of
 * two transactions that both saw none, or both the same one, the second fails, looks again, and finds itself fenced.
 */

const COLUMNS = ['generation', 'token', 'run_id', 'fingerprint', 'trace', 'content', 'coverage'];
const INSERT = `INSERT INTO ${MARKERS} (processor, game_date, ${COLUMNS.join(', ')}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;
const UPDATE = `UPDATE ${MARKERS} SET ${COLUMNS.map((name, index) => `${name} = $${index + 3}`).join(', ')} WHERE processor = $1 AND game_date = $2`;
const READ = `SELECT run_id, generation, token, fingerprint, trace FROM ${MARKERS} WHERE processor = $1 AND game_date = $2`;

export interface StagedTable {
  readonly claim: WriteClaim;
  /** Name of the temp table that holds the rows, on the lane's connection. */
  readonly stage: string;
  readonly measured: Measured;
  readonly contentRule: string;
}

const TRIES = 100;

export async function promote(lane: Lane, staged: StagedTable, trace: string): Promise<PromoteOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await lane.turn((session) => promoteOnce(session, staged, trace));
    } catch (thrown) {
      if (!isConflict(thrown) || attempt >= TRIES) throw thrown;
      await sleep(Math.min(attempt, 20));
    }
  }
}

function promoteOnce(session: Session, { claim, stage, measured: { coverage, content }, contentRule }: StagedTable, trace: string): Promise<PromoteOutcome> {
  const { processor, day, generation, token, runId } = claim;
  const at = [dateValue(day), DATE] as const;
  return session.transaction<PromoteOutcome>(async () => {
    const last = await readPromotion(session, processor, day);
    if (last && (last.generation > generation || (last.generation === generation && last.runId !== runId))) return { commit: false, value: { kind: 'fenced', winner: last } };
    // An upsert would say this in one statement, but takes twice the time of both.
    await session.prepared(last ? UPDATE : INSERT, [
      [processor.name, VARCHAR], at, [BigInt(generation), BIGINT], [BigInt(token), BIGINT], [runId, VARCHAR], [coverage.fingerprint, VARCHAR], [trace, VARCHAR],
      [contentText(contentRule, coverage.rows, content), VARCHAR], [JSON.stringify(coverage), VARCHAR],
    ]);
    const table = tableOf(processor);
    const where = `WHERE ${quoted(processor.dateColumn)} = $1`;
    const present = await session.prepared(`SELECT ${rowHashSql(processor, processor.fingerprintColumns)} FROM ${table} ${where}`, [at]);
    if (await fingerprintOf(present) === coverage.fingerprint) return { commit: true, value: { kind: 'unchanged' } };
    if (present.rowCount > 0) await session.prepared(`DELETE FROM ${table} ${where}`, [at]);
    const columns = columnList(processor.columns.map(({ name }) => name));
    if (coverage.rows > 0) await session.run(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM ${quoted(stage)}`);
    return { commit: true, value: { kind: 'promoted' } };
  });
}

export async function readPromotion(session: Session, processor: Processor, day: Day): Promise<Promotion | null> {
  const result = await session.prepared(READ, [[processor.name, VARCHAR], [dateValue(day), DATE]]);
  const [row] = await result.getRows();
  if (!row) return null;
  const [runId, generation, token, fingerprint, trace] = row;
  return { runId: String(runId), generation: Number(generation), token: Number(token), fingerprint: String(fingerprint), trace: String(trace) };
}
