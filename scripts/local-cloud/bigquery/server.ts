import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ApiError, invalid, notModelled } from './api-error.ts';
import { Catalog } from './catalog.ts';
import { Faults, type Fault, type Hold, type JobMatch, type PendingFault } from './faults.ts';
import { bodyOf, errorAnswer, send, type ApiAnswer, type ApiRequest } from './http.ts';
import { JobRoutes } from './job-routes.ts';
import { Jobs, type ReadObject } from './jobs.ts';
import { outsideRows } from './outside.ts';
import { Routes } from './routes.ts';
import { runQuery } from './run-query.ts';
import { Storage } from './storage.ts';
import { flushBuffer, Streaming } from './streaming.ts';
import { summaryOf, type JobSummary } from './summary.ts';
import { TableRoutes } from './table-routes.ts';
import { Uploads } from './uploads.ts';
import { upkeep } from './upkeep.ts';

/** A stand-in for BigQuery, for tests and the local cloud. README.md lists what it models. */

export interface BigQueryOptions {
  readonly projectId?: string;
  /** Where everything lies: `US` unless said otherwise. */
  readonly location?: string;
  /** A free one unless said otherwise; always on 127.0.0.1. */
  readonly port?: number;
  /** A DuckDB file that keeps datasets, tables and used job ids; in memory unless said otherwise. */
  readonly file?: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Keeps every version of every table, for FOR SYSTEM_TIME AS OF: for tests, since it never throws one away. */
  readonly remembersPast?: boolean;
  /** For load jobs that read `gs://` addresses. */
  readonly readObject?: ReadObject;
  readonly maximumRequestBytes?: number;
  /** Queries whose rows are kept; 1000 unless said otherwise. */
  readonly keptResults?: number;
  readonly maximumUploadBytes?: number;
}

export interface RequestSummary { readonly method: string; readonly path: string; readonly status: number }

export interface FakeBigQuery {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly projectId: string;
  readonly location: string;
  failNext(fault: Fault): PendingFault;
  /** Faults that nothing has run into yet are dropped. */
  clearFaults(): void;
  /** Jobs that match wait, RUNNING, until they are released or cancelled. */
  holdJobs(match?: JobMatch): Hold;
  jobs(): readonly JobSummary[];
  requests(): readonly RequestSummary[];
  /** Runs a statement as another program would, without a job; returns the rows, values as the API writes them. */
  outside(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Moves streamed rows of a table, `dataset.table`, or of all tables, into their partitions. */
  flush(table?: string): Promise<void>;
  close(): Promise<void>;
}

/** https://cloud.google.com/bigquery/quotas: a request of 10 MB. */
const MOST_REQUEST_BYTES = 10 * 1024 * 1024;
const MOST_UPLOAD_BYTES = 256 * 1024 * 1024;
const MOST_REMEMBERED_REQUESTS = 10_000;

export async function startBigQuery(options: BigQueryOptions = {}): Promise<FakeBigQuery> {
  const { projectId = 'local', location = 'US', port = 0, file = ':memory:', now = Date.now, readObject = null, keptResults = 1000, maximumRequestBytes = MOST_REQUEST_BYTES, maximumUploadBytes = MOST_UPLOAD_BYTES } = options;
  const storage = await Storage.open(file);
  const catalog = new Catalog(projectId, location, now, options.remembersPast);
  await storage.turn((session) => catalog.load(session));
  const faults = new Faults();
  const jobs = new Jobs(storage, catalog, faults, { readObject, keptResults });
  await jobs.load();
  const jobRoutes = new JobRoutes(catalog, jobs, new Uploads(maximumUploadBytes));
  const routes = new Routes(jobRoutes, new TableRoutes(storage, catalog, new Streaming(catalog)));
  const requests: RequestSummary[] = [];
  let endpoint = '';

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    let given: ApiAnswer;
    try {
      const refused = faults.ofRequest(method, url.pathname);
      const isUpload = url.pathname.startsWith('/upload/');
      const body = await bodyOf(request, isUpload ? maximumUploadBytes : maximumRequestBytes);
      if (refused) throw refused;
      const asked: ApiRequest = { method, path: pathOf(url.pathname, projectId), query: url.searchParams, headers: request.headers, body };
      given = isUpload ? await uploaded(asked, `${endpoint}${url.pathname}`) : await routes.answer(asked);
      if (faults.breaksAnswer(method, url.pathname)) given = { ...given, breaks: true };
    } catch (thrown) {
      given = errorAnswer(thrown);
    }
    requests.push({ method, path: url.pathname, status: given.breaks === true ? 0 : given.status });
    if (requests.length > MOST_REMEMBERED_REQUESTS) requests.shift();
    send(response, given);
  };
  const uploaded = (request: ApiRequest, selfUrl: string): Promise<ApiAnswer> => {
    if (request.path.join('/') !== 'jobs') throw notModelled(`an upload to ${request.path.join('/')}`);
    return jobRoutes.upload(request, selfUrl);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((thrown: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, errorAnswer(thrown));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`;

  return {
    endpoint, projectId, location,
    failNext: (fault) => faults.failNext(fault),
    clearFaults: () => faults.clear(),
    holdJobs: (match = {}) => faults.hold(match),
    jobs: () => jobs.all().map(summaryOf),
    requests: () => [...requests],
    outside: (sql) => storage.turn(async (session) => {
      await upkeep(session, catalog);
      return outsideRows(await runQuery(session, catalog, { sql, parameters: [], defaultDataset: null, dryRun: false, maximumBytesBilled: null, destination: null }));
    }),
    flush: (table) => storage.turn(async (session) => {
      for (const one of catalog.buffered()) if (table === undefined || table === `${one.datasetId}.${one.tableId}`) await flushBuffer(session, catalog, one);
    }),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => { server.close(() => resolve()); });
      await jobs.close();
      await storage.close();
    },
  };
}

/** What follows `/bigquery/v2/projects/{project}/`, decoded. */
function pathOf(pathname: string, projectId: string): readonly string[] {
  const found = /^(?:\/upload)?\/bigquery\/v2\/projects\/([^/]+)\/(.+)$/.exec(pathname);
  if (!found?.[1] || !found[2]) throw notModelled(pathname);
  let parts: readonly string[];
  try {
    parts = [found[1], ...found[2].split('/')].map(decodeURIComponent);
  } catch {
    throw invalid(`The path ${pathname} is not well-formed`);
  }
  const [project, ...path] = parts;
  if (project !== projectId) throw new ApiError('notFound', `Not found: Project ${project ?? ''}; this server has ${projectId}`);
  return path;
}

