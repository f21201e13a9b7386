/** Google's errors: one reason, the HTTP code it comes with, and the JSON at request and at job level. */

export interface ErrorProto {
  readonly reason: string;
  readonly message: string;
  readonly location?: string;
  readonly domain?: string;
}

/** https://cloud.google.com/bigquery/docs/error-messages */
const HTTP_CODES: Readonly<Record<string, number>> = {
  accessDenied: 403, backendError: 503, badRequest: 400, billingNotEnabled: 403, billingTierLimitExceeded: 400, blocked: 403, bytesBilledLimitExceeded: 400,
  conditionNotMet: 412, duplicate: 409, internalError: 500, invalid: 400, invalidQuery: 400, invalidUser: 400, jobBackendError: 400, jobInternalError: 400,
  jobRateLimitExceeded: 400, notFound: 404, notImplemented: 501, parseError: 400, quotaExceeded: 403, rateLimitExceeded: 403, required: 400, resourceInUse: 400,
  resourcesExceeded: 400, responseTooLarge: 403, stopped: 400, tableUnavailable: 400, timeout: 400, uploadTooLarge: 413, userRateLimitExceeded: 403,
};

const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 409: 'ALREADY_EXISTS', 412: 'FAILED_PRECONDITION', 413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL', 501: 'UNIMPLEMENTED', 503: 'UNAVAILABLE',
};

/** What Google says where a test asks for an error by its reason only. */
const USUAL_MESSAGES: Readonly<Record<string, string>> = {
  accessDenied: 'Access Denied: Project local: User does not have bigquery.jobs.create permission in project local.',
  backendError: 'Error encountered during execution. Retrying may solve the problem.',
  internalError: 'An internal error occurred and the request could not be completed. This is usually caused by a transient issue.',
  invalidQuery: 'Syntax error: Unexpected end of statement at [1:1]',
  jobRateLimitExceeded: 'Exceeded rate limits: too many concurrent queries for this project_and_region. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas',
  notFound: 'Not found: Table local:dataset.table was not found in location US',
  quotaExceeded: 'Quota exceeded: Your table exceeded quota for imports or query appends per table. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas',
  rateLimitExceeded: 'Exceeded rate limits: too many table update operations for this table. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas',
  resourcesExceeded: 'Resources exceeded during query execution: The query could not be executed in the allotted memory.',
  responseTooLarge: 'Response too large to return. Consider specifying a destination table in your job configuration.',
  stopped: 'Job execution was cancelled: User requested cancellation',
};

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: string;
  readonly code: number;
  readonly location: string | undefined;

  constructor(reason: string, message?: string, { location, code }: { readonly location?: string; readonly code?: number } = {}) {
    super(message ?? USUAL_MESSAGES[reason] ?? reason);
    this.reason = reason;
    this.code = code ?? HTTP_CODES[reason] ?? 400;
    this.location = location;
  }

  /** As in `status.errorResult` of a job. */
  proto(): ErrorProto {
    return { reason: this.reason, ...(this.location === undefined ? {} : { location: this.location }), message: this.message };
  }
}

export function notModelled(what: string): ApiError {
  return new ApiError('notImplemented', `${what} is not modelled by the local BigQuery; what is, is listed in scripts/local-cloud/bigquery/README.md`);
}

export function invalid(message: string): ApiError {
  return new ApiError('invalid', message);
}

export function invalidQuery(message: string): ApiError {
  return new ApiError('invalidQuery', message, { location: 'query' });
}

/** The body of an HTTP answer. */
export function errorBody(error: ApiError): unknown {
  const { reason, message, location } = error;
  return {
    error: {
      code: error.code,
      message,
      errors: [{ message, domain: 'global', reason, ...(location === undefined ? {} : { location, locationType: 'parameter' }) }],
      status: STATUSES[error.code] ?? 'UNKNOWN',
    },
  };
}
