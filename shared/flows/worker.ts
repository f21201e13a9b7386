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

/** One ring's work: what rings meanwhile is taken up by it, until its time is too short. */
interface Shift {
  readonly budget: TimeBudget | undefined;
  /** A later ring, with more time, has taken over: what runs is finished, and nothing more is taken up. */
  readonly over: AbortController;
  rungAgain: boolean;
  /** Resolves at the next ring. */
  bell: PromiseWithResolvers<void>;
  /** Aborted by a ring while it waits for a request that backs off. */
  waiting: AbortController;
}

/**
 * The one worker of a process. A message is a doorbell: however many ring at once, the queue is worked off by one set of
 * lanes, and who rings meanwhile is answered at once, since what rang is durable in state. Lanes that have nothing to do
 * look again at every ring. Once the time of a ring is too short for a run, the next ring goes on with its own.
 */
export class Worker {
  readonly #engine: Engine;
  readonly #options: WorkerOptions;
  #shift: Shift | null = null;
  /** Rings that were taken over from and whose runs are under way: they hold lanes, and slots of tables. */
  #draining = 0;

  constructor(engine: Engine, options: WorkerOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  async ring(signal: AbortSignal, budget?: TimeBudget): Promise<Rung> {
    const before = this.#shift;
    if (before && this.#hasTime(before)) {
      this.#engine.heardOfQueued();
      wake(before);
      return { joined: true, worked: [] };
    }
    if (before) this.#draining += 1;
    before?.over.abort();
    const shift: Shift = { budget, over: new AbortController(), rungAgain: false, bell: Promise.withResolvers(), waiting: new AbortController() };
    this.#shift = shift;
    const worked: Worked[] = [];
    const onEnd = (ended: Worked): void => {
      worked.push(ended);
      this.#options.onEnd?.(ended);
    };
    const { lanes } = this.#engine.parts;
    try {
      for (;;) {
        shift.rungAgain = false;
        shift.waiting = new AbortController();
        await work(this.#engine, {
          signal, budget, onStart: this.#options.onStart, onEnd, until: shift.over.signal, woken: () => shift.bell.promise,
          // Those of a ring that was taken over from have runs to finish.
          lanes: Math.max(1, lanes - this.#engine.running.size),
        });
        if (signal.aborted || budget?.ranOut || shift.over.signal.aborted) break;
        if (!shift.rungAgain && this.#draining > 0) {
          await Promise.race([shift.bell.promise, aborted(AbortSignal.any([signal, shift.over.signal]))]);
          continue;
        }
        if (!shift.rungAgain) await this.#waited(AbortSignal.any([signal, shift.waiting.signal]), budget).then((isDue) => { shift.rungAgain ||= isDue; });
        if (!shift.rungAgain) break;
      }
    } finally {
      if (this.#shift === shift) this.#shift = null;
      if (shift.over.signal.aborted) {
        this.#draining -= 1;
        // What it held is free.
        this.#engine.heardOfQueued();
        if (this.#shift) wake(this.#shift);
      }
    }
    return { joined: false, worked };
  }

  #hasTime({ budget }: Shift): boolean {
    return budget === undefined || (!budget.ranOut && budget.fits(this.#engine.pipeline.processors, this.#engine.parts.clock.now()));
  }

  async #waited(signal: AbortSignal, budget: TimeBudget | undefined): Promise<boolean> {
    return this.#options.waitsForRetryMs > 0 && waitForRetry(this.#engine, { signal, time: budget }, this.#options.waitsForRetryMs);
  }
}

function wake(shift: Shift): void {
  shift.rungAgain = true;
  shift.waiting.abort();
  const { bell } = shift;
  shift.bell = Promise.withResolvers();
  bell.resolve();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
