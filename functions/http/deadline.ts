import { TimeBudget } from '../../shared/flows/time-budget.ts';

/** The time that one invocation has. */
export interface Deadline {
  /** Aborts when what still runs has to be given back: so long before the end that it can be, and that the answer is in time. */
  readonly signal: AbortSignal;
  /** What can't be finished within is not started. */
  readonly budget: TimeBudget;
  /** Lets go of the timer. */
  end(): void;
}

export interface DeadlineSettings {
  /** How long the platform lets an invocation run: the least of the function's timeout and the subscription's ack deadline. */
  readonly timeoutSeconds: number;
  /** Kept for the end: giving back what runs, sending the outbox, answering. */
  readonly reserveSeconds: number;
}

/**
 * Starts the time of an invocation. On a timeout the caller is told 504 while the instance goes on, and its work leaks
 * into the next message (P8); an answer after the ack deadline means the same message twice at once (P2).
 * `now` is the pipeline's clock, which the budget is asked with; the timer is the machine's.
 */
export function startDeadline({ timeoutSeconds, reserveSeconds }: DeadlineSettings, now: number): Deadline {
  const available = Math.max(0, timeoutSeconds - reserveSeconds) * 1000;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), available);
  timer.unref();
  return { signal: controller.signal, budget: new TimeBudget(now + available), end: () => clearTimeout(timer) };
}
