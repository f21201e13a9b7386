import { CloudRunError } from '../../shared/google/cloud-run-api.ts';
import { bigquery, grpc, type GooglePayload } from './google-payload.ts';

/**
 * Errors of Google's services as its documentation and public issue threads show them, with names of projects and tables
 * replaced; where a thread shows message and reason only, the rest is as `ErrorProto` documents it. None has yet been seen
 * live: `seenLive` gets its day when the real-project run of docs/deploy.md recorded it.
 */

const once = { category: 'infrastructure', retry: true } as const;
const ends = { category: 'infrastructure', retry: false } as const;
const later = { category: 'resource_exhausted', retry: true } as const;
const wrong = { category: 'processing', retry: false } as const;

const QUOTAS = 'For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas';

const bigQueryErrors: readonly GooglePayload[] = [
  bigquery(400, { reason: 'invalidQuery', location: 'query', message: 'UPDATE or DELETE statement over table project.dataset.table would affect rows in the streaming buffer, which is not supported' }, null,
    { name: 'a change of rows that are still in the streaming buffer', source: 'https://qiita.com/masapi/items/c814ea0fb19576c2c0e0', ...once, rule: 'google:streaming_buffer' }),
  bigquery(400, { reason: 'resourcesExceeded', message: 'Resources exceeded during query execution: Too many DML statements outstanding against table project:dataset.table, limit is 20.' }, null,
    { name: 'too many changes of one table', source: 'https://github.com/m-lab/etl-gardener/issues/293', ...later, rule: 'google:dml_queue' }),
  bigquery(400, { reason: 'jobRateLimitExceeded', message: `Job exceeded rate limits: Your table exceeded quota for table update operations. ${QUOTAS}` }, 'INVALID_ARGUMENT',
    { name: 'too many updates of a table, told with a status that says the request is wrong', source: 'https://github.com/googleapis/java-bigquery/issues/1498', ...later, rule: 'google:jobRateLimitExceeded' }),
  bigquery(400, { reason: 'jobRateLimitExceeded', message: 'Job exceeded rate limits: Your project_and_region exceeded quota for concurrent queries. For more information, see https://cloud.google.com/bigquery/troubleshooting-errors' }, null,
    { name: 'too many queries at a time', source: 'https://github.com/googleapis/google-cloud-go/issues/3795', ...later, rule: 'google:jobRateLimitExceeded' }),
  bigquery(403, { reason: 'rateLimitExceeded', message: 'Exceeded rate limits: too many concurrent queries for this project. For more information, see https://cloud.google.com/bigquery/troubleshooting-errors' }, null,
    { name: 'too many queries at a time, which came with status 200 in the job (P22)', source: 'https://github.com/googleapis/google-cloud-python/issues/8714', ...later, rule: 'google:rateLimitExceeded' }),
  bigquery(403, { reason: 'rateLimitExceeded', location: 'table.write', message: `Exceeded rate limits: too many table update operations for this table. ${QUOTAS}` }, null,
    { name: 'too many loads of one table in ten seconds', source: 'https://github.com/pingcap-inc/tidb2dw/issues/89', ...later, rule: 'google:rateLimitExceeded' }),
  bigquery(403, { reason: 'quotaExceeded', location: 'load_job_per_table.long', message: `Quota exceeded: Your table exceeded quota for imports or query appends per table. ${QUOTAS}` }, null,
    { name: "a table's load jobs of the day used up (P25)", source: 'https://github.com/pingcap-inc/tidb2dw/issues/91', ...later, rule: 'google:quotaExceeded', pause: 'next_day' }),
  bigquery(403, { reason: 'quotaExceeded', message: 'Custom quota exceeded: Your usage exceeded the custom quota for QueryUsagePerDay, which is set by your administrator. For more information, see https://cloud.google.com/bigquery/cost-controls' }, null,
    { name: "the day's own limit of bytes used up", source: 'https://github.com/HTTPArchive/har.fyi/issues/10', ...later, rule: 'google:quotaExceeded', pause: 'next_day' }),
  bigquery(403, { reason: 'quotaExceeded', location: 'unbilled.analysis', message: `Quota exceeded: Your project exceeded quota for free query bytes scanned. ${QUOTAS}` }, null,
    { name: 'the free bytes used up', source: 'https://github.com/xlang-ai/Spider2/issues/5', ...later, rule: 'google:quotaExceeded', pause: 'next_day' }),
  bigquery(403, { reason: 'accessDenied', message: 'Access Denied: Table project:dataset.table: User does not have permission to query table project:dataset.table, or perhaps it does not exist in location US.' }, null,
    { name: 'a table that may not be read', source: 'https://github.com/stanford-esrg/LEO_HitchHiking/issues/2', ...ends, rule: 'google:accessDenied' }),
  bigquery(403, { reason: 'accessDenied', message: 'Access Denied: Project project: User does not have bigquery.jobs.create permission in project project.' }, null,
    { name: 'a project in which no job may be made', source: 'https://github.com/assetnote/commonspeak2/issues/12', ...ends, rule: 'google:accessDenied' }),
  bigquery(404, { reason: 'notFound', message: 'Not found: Table project:dataset.table was not found in location US' }, null,
    { name: 'a table that is missing', source: 'https://github.com/mozilla/bigquery-etl/issues/1698', category: 'data_availability', retry: false, rule: 'google:notFound' }),
  bigquery(404, { reason: 'notFound', message: 'Not found: Dataset project:dataset was not found in location US' }, null,
    { name: 'a dataset that is missing, or in another location', source: 'https://github.com/PostHog/posthog/pull/64996', ...ends, rule: 'google:no_dataset' }),
  bigquery(404, { reason: 'notFound', message: 'Not found: Job project:bf0b8e74-2321-4997-a34b-7917732fdc78' }, 'NOT_FOUND',
    { name: 'a job that is missing, or in another location', source: 'https://github.com/samelamin/spark-bigquery/issues/85', ...once, rule: 'google:no_job' }),
  bigquery(400, { reason: 'invalidQuery', location: 'q', message: 'Unrecognized name: points at [4:27]' }, 'INVALID_ARGUMENT',
    { name: 'a column that was renamed', source: 'https://github.com/metabase/metabase/issues/20514', ...wrong, rule: 'google:unknown_column' }),
  bigquery(400, { reason: 'invalid', message: 'Cannot read partition information from a table that is not partitioned: project:dataset.table$19730522' }, null,
    { name: 'a partition of a table without partitions', source: 'https://github.com/GoogleCloudPlatform/DataflowJavaSDK/issues/620', ...wrong, rule: 'google:not_partitioned' }),
  bigquery(400, { reason: 'invalidQuery', location: 'q', message: 'Could not serialize access to table project:dataset.table due to concurrent update' }, 'INVALID_ARGUMENT',
    { name: 'a change beside another one', source: 'https://github.com/confluentinc/kafka-connect-bigquery/issues/279', ...once, rule: 'google:concurrent_update' }),
  bigquery(403, { reason: 'responseTooLarge', message: 'Response too large to return. Consider specifying a destination table in your job configuration. For more details, see https://cloud.google.com/bigquery/troubleshooting-errors' }, 'PERMISSION_DENIED',
    { name: 'an answer that is too large, told with a status that says it is not allowed', source: 'https://github.com/airbytehq/airbyte/issues/41339', ...wrong, rule: 'google:responseTooLarge' }),
  bigquery(400, { reason: 'resourcesExceeded', message: 'Resources exceeded during query execution: Not enough resources for query planning - too many subqueries or query is too complex.' }, null,
    { name: 'a query that needs too much', source: 'https://github.com/mozilla/bigquery-etl/issues/1119', ...later, rule: 'google:resourcesExceeded' }),
  bigquery(503, { reason: 'backendError', message: 'Error encountered during execution. Retrying may solve the problem.' }, 'INTERNAL',
    { name: 'BigQuery down for a moment', source: 'https://github.com/mozilla/redash-stmo/issues/63', ...once, rule: 'google:backendError' }),
  bigquery(400, { reason: 'jobInternalError', message: 'The job encountered an internal error during execution and was unable to complete successfully.' }, null,
    { name: 'a job that failed inside BigQuery', source: 'https://github.com/googleapis/google-cloud-go/issues/12490', ...once, rule: 'google:jobInternalError' }),
  bigquery(409, { reason: 'duplicate', message: 'Already Exists: Job project:EU.80760581-e8df-4c87-a538-1efbcf917778-1517936402050522782' }, null,
    { name: 'a job id used twice (P21)', source: 'https://github.com/googleapis/google-cloud-java/issues/2867', ...once, rule: 'google:duplicate' }),
  bigquery(500, { reason: 'bytesBilledLimitExceeded', message: 'Query exceeded limit for bytes billed: 163595928. 164626432 or higher required.' }, null,
    { name: 'more bytes than the job may bill', source: 'https://github.com/exmergo/dex/issues/320', category: 'resource_exhausted', retry: false, rule: 'google:bytesBilledLimitExceeded' }),
  bigquery(400, { reason: 'stopped', message: 'Job execution was cancelled: User requested cancellation' }, null,
    { name: 'a job that somebody cancelled', source: 'https://github.com/googleapis/google-cloud-python/pull/3626', ...once, rule: 'google:stopped' }),
];

