import type { FailureAction, FailureCategory } from './category.ts';
import type { QuotaPause } from './quota.ts';

/** Errors named for what the caller must do. Whoever knows the cause throws one; `classify` believes it. */
export interface FailureOptions {
  readonly category?: FailureCategory;
  /** More for people: what was received, what is allowed, what to do. */
  readonly detail?: string;
  readonly cause?: unknown;
}

export abstract class FailureError extends Error {
  readonly category: FailureCategory;
  readonly detail: string;
  abstract readonly action: FailureAction;

  constructor(message: string, category: FailureCategory, options: FailureOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.category = options.category ?? category;
    this.detail = options.detail ?? '';
  }
}

/** Do it again in a few seconds: a lost connection, contention, a lock. */
export class RetrySoonError extends FailureError {
  readonly action = 'retry_soon' as const;
  constructor(message: string, options: FailureOptions = {}) {
    super(message, 'infrastructure', options);
  }
}

/** Do it again later and less at a time: memory, rate, time, or a quota (`pause`: not before it resets). */
export class RetryLaterError extends FailureError {
  readonly action = 'retry_later' as const;
  readonly pause: QuotaPause | null;
  constructor(message: string, options: FailureOptions & { readonly pause?: QuotaPause } = {}) {
    super(message, 'resource_exhausted', options);
    this.pause = options.pause ?? null;
  }
}

/** Don't do it again: the same inputs would end the same way. */
export class NeverRetryError extends FailureError {
  readonly action = 'never' as const;
  constructor(message: string, options: FailureOptions = {}) {
    super(message, 'processing', options);
  }
}

/** Put it back to waiting: something it reads has to be filled first. */
export class ParkError extends FailureError {
  readonly action = 'park' as const;
  constructor(message: string, options: FailureOptions = {}) {
    super(message, 'defensive_block', options);
  }
}

/** What a person gave can't be right: say so, do nothing (exit code 2). */
export class InputError extends FailureError {
  readonly action = 'never' as const;
  constructor(message: string, options: FailureOptions = {}) {
    super(message, 'invalid_request', options);
  }
}

/** Not done now, on purpose: paused, over a bound, another operation has it (exit code 5). */
export class HeldBackError extends FailureError {
  readonly action = 'park' as const;
  constructor(message: string, options: FailureOptions = {}) {
    super(message, 'defensive_block', options);
  }
}
