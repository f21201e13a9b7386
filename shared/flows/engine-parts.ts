import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Clock, Ids } from '../ports/clock.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { ProcessorRunner } from '../ports/processor-runner.ts';
import type { RequestStore } from '../ports/request-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';

/** What an engine is made of: the ports, and what a process is to others. */
export interface EngineParts {
  readonly pipeline: Pipeline;
  readonly store: RequestStore;
  readonly warehouse: Warehouse;
  readonly runner: ProcessorRunner;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Names this process in leases. */
  readonly owner: string;
  /** Runs at a time in this process. */
  readonly lanes: number;
  /**
   * Other processes work on the same state: what they have open is read again as this one goes on. The embedded runtime
   * owns its state folder alone.
   */
  readonly shared?: boolean;
  /** Asked for after each cell of a long run: what was committed is not to wait for the end of it. Never rejects. */
  readonly sendCommitted?: () => Promise<void>;
}
