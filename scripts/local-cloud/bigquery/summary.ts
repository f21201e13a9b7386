import type { Job } from './jobs.ts';

/** What tests count: jobs, what they read, and what they were for. */
export interface JobSummary {
  readonly jobId: string;
  readonly kind: 'query' | 'load' | 'copy';
  readonly state: string;
  /** Reason of its error; null where it ended well or has not ended. */
  readonly error: string | null;
  /** Of a query. */
  readonly sql: string | null;
  readonly statementType: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly bytesProcessed: number;
  readonly bytesBilled: number;
  readonly maximumBytesBilled: number | null;
  /** `dataset.table` or `dataset.table$partition` that the job writes. */
  readonly destination: string | null;
}

export function summaryOf({ jobId, kind, state, error, settings, configuration, query }: Job): JobSummary {
  const ref = settings.kind === 'query' ? settings.order.destination?.ref ?? null : settings.ref;
  return {
    jobId, kind, state, error: error?.reason ?? null, sql: settings.kind === 'query' ? settings.order.sql : null, statementType: query?.statementType ?? null, labels: configuration.labels,
    bytesProcessed: query?.bytesProcessed ?? 0, bytesBilled: query?.bytesBilled ?? 0, maximumBytesBilled: settings.kind === 'query' ? settings.order.maximumBytesBilled : null,
    destination: ref && `${ref.datasetId}.${ref.tableId}${ref.partition === null ? '' : `$${ref.partition}`}`,
  };
}
