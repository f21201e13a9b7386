import { randomUUID } from 'node:crypto';
import { ApiError, invalid } from './api-error.ts';
import type { Catalog } from './catalog.ts';
import { copyInto } from './copy-table.ts';
import type { Faults } from './faults.ts';
import { jobSettings, type Configuration, type JobSettings } from './job-settings.ts';
import { LoadError, runLoad, unpacked, type Loaded } from './load-rows.ts';
import { queryError } from './bound-query.ts';
import type { QueryOutcome } from './query-order.ts';
import { runQuery } from './run-query.ts';
import { parseStatement } from './statements.ts';
import { atomically, type Storage } from './storage.ts';
import { refuseUntranslatable } from './translate.ts';
import { upkeep } from './upkeep.ts';
import { text } from './values.ts';

/** Jobs from their request to their end. A job's id is used up for ever, however the job ended. */

export interface Job {
  readonly jobId: string;
  readonly kind: JobSettings['kind'];
  readonly settings: JobSettings;
  readonly configuration: Configuration;
  readonly inputBytes: number;
  readonly createdMs: number;
  startedMs: number | null;
  endedMs: number | null;
  state: 'PENDING' | 'RUNNING' | 'DONE';
  error: ApiError | null;
  query: QueryOutcome | null;
  loaded: Loaded | null;
  copiedRows: number | null;
  /** Why it is to stop; null while it may run. */
  stopped: ApiError | null;
  readonly done: Promise<void>;
}

export interface JobRequest {
  readonly jobId: string | null;
  readonly location: string | null;
  readonly configuration: Configuration;
  readonly data: Buffer | null;
}

/** The bytes of a `gs://` address, for load jobs that read from a bucket; null where there is no such object. */
export type ReadObject = (uri: string) => Promise<Buffer | null>;

const INTERRUPT_AGAIN_MS = 20;

export class Jobs {
  readonly #storage: Storage;
  readonly #catalog: Catalog;
  readonly #faults: Faults;
  readonly #readObject: ReadObject | null;
  readonly #jobs = new Map<string, Job>();
  /** Ids that an earlier process used. */
  readonly #usedBefore = new Set<string>();
  readonly #stops = new Map<string, () => void>();
  /** Oldest first. */
  readonly #withRows: Job[] = [];
  readonly #keptResults: number;
  #executing: Job | null = null;

  constructor(storage: Storage, catalog: Catalog, faults: Faults, { readObject, keptResults }: { readonly readObject: ReadObject | null; readonly keptResults: number }) {
    this.#storage = storage;
    this.#catalog = catalog;
    this.#faults = faults;
    this.#readObject = readObject;
    this.#keptResults = keptResults;
  }

