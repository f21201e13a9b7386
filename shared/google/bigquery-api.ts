import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/**
 * BigQuery's REST API through Google's client, which brings credentials, retries of failed requests and errors with their
 * reasons. Requests are made as the API documents them, since the client's own helpers leave out what is needed here:
 * labels on load jobs, and 409 for a job id of ours (P21).
 */

/** What is used of `BigQuery` of @google-cloud/bigquery. */
export interface BigQueryClient {
  /** `https://bigquery.googleapis.com`, or a stand-in's address. */
  readonly apiEndpoint: string;
  request(options: ClientRequest, callback: (error: Error | null, body?: unknown) => void): void;
}

interface ClientRequest {
  readonly method: string;
  readonly uri: string;
  readonly projectId?: string;
  readonly qs?: object;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly maxRetries?: number;
}

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `projects/{project}`: `/jobs`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  /** Whether the client sends it again when the service answers that it failed for a moment; true unless said otherwise. */
  readonly retried?: boolean;
}

export interface TableReference {
  readonly projectId: string;
  readonly datasetId: string;
  readonly tableId: string;
}

export class BigQueryApi {
  readonly project: string;
  /** `US`, `europe-west1`: where datasets lie and jobs run. */
  readonly location: string;
  readonly #client: () => Promise<BigQueryClient>;

  /** `client` is asked when the first call is made. */
  constructor({ client, project, location }: { readonly client: () => Promise<BigQueryClient>; readonly project: string; readonly location: string }) {
    this.#client = client;
    this.project = project;
    this.location = location;
  }

  /** The answer's body. Throws what the client throws: an Error with `code` (HTTP status) and `errors` (with `reason`). */
  async call<T>(schema: z.ZodType<T>, { method, path, query, body, retried = true }: ApiCall): Promise<T> {
    const client = await this.#client();
    return this.#send(client, schema, { method, uri: path, projectId: this.project, ...(query ? { qs: query } : {}), ...(body === undefined ? {} : { json: body }), ...(retried ? {} : { maxRetries: 0 }) });
  }

  /**
   * Inserts a job whose data comes with it. The two parts are one text, which the client can send again; its own
   * `multipart` never ends a request whose parts are texts, and cannot repeat one with a stream.
   */
  async upload<T>(schema: z.ZodType<T>, job: object, data: string): Promise<T> {
    const client = await this.#client();
    const boundary = `smart-backfill-${randomUUID()}`;
    const parts = [['application/json; charset=UTF-8', JSON.stringify(job)], ['application/octet-stream', data]];
    return this.#send(client, schema, {
      method: 'POST', uri: `${client.apiEndpoint}/upload/bigquery/v2/projects/${this.project}/jobs`, qs: { uploadType: 'multipart' },
      headers: { 'Content-Type': `multipart/related; boundary=${boundary}` },
      body: `${parts.map(([type, text]) => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`).join('')}--${boundary}--\r\n`,
    });
  }

  table(dataset: string, table: string): TableReference {
    return { projectId: this.project, datasetId: dataset, tableId: table };
  }

  /** A table as SQL names it. Dataset and table come from the validated definition. */
  named(dataset: string, table: string): string {
    return `\`${this.project}.${dataset}.${table}\``;
  }

  async #send<T>(client: BigQueryClient, schema: z.ZodType<T>, request: ClientRequest): Promise<T> {
    const body = await new Promise<unknown>((resolve, reject) => {
      client.request(request, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
    // An upload's answer may come as text.
    const parsed = schema.safeParse(typeof body === 'string' && body !== '' ? JSON.parse(body) : body);
    if (!parsed.success) throw new Error(`BigQuery answered ${request.method} ${request.uri} in a form that is not documented: ${parsed.error.message}`);
    return parsed.data;
  }
}

export const anyAnswer = z.unknown();

const withStatus = z.object({ code: z.number() });

/** HTTP status of what a call threw; undefined where it has none. */
export function httpStatusOf(thrown: unknown): number | undefined {
  const found = withStatus.safeParse(thrown);
  return found.success ? found.data.code : undefined;
}
