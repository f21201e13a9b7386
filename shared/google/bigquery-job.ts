import { z } from 'zod';

/** A job as the API tells it. */

const errorProto = z.object({ reason: z.string().optional(), message: z.string().optional(), location: z.string().optional() });
export type ErrorProto = z.infer<typeof errorProto>;

const count = z.union([z.string(), z.number()]).transform(Number);

export const jobSchema = z.object({
  jobReference: z.object({ jobId: z.string() }),
  configuration: z.object({ labels: z.record(z.string(), z.string()).optional() }),
  status: z.object({ state: z.string(), errorResult: errorProto.optional(), errors: z.array(errorProto).optional() }),
  statistics: z.object({
    totalBytesProcessed: count.optional(),
    query: z.object({
      totalBytesProcessed: count.optional(), totalBytesBilled: count.optional(),
      schema: z.object({ fields: z.array(z.object({ name: z.string(), type: z.string() })).optional() }).optional(),
    }).optional(),
  }).optional(),
});
export type Job = z.infer<typeof jobSchema>;

/** A job that ended badly. Its reason tells what to do, as at request level (P22). */
class BigQueryJobError extends Error {
  override readonly name = 'BigQueryJobError';
  readonly jobId: string;
  readonly reason: string;
  readonly errors: readonly ErrorProto[];

  constructor(jobId: string, error: ErrorProto, errors: readonly ErrorProto[]) {
    super(`${error.message ?? error.reason ?? 'no message'} (job ${jobId})`);
    this.jobId = jobId;
    this.reason = error.reason ?? '';
    this.errors = errors.length > 0 ? errors : [error];
  }
}

export function isDone({ status }: Job): boolean {
  return status.state === 'DONE';
}

/** Throws what made a job fail. */
export function refuseFailed(job: Job): void {
  const { errorResult, errors } = job.status;
  if (errorResult) throw new BigQueryJobError(job.jobReference.jobId, errorResult, errors ?? []);
}

const LABEL_LENGTH = 63;

/** A label's value: small letters, digits, - and _, at most 63 (BigQuery's rule for labels). */
export function labelValue(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_-]/g, '_').slice(0, LABEL_LENGTH);
}
