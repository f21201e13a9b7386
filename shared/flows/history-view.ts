import { z } from 'zod';
import { parseDay } from '../calendar/day.ts';
import { processorNamed } from '../pipeline/adoption.ts';
import type { HistoryView, Pipeline } from '../pipeline/pipeline.ts';
import type { HistoryRow, RunHistory } from '../ports/run-history.ts';
import { instantOf } from '../requests/messages.ts';

/**
 * The team's own history table, read as ours: runs of before adoption, and of services that send no messages. It is read
 * and never altered, and no decision reads it.
 */

export interface HistoryViewQuery {
  /** GoogleSQL; every column is text. Parameters: `names` (STRING array), `from`, `to` (DATE), `rows` (INT64). */
  readonly sql: string;
  readonly params: { readonly names: readonly string[]; readonly from: string; readonly to: string; readonly rows: number };
}

type Filter = Parameters<RunHistory['runs']>[0];

const COLUMNS = ['processor_name', 'game_date', 'status', 'run_id', 'started_at', 'completed_at', 'rows_processed', 'error_message'] as const;
/** The ends of what GoogleSQL's DATE holds. */
const [FIRST_DATE, LAST_DATE] = ['0001-01-01', '9999-12-31'];

/** The query for a range, newest date first. Identifiers come from the validated definition only. */
export function historyViewQuery(pipeline: Pick<Pipeline, 'processors' | 'byName'>, view: HistoryView, { processor, from, to, limit }: Filter): HistoryViewQuery {
  const one = processor === undefined ? undefined : pipeline.byName.get(processor);
  const asked = processor === undefined ? pipeline.processors : one ? [one] : [];
  const selected = COLUMNS.map((ours) => {
    const theirs = view.columns[ours];
    return `${theirs === null ? 'CAST(NULL AS STRING)' : `CAST(\`${theirs}\` AS STRING)`} AS ${ours}`;
  });
  const date = `\`${view.columns.game_date}\``;
  return {
    sql: `SELECT ${selected.join(', ')}\nFROM \`${view.table}\`\nWHERE ${date} BETWEEN @from AND @to AND CAST(\`${view.columns.processor_name}\` AS STRING) IN UNNEST(@names)\nORDER BY ${date} DESC, completed_at DESC\nLIMIT @rows`,
    params: { names: asked.flatMap(({ name, aliases }) => [name, ...aliases]), from: from ?? FIRST_DATE, to: to ?? LAST_DATE, rows: limit },
  };
}

const text = z.string().nullable();
const rowSchema = z.object({
  processor_name: z.string(), game_date: z.string(), status: z.string(), run_id: text, started_at: text, completed_at: text, rows_processed: text, error_message: text,
});

/** A row of the query as a row of ours; null where it is of no processor of the definition, or has no date. */
export function historyRowOf(pipeline: Pick<Pipeline, 'byName' | 'byAlias'>, view: HistoryView, row: unknown): HistoryRow | null {
  const parsed = rowSchema.safeParse(row);
  if (!parsed.success) return null;
  const { processor_name: named, game_date: date, run_id: runId, ...rest } = parsed.data;
  const processor = processorNamed(pipeline, named);
  if (!processor || parseDay(date) === undefined) return null;
  const status = view.statuses.get(rest.status.toLowerCase()) ?? rest.status.toLowerCase();
  const [startedAt, completedAt] = [timeOf(rest.started_at), timeOf(rest.completed_at)];
  return {
    run_id: runId ?? `${view.table}:${named}:${date}`, processor_name: processor.name, phase: processor.phase.name, data_date: date, success: status === 'success', status,
    error_message: rest.error_message, rows_processed: rest.rows_processed !== null && /^\d{1,15}$/.test(rest.rows_processed) ? Number(rest.rows_processed) : null,
    // Their day begins with no zone: a run without a time is shown at its date's end.
    processing_decision: 'team_history', skip_reason: null, backfill_mode: false, created_at: completedAt ?? startedAt ?? `${date}T23:59:59.000Z`, attempt: 0,
    trace_digest: null, fingerprint: null, category: null, started_at: startedAt, completed_at: completedAt, metadata: JSON.stringify({ source: view.table, processor_name: named, status: rest.status }),
  };
}

/** RFC 3339 of what CAST(… AS STRING) makes of a TIMESTAMP (`2023-11-16 04:10:00+00`) or DATETIME, which is UTC. */
function timeOf(value: string | null): string | null {
  if (value === null) return null;
  const at = instantOf(value.replace(/^(\d{4}-\d{2}-\d{2}) /, '$1T').replace(/([+-]\d{2})$/, '$1:00'));
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

/** Our history with the team's beside it. `read` runs the query; ours come first where two runs have one id. */
export function withHistoryView(own: RunHistory, pipeline: Pipeline, view: HistoryView, read: (query: HistoryViewQuery) => Promise<readonly unknown[]>): RunHistory {
  return {
    changes: (filter) => own.changes(filter),
    runs: async (filter) => {
      const [ours, rows] = await Promise.all([own.runs(filter), read(historyViewQuery(pipeline, view, filter))]);
      const known = new Set(ours.map((row) => row.run_id));
      const theirs = rows.flatMap((row) => historyRowOf(pipeline, view, row) ?? []).filter((row) => !known.has(row.run_id));
      return [...ours, ...theirs].sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0)).slice(0, filter.limit);
    },
  };
}
