import { ApiError } from './api-error.ts';

/** Errors, delays and lost answers on demand. */

export interface JobMatch {
  readonly kind?: 'query' | 'load' | 'copy';
  readonly jobId?: RegExp;
  /** Of a query job. */
  readonly sql?: RegExp;
}

export interface Fault {
  /**
   * `request`: the HTTP request is refused and does nothing. `job`: the job is accepted and ends so, without having done
   * anything; HTTP is 200 (P22). `answer`: the request does its work, and the connection breaks before the answer (P21).
   */
  readonly at: 'request' | 'job' | 'answer';
  /** Google's reason: `rateLimitExceeded`, `backendError`, …; without meaning for `answer`. */
  readonly reason?: string;
  readonly message?: string;
  /** HTTP code where it is another than is usual for the reason. */
  readonly code?: number;
  readonly location?: string;
  /** How many times; 1 unless said otherwise. */
  readonly times?: number;
  readonly method?: string;
  readonly path?: RegExp;
  readonly job?: JobMatch;
}

/** A fault that waits to be run into. */
export interface PendingFault {
  /** How many times it has still to be met. */
  left(): number;
  withdraw(): void;
}

export interface Hold {
  /** Resolves with the job's id when the first job that matches has begun and waits. */
  readonly reached: Promise<string>;
  release(): void;
}

interface JobFacts { readonly kind: 'query' | 'load' | 'copy'; readonly jobId: string; readonly sql: string | null }

export class Faults {
  readonly #faults: { readonly fault: Fault; left: number }[] = [];
  readonly #holds: { readonly match: JobMatch; readonly reach: (jobId: string) => void; readonly released: Promise<void> }[] = [];

  failNext(fault: Fault): PendingFault {
    const pending = { fault, left: fault.times ?? 1 };
    this.#faults.push(pending);
    return {
      left: () => (this.#faults.includes(pending) ? pending.left : 0),
      withdraw: () => {
        const index = this.#faults.indexOf(pending);
        if (index >= 0) this.#faults.splice(index, 1);
      },
    };
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** Jobs that match stay RUNNING until they are released or cancelled. */
  hold(match: JobMatch): Hold {
    const reached = Promise.withResolvers<string>();
    const released = Promise.withResolvers<void>();
    const hold = { match, reach: reached.resolve, released: released.promise };
    this.#holds.push(hold);
    return {
      reached: reached.promise,
      release: () => {
        this.#holds.splice(this.#holds.indexOf(hold), 1);
        released.resolve();
      },
    };
  }

  ofRequest(method: string, path: string): ApiError | null {
    return errorOf(this.#take((fault) => fault.at === 'request' && isOfRequest(fault, method, path) && fault.job === undefined));
  }

  breaksAnswer(method: string, path: string): boolean {
    return this.#take((fault) => fault.at === 'answer' && isOfRequest(fault, method, path) && fault.job === undefined) !== null;
  }

  /** A refusal of the request that would begin a job. */
  ofJobRequest(job: JobFacts): ApiError | null {
    return errorOf(this.#take((fault) => fault.at === 'request' && fault.job !== undefined && matches(fault.job, job)));
  }

  breaksJobAnswer(job: JobFacts): boolean {
    return this.#take((fault) => fault.at === 'answer' && fault.job !== undefined && matches(fault.job, job)) !== null;
  }

  ofJob(job: JobFacts): ApiError | null {
    return errorOf(this.#take((fault) => fault.at === 'job' && matches(fault.job ?? {}, job)));
  }

  /** Null where nobody holds the job. */
  heldBack(job: JobFacts): Promise<void> | null {
    const hold = this.#holds.find(({ match }) => matches(match, job));
    if (!hold) return null;
    hold.reach(job.jobId);
    return hold.released;
  }

  #take(isMeant: (fault: Fault) => boolean): Fault | null {
    const index = this.#faults.findIndex(({ fault }) => isMeant(fault));
    const found = this.#faults[index];
    if (!found) return null;
    found.left -= 1;
    if (found.left <= 0) this.#faults.splice(index, 1);
    return found.fault;
  }
}

function errorOf(fault: Fault | null): ApiError | null {
  if (!fault) return null;
  return new ApiError(fault.reason ?? 'backendError', fault.message, { ...(fault.code === undefined ? {} : { code: fault.code }), ...(fault.location === undefined ? {} : { location: fault.location }) });
}

function isOfRequest({ method, path }: Fault, asked: string, at: string): boolean {
  return (method === undefined || method.toUpperCase() === asked) && (path === undefined || path.test(at));
}

function matches(match: JobMatch, { kind, jobId, sql }: JobFacts): boolean {
  return (match.kind === undefined || match.kind === kind) && (match.jobId === undefined || match.jobId.test(jobId)) && (match.sql === undefined || (sql !== null && match.sql.test(sql)));
}
