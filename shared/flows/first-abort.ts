/** A signal that aborts with the first of others, or when its time is over. */
export interface FirstAbort {
  readonly signal: AbortSignal;
  /** Whether it is the time that was over. */
  readonly isLate: () => boolean;
  /** It is not listened to any more. */
  end(): void;
}

/**
 * What `AbortSignal.any` and `AbortSignal.timeout` do, for what takes milliseconds and comes by the thousand: these two leave
 * a timer and an entry in every long-lived signal until they are collected.
 */
export function firstAbort(others: readonly AbortSignal[], timeoutMs: number | null = null): FirstAbort {
  const controller = new AbortController();
  let late = false;
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(timer);
    for (const other of others) other.removeEventListener('abort', abort);
  };
  const abort = (event: Event): void => {
    end();
    controller.abort(event.target instanceof AbortSignal ? event.target.reason : undefined);
  };
  const aborted = others.find((other) => other.aborted);
  if (aborted) {
    controller.abort(aborted.reason);
  } else {
    for (const other of others) other.addEventListener('abort', abort);
    if (timeoutMs !== null) {
      timer = setTimeout(() => {
        late = true;
        end();
        controller.abort(new DOMException(`the operation took longer than ${timeoutMs} ms`, 'TimeoutError'));
      }, timeoutMs).unref();
    }
  }
  return { signal: controller.signal, isLate: () => late, end };
}
