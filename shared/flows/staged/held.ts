import type { LeaseRecord } from '../../ports/request-store.ts';
import type { CellKey, CellRecord } from '../../requests/cell.ts';
import { whyStop } from '../../staged/policy.ts';
import { hasEnded, type BackfillRecord, type NewFailure } from '../../staged/record.ts';
import { stopped, takenOver, withFailures } from '../../staged/transitions.ts';
import { resumeCascades } from '../cascade.ts';
import type { Engine } from '../engine.ts';
import { backfillLease, heardAt, LostLeaseError, NAMED_LEASE_MS } from '../leases.ts';
import type { Guard } from '../open.ts';
import { tellState } from './alerts.ts';
import { unknownBackfill } from './orders.ts';

export interface HeldOptions {
  /** Whether the backfill's lease is still that of this process. */
  readonly isHolder: (lease: LeaseRecord | null) => boolean;
  /** Told of each new state or stage. */
  readonly onState: (record: BackfillRecord) => void;
}

/**
 * Takes the lease of a backfill. False where somebody holds it, in this process or another: it is marked that it was wanted.
 * That it is taken over from one that has died stands in the journal.
 */
export async function takeBackfill(engine: Engine, id: string): Promise<boolean> {
  const { owner, clock } = engine.parts;
  const name = backfillLease(id);
  const now = clock.now();
  return engine.change({ leases: [name], backfills: [id] }, (snapshot) => {
    const before = snapshot.lease(name);
    if (before && before.until > now) return { writes: { leases: [{ ...before, again: true }] }, result: false };
    const record = snapshot.backfill(id);
    const isTakenOver = before !== null && before.owner !== owner && record !== null && !hasEnded(record);
    return {
      writes: {
        leases: [{ name, owner, until: now + NAMED_LEASE_MS, again: false, detail: '{}' }],
        ...(isTakenOver ? { backfills: [takenOver(record, { owner: before.owner, heardAt: heardAt(before) }, now)] } : {}),
      },
      result: true,
    };
  });
}

/**
 * A backfill's record as the holder of its lease may change it: every change is a transaction on the record and the lease,
 * so that a person's order in between is never lost, and a holder that has lost its lease changes nothing.
 */
export class HeldBackfill {
  readonly id: string;
  readonly #engine: Engine;
  readonly #options: HeldOptions;

  constructor(engine: Engine, id: string, options: HeldOptions) {
    this.#engine = engine;
    this.id = id;
    this.#options = options;
  }

  async read(): Promise<BackfillRecord> {
    const record = await this.#engine.parts.store.backfill(this.id);
    if (!record) throw unknownBackfill(this.id, await this.#engine.parts.store.backfills());
    return record;
  }

  /**
   * One change of the record, and of a cell of its together with it, while the lease is this process's.
   * @throws {LostLeaseError} Where it is not.
   */
  async change(change: (record: BackfillRecord) => BackfillRecord, key: CellKey | null = null, ofCell: (cell: CellRecord) => CellRecord = (cell) => cell): Promise<void> {
    const lease = backfillLease(this.id);
    const cells = key ? [key] : [];
    const changed = await this.#engine.change({ backfills: [this.id], leases: [lease], cells }, (snapshot) => {
      const before = snapshot.backfill(this.id);
      if (!before || !this.#options.isHolder(snapshot.lease(lease))) throw new LostLeaseError(lease);
      const after = change(before);
      return after === before ? { writes: {}, result: null } : { writes: { backfills: [after], cells: cells.map((cell) => ofCell(snapshot.cell(cell))) }, result: { before, after } };
    });
    if (!changed) return;
    const { before, after } = changed;
    if (before.state === after.state && before.stage === after.stage) return;
    this.#options.onState(after);
    await tellState(this.#engine, after);
    if (before.stage !== after.stage || hasEnded(after)) await resumeCascades(this.#engine, after);
  }

  /** Notes what failed, and stops where the error policy says so. */
  async note(failures: readonly NewFailure[]): Promise<void> {
    const now = this.#engine.parts.clock.now();
    await this.change((record) => {
      const noted = withFailures(record, failures, now);
      if (record.state !== 'running') return noted;
      const why = whyStop(noted, failures);
      return why === null ? noted : stopped(noted, why, now);
    });
  }

  /** Where others may have taken the lease, or paused the backfill, since it was looked at: nothing is opened then. */
  guard(): Guard | undefined {
    if (!this.#engine.parts.shared) return undefined;
    const lease = backfillLease(this.id);
    return {
      reads: { backfills: [this.id], leases: [lease] },
      allows: (snapshot) => {
        if (!this.#options.isHolder(snapshot.lease(lease))) throw new LostLeaseError(lease);
        return snapshot.backfill(this.id)?.state === 'running';
      },
    };
  }
}