const firestoreErrors: readonly GooglePayload[] = [
  grpc(10, 'ABORTED', 'Too much contention on these documents. Please try again.',
    { name: 'Firestore, contended (P15)', source: 'https://github.com/googleapis/nodejs-firestore/issues/827', ...once, rule: 'google:ABORTED' }),
  grpc(8, 'RESOURCE_EXHAUSTED', 'Quota exceeded.',
    { name: "Firestore's quota used up", source: 'https://github.com/firebase/firebase-js-sdk/issues/8318', ...later, rule: 'google:RESOURCE_EXHAUSTED', pause: 'minutes' }),
  grpc(3, 'INVALID_ARGUMENT', 'The referenced transaction has expired or is no longer valid.',
    { name: 'a transaction that took too long (P17)', source: 'https://github.com/googleapis/google-cloud-php/issues/5396', ...once, rule: 'google:expired_transaction' }),
  grpc(3, 'INVALID_ARGUMENT', 'Invalid transaction.',
    { name: 'a transaction that is none any more', source: 'https://github.com/googleapis/repo-automation-bots/issues/4481', ...once, rule: 'google:expired_transaction' }),
  grpc(9, 'FAILED_PRECONDITION', 'no matching index found.',
    { name: 'an index that was not deployed', source: 'https://github.com/googleapis/nodejs-datastore/issues/726', ...ends, rule: 'google:no_index' }),
  grpc(5, 'NOT_FOUND', '',
    { name: 'a database that is not there', source: 'https://github.com/googleapis/nodejs-firestore/issues/2216', ...ends, rule: 'google:NOT_FOUND' }),
  grpc(7, 'PERMISSION_DENIED', 'Missing or insufficient permissions.',
    { name: 'Firestore, not allowed', source: 'https://github.com/opentrace-community/opentrace-cloud-functions/issues/47', ...ends, rule: 'google:PERMISSION_DENIED' }),
  grpc(14, 'UNAVAILABLE', 'No connection established',
    { name: 'Firestore, not reached', source: 'https://github.com/dalenguyen/firestore-backup-restore/issues/108', ...once, rule: 'google:UNAVAILABLE' }),
  grpc(8, 'RESOURCE_EXHAUSTED', 'Received message larger than max (6341826 vs. 4194304)',
    { name: 'an answer larger than gRPC takes', source: 'https://github.com/googleapis/python-bigquery/issues/331', ...wrong, rule: 'google:message_too_large' }),
];

