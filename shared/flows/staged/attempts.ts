import { z } from 'zod';
import { formatDay } from '../../calendar/day.ts';
import type { HistoryRow, RunHistory } from '../../ports/run-history.ts';
import type { BackfillRecord } from '../../staged/record.ts';

/** An attempt that failed and was tried again without a person: it is in the run history only. Times are RFC 3339. */
export interface TriedAgain extends Pick<HistoryRow, 'run_id' | 'processor_name' | 'data_date' | 'category' | 'error_message' | 'attempt' | 'created_at'> {
  /** The next end of a run of that cell; null where none is on record yet. */
  readonly outcome: 'succeeded' | 'failed again' | null;
}

/** So many rows are looked through, from the newest: a season of this pipeline has some thousands. */
const MOST_ROWS = 500_000;

const metadataSchema = z.looseObject({ backfill_id: z.string() });

/** For the report: the failed attempts of a backfill that its own retries took up again, the oldest first. */
export async function triedAgain(history: RunHistory, record: Pick<BackfillRecord, 'id' | 'asked'>): Promise<readonly TriedAgain[]> {
  const rows = await history.runs({ from: formatDay(record.asked.from), to: formatDay(record.asked.to), limit: MOST_ROWS });
  const next = new Map<string, TriedAgain['outcome']>();
  const found: TriedAgain[] = [];
  for (const row of rows) {
    if (row.status !== 'success' && row.status !== 'failed') continue;
    const cell = `${row.processor_name} ${row.data_date}`;
    if (row.processing_decision === 'retry' && isOf(record.id, row)) found.push({ ...row, outcome: next.get(cell) ?? null });
    next.set(cell, row.status === 'success' ? 'succeeded' : 'failed again');
  }
  return found.reverse();
}

function isOf(id: string, { metadata }: HistoryRow): boolean {
  return metadata !== null && metadataSchema.safeParse(JSON.parse(metadata)).data?.backfill_id === id;
}
