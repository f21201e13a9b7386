import { keyOf } from '../gaps/detect.ts';
import type { CellKey } from '../requests/cell.ts';

/** What one process runs now, so that it can be stopped at once. Other processes see a stop order at their next heartbeat. */
export class Running {
  readonly #controllers = new Map<string, AbortController>();

  get size(): number {
    return this.#controllers.size;
  }

  /** A run begins. The signal aborts when it is to end. */
  begin(key: CellKey): { readonly signal: AbortSignal; ended(): void } {
    const controller = new AbortController();
    const name = keyOf(key);
    this.#controllers.set(name, controller);
    return {
      signal: controller.signal,
      ended: () => { if (this.#controllers.get(name) === controller) this.#controllers.delete(name); },
    };
  }

  stop(key: CellKey): void {
    this.#controllers.get(keyOf(key))?.abort();
  }
}
