/** The only way to the time of day; it can be set for demo and tests. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves when `milliseconds` have passed on this clock, or at once when `signal` aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Fresh ids for runs, asks and messages. */
export interface Ids {
  next(prefix: string): string;
}
