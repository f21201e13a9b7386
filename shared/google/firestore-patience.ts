import { RetrySoonError } from '../failures/errors.ts';

/**
 * How long a call may take before its caller is told to come again. The client's own retries keep a call for three
 * quarters of a minute when Firestore is not there, and a function has to answer long before that. A commit that was given
 * up on may still happen: like a commit whose answer was lost, it changes only what is as it was read.
 */
export const PATIENCE_MS = 20_000;

export async function within<T>(milliseconds: number, doing: string, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(noAnswer(milliseconds, doing)), milliseconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

export function noAnswer(milliseconds: number, doing: string): RetrySoonError {
  return new RetrySoonError(`Firestore, ${doing}: no answer within ${milliseconds / 1000} s`);
}
