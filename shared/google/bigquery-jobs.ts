import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { anyAnswer, httpStatusOf, type ApiCall, type BigQueryApi, type TableReference } from './bigquery-api.ts';
import { isDone, jobSchema, labelValue, refuseFailed, type Job } from './bigquery-job.ts';
import type { QueryParameter } from './bigquery-parameters.ts';

/** What a job is for: its labels, and the columns of the bill. */
export interface JobPurpose {
  /** `metadata`, `measure`, `fill`, `load`, `promote`, … */
  readonly purpose: string;
  readonly processor?: string;
  readonly runId?: string;
  /** Names the attempt exactly, where a run's id may not fit into a label. */
  readonly attempt?: string;
}

export interface QueryOrder extends JobPurpose {
  readonly sql: string;
  readonly parameters?: readonly QueryParameter[];
  /** The service itself stops it then. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface QueryResult {
  readonly fields: readonly { readonly name: string; readonly type: string }[];
  /** Values as text, in the order of the fields. */
  readonly rows: readonly (readonly (string | null)[])[];
}

export interface JobCounts {
  readonly jobs: number;
  /** Bytes that queries read. */
  readonly bytes: number;
}

export interface BigQueryJobsOptions {
  readonly api: BigQueryApi;
  readonly pipeline: string;
  /** A query that would be billed more is refused by the service, unrun. */
  readonly maximumBytesBilled: number;
  readonly newId: () => string;
  /** Told of each job that was begun. */
  readonly onJob?: (jobId: string, purpose: JobPurpose) => void;
  /** Waits between two looks at a job; for tests. */
  readonly pause?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

const cell = z.object({ v: z.union([z.string(), z.number(), z.boolean()]).nullable().optional() });
const resultsSchema = z.object({
  jobComplete: z.boolean(),
  schema: z.object({ fields: z.array(z.object({ name: z.string(), type: z.string() })).optional() }).optional(),
  rows: z.array(z.object({ f: z.array(cell) })).optional(),
  pageToken: z.string().optional(),
  totalBytesProcessed: z.union([z.string(), z.number()]).optional(),
});

/** How long one request waits for a query to end. */
const LONG_POLL_MS = 10_000;
const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 2_000;
const PAGE_ROWS = 20_000;
const PAGE_TRIES = 4;

/** Runs jobs to their end. Every job has an id of ours, labels, a location, and a cap on its bytes. */
export class BigQueryJobs {
  readonly api: BigQueryApi;
  readonly #options: BigQueryJobsOptions;
  readonly #pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  #counts: JobCounts = { jobs: 0, bytes: 0 };

  constructor(options: BigQueryJobsOptions) {
    this.api = options.api;
    this.#options = options;
    this.#pause = options.pause ?? ((milliseconds, signal) => delay(milliseconds, undefined, { signal }));
  }

  /** What this object has run so far. */
  counts(): JobCounts {
    return this.#counts;
  }

  /** Runs a query and reads all its rows. Aborted: the job is cancelled and the signal's reason thrown. */
  async query(order: QueryOrder): Promise<QueryResult> {
    const jobId = this.#newJobId(order);
    await this.begin(jobId, order, this.queryConfiguration(order));
    return this.#cancelledBy(order.signal, jobId, () => this.#results(jobId));
  }

  /** What a query would give and read, without running it. */
  async dryRun(order: QueryOrder): Promise<{ readonly fields: QueryResult['fields']; readonly bytes: number }> {
    const job = await this.api.call(z.object({ statistics: jobSchema.shape.statistics }), {
      method: 'POST', path: '/jobs', body: { jobReference: { projectId: this.api.project, location: this.api.location }, configuration: { ...this.#described(order, this.queryConfiguration(order)), dryRun: true } },
    });
    const { query, totalBytesProcessed } = job.statistics ?? {};
    return { fields: query?.schema?.fields ?? [], bytes: query?.totalBytesProcessed ?? totalBytesProcessed ?? 0 };
  }

  /** Loads JSON lines into a table that is there. */
  async load(into: TableReference, lines: string, order: JobPurpose & { readonly signal?: AbortSignal }): Promise<void> {
    const jobId = this.#newJobId(order);
    const load = { destinationTable: into, sourceFormat: 'NEWLINE_DELIMITED_JSON', writeDisposition: 'WRITE_APPEND', createDisposition: 'CREATE_NEVER', maxBadRecords: 0 };
    await this.#unlessThere(() => this.api.upload(anyAnswer, this.#job(jobId, order, { load }), lines));
    refuseFailed(await this.wait(jobId, order.signal));
  }

  queryConfiguration({ sql, parameters = [], timeoutMs }: QueryOrder): object {
    return {
      ...(timeoutMs === undefined ? {} : { jobTimeoutMs: String(Math.ceil(timeoutMs)) }),
      query: {
        query: sql, useLegacySql: false, useQueryCache: false, maximumBytesBilled: String(this.#options.maximumBytesBilled),
        ...(parameters.length > 0 ? { parameterMode: 'NAMED', queryParameters: parameters } : {}),
      },
    };
  }

  /** Inserts a job of this id. `exists`: the id was used before, whether by us or by another (P21). */
  async begin(jobId: string, purpose: JobPurpose, configuration: object): Promise<'begun' | 'exists'> {
    return this.#unlessThere(() => this.api.call(anyAnswer, { method: 'POST', path: '/jobs', body: this.#job(jobId, purpose, configuration) }));
  }

  /** Null where there is no job of this id. */
  async find(jobId: string): Promise<Job | null> {
    try {
      return await this.api.call(jobSchema, { method: 'GET', path: `/jobs/${jobId}`, query: { location: this.api.location } });
    } catch (thrown) {
      if (httpStatusOf(thrown) === 404) return null;
      throw thrown;
    }
  }

  /** The job once it is done, well or badly. */
  wait(jobId: string, signal?: AbortSignal): Promise<Job> {
    return this.#cancelledBy(signal, jobId, async (stopped) => {
      for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 1.5, LONGEST_POLL_MS)) {
        const job = await this.api.call(jobSchema, { method: 'GET', path: `/jobs/${jobId}`, query: { location: this.api.location } });
        if (isDone(job)) return job;
        await this.#pause(pause, stopped);
      }
    });
  }