const pubSubErrors: readonly GooglePayload[] = [
  grpc(5, 'NOT_FOUND', 'Resource not found (resource=webhook).',
    { name: 'a topic that is not there', source: 'https://github.com/postmastery/webhook-forwarder-gcp/issues/1', ...ends, rule: 'google:NOT_FOUND' }),
  grpc(7, 'PERMISSION_DENIED', 'User not authorized to perform this action.',
    { name: 'Pub/Sub, not allowed', source: 'https://github.com/googleapis/nodejs-pubsub/issues/1180', ...ends, rule: 'google:PERMISSION_DENIED' }),
  grpc(4, 'DEADLINE_EXCEEDED', 'Deadline exceeded',
    { name: 'a publish without an answer', source: 'https://github.com/googleapis/nodejs-pubsub/issues/1515', ...later, rule: 'google:DEADLINE_EXCEEDED' }),
  {
    name: 'a publish that was repeated for 60 s in vain (P11)', source: 'https://github.com/googleapis/nodejs-pubsub/issues/1442', seenLive: null, ...later, rule: 'timeout',
    forms: { 'thrown by gax': Object.assign(new Error('Total timeout of API google.pubsub.v1.Publisher exceeded 60000 milliseconds before any response was received.'), { code: 4 }) },
  },
];

