import { addDays, dayAt, formatDay, parseDay } from '../../../shared/calendar/day.ts';
import { classify } from '../../../shared/failures/classify.ts';
import { InputError } from '../../../shared/failures/errors.ts';
import { liveRun, type LiveParts } from './live.ts';
import type { Outages } from './outages.ts';
import { processOrder } from './process-order.ts';

/** The service's routes, without a server around them. */

export interface Request {
  readonly method: string;
  /** Path and query: `/live?date=2023-12-05`. */
  readonly url: string;
  readonly body: Uint8Array;
}

export interface Response {
  readonly status: number;
  readonly body: unknown;
}

/** A line for Google's structured logs: https://cloud.google.com/logging/docs/structured-logging */
export type Log = (line: { readonly severity: 'INFO' | 'WARNING' | 'ERROR'; readonly message: string } & Readonly<Record<string, unknown>>) => void;

export interface ServiceParts extends LiveParts {
  /** Null: outages can't be set over HTTP here. */
  readonly outages: Outages | null;
  readonly log: Log;
}

const ROUTES = 'POST /process (the processor contract), POST /live?date=YYYY-MM-DD (the daily run), GET and PUT /outages (where OUTAGES=allowed)';

/** Never rejects: what nobody foresaw is answered 500, in words. */
export async function answer(parts: ServiceParts, request: Request): Promise<Response> {
  try {
    return await routed(parts, request);
  } catch (thrown) {
    const { type, message } = classify(thrown);
    const status = thrown instanceof InputError ? 400 : 500;
    parts.log({ severity: status === 400 ? 'WARNING' : 'ERROR', message: `${request.method} ${request.url}: ${message}`, stack_trace: status === 500 && thrown instanceof Error ? thrown.stack : undefined });
    return failed(status, status === 400 ? 'invalid_request' : type, message);
  }
}

async function routed(parts: ServiceParts, { method, url, body }: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(url, 'http://service');
  if (pathname === '/process' && method === 'POST') return processed(parts, body);
  if (pathname === '/live' && method === 'POST') return live(parts, searchParams.get('date'));
  if (pathname === '/outages' && parts.outages && method === 'GET') return { status: 200, body: await parts.outages.read() };
  if (pathname === '/outages' && parts.outages && method === 'PUT') return { status: 200, body: await parts.outages.set(body) };
  const known = ['/process', '/live', '/outages'].includes(pathname);
  return failed(known ? 405 : 404, 'invalid_request', `received ${method} ${pathname}; allowed are ${ROUTES}`);
}

async function processed(parts: ServiceParts, body: Uint8Array): Promise<Response> {
  const { httpStatus, answer, input } = await processOrder(parts.places, parts.sources, body);
  const what = input ? `${input.processor_name} ${input.start_date === input.end_date ? input.start_date : `${input.start_date} to ${input.end_date}`}` : 'an order';
  parts.log({
    severity: answer.status === 'failed' ? 'WARNING' : 'INFO', message: `${what}: ${answer.status}${answer.error ? `, ${answer.error.message}` : `, ${answer.rows_processed} rows`}`,
    processor_name: input?.processor_name, game_date: input?.start_date, run_id: input?.run_id, outcome: answer.status,
  });
  return { status: httpStatus, body: answer };
}

/** Without a date: last night's. */
async function live(parts: ServiceParts, date: string | null): Promise<Response> {
  const day = date === null ? addDays(dayAt(parts.now(), parts.places.pipeline.timeZone), -1) : parseDay(date);
  if (day === undefined) return failed(400, 'invalid_request', `received the date '${date}'; write it as YYYY-MM-DD, or leave it out for last night`);
  const steps = await liveRun(parts, day);
  for (const { processor_name, status, rows_processed, run_id, error } of steps) {
    parts.log({ severity: status === 'failed' ? 'WARNING' : 'INFO', message: `${processor_name} ${formatDay(day)}: ${status}${error ? `, ${error.message}` : `, ${rows_processed} rows`}`, processor_name, game_date: formatDay(day), run_id, outcome: status });
  }
  // 200 although something failed: the completion messages say so, and a scheduler that repeats the whole run mends nothing.
  return { status: 200, body: { game_date: formatDay(day), steps } };
}

function failed(status: number, type: string, message: string): Response {
  return { status, body: { status: 'failed', rows_processed: 0, code_version: null, error: { type, message } } };
}
