import type { Verdict } from './rule.ts';

/** What one of Google's reasons says of a failure, and where it is documented or was reported. */
export interface GoogleVerdict extends Verdict {
  readonly source: string;
}

const BIGQUERY = 'https://cloud.google.com/bigquery/docs/error-messages';
const STORAGE = 'https://cloud.google.com/storage/docs/json_api/v1/status-codes';
const STATUSES = 'https://cloud.google.com/apis/design/errors';
const INFRASTRUCTURE = 'https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto';

/**
 * Google's errors by their machine-readable `reason`, at request and at job level (P22: rate errors hide in job status,
 * under HTTP 200), then by gRPC status, which is also the `status` of REST errors. Where the text says more than the
 * reason, `google-texts.ts` goes first. None has yet been seen live: test/failures/google-errors.ts keeps the payloads.
 */
export const googleReasons: Readonly<Record<string, GoogleVerdict>> = {
  // Of the service, for a moment
  backendError: { category: 'infrastructure', why: 'the service failed for a moment', source: BIGQUERY },
  internalError: { category: 'infrastructure', why: 'the service failed for a moment', source: BIGQUERY },
  jobBackendError: { category: 'infrastructure', why: 'the job failed inside the service', source: 'https://github.com/googleapis/python-bigquery/pull/2256' },
  jobInternalError: { category: 'infrastructure', why: 'the job failed inside the service', source: 'https://github.com/googleapis/google-cloud-go/issues/12490' },
  tableUnavailable: { category: 'infrastructure', why: 'the table is being moved; it comes back', source: BIGQUERY },
  resourceInUse: { category: 'infrastructure', why: 'another operation has the resource; it lets go', source: BIGQUERY },
  conditionNotMet: { category: 'infrastructure', why: 'something changed since it was read; read again', source: STORAGE },
  duplicate: { category: 'infrastructure', why: 'the job id exists already (P21): the next try attaches to it', source: BIGQUERY },
  stopped: { category: 'infrastructure', why: 'the job was cancelled from outside', source: BIGQUERY },

  // Rights and accounts: no retry mends them
  accessDenied: { category: 'infrastructure', retry: false, why: 'the service account may not do this', source: BIGQUERY },
  authError: { category: 'infrastructure', retry: false, why: 'the credentials are not accepted', source: STORAGE },
  forbidden: { category: 'infrastructure', retry: false, why: 'the service account may not do this', source: STORAGE },
  insufficientPermissions: { category: 'infrastructure', retry: false, why: 'the service account may not do this', source: STORAGE },
  accessNotConfigured: { category: 'infrastructure', retry: false, why: 'the API is not enabled in the project', source: 'https://github.com/GoogleCloudPlatform/community/pull/884' },
  invalidUser: { category: 'infrastructure', retry: false, why: 'the service account is not known', source: BIGQUERY },
  billingNotEnabled: { category: 'infrastructure', retry: false, why: 'the project has no billing', source: BIGQUERY },
  blocked: { category: 'infrastructure', retry: false, why: 'Google blocks this operation for the project', source: BIGQUERY },
  proxyAuthenticationRequired: { category: 'infrastructure', retry: false, why: 'the proxy wants credentials', source: BIGQUERY },
  SERVICE_DISABLED: { category: 'infrastructure', retry: false, why: 'the API is not enabled in the project', source: INFRASTRUCTURE },
  BILLING_DISABLED: { category: 'infrastructure', retry: false, why: 'the project has no billing', source: INFRASTRUCTURE },
  CONSUMER_SUSPENDED: { category: 'infrastructure', retry: false, why: 'the project is suspended', source: INFRASTRUCTURE },
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: { category: 'infrastructure', retry: false, why: 'the credentials lack a scope', source: INFRASTRUCTURE },
  CREDENTIALS_MISSING: { category: 'infrastructure', retry: false, why: 'the request carried no credentials', source: INFRASTRUCTURE },
  ACCESS_TOKEN_EXPIRED: { category: 'infrastructure', why: 'the token ran out; the next try gets another', source: INFRASTRUCTURE },

  // Too much at a time
  rateLimitExceeded: { category: 'resource_exhausted', why: 'too many requests at a time', source: BIGQUERY },
  userRateLimitExceeded: { category: 'resource_exhausted', why: 'too many requests at a time', source: STORAGE },
  jobRateLimitExceeded: { category: 'resource_exhausted', why: 'too many jobs at a time', source: 'https://github.com/googleapis/google-cloud-go/issues/3795' },
  resourcesExceeded: { category: 'resource_exhausted', why: 'the query needs more than it got; fewer at a time', source: BIGQUERY },
  timeout: { category: 'resource_exhausted', why: 'the job took too long', source: BIGQUERY },
  quotaExceeded: { category: 'resource_exhausted', quota: true, why: 'a quota is used up until it resets', source: BIGQUERY },
  dailyLimitExceeded: { category: 'resource_exhausted', quota: true, why: 'a daily quota is used up until it resets', source: STORAGE },
  billingTierLimitExceeded: { category: 'resource_exhausted', retry: false, why: 'over the cost that the definition allows', source: BIGQUERY },
  bytesBilledLimitExceeded: { category: 'resource_exhausted', retry: false, why: 'over the bytes that the definition allows', source: 'https://github.com/exmergo/dex/issues/320' },
  RATE_LIMIT_EXCEEDED: { category: 'resource_exhausted', quota: true, why: 'a quota of requests is used up until it resets', source: INFRASTRUCTURE },
  RESOURCE_QUOTA_EXCEEDED: { category: 'resource_exhausted', quota: true, why: 'a quota is used up until it resets', source: INFRASTRUCTURE },

  // P22 calls it permanent, source document 002 an upstream that is missing: both, so no retry here, and the planner looks upstream
  notFound: { category: 'data_availability', retry: false, why: 'the table or file is not there', source: BIGQUERY },

  // The same query would fail the same way
  invalid: { category: 'processing', why: 'the job or its data is not valid', source: BIGQUERY },
  invalidQuery: { category: 'processing', why: 'the query is not valid', source: BIGQUERY },
  badRequest: { category: 'processing', why: 'the request is not valid', source: BIGQUERY },
  attributeError: { category: 'processing', why: "the query's own code names what is not there", source: BIGQUERY },
  parseError: { category: 'processing', why: 'the request is not valid', source: STORAGE },
  required: { category: 'processing', why: 'the request lacks a field', source: STORAGE },
  notImplemented: { category: 'processing', why: 'the service does not do this', source: BIGQUERY },
  responseTooLarge: { category: 'processing', why: 'the result is too large for an answer', source: BIGQUERY },

  // gRPC statuses (Firestore, Pub/Sub), also the `status` of newer REST errors
  ABORTED: { category: 'infrastructure', why: 'contention: another transaction was first (P15)', source: STATUSES },
  CANCELLED: { category: 'infrastructure', why: 'the call was cancelled', source: STATUSES },
  UNAVAILABLE: { category: 'infrastructure', why: 'the service is not reachable', source: STATUSES },
  INTERNAL: { category: 'infrastructure', why: 'the service failed for a moment', source: STATUSES },
  UNKNOWN: { category: 'infrastructure', why: 'the service failed for a moment', source: STATUSES },
  DATA_LOSS: { category: 'infrastructure', why: 'the service lost the answer', source: STATUSES },
  ALREADY_EXISTS: { category: 'infrastructure', why: 'somebody else made it first; the next try sees it', source: STATUSES },
  FAILED_PRECONDITION: { category: 'infrastructure', why: 'something changed since it was read; read again', source: STATUSES },
  PERMISSION_DENIED: { category: 'infrastructure', retry: false, why: 'the service account may not do this', source: STATUSES },
  UNAUTHENTICATED: { category: 'infrastructure', retry: false, why: 'the credentials are not accepted', source: STATUSES },
  DEADLINE_EXCEEDED: { category: 'resource_exhausted', why: 'the call took too long', source: STATUSES },
  RESOURCE_EXHAUSTED: { category: 'resource_exhausted', why: 'too much at a time, or a quota is used up', source: STATUSES },
  // Of Firestore, Pub/Sub and Cloud Run, which hold no data of the pipeline: BigQuery and Storage give a reason of their own beside it.
  NOT_FOUND: { category: 'infrastructure', retry: false, why: 'a resource that the deployment makes is not there', source: STATUSES },
  INVALID_ARGUMENT: { category: 'processing', why: 'the request is not valid', source: STATUSES },
  OUT_OF_RANGE: { category: 'processing', why: 'the request is not valid', source: STATUSES },
  UNIMPLEMENTED: { category: 'processing', why: 'the service does not do this', source: STATUSES },
};
