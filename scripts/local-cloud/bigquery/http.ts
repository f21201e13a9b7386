import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { ApiError, errorBody, invalid } from './api-error.ts';

/** Requests read with a bound, answers written as JSON. */

export interface ApiRequest {
  readonly method: string;
  /** Decoded parts of the path below `/bigquery/v2/projects/{project}`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection breaks instead. */
  readonly breaks?: boolean;
}

export function answer(body: unknown, status = 200): ApiAnswer {
  return { status, body };
}

export async function bodyOf(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const tooLarge = new ApiError('uploadTooLarge', `Request payload size exceeds the limit: ${mostBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) throw tooLarge;
  const parts: Buffer[] = [];
  let size = 0;
  request.on('data', (part: Buffer) => {
    size += part.length;
    if (size <= mostBytes) parts.push(part);
    else request.destroy(tooLarge);
  });
  await once(request, 'end').catch(() => { throw size > mostBytes ? tooLarge : invalid('The request ended early'); });
  return Buffer.concat(parts);
}

export function jsonOf<T>(schema: z.ZodType<T>, body: Buffer, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8') || '{}');
  } catch {
    throw new ApiError('parseError', `Parse Error: ${what} is no JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`Invalid value at '${(issue?.path ?? []).join('.')}': ${issue?.message ?? 'unknown'}`);
}

export function send(response: ServerResponse, { status, body, headers = {}, breaks = false }: ApiAnswer): void {
  if (breaks) {
    response.destroy();
    return;
  }
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', 'content-length': Buffer.byteLength(text), ...headers });
  response.end(text);
}

export function errorAnswer(thrown: unknown): ApiAnswer {
  const error = thrown instanceof ApiError ? thrown : new ApiError('internalError', thrown instanceof Error ? thrown.message : String(thrown));
  return { status: error.code, body: errorBody(error) };
}

/** A whole number of the query string; the default where it is absent. */
export function wholeNumber(query: URLSearchParams, name: string, usual: number): number {
  const text = query.get(name);
  if (text === null) return usual;
  if (!/^\d{1,15}$/.test(text)) throw invalid(`Invalid value for ${name}: ${text} is not a valid value`);
  return Number(text);
}