  async load(): Promise<void> {
    await this.#storage.turn(async (session) => {
      await session.run('CREATE TABLE IF NOT EXISTS "sb_meta"."jobs" (id VARCHAR PRIMARY KEY)');
      for (const [id] of await (await session.run('SELECT id FROM "sb_meta"."jobs"')).getRows()) this.#usedBefore.add(String(id));
    });
  }

  all(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  find(jobId: string, location: string | null): Job {
    const job = this.#jobs.get(jobId);
    if (!job || this.#isElsewhere(location)) throw new ApiError('notFound', `Not found: Job ${this.#catalog.projectId}:${location ?? this.#catalog.location}.${jobId}`);
    return job;
  }

  /** Checks and begins a job; it runs on. A dry run is over at once. Throws what refuses the request. */
  async insert({ jobId: given, location, configuration, data }: JobRequest): Promise<Job> {
    if (this.#isElsewhere(location)) throw invalid(`The location ${location ?? ''} is not that of this server, ${this.#catalog.location}`);
    const jobId = given ?? `job_${randomUUID()}`;
    const settings = jobSettings(this.#catalog, configuration);
    const refused = this.#faults.ofJobRequest(factsOf(jobId, settings));
    if (refused) throw refused;
    if (settings.kind === 'load' && data === null && settings.uris === null) throw invalid('Required parameter is missing: sourceUris');
    if (this.#jobs.has(jobId) || this.#usedBefore.has(jobId)) throw new ApiError('duplicate', `Already Exists: Job ${this.#catalog.projectId}:${this.#catalog.location}.${jobId}`);
    if (settings.kind === 'query') refuseUnmodelled(settings.order.sql);
    const finished = Promise.withResolvers<void>();
    const job: Job = {
      jobId, kind: settings.kind, settings, configuration, inputBytes: data?.length ?? 0, createdMs: this.#catalog.now(), startedMs: null, endedMs: null, state: 'PENDING',
      error: null, query: null, loaded: null, copiedRows: null, stopped: null, done: finished.promise,
    };
    if (configuration.dryRun) {
      await this.#execute(job, data);
      job.state = 'DONE';
      return job;
    }
    this.#jobs.set(jobId, job);
    this.#withRows.push(job);
    this.#forgetOldResults();
    await this.#storage.turn((session) => session.run(`INSERT INTO "sb_meta"."jobs" VALUES (${text(jobId)})`));
    void this.#run(job, data).finally(finished.resolve);
    return job;
  }

  /** Asks a job to stop. One that has ended stays as it is. */
  cancel(jobId: string, location: string | null): Job {
    const job = this.find(jobId, location);
    this.#stop(job, new ApiError('stopped'));
    return job;
  }

  breaksAnswer(job: Job): boolean {
    return this.#faults.breaksJobAnswer(factsOf(job.jobId, job.settings));
  }

  /** All jobs stop: the server is closing. */
  async close(): Promise<void> {
    for (const job of this.#jobs.values()) this.#stop(job, new ApiError('backendError'));
    await Promise.all([...this.#jobs.values()].map(({ done }) => done));
  }

  async #run(job: Job, data: Buffer | null): Promise<void> {
    job.state = 'RUNNING';
    job.startedMs = this.#catalog.now();
    const limitMs = job.configuration.jobTimeoutMs;
    const timer = limitMs ? setTimeout(() => this.#stop(job, new ApiError('stopped', `Job execution was cancelled: Job timed out after ${limitMs / 1000}s`)), limitMs) : undefined;
    try {
      await this.#waitWhileHeld(job);
      const injected = this.#faults.ofJob(factsOf(job.jobId, job.settings));
      if (injected) throw injected;
      await this.#execute(job, data);
    } catch (thrown) {
      const error = queryError(thrown);
      job.error = job.stopped ?? (error instanceof ApiError ? error : new ApiError('internalError', error.message));
    } finally {
      clearTimeout(timer);
      job.endedMs = this.#catalog.now();
      job.state = 'DONE';
    }
  }

  async #waitWhileHeld(job: Job): Promise<void> {
    const held = this.#faults.heldBack(factsOf(job.jobId, job.settings));
    if (!held) return;
    const stop = Promise.withResolvers<void>();
    this.#stops.set(job.jobId, stop.resolve);
    await Promise.race([held, stop.promise]);
    this.#stops.delete(job.jobId);
  }

  async #execute(job: Job, data: Buffer | null): Promise<void> {
    const { settings } = job;
    const input = settings.kind === 'load' ? data ?? await this.#objects(settings.uris ?? []) : null;
    await this.#storage.turn(async (session) => {
      if (job.stopped) throw job.stopped;
      this.#executing = job;
      try {
        await upkeep(session, this.#catalog);
        if (settings.kind === 'query') job.query = await runQuery(session, this.#catalog, settings.order);
        else if (settings.kind === 'load') job.loaded = await runLoad(session, this.#catalog, settings, input ?? Buffer.alloc(0));
        else job.copiedRows = await atomically(session, () => copyInto(session, this.#catalog, settings.sources, settings.ref, settings.options));
      } finally {
        this.#executing = null;
      }
    });
  }

  async #objects(uris: readonly string[]): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (const uri of uris) {
      if (uri.includes('*')) throw new ApiError('notImplemented', 'a wildcard in sourceUris is not modelled by the local BigQuery');
      const object = await this.#readObject?.(uri);
      if (!object) throw new ApiError('notFound', `Not found: URI ${uri}`);
      parts.push(unpacked(object), Buffer.from('\n'));
    }
    return Buffer.concat(parts);
  }

  #stop(job: Job, why: ApiError): void {
    if (job.state === 'DONE' || job.stopped) return;
    job.stopped = why;
    this.#stops.get(job.jobId)?.();
    this.#interrupt(job);
  }

  /** Again until it has ended: an interrupt that comes before DuckDB has begun the statement is lost. */
  #interrupt(job: Job): void {
    if (this.#executing !== job) return;
    this.#storage.interrupt();
    setTimeout(() => this.#interrupt(job), INTERRUPT_AGAIN_MS).unref();
  }

  /** The server may run for days, so that only the newest results are kept; Google keeps them for a day. */
  #forgetOldResults(): void {
    while (this.#withRows.length > this.#keptResults) {
      const [oldest] = this.#withRows;
      if (oldest?.state !== 'DONE') return;
      this.#withRows.shift();
      if (oldest.query) oldest.query = { ...oldest.query, rows: null };
    }
  }

  #isElsewhere(location: string | null): boolean {
    return location !== null && location.toLowerCase() !== this.#catalog.location.toLowerCase();
  }
}

function factsOf(jobId: string, settings: JobSettings): Parameters<Faults['ofJob']>[0] {
  return { kind: settings.kind, jobId, sql: settings.kind === 'query' ? settings.order.sql : null };
}

/** What is not modelled is refused by HTTP 501 before there is a job; what is wrong fails the job. */
function refuseUnmodelled(sql: string): void {
  try {
    const { kind } = parseStatement(sql);
    if (kind === 'select' || kind === 'dml') refuseUntranslatable(sql);
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.reason === 'notImplemented') throw thrown;
  }
}

export function errorsOf(error: ApiError): readonly unknown[] {
  return error instanceof LoadError ? [error.proto(), ...error.rows] : [error.proto()];
}
