import { z } from 'zod';
import { daysBetween, dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { parseMessage } from '../../../shared/requests/decode.ts';
import { targetInputSchema, type TargetInput } from '../../../shared/requests/messages.ts';
import type { AnswerError } from './answer-error.ts';
import { runDate, type DateEnd, type Places } from './run-date.ts';
import type { Source } from './sources.ts';

/** What a synchronous target answers (shared/requests/messages.ts, `targetAnswerSchema`). */
export interface Answer {
  readonly status: 'success' | 'no_data' | 'failed';
  readonly rows_processed: number;
  readonly code_version: string | null;
  readonly error: AnswerError | null;
}

export interface Processed {
  /** 200: it was tried, and the answer says what became of it. 400: such a request can never be right. */
  readonly httpStatus: 200 | 400;
  readonly answer: Answer;
  /** What was asked, as far as it could be read: for the log. */
  readonly input: TargetInput | null;
}

const MOST_DATES = 31;

/**
 * The processor contract. Nothing is published here, whatever `skip_downstream_trigger` says: who calls a synchronous
 * target gets the answer, and tells the others itself.
 */
export async function processOrder(places: Places, sources: ReadonlyMap<string, Source>, body: Uint8Array): Promise<Processed> {
  const message = parseMessage(body);
  if (message.kind === 'refused') return refused(message.reason, null);
  const parsed = targetInputSchema.safeParse(message.value);
  if (!parsed.success) return refused(`the order is not right: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}; see docs/messages.md`, null);
  const input = parsed.data;
  const source = sources.get(input.processor_name);
  if (!source) return refused(`unknown processor '${input.processor_name}'; this service runs ${[...sources.keys()].join(', ')}`, input);
  const days = daysBetween(dayOf(input.start_date), dayOf(input.end_date));
  if (days.length === 0) return refused(`end_date ${input.end_date} is before start_date ${input.start_date}; for one date send it as both`, input);
  if (days.length > MOST_DATES) return refused(`received ${days.length} dates; at most ${MOST_DATES} are allowed at a time`, input);

  const ends: DateEnd[] = [];
  for (const day of days) {
    const end = await runDate(places, source, day, {
      runId: input.run_id, isBackfill: input.is_backfill, skipDownstreamTrigger: input.skip_downstream_trigger, strictMode: input.strict_mode,
      triggerReason: input.trigger_reason, backfillId: input.backfill_id,
    });
    ends.push(end.status === 'failed' && days.length > 1 ? { ...end, error: { ...end.error, message: `${formatDay(day)}: ${end.error.message}` } } : end);
    if (end.status === 'failed') break;
  }
  return { httpStatus: 200, answer: summed(ends, source.processor.codeVersion), input };
}

/** Failed at the first date that did; no data only where no date had some. */
function summed(ends: readonly DateEnd[], codeVersion: string): Answer {
  const rows = ends.reduce((sum, end) => sum + (end.status === 'success' ? end.rows : 0), 0);
  const failed = ends.find((end) => end.status === 'failed');
  const worst = failed ?? (ends.some((end) => end.status === 'success') ? null : ends[0]);
  return { status: worst?.status ?? 'success', rows_processed: rows, code_version: codeVersion === '' ? null : codeVersion, error: worst && worst.status !== 'success' ? worst.error : null };
}

function refused(message: string, input: TargetInput | null): Processed {
  return { httpStatus: 400, answer: { status: 'failed', rows_processed: 0, code_version: null, error: { type: 'invalid_request', message } }, input };
}
