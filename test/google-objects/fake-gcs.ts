import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { crc32c } from './crc32c.ts';

/**
 * The part of Cloud Storage's JSON API that `BucketObjects` uses: multipart upload, media download, metadata, list with
 * pages, delete, generations and `ifGenerationMatch`. Anything else is answered 501.
 */

interface Stored {
  readonly bytes: Buffer;
  readonly generation: number;
  readonly updated: string;
  readonly metadata: unknown;
}

export interface FakeGcs {
  readonly endpoint: string;
  readonly objects: Map<string, Stored>;
  /** Each request as `METHOD path?query`. */
  readonly requests: string[];
  /** Called after a request was carried out and before it is answered: true cuts the connection instead. */
  loseAnswer: (method: string, path: string) => boolean;
  close(): Promise<void>;
}

const PAGE = 3;

export async function startFakeGcs(): Promise<FakeGcs> {
  const objects = new Map<string, Stored>();
  let generation = 1_700_000_000_000_000;
  const requests: string[] = [];
  const fake: { loseAnswer: FakeGcs['loseAnswer'] } = { loseAnswer: () => false };

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => fail(response, 500, String(thrown)));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const body = await bodyOf(request);
    requests.push(`${request.method} ${url.pathname}${url.search}`);
    const send = carryOut(request, url, body);
    if (fake.loseAnswer(request.method ?? '', url.pathname)) {
      response.destroy();
      return;
    }
    send(response);
  }

  function carryOut(request: IncomingMessage, url: URL, body: Buffer): (response: ServerResponse) => void {
    const object = /^\/storage\/v1\/b\/landing\/o\/([^/]+)$/.exec(url.pathname)?.[1];
    const name = object === undefined ? url.searchParams.get('name') ?? '' : decodeURIComponent(object);
    const present = objects.get(name);
    const condition = url.searchParams.get('ifGenerationMatch');
    if (condition !== null && Number(condition) !== (present?.generation ?? 0)) {
      return (response) => fail(response, 412, 'At least one of the pre-conditions you specified did not hold.', 'conditionNotMet');
    }
    if (request.method === 'POST' && url.pathname === '/upload/storage/v1/b/landing/o' && url.searchParams.get('uploadType') === 'multipart') {
      const { metadata, bytes } = multipart(request.headers['content-type'] ?? '', body);
      objects.set(name, { bytes, generation: (generation += 1), updated: new Date().toISOString(), metadata });
      return (response) => json(response, 200, resource(name, objects.get(name)));
    }
    if (request.method === 'GET' && url.pathname === '/storage/v1/b/landing/o') return (response) => json(response, 200, page(url));
    if (object === undefined) return (response) => fail(response, 501, `${request.method} ${url.pathname} is not modelled`);
    if (!present) return (response) => fail(response, 404, `No such object: landing/${name}`, 'notFound');
    if (request.method === 'DELETE') {
      objects.delete(name);
      return (response) => response.writeHead(204).end();
    }
    if (url.searchParams.get('alt') !== 'media') return (response) => json(response, 200, resource(name, present));
    return (response) => response.writeHead(200, {
      'content-type': 'application/octet-stream', 'content-length': present.bytes.length, 'x-goog-generation': String(present.generation),
      'x-goog-stored-content-encoding': 'identity', 'x-goog-hash': `crc32c=${crc32c(present.bytes)}`,
    }).end(present.bytes);
  }

  function page(url: URL): unknown {
    const prefix = url.searchParams.get('prefix') ?? '';
    const names = [...objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    const from = Number(url.searchParams.get('pageToken') ?? 0);
    return {
      items: names.slice(from, from + PAGE).map((name) => resource(name, objects.get(name))),
      ...(from + PAGE < names.length ? { nextPageToken: String(from + PAGE) } : {}),
    };
  }

  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return Object.assign(fake, {
    endpoint: `http://127.0.0.1:${port}`, objects, requests,
    close: () => new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  });
}

function resource(name: string, stored: Stored | undefined): unknown {
  if (!stored) return {};
  const { bytes, generation, updated, metadata } = stored;
  return { kind: 'storage#object', ...(typeof metadata === 'object' ? metadata : {}), name, bucket: 'landing', generation: String(generation), size: String(bytes.length), updated, crc32c: crc32c(bytes) };
}

/** Two parts: the object's metadata as JSON, and its bytes. */
function multipart(contentType: string, body: Buffer): { readonly metadata: unknown; readonly bytes: Buffer } {
  const boundary = /boundary=(?:"([^"]+)"|([^;]+))/.exec(contentType);
  const mark = `--${boundary?.[1] ?? boundary?.[2]}`;
  const blank = Buffer.from('\r\n\r\n');
  const first = body.indexOf(blank) + blank.length;
  const second = body.indexOf(mark, first);
  const start = body.indexOf(blank, second) + blank.length;
  const end = body.lastIndexOf(`\r\n${mark}--`);
  return { metadata: JSON.parse(body.subarray(first, second).toString('utf8').trim()), bytes: body.subarray(start, end) };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function fail(response: ServerResponse, code: number, message: string, reason = 'error'): void {
  json(response, code, { error: { code, message, errors: [{ domain: 'global', reason, message }] } });
}
