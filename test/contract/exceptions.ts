/** Cases of a contract suite that an adapter can't run, by name, each with the reason. */
export type Exceptions = Readonly<Record<string, string>>;

/** Declares the cases of a suite, those that are exceptions as skipped, by name and with the reason. */
export class Cases {
  readonly #exceptions: Exceptions;
  readonly #timeoutMs: number | null;
  readonly #known = new Set<string>();

  /** `timeoutMs`: of each case, where what is under test is a server with pauses of its own. */
  constructor(exceptions: Exceptions, timeoutMs: number | null = null) {
    this.#exceptions = exceptions;
    this.#timeoutMs = timeoutMs;
  }

  /** `it`, unless the case is an exception. */
  readonly must = (name: string, body: () => Promise<void>): void => {
    this.#known.add(name);
    const reason = this.#exceptions[name];
    const test = reason === undefined ? it(name, body) : it.skip(`${name} (not here: ${reason})`, body);
    if (this.#timeoutMs !== null) test.timeout(this.#timeoutMs);
  };

  /** Exceptions that name no case: a case was renamed, and nobody would see that it runs again, or never did. */
  unknown(): readonly string[] {
    return Object.keys(this.#exceptions).filter((name) => !this.#known.has(name));
  }
}
