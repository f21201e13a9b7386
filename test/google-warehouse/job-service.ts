import { z } from 'zod';
import { BigQueryApi, type BigQueryClient } from '../../shared/google/bigquery-api.ts';
import { BigQueryJobs, type JobPurpose } from '../../shared/google/bigquery-jobs.ts';

/** Jobs as BigQuery keeps them, for tests of what happens between two requests: ids are taken once, jobs end when told to. */

const insertSchema = z.object({
  jobReference: z.object({ jobId: z.string() }),
  configuration: z.object({ labels: z.record(z.string(), z.string()), copy: z.object({ sourceTable: z.object({ tableId: z.string() }) }).optional() }).loose(),
});
type Insert = z.infer<typeof insertSchema>;

export class JobService {
  readonly jobs = new Map<string, Insert & { status: object }>();
  /** Staging tables whose partition was copied, in order. */
  readonly copied: string[] = [];
  /** How jobs to come end; well when there is none. */
  readonly failures: { reason: string; message: string }[] = [];
  /** Requests to come whose answer is lost after they took effect. */
  lostAnswers = 0;
  #ids = 0;

  runner(onJob?: (jobId: string, purpose: JobPurpose) => void): BigQueryJobs {
    const api = new BigQueryApi({ client: async () => this.#client(), project: 'p', location: 'US' });
    return new BigQueryJobs({ api, pipeline: 'contract', maximumBytesBilled: 10 ** 9, newId: () => `${this.#ids += 1}`, onJob });
  }

  #client(): BigQueryClient {
    return {
      apiEndpoint: 'http://unused',
      request: ({ method, uri, json }, callback) => {
        queueMicrotask(() => {
          try {
            callback(null, method === 'POST' && uri === '/jobs' ? this.#insert(insertSchema.parse(json)) : this.#get(uri));
          } catch (thrown) {
            callback(thrown instanceof Error ? thrown : new Error(String(thrown)));
          }
        });
      },
    };
  }

  #insert(request: Insert): object {
    const { jobId } = request.jobReference;
    if (this.jobs.has(jobId)) throw httpError(409, 'duplicate', `Already Exists: Job p:US.${jobId}`);
    const failure = this.failures.shift();
    this.jobs.set(jobId, { ...request, status: failure ? { state: 'DONE', errorResult: failure, errors: [failure] } : { state: 'DONE' } });
    if (!failure && request.configuration.copy) this.copied.push(request.configuration.copy.sourceTable.tableId.replace(/\$20231115$/, ''));
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      throw httpError(503, 'backendError', 'the answer was lost');
    }
    return {};
  }

  #get(uri: string): object {
    const job = this.jobs.get(uri.replace('/jobs/', ''));
    if (!job) throw httpError(404, 'notFound', `Not found: ${uri}`);
    return job;
  }
}

function httpError(code: number, reason: string, message: string): Error {
  return Object.assign(new Error(message), { code, errors: [{ reason, message }] });
}
