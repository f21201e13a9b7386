import { z } from 'zod';
import type { RunAnswer } from '../ports/processor-runner.ts';
import type { Row } from '../ports/warehouse.ts';

/** What a command writes to stdout, and what a function of the pipeline returns: rows, or an answer with a status. */

// Looked at, not copied: a date may have thousands of rows, and each is checked against its columns when it is staged.
const rowSchema = z.custom<Row>((value) => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isPlain), 'must be an object of texts, numbers, true, false and null');

function isPlain(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

const errorSchema = z.object({ type: z.string().default('Error'), message: z.string() });

const answerSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('success'), rows: z.array(rowSchema) }),
  z.object({ status: z.literal('no_data'), message: z.string().default('') }),
  z.object({ status: z.literal('skipped'), message: z.string().default('') }),
  z.object({ status: z.literal('failed'), error: errorSchema }),
]);

/** An answer as an object, checked. `who` goes into the message of what is wrong. */
export function answerOf(value: unknown, who: string): RunAnswer {
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return invalid(`${who} answered something else than {"status": "success", "rows": [...]}, "no_data" or "failed": ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
  }
  const answer = parsed.data;
  if (answer.status === 'success') return { kind: 'rows', rows: answer.rows };
  if (answer.status === 'no_data') return { kind: 'no_data', message: answer.message || `${who} has nothing for this date` };
  if (answer.status === 'failed') return { kind: 'failed', error: answer.error };
  return { kind: 'failed', error: { type: 'Skipped', message: answer.message || `${who} skipped this date without saying why` } };
}

/** One answer object alone, or one row a line. Nothing at all is no answer: an empty date is said, never implied. */
export function answerOfText(text: string, who: string): RunAnswer {
  const trimmed = text.trim();
  if (trimmed === '') return invalid(`${who} ended without an answer; write one JSON row a line, or {"status": "no_data"}`);
  const whole = jsonOf(trimmed);
  if (typeof whole === 'object' && whole !== null && 'status' in whole && ('rows' in whole || 'error' in whole || whole.status === 'no_data' || whole.status === 'skipped')) {
    return answerOf(whole, who);
  }
  if (Array.isArray(whole)) return answerOf({ status: 'success', rows: whole }, who);
  const rows = trimmed.split('\n').filter((line) => line.trim() !== '').map(jsonOf);
  const bad = rows.findIndex((row) => !rowSchema.safeParse(row).success);
  if (bad >= 0) return invalid(`${who} wrote a line that is no JSON object of plain values: ${shortened(trimmed.split('\n').filter((line) => line.trim() !== '')[bad] ?? '')}`);
  return answerOf({ status: 'success', rows }, who);
}

export function invalid(message: string): RunAnswer {
  return { kind: 'failed', error: { type: 'InvalidAnswer', message } };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 97)}…` : text;
}
