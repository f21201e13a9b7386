import type { Engine } from './engine.ts';
import type { TimeBudget } from './time-budget.ts';
import { waitForRetry } from './walk-plan.ts';
import { work, type Worked, type WorkOptions } from './work.ts';

export interface WorkerOptions extends Pick<WorkOptions, 'onStart' | 'onEnd'> {
  /**
   * Requests that back off are waited for this long: a function that nobody rings would leave them to the next tick. In
   * milliseconds; 0 where something else comes back to them.
   */
  readonly waitsForRetryMs: number;
}

export interface Rung {
  /** Another ring's work goes on and takes up what this one rang for. */
  readonly joined: boolean;
  /** What was worked on; rows may have changed for those that read them. */
  readonly worked: readonly Worked[];
}

/**
 * The one worker of a process. A message is a doorbell: however many ring at once, the queue is worked off by one set of
 * lanes, and who rings meanwhile is answered at once, since what rang is durable in state.
 */
export class Worker {
  readonly #engine: Engine;
  readonly #options: WorkerOptions;
  #busy = false;
  #rungAgain = false;

  constructor(engine: Engine, options: WorkerOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  async ring(signal: AbortSignal, budget?: TimeBudget): Promise<Rung> {
    if (this.#busy) {
      this.#rungAgain = true;
      return { joined: true, worked: [] };
    }
    this.#busy = true;
    const worked: Worked[] = [];
    const onEnd = (ended: Worked): void => {
      worked.push(ended);
      this.#options.onEnd?.(ended);
    };
    try {
      for (;;) {
        this.#rungAgain = false;
        await work(this.#engine, { signal, budget, onStart: this.#options.onStart, onEnd });
        if (signal.aborted || budget?.ranOut) break;
        if (!this.#rungAgain && !(await this.#waited(signal, budget))) break;
      }
    } finally {
      this.#busy = false;
    }
    return { joined: false, worked };
  }

  async #waited(signal: AbortSignal, budget: TimeBudget | undefined): Promise<boolean> {
    return this.#options.waitsForRetryMs > 0 && waitForRetry(this.#engine, { signal, time: budget }, this.#options.waitsForRetryMs);
  }
}
