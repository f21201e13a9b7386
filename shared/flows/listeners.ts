/** Parts of one process that want to hear of something, each until it ends its hearing. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Ends with what is handed back. */
  add(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}
