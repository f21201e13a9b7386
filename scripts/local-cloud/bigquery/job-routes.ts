import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ApiError, invalid } from './api-error.ts';
import type { Catalog } from './catalog.ts';
import { answer, jsonOf, wholeNumber, type ApiAnswer, type ApiRequest } from './http.ts';
import { changed, jobResource } from './job-resource.ts';
import { jobRequestSchema, querySettingsSchema, read } from './job-settings.ts';
import type { Job, Jobs } from './jobs.ts';
import { pageOf } from './pages.ts';
import { isUpload, type Uploads } from './uploads.ts';

/** jobs.* of the API. */

/** How long a request for a query's results waits where it does not say. */
const USUAL_WAIT_MS = 10_000;
/** What jobs.insert and jobs.get take at Google, roughly: a job that is as quick as that is seen to be done at once. */
const ROUND_TRIP_MS = 50;

export class JobRoutes {
  readonly #catalog: Catalog;
  readonly #jobs: Jobs;
  readonly #uploads: Uploads;

  constructor(catalog: Catalog, jobs: Jobs, uploads: Uploads) {
    this.#catalog = catalog;
    this.#jobs = jobs;
    this.#uploads = uploads;
  }

  async insert(request: ApiRequest): Promise<ApiAnswer> {
    return this.#begin(request.body, null);
  }

  async upload(request: ApiRequest, selfUrl: string): Promise<ApiAnswer> {
    const received = this.#uploads.receive(request, selfUrl);
    return isUpload(received) ? this.#begin(received.metadata, received.data) : received;
  }

