import type { Catalog } from './catalog.ts';
import type { Job } from './jobs.ts';
import { errorsOf } from './jobs.ts';
import type { QueryOutcome } from './query-order.ts';

/** A job as the API shows it. */
export function jobResource({ projectId, location }: Catalog, job: Job, isDryRun = false): Readonly<Record<string, unknown>> {
  const { jobId, configuration, state, error } = job;
  const reference = isDryRun ? { projectId, location } : { projectId, jobId, location };
  const { dryRun, ...sent } = configuration;
  return {
    kind: 'bigquery#job', etag: `"${jobId}:${state}"`, id: `${projectId}:${location}.${isDryRun ? '' : jobId}`, selfLink: `/bigquery/v2/projects/${projectId}/jobs/${jobId}?location=${location}`,
    user_email: 'local@localhost', jobReference: reference,
    configuration: { ...sent, ...(dryRun ? { dryRun } : {}), jobType: job.kind.toUpperCase() },
    status: { ...(error ? { errorResult: error.proto(), errors: errorsOf(error) } : {}), state },
    statistics: statistics(job),
  };
}

function statistics(job: Job): unknown {
  const { createdMs, startedMs, endedMs, query, loaded, copiedRows, inputBytes } = job;
  return {
    creationTime: String(createdMs), ...(startedMs === null ? {} : { startTime: String(startedMs) }), ...(endedMs === null ? {} : { endTime: String(endedMs) }),
    ...(query ? { totalBytesProcessed: String(query.bytesProcessed), query: queryStatistics(query) } : {}),
    ...(loaded ? { load: { inputFiles: '1', inputFileBytes: String(inputBytes), outputRows: String(loaded.rows), outputBytes: String(inputBytes), badRecords: String(loaded.badRecords) } } : {}),
    ...(copiedRows === null ? {} : { copy: { copiedRows: String(copiedRows) } }),
  };
}

function queryStatistics({ statementType, fields, bytesProcessed, bytesBilled, changes, definition }: QueryOutcome): unknown {
  return {
    statementType, totalBytesProcessed: String(bytesProcessed), totalBytesBilled: String(bytesBilled), cacheHit: false, schema: { fields }, ...changed(changes),
    ...(definition ? { ddlOperationPerformed: definition.operation, ddlTargetTable: definition.target } : {}),
  };
}

export function changed(changes: QueryOutcome['changes']): Readonly<Record<string, unknown>> {
  if (!changes) return {};
  const { inserted, updated, deleted } = changes;
  return { numDmlAffectedRows: String(inserted + updated + deleted), dmlStats: { insertedRowCount: String(inserted), updatedRowCount: String(updated), deletedRowCount: String(deleted) } };
}
