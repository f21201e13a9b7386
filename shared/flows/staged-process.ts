import type { CellKey } from '../requests/cell.ts';
import type { BackfillRecord } from '../staged/record.ts';
import type { Engine } from './engine.ts';
import { advanceBackfill, type AdvanceOptions } from './staged.ts';
import type { Coordinator } from './staged-coordinator.ts';

/** The staged backfills that one process advances: who is told of one of them by a message wakes its coordinator. */
export class Advancing {
  readonly #engine: Engine;
  readonly #coordinators = new Map<string, Coordinator | null>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** False: this process does not advance it. */
  async hear(id: string, cell: CellKey | null): Promise<boolean> {
    const coordinator = this.#coordinators.get(id);
    // One that is only taking the lease looks at everything anyhow.
    await coordinator?.hear(cell);
    return coordinator !== undefined;
  }

  /** Advances one until the signal aborts, or it does not run any more. Null: this process does already, or another one, whose lease is marked. */
  async advance(id: string, options: AdvanceOptions): Promise<BackfillRecord | null> {
    if (await this.hear(id, null)) return null;
    this.#coordinators.set(id, null);
    try {
      return await advanceBackfill(this.#engine, id, { ...options, onHolder: (coordinator) => void this.#coordinators.set(id, coordinator) });
    } finally {
      this.#coordinators.delete(id);
    }
  }
}
