import { randomUUID } from 'node:crypto';
import { ApiError, invalid, notModelled } from './api-error.ts';
import type { ApiAnswer, ApiRequest } from './http.ts';

/** Load jobs whose data comes with them: in one multipart request, or in a session of several. */

export interface Upload { readonly metadata: Buffer; readonly data: Buffer }

const MOST_SESSIONS = 100;

export class Uploads {
  readonly #sessions = new Map<string, { readonly metadata: Buffer; parts: Buffer[]; size: number }>();
  readonly #mostBytes: number;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The upload once it is whole; before that, what to answer. */
  receive(request: ApiRequest, selfUrl: string): Upload | ApiAnswer {
    const type = request.query.get('uploadType');
    if (type === 'multipart' && request.method === 'POST') return multipart(request);
    if (type !== 'resumable') throw notModelled(`uploadType=${type ?? ''} by ${request.method}`);
    return request.method === 'POST' ? this.#begin(request, selfUrl) : this.#continue(request);
  }

  #begin(request: ApiRequest, selfUrl: string): ApiAnswer {
    if (this.#sessions.size >= MOST_SESSIONS) throw new ApiError('rateLimitExceeded', `Too many uploads at a time: ${MOST_SESSIONS}`);
    const id = randomUUID();
    this.#sessions.set(id, { metadata: request.body, parts: [], size: 0 });
    return { status: 200, body: {}, headers: { location: `${selfUrl}?uploadType=resumable&upload_id=${id}`, 'x-guploader-uploadid': id } };
  }

  #continue({ query, headers, body }: ApiRequest): Upload | ApiAnswer {
    const id = query.get('upload_id') ?? '';
    const session = this.#sessions.get(id);
    if (!session) throw new ApiError('notFound', 'The upload is not known, or is over');
    const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(String(headers['content-range'] ?? `bytes 0-${body.length - 1}/${body.length}`));
    if (!range) throw invalid(`Invalid Content-Range: ${String(headers['content-range'])}`);
    const [, from, , total] = range;
    if (from !== undefined && Number(from) !== session.size) throw invalid(`The upload goes on at ${session.size}, not at ${from}`);
    if (session.size + body.length > this.#mostBytes) throw new ApiError('uploadTooLarge', `The upload exceeds the limit: ${this.#mostBytes} bytes.`);
    session.parts.push(body);
    session.size += body.length;
    if (total === '*' || Number(total) !== session.size) {
      return { status: 308, body: undefined, headers: session.size > 0 ? { range: `bytes=0-${session.size - 1}` } : {} };
    }
    this.#sessions.delete(id);
    return { metadata: session.metadata, data: Buffer.concat(session.parts) };
  }
}

export function isUpload(received: Upload | ApiAnswer): received is Upload {
  return 'data' in received;
}

function multipart({ headers, body }: ApiRequest): Upload {
  const boundary = /boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(String(headers['content-type'] ?? ''));
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) throw invalid('Multipart request without a boundary');
  const [metadata, data, ...more] = partsBetween(body, mark);
  if (!metadata || !data || more.length > 0) throw invalid('A multipart upload has two parts: the job as JSON, and its data');
  return { metadata, data };
}

function partsBetween(body: Buffer, mark: string): readonly Buffer[] {
  const separator = Buffer.from(`--${mark}`);
  const parts: Buffer[] = [];
  let start = body.indexOf(separator);
  while (start >= 0) {
    const end = body.indexOf(separator, start + separator.length);
    if (end < 0) break;
    const part = body.subarray(start + separator.length, end);
    const head = part.indexOf('\r\n\r\n');
    if (head < 0) throw invalid('A part of the multipart request has no headers');
    // A line break belongs to the separator that follows.
    const isBroken = part.subarray(-2).toString() === '\r\n';
    parts.push(part.subarray(head + 4, isBroken ? part.length - 2 : part.length));
    start = end;
  }
  return parts;
}

