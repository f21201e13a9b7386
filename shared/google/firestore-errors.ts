import { NeverRetryError, RetryLaterError, RetrySoonError } from '../failures/errors.ts';

/** gRPC's status codes: https://grpc.io/docs/guides/status-codes. */
const grpc = {
  cancelled: 1, unknown: 2, invalidArgument: 3, deadlineExceeded: 4, notFound: 5, alreadyExists: 6, permissionDenied: 7, resourceExhausted: 8,
  failedPrecondition: 9, aborted: 10, internal: 13, unavailable: 14, unauthenticated: 16,
} as const;
/** What the REST transport answers in place of ABORTED. */
const HTTP_CONFLICT = 409;

/** The code of a Firestore error, or null: REST answers with an HTTP status where gRPC has its code. */
export function codeOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const code = Number(error.code);
  return Number.isInteger(code) ? code : null;
}

/** A commit that found something else than its decision had read, or that another was in the way of (P15). */
export function isContention(error: unknown): boolean {
  const code = codeOf(error);
  return code === grpc.aborted || code === grpc.failedPrecondition || code === grpc.alreadyExists || code === grpc.notFound || code === HTTP_CONFLICT;
}

export function isNotFound(error: unknown): boolean {
  return codeOf(error) === grpc.notFound;
}

/** A moment of the service's, over soon; Firestore's own client tries most of them again, but not for long. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  const passing: readonly (number | null)[] = [grpc.aborted, grpc.unavailable, grpc.internal, grpc.deadlineExceeded, grpc.unknown, grpc.cancelled, HTTP_CONFLICT, 502, 503, 504];
  return passing.includes(code);
}

/** The error as what its caller is to do. Errors that are not Firestore's go through as they are. */
export function firestoreError(error: unknown, doing: string): unknown {
  const code = codeOf(error);
  if (code === null || !(error instanceof Error)) return error;
  const said = `Firestore, ${doing}: ${error.message}`;
  if (isPassing(error)) return new RetrySoonError(said, { cause: error });
  switch (code) {
    case grpc.resourceExhausted:
    case 429:
      return new RetryLaterError(said, { cause: error, detail: 'too many operations at a time, or the quota of the day is used up: https://console.cloud.google.com/firestore/quotas' });
    case grpc.permissionDenied:
    case grpc.unauthenticated:
    case 401:
    case 403:
      return new NeverRetryError(said, { category: 'infrastructure', cause: error, detail: "the service account needs roles/datastore.user on the database; Terraform's module gives it" });
    case grpc.failedPrecondition:
      return new NeverRetryError(said, { category: 'infrastructure', cause: error, detail: "a query lacks its index, or the database is not in native mode; 'terraform apply' makes both" });
    case grpc.notFound:
    case 404:
      return new NeverRetryError(said, { category: 'infrastructure', cause: error, detail: "the database is not there; 'terraform apply' makes it" });
    case grpc.invalidArgument:
    case 400:
      return new NeverRetryError(said, { cause: error });
    default:
      return error;
  }
}
