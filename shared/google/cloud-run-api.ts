import { z } from 'zod';
import { RetrySoonError } from '../failures/errors.ts';

/**
 * The part of the Cloud Run Admin API v2 that runs and stops job executions:
 * https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs/run and
 * https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs.executions
 */

/** `fetch` that adds an access token with the scope cloud-platform. */
export type AuthorisedFetch = (url: string, init: RequestInit) => Promise<Response>;

/** An execution's state. Counts are of its tasks; `completionTime` is there once it has ended, however. */
const executionSchema = z.looseObject({
  name: z.string(),
  completionTime: z.string().nullish(),
  cancelledCount: z.number().int().nullish(),
  succeededCount: z.number().int().nullish(),
  failedCount: z.number().int().nullish(),
});
export type Execution = z.infer<typeof executionSchema>;

/** The long-running operation that `:run` answers: its metadata is the execution that was made. */
const runOperationSchema = z.looseObject({ metadata: z.looseObject({ name: z.string().regex(/\/executions\//) }) });

export interface JobOverrides {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}

/** What the API answered to a call that it did not carry out: its body says why, `classify` reads it. */
export class CloudRunError extends Error {
  readonly statusCode: number;
  /** `{error: {code, message, status, details}}` where it was JSON. */
  readonly body: unknown;

  constructor(message: string, statusCode: number, body: unknown) {
    super(message);
    this.name = 'CloudRunError';
    this.statusCode = statusCode;
    this.body = body;
  }
}

const TIMEOUT_MS = 60_000;
const errorSchema = z.looseObject({ error: z.looseObject({ message: z.string() }) });

export class CloudRunApi {
  readonly #fetch: AuthorisedFetch;
  readonly #endpoint: string;

  constructor(fetch: AuthorisedFetch, endpoint = 'https://run.googleapis.com') {
    this.#fetch = fetch;
    this.#endpoint = endpoint;
  }

  /** Starts an execution of `projects/…/locations/…/jobs/…` and returns its full name. Needs run.jobs.runWithOverrides. */
  async run(job: string, { args, env, timeoutSeconds }: JobOverrides, signal: AbortSignal): Promise<string> {
    const overrides = {
      containerOverrides: [{ args, env: Object.entries(env).map(([name, value]) => ({ name, value })) }],
      timeout: `${Math.ceil(timeoutSeconds)}s`,
    };
    const answer = await this.#call('POST', `${job}:run`, { overrides }, signal);
    return understood(runOperationSchema, answer, `${job}:run`).metadata.name;
  }

  async execution(name: string): Promise<Execution> {
    return understood(executionSchema, await this.#call('GET', name, null), name);
  }

  async cancel(name: string): Promise<void> {
    await this.#call('POST', `${name}:cancel`, {});
  }

  async #call(method: 'GET' | 'POST', path: string, body: object | null, signal?: AbortSignal): Promise<unknown> {
    const inTime = AbortSignal.timeout(TIMEOUT_MS);
    const response = await this.#fetch(`${this.#endpoint}/v2/${path}`, {
      method, redirect: 'error', signal: signal ? AbortSignal.any([signal, inTime]) : inTime,
      ...(body === null ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = jsonOf(text);
    if (response.ok) return answer;
    const told = errorSchema.safeParse(answer);
    throw new CloudRunError(`Cloud Run answered ${response.status} to ${method} ${path}: ${told.success ? told.data.error.message : text.slice(0, 500) || '(no text)'}`, response.status, answer);
  }
}

function understood<S extends z.ZodType>(schema: S, answer: unknown, path: string): z.infer<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new RetrySoonError(`Cloud Run's answer to ${path} is not what its API documents: ${z.prettifyError(parsed.error)}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
