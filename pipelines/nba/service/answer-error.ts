import { classify, type Failure } from '../../../shared/failures/classify.ts';
import { evidenceOf } from '../../../shared/failures/evidence.ts';

/** An error as the contract's answer has it: a type and a message, by which the caller knows whether to try again. */
export interface AnswerError {
  readonly type: string;
  readonly message: string;
}

/**
 * An answer carries no codes and no reasons of Google's clients. So what they say is said by the type, in the words that are
 * known of services (shared/failures/patterns.ts); the reason itself stands in the message, for people.
 */
export function answerError(thrown: unknown): AnswerError {
  const failure = classify(thrown);
  const { message } = failure;
  const [reason] = evidenceOf(thrown).reasons;
  return { type: typeOf(failure), message: reason === undefined || message.includes(reason) ? message : `${message} (${reason})` };
}

function typeOf({ category, retry, pause, type }: Failure): string {
  switch (category) {
    case 'infrastructure': return retry ? 'ConnectionError' : 'PermissionError';
    case 'resource_exhausted': return pause === null ? 'RateLimitExceeded' : 'QuotaExceeded';
    case 'data_availability': return 'FileNotFoundError';
    case 'defensive_block': return 'DependencyError';
    default: return type;
  }
}
