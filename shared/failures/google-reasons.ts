import type { Verdict } from './rule.ts';

/**
 * Google's errors by their machine-readable `reason`, at request and at job level (P22: rate errors hide in job status,
 * under HTTP 200), then by gRPC status. From https://cloud.google.com/bigquery/docs/error-messages and
 * https://cloud.google.com/apis/design/errors; not yet seen live.
 */
export const googleReasons: Readonly<Record<string, Verdict>> = {
  // Of the service, for a moment
  backendError: { category: 'infrastructure', why: 'the service failed for a moment' },
  internalError: { category: 'infrastructure', why: 'the service failed for a moment' },
  jobBackendError: { category: 'infrastructure', why: 'the job failed inside the service' },
  jobInternalError: { category: 'infrastructure', why: 'the job failed inside the service' },
  tableUnavailable: { category: 'infrastructure', why: 'the table is being moved; it comes back' },
  resourceInUse: { category: 'infrastructure', why: 'another operation has the resource; it lets go' },
  conditionNotMet: { category: 'infrastructure', why: 'something changed since it was read; read again' },
  duplicate: { category: 'infrastructure', why: 'the job id exists already (P21): the next try attaches to it' },
  stopped: { category: 'infrastructure', why: 'the job was cancelled from outside' },

  // Rights and accounts: no retry mends them
  accessDenied: { category: 'infrastructure', retry: false, why: 'the service account may not do this' },
  authError: { category: 'infrastructure', retry: false, why: 'the credentials are not accepted' },
  forbidden: { category: 'infrastructure', retry: false, why: 'the service account may not do this' },
  insufficientPermissions: { category: 'infrastructure', retry: false, why: 'the service account may not do this' },
  invalidUser: { category: 'infrastructure', retry: false, why: 'the service account is not known' },
  billingNotEnabled: { category: 'infrastructure', retry: false, why: 'the project has no billing' },
  blocked: { category: 'infrastructure', retry: false, why: 'Google blocks this operation for the project' },
  proxyAuthenticationRequired: { category: 'infrastructure', retry: false, why: 'the proxy wants credentials' },

  // Too much at a time
  rateLimitExceeded: { category: 'resource_exhausted', why: 'too many requests at a time' },
  userRateLimitExceeded: { category: 'resource_exhausted', why: 'too many requests at a time' },
  jobRateLimitExceeded: { category: 'resource_exhausted', why: 'too many jobs at a time' },
  resourcesExceeded: { category: 'resource_exhausted', why: 'the query needs more than it got; fewer at a time' },
  timeout: { category: 'resource_exhausted', why: 'the job took too long' },
  quotaExceeded: { category: 'resource_exhausted', quota: true, why: 'a quota is used up until it resets' },
  dailyLimitExceeded: { category: 'resource_exhausted', quota: true, why: 'a daily quota is used up until it resets' },
  billingTierLimitExceeded: { category: 'resource_exhausted', retry: false, why: 'over the cost that the definition allows' },
  bytesBilledLimitExceeded: { category: 'resource_exhausted', retry: false, why: 'over the bytes that the definition allows' },

  // P22 calls it permanent, source document 002 an upstream that is missing: both, so no retry here, and the planner looks upstream
  notFound: { category: 'data_availability', retry: false, why: 'the table or file is not there' },

  // The same query would fail the same way
  invalid: { category: 'processing', why: 'the job or its data is not valid' },
  invalidQuery: { category: 'processing', why: 'the query is not valid' },
  parseError: { category: 'processing', why: 'the request is not valid' },
  required: { category: 'processing', why: 'the request lacks a field' },
  notImplemented: { category: 'processing', why: 'the service does not do this' },
  responseTooLarge: { category: 'processing', why: 'the result is too large for an answer' },

  // gRPC statuses (Firestore, Pub/Sub), also the `status` of newer REST errors
  ABORTED: { category: 'infrastructure', why: 'contention: another transaction was first (P15)' },
  CANCELLED: { category: 'infrastructure', why: 'the call was cancelled' },
  UNAVAILABLE: { category: 'infrastructure', why: 'the service is not reachable' },
  INTERNAL: { category: 'infrastructure', why: 'the service failed for a moment' },
  UNKNOWN: { category: 'infrastructure', why: 'the service failed for a moment' },
  DATA_LOSS: { category: 'infrastructure', why: 'the service lost the answer' },
  ALREADY_EXISTS: { category: 'infrastructure', why: 'somebody else made it first; the next try sees it' },
  FAILED_PRECONDITION: { category: 'infrastructure', why: 'something changed since it was read; read again' },
  PERMISSION_DENIED: { category: 'infrastructure', retry: false, why: 'the service account may not do this' },
  UNAUTHENTICATED: { category: 'infrastructure', retry: false, why: 'the credentials are not accepted' },
  DEADLINE_EXCEEDED: { category: 'resource_exhausted', why: 'the call took too long' },
  RESOURCE_EXHAUSTED: { category: 'resource_exhausted', why: 'too much at a time, or a quota is used up' },
  NOT_FOUND: { category: 'data_availability', retry: false, why: 'the resource is not there' },
  INVALID_ARGUMENT: { category: 'processing', why: 'the request is not valid' },
  OUT_OF_RANGE: { category: 'processing', why: 'the request is not valid' },
  UNIMPLEMENTED: { category: 'processing', why: 'the service does not do this' },
};

/** gRPC's numbers, for errors that carry only those. */
export const grpcStatus: readonly string[] = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
];

/** A target's HTTP answer, where it says nothing better. */
export function httpVerdict(status: number): Verdict {
  if (status === 401 || status === 403 || status === 407) return { category: 'infrastructure', retry: false, why: 'the service refuses us' };
  if (status === 404) return { category: 'infrastructure', retry: false, why: 'the service has no such address' };
  if (status === 429) return { category: 'resource_exhausted', why: 'the service asks for fewer requests' };
  if (status === 408 || status === 504) return { category: 'resource_exhausted', why: 'the service took too long' };
  if (status === 409 || status === 423 || status === 425) return { category: 'infrastructure', why: 'the service is busy with it' };
  if (status >= 500) return { category: 'infrastructure', why: 'the service failed' };
  return { category: 'processing', why: 'the service refuses what it was sent' };
}
