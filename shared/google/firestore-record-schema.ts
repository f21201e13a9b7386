import type { DocumentSnapshot } from '@google-cloud/firestore';
import { z } from 'zod';
import { NeverRetryError } from '../failures/errors.ts';
import type { OutgoingMessage } from '../ports/request-store.ts';
import type { HistoryRow, RequestChangeRow } from '../ports/run-history.ts';

export const outgoingMessagesSchema: z.ZodType<OutgoingMessage[]> = z.array(z.object({ id: z.string(), topic: z.string(), body: z.string() }));

const nullableText = z.string().nullable();

const historyRowSchema: z.ZodType<HistoryRow> = z.object({
  run_id: z.string(), processor_name: z.string(), phase: z.string(), data_date: z.string(), success: z.boolean(), status: z.string(),
  error_message: nullableText, rows_processed: z.number().nullable(), processing_decision: z.string(), skip_reason: nullableText,
  backfill_mode: z.boolean(), created_at: z.string(), attempt: z.number(), trace_digest: nullableText, fingerprint: nullableText,
  category: nullableText, started_at: nullableText, completed_at: nullableText, metadata: nullableText,
});

const changeRowSchema: z.ZodType<RequestChangeRow> = z.object({
  processor_name: z.string(), game_date: z.string(), request_type: z.string(), priority: z.string(), requested_at: z.string(), requested_by: z.string(),
  status: z.string(), started_at: nullableText, completed_at: nullableText, error_message: nullableText, metadata: nullableText, changed_at: z.string(),
});

export const rowsSchema = z.object({ history: z.array(historyRowSchema).default([]), changes: z.array(changeRowSchema).default([]) });

/** The record that a document keeps as JSON text in its field `record`, or null when there is no such document. */
export function recordIn<T>(document: DocumentSnapshot, schema: z.ZodType<T>): T | null {
  if (!document.exists) return null;
  return recordOf(document.ref.path, schema, document.get('record'));
}

/** The record of a JSON text. `place` is named when it can't be one that this store wrote. */
export function recordOf<T>(place: string, schema: z.ZodType<T>, text: unknown): T {
  if (typeof text !== 'string') throw damaged(place, `received ${text === undefined ? 'nothing' : typeof text} where its JSON text was to be`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(place, `its text is no JSON; received ${excerpt(text)}`, error);
  }
  return checked(place, schema, value);
}

export function checked<T>(place: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw damaged(place, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}; received ${excerpt(JSON.stringify(value))}`, result.error);
}

export function damaged(place: string, why: string, cause?: unknown): NeverRetryError {
  return new NeverRetryError(`the Firestore document ${place} is not as it was written (${why})`, {
    category: 'infrastructure', cause,
    detail: 'it was damaged, or written by another version; restore it from a backup or point-in-time recovery, or delete it: what it stood for is found again from the data',
  });
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
