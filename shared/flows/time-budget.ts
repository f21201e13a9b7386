import type { Processor } from '../pipeline/pipeline.ts';

/** An `http` target is waited for no longer (design: at most 480 s), and a function has 540 s (P2): nothing needs more time of one. */
const LONGEST_UNIT_MS = 480_000;
/** Starting something that runs on by itself. */
const STARTING_MS = 30_000;

/** An asynchronous target: started, and then told of by a message of its own. */
export function runsOnByItself({ target }: Processor): boolean {
  return 'cloud_run_job' in target || 'pubsub' in target;
}

function timeFor(processor: Processor): number {
  return runsOnByItself(processor) ? STARTING_MS : Math.min(processor.timeoutSeconds * 1000, LONGEST_UNIT_MS);
}

/** The time that a function has for one event. What can't be finished within is left to the next. */
export class TimeBudget {
  readonly #until: number;
  #ranOut = false;

  /** @param until Epoch milliseconds by which all that is started has to have ended. */
  constructor(until: number) {
    this.#until = until;
  }

  /** Something was left undone for want of time: whoever has the budget has to see that it is gone on with. */
  get ranOut(): boolean {
    return this.#ranOut;
  }

  /** Whether a run of this processor can be finished, or at least be started where it runs on by itself. */
  hasRoomFor(processor: Processor, now: number): boolean {
    return this.hasRoom(timeFor(processor), now);
  }

  /** Whether it has room for any of them, without having left one undone. */
  fits(processors: readonly Processor[], now: number): boolean {
    return processors.every((processor) => now + timeFor(processor) <= this.#until);
  }

  hasRoom(milliseconds: number, now: number): boolean {
    const room = now + milliseconds <= this.#until;
    if (!room) this.#ranOut = true;
    return room;
  }
}
