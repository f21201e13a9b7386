import type { CellKey } from '../../requests/cell.ts';
import type { BackfillRecord } from '../../staged/record.ts';
import type { Engine } from '../engine.ts';
import { advanceBackfill, type AdvanceOptions } from './advance.ts';
import type { Coordinator } from './coordinator.ts';

interface Advanced {
  coordinator: Coordinator | null;
  /** Somebody told of it while its coordinator was leaving, and did not look any more. */
  isWanted: boolean;
}

/** The staged backfills that one process advances: who is told of one of them by a message wakes its coordinator. */
export class Advancing {
  readonly #engine: Engine;
  readonly #advanced = new Map<string, Advanced>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** False: this process does not advance it. */
  async hear(id: string, cell: CellKey | null): Promise<boolean> {
    const advanced = this.#advanced.get(id);
    if (!advanced) return false;
    if (advanced.coordinator?.stopped.aborted) advanced.isWanted = true;
    // One that is only taking the lease looks at everything anyhow.
    else await advanced.coordinator?.hear(cell);
    return true;
  }

  /** Advances one until the signal aborts, or it does not run any more. Null: this process does already, or another one, whose lease is marked. */
  async advance(id: string, options: AdvanceOptions): Promise<BackfillRecord | null> {
    if (await this.hear(id, null)) return null;
    const advanced: Advanced = { coordinator: null, isWanted: false };
    this.#advanced.set(id, advanced);
    try {
      for (;;) {
        advanced.isWanted = false;
        const record = await advanceBackfill(this.#engine, id, { ...options, onHolder: (coordinator) => { advanced.coordinator = coordinator; } });
        if (!advanced.isWanted || options.signal.aborted) return record;
      }
    } finally {
      this.#advanced.delete(id);
    }
  }
}
