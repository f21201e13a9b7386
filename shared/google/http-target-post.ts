import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';

/**
 * One POST that may take minutes to be answered. Not `fetch`: Node's gives up after 300 s without headers, whatever its
 * signal says, and a target may take 480 s. Redirects are not followed: the token is meant for the address it was made for.
 */

export interface PostAnswer {
  readonly status: number;
  /** Where a redirect points. */
  readonly location: string | null;
  /** Null: more than `maxBytes`; the rest was not read. */
  readonly body: Buffer | null;
}

export interface PostOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly maxBytes: number;
  /** Ends the request; the promise is then rejected. */
  readonly signal: AbortSignal;
}

/** Between probes of a connection on which nothing is said until the answer: idle ones are cut on the way. */
const KEEP_ALIVE_MS = 30_000;

/** Rejects with Node's error where the service is not reached, the connection breaks, or the signal aborts. */
export function post({ url, headers, body, maxBytes, signal }: PostOptions): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestTls : requestPlain;
    // A connection of its own: a kept one, which the other side may just be closing, would fail a run that never began.
    const sent = request(url, { method: 'POST', agent: false, signal, headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) } }, (response) => {
      const status = response.statusCode ?? 0;
      read(response, maxBytes).then((received) => {
        resolve({ status, location: response.headers.location ?? null, body: received });
      }, reject);
    });
    sent.on('socket', (socket) => { socket.setKeepAlive(true, KEEP_ALIVE_MS); });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function read(response: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    const chunk: Buffer = Buffer.from(part);
    bytes += chunk.length;
    if (bytes > maxBytes) {
      response.destroy();
      return null;
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