/** A Cloud Run Admin API error as our client throws it. */
function cloudRun(code: number, message: string, more: object): Pick<GooglePayload, 'seenLive' | 'forms'> {
  const body = { error: { code, message, ...more } };
  return { seenLive: null, forms: { 'the body of an answer': { status: code, body }, 'thrown by our client': new CloudRunError(`Cloud Run answered ${code}: ${message}`, code, body) } };
}

const cloudRunErrors: readonly GooglePayload[] = [
  {
    name: 'the Cloud Run API, not enabled', source: 'https://github.com/MarkEdmondson1234/googleCloudRunner/issues/199', ...ends, rule: 'google:SERVICE_DISABLED',
    ...cloudRun(403, 'Cloud Run Admin API has not been used in project 12345678 before or it is disabled.', {
      status: 'PERMISSION_DENIED', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'SERVICE_DISABLED', domain: 'googleapis.com', metadata: { consumer: 'projects/12345678', service: 'run.googleapis.com' } }],
    }),
  },
  {
    name: 'a Cloud Run resource that may not be used', source: 'https://github.com/google-github-actions/deploy-cloudrun/issues/427', ...ends, rule: 'google:PERMISSION_DENIED',
    ...cloudRun(403, "Permission 'run.services.get' denied on resource 'namespaces/p/services/s' (or resource may not exist).", { status: 'PERMISSION_DENIED' }),
  },
  {
    name: 'a Cloud Run job that is not there', source: 'https://github.com/pulumi/pulumi-google-native/issues/639', ...ends, rule: 'google:NOT_FOUND',
    ...cloudRun(404, 'Requested entity was not found.', { status: 'NOT_FOUND' }),
  },
  {
    name: 'too many calls of the Cloud Run API in a minute', source: 'https://github.com/googleapis/repo-automation-bots/issues/4469', ...later, rule: 'google:RESOURCE_EXHAUSTED', pause: 'minutes',
    ...cloudRun(429, "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per region' of service 'run.googleapis.com' for consumer 'project_number:1'.", { status: 'RESOURCE_EXHAUSTED' }),
  },
  {
    name: 'a Cloud Run resource that another call changes', source: 'https://github.com/pulumi/examples/pull/519', ...once, rule: 'http:409',
    ...cloudRun(409, "Conflict for resource 'hello-c5aa070' for version '1580768463998000'.", {}),
  },
];

export const googlePayloads: readonly GooglePayload[] = [...bigQueryErrors, ...firestoreErrors, ...pubSubErrors, ...cloudRunErrors];
