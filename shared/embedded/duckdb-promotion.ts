import { setTimeout as sleep } from 'node:timers/promises';
import { BIGINT, DATE, VARCHAR, type DuckDBMaterializedResult } from '@duckdb/node-api';
import type { Day } from '../calendar/day.ts';
import { fingerprint } from '../gaps/fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { PromoteOutcome, Promotion, WriteClaim } from '../ports/warehouse.ts';
import type { Session } from './duckdb-connections.ts';
import { isConflict } from './duckdb-errors.ts';
import { contentHashSql, hashSum, rowHashSql, type Measured } from './duckdb-measure.ts';
import { contentText } from './duckdb-scan.ts';
import type { Stage } from './duckdb-stages.ts';
import { andOwnRows, MARKERS, tableOf } from './duckdb-tables.ts';
import { columnList, columnsOf, dateLiteral, dateValue, quoted } from './duckdb-values.ts';

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
  readonly stage: Stage;
  readonly measured: Measured;
  readonly contentRule: string;
  /** The date is known to have no rows: most probably no marker either. */
  readonly isEmpty: boolean;
}

const TRIES = 100;

export async function promote(staged: StagedTable, trace: string): Promise<PromoteOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await staged.stage.lane.turn((session) => (staged.isEmpty && attempt === 1 ? promoteFirst(session, staged, trace) : promoteOnce(session, staged, trace)));
    } catch (thrown) {
      if (!isConflict(thrown) || attempt >= TRIES) throw thrown;
      await sleep(Math.min(attempt, 20));
    }
  }
}

/**
 * The first promotion of a date, without a look at what is there: the marker's key is the fence. Where there is a marker
 * already, inserting it is a conflict, and the next try looks. Where there is none nobody has promoted the date, so that
 * it is as it was scanned.
 */
function promoteFirst(session: Session, staged: StagedTable, trace: string): Promise<PromoteOutcome> {
  return session.transaction<PromoteOutcome>(async () => {
    await writeMarker(session, INSERT, staged, trace);
    if (staged.measured.coverage.rows === 0) return { commit: true, value: { kind: 'unchanged' } };
    await insertRows(session, staged);
    return { commit: true, value: { kind: 'promoted' } };
  });
}

function promoteOnce(session: Session, staged: StagedTable, trace: string): Promise<PromoteOutcome> {
  const { claim, measured: { coverage } } = staged;
  const { processor, day, generation, runId } = claim;
  return session.transaction<PromoteOutcome>(async () => {
    const last = await readPromotion(session, processor, day);
    if (last && (last.generation > generation || (last.generation === generation && last.runId !== runId))) return { commit: false, value: { kind: 'fenced', winner: last } };
    // An upsert would say this in one statement, but takes twice the time of both.
    await writeMarker(session, last ? UPDATE : INSERT, staged, trace);
    const table = tableOf(processor);
    const where = `WHERE ${quoted(processor.dateColumn)} = ${dateLiteral(day)}${andOwnRows(processor)}`;
    const present = await session.run(`SELECT ${contentHashSql(processor)} FROM ${table} ${where}`);
    if (await sameRows(session, staged, present, where)) return { commit: true, value: { kind: 'unchanged' } };
    if (present.rowCount > 0) await session.run(`DELETE FROM ${table} ${where}`);
    if (coverage.rows > 0) await insertRows(session, staged);
    return { commit: true, value: { kind: 'promoted' } };
  });
}

async function writeMarker(session: Session, statement: string, { claim, measured: { coverage, content }, contentRule }: StagedTable, trace: string): Promise<void> {
  const { processor, day, generation, token, runId } = claim;
  await session.prepared(statement, [
    [processor.name, VARCHAR], [dateValue(day), DATE], [BigInt(generation), BIGINT], [BigInt(token), BIGINT], [runId, VARCHAR], [coverage.fingerprint, VARCHAR], [trace, VARCHAR],
    [contentText(contentRule, coverage.rows, content), VARCHAR], [JSON.stringify(coverage), VARCHAR],
  ]);
}

async function insertRows(session: Session, { claim: { processor }, stage }: StagedTable): Promise<void> {
  const columns = columnList(processor.columns.map(({ name }) => name));
  await session.prepared(`INSERT INTO ${tableOf(processor)} (${columns}) SELECT ${columns} FROM ${quoted(stage.table)}`);
}

/** Whether the table holds the staged rows already. Quick hashes that differ say no; where they agree, the fingerprint decides. */
async function sameRows(session: Session, { claim: { processor }, measured }: StagedTable, present: DuckDBMaterializedResult, where: string): Promise<boolean> {
  if (present.rowCount !== measured.coverage.rows) return false;
  if (measured.coverage.rows === 0) return true;
  if (hashSum(present) !== measured.content) return false;
  const hashes = await session.run(`SELECT ${rowHashSql(processor, processor.fingerprintColumns)} FROM ${tableOf(processor)} ${where}`);
  return fingerprint(hashes.rowCount, hashSum(hashes)) === measured.coverage.fingerprint;
}

export async function readPromotion(session: Session, processor: Processor, day: Day): Promise<Promotion | null> {
  const result = await session.prepared(READ, [[processor.name, VARCHAR], [dateValue(day), DATE]]);
  if (result.rowCount === 0) return null;
  const [runId, generation, token, fingerprint, trace] = columnsOf(result).map(([value]) => value);
  return { runId: String(runId), generation: Number(generation), token: Number(token), fingerprint: String(fingerprint), trace: String(trace) };
}