  /** Asks the service to stop a job. It is fine if it has ended. */
  async cancel(jobId: string): Promise<void> {
    await this.api.call(anyAnswer, { method: 'POST', path: `/jobs/${jobId}/cancel`, query: { location: this.api.location } }).catch(() => undefined);
  }

  async #results(jobId: string): Promise<QueryResult> {
    const rows: (string | null)[][] = [];
    let pageToken: string | undefined;
    for (;;) {
      const page = await this.#page(jobId, { location: this.api.location, timeoutMs: LONG_POLL_MS, maxResults: PAGE_ROWS, ...(pageToken === undefined ? {} : { pageToken }),
      });
      if (!page.jobComplete) continue;
      if (pageToken === undefined) this.#counts = { ...this.#counts, bytes: this.#counts.bytes + Number(page.totalBytesProcessed ?? 0) };
      for (const { f } of page.rows ?? []) rows.push(f.map(({ v }) => (v === undefined || v === null ? null : String(v))));
      pageToken = page.pageToken;
      if (pageToken === undefined) return { fields: page.schema?.fields ?? [], rows };
    }
  }

  /**
   * One page of a query's rows, asked for again where the service failed for a moment. A job that ended by such a failure is
   * told in the same form, by every answer: only the job itself says which of the two it was.
   */
  async #page(jobId: string, query: ApiCall['query'], tries = PAGE_TRIES): Promise<z.infer<typeof resultsSchema>> {
    try {
      return await this.api.call(resultsSchema, { method: 'GET', path: `/queries/${jobId}`, query, retried: false });
    } catch (thrown) {
      if ((httpStatusOf(thrown) ?? 0) < 500) throw thrown;
      const job = await this.find(jobId);
      if (job) refuseFailed(job);
      if (job === null || tries <= 1) throw thrown;
    }
    await this.#pause(LONGEST_POLL_MS);
    return this.#page(jobId, query, tries - 1);
  }

  /** Does the work unless the signal aborts first: then the job is cancelled and the reason thrown. */
  async #cancelledBy<T>(signal: AbortSignal | undefined, jobId: string, work: (stopped?: AbortSignal) => Promise<T>): Promise<T> {
    if (signal === undefined) return work();
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      return await Promise.race([work(signal), aborted.promise]);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      await this.cancel(jobId);
      throw signal.reason;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The client repeats a request whose answer was lost, so 409 may be our own first try. */
  async #unlessThere(insert: () => Promise<unknown>): Promise<'begun' | 'exists'> {
    try {
      await insert();
      return 'begun';
    } catch (thrown) {
      if (httpStatusOf(thrown) === 409) return 'exists';
      throw thrown;
    }
  }

  #job(jobId: string, purpose: JobPurpose, configuration: object): object {
    this.#counts = { ...this.#counts, jobs: this.#counts.jobs + 1 };
    this.#options.onJob?.(jobId, purpose);
    return { jobReference: { projectId: this.api.project, jobId, location: this.api.location }, configuration: this.#described(purpose, configuration) };
  }

  #described({ purpose, processor, runId, attempt }: JobPurpose, configuration: object): object {
    const labels = { pipeline: this.#options.pipeline, purpose, processor, run_id: runId, attempt };
    const given = Object.entries(labels).flatMap(([name, value]) => (value === undefined ? [] : [[name, labelValue(value)] as const]));
    return { ...configuration, labels: Object.fromEntries(given) };
  }

  #newJobId({ purpose }: JobPurpose): string {
    return `smart_backfill_${purpose}_${this.#options.newId()}`;
  }
}