  async get(request: ApiRequest): Promise<ApiAnswer> {
    const job = this.#jobs.find(request.path[1] ?? '', request.query.get('location'));
    await within(job, ROUND_TRIP_MS);
    return answer(jobResource(this.#catalog, job));
  }

  cancel(request: ApiRequest): ApiAnswer {
    const job = this.#jobs.cancel(request.path[1] ?? '', request.query.get('location'));
    return answer({ kind: 'bigquery#jobCancelResponse', job: jobResource(this.#catalog, job) });
  }

  list({ query }: ApiRequest): ApiAnswer {
    const states = query.getAll('stateFilter').map((state) => state.toUpperCase());
    const found = this.#jobs.all().filter(({ state }) => states.length === 0 || states.includes(state)).toReversed();
    const from = /^job_\d+$/.test(query.get('pageToken') ?? '') ? Number(query.get('pageToken')?.slice(4)) : 0;
    const size = wholeNumber(query, 'maxResults', 50);
    const jobs = found.slice(from, from + size).map((job) => ({ ...jobResource(this.#catalog, job), state: job.state, ...(job.error ? { errorResult: job.error.proto() } : {}) }));
    return answer({ kind: 'bigquery#jobList', jobs, ...(from + size < found.length ? { nextPageToken: `job_${from + size}` } : {}) });
  }

  /** jobs.query: a query job, and its first page if it is done in time. */
  async query(request: ApiRequest): Promise<ApiAnswer> {
    const sent = jsonOf(requestSchema, request.body, 'the query');
    const { labels, dryRun, timeoutMs, maxResults, formatOptions, location, jobTimeoutMs, ...rest } = sent;
    const settings = Object.fromEntries(Object.entries(rest).filter(([name]) => !IGNORED.has(name)));
    read(querySettingsSchema, settings, 'query');
    const job = await this.#jobs.insert({ jobId: null, location: location ?? null, configuration: { query: settings, load: undefined, copy: undefined, labels, dryRun, jobTimeoutMs }, data: null });
    const page = new URLSearchParams(maxResults === undefined || maxResults === null ? {} : { maxResults: String(maxResults) });
    if (formatOptions?.useInt64Timestamp !== undefined) page.set('formatOptions.useInt64Timestamp', String(formatOptions.useInt64Timestamp));
    if (formatOptions?.timestampOutputFormat !== undefined) page.set('formatOptions.timestampOutputFormat', formatOptions.timestampOutputFormat);
    if (!dryRun) await within(job, Number(timeoutMs ?? USUAL_WAIT_MS));
    return this.#jobs.breaksAnswer(job) ? { status: 200, body: null, breaks: true } : answer(this.#results(job, page, 'bigquery#queryResponse'));
  }

  async results(request: ApiRequest): Promise<ApiAnswer> {
    const job = this.#jobs.find(request.path[1] ?? '', request.query.get('location'));
    if (job.kind !== 'query') throw invalid(`Cannot read query results of a ${job.kind} job`);
    await within(job, wholeNumber(request.query, 'timeoutMs', USUAL_WAIT_MS));
    return answer(this.#results(job, request.query, 'bigquery#getQueryResultsResponse'));
  }

  #results(job: Job, query: URLSearchParams, kind: string): unknown {
    const { projectId, location } = this.#catalog;
    const reference = { kind, jobReference: { projectId, jobId: job.jobId, location } };
    if (job.state !== 'DONE') return { ...reference, jobComplete: false };
    // A failed query's results are an HTTP error, while the job itself is told under HTTP 200 (P22).
    if (job.error) throw job.error;
    const outcome = job.query;
    if (!outcome) throw new ApiError('internalError');
    const { rows } = outcome;
    if (rows === null) throw new ApiError('notFound', `Not found: the results of job ${job.jobId} are no longer kept`);
    const page = pageOf(outcome.fields, rows, query);
    return {
      ...reference, jobComplete: true, schema: { fields: outcome.fields }, totalRows: String(rows.length), totalBytesProcessed: String(outcome.bytesProcessed), cacheHit: false,
      ...changed(outcome.changes), ...(page.rows.length > 0 ? { rows: page.rows } : {}), ...(page.pageToken === undefined ? {} : { pageToken: page.pageToken }),
    };
  }

  async #begin(metadata: Buffer, data: Buffer | null): Promise<ApiAnswer> {
    const { jobReference, configuration } = jsonOf(jobRequestSchema, metadata, 'the job');
    const job = await this.#jobs.insert({ jobId: jobReference.jobId ?? null, location: jobReference.location ?? null, configuration, data });
    if (this.#jobs.breaksAnswer(job)) return { status: 200, body: null, breaks: true };
    if (configuration.dryRun) return answer(jobResource(this.#catalog, job, true));
    // The answer never says how the job ended, however quick it was: the client takes an error in it for a refusal.
    return answer(jobResource(this.#catalog, { ...job, state: 'RUNNING', error: null, endedMs: null, query: null, loaded: null, copiedRows: null }));
  }
}

const requestSchema = z.looseObject({
  labels: z.record(z.string(), z.string()).nullish().transform((labels) => labels ?? {}), dryRun: z.boolean().default(false), timeoutMs: z.union([z.number(), z.string().regex(/^\d+$/)]).nullish(),
  maxResults: z.number().int().nonnegative().nullish(), location: z.string().nullish(), jobTimeoutMs: z.union([z.number(), z.string().regex(/^\d+$/)]).nullish().transform((limit) => (limit === null || limit === undefined ? null : Number(limit))),
  formatOptions: z.object({ useInt64Timestamp: z.boolean().optional(), timestampOutputFormat: z.string().optional() }).nullish(),
});
/** Sent with jobs.query, without meaning here. */
const IGNORED: ReadonlySet<string> = new Set(['kind', 'requestId', 'jobCreationMode', 'useQueryCache', 'preserveNulls', 'createSession']);

async function within(job: Job, limitMs: number): Promise<void> {
  if (job.state === 'DONE') return;
  const over = new AbortController();
  await Promise.race([job.done, sleep(limitMs, undefined, { signal: over.signal }).catch(() => undefined)]);
  over.abort();
}
