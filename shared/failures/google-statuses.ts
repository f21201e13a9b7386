import type { Verdict } from './rule.ts';

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
