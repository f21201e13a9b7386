import type { Engine } from '../shared/flows/engine.ts';
import type { TimeBudget } from '../shared/flows/time-budget.ts';
import type { Worker } from '../shared/flows/worker.ts';
import type { MessageBus } from '../shared/ports/message-bus.ts';

/** What every handler works with, the same in both runtimes. */
export interface HandlerDeps {
  readonly engine: Engine;
  /** The one worker of the process. */
  readonly worker: Worker;
  readonly bus: MessageBus;
  readonly detectionTopic: string;
  /** Aborts what runs: the process is going away. */
  readonly signal: AbortSignal;
  /** The time there is for one event; none where nothing cuts it short. */
  readonly time?: TimeBudget;
}
