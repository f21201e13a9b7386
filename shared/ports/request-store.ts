import type { UntoldFailure } from '../alerts/untold.ts';
import type { Day } from '../calendar/day.ts';
import type { RememberedGames } from '../calendar/remembered.ts';
import type { CascadeKey, CascadeRecord } from '../cascade/cascade.ts';
import type { Ask, AskCell } from '../requests/ask.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import type { BackfillRecord } from '../staged/record.ts';
import type { HistoryRow, RequestChangeRow } from './run-history.ts';

/** Which records a transaction reads. What is not named here is not there for the decision. */
export interface Reads {
  readonly cells?: readonly CellKey[];
  /** Processors whose slots are to be taken or given back. */
  readonly slots?: readonly string[];
  readonly asks?: readonly string[];
  readonly cascades?: readonly CascadeKey[];
  readonly leases?: readonly string[];
  /** Staged backfills, by id. */
  readonly backfills?: readonly string[];
  readonly controls?: boolean;
}

/** What the transaction read. A cell that has no record yet is there with its empty record. */
export interface Snapshot {
  cell(key: CellKey): CellRecord;
  slots(processor: string): SlotRecord;
  ask(id: string): Ask | null;
  cascade(key: CascadeKey): CascadeRecord | null;
  lease(name: string): LeaseRecord | null;
  backfill(id: string): BackfillRecord | null;
  controls(): Controls;
}

/** What a decision writes, all of it or nothing. Absent fields write nothing. */
export interface Writes {
  readonly cells?: readonly CellRecord[];
  readonly slots?: readonly SlotRecord[];
  readonly asks?: readonly Ask[];
  readonly askCells?: readonly AskCell[];
  readonly cascades?: readonly CascadeRecord[];
  readonly leases?: readonly LeaseRecord[];
  readonly releaseLeases?: readonly string[];
  readonly backfills?: readonly BackfillRecord[];
  readonly controls?: Controls;
  readonly outbox?: readonly OutgoingMessage[];
  readonly history?: readonly HistoryRow[];
  readonly changes?: readonly RequestChangeRow[];
  /** The full list behind a verified run's trace, kept by run id for `why`. */
  readonly traces?: readonly { readonly runId: string; readonly trace: string }[];
  readonly remembered?: readonly RememberedGames[];
  /** Failures of runs in backfill mode, until a digest has them; one that is there already stays as it is. */
  readonly untold?: readonly UntoldFailure[];
  /** Ids of those that a digest has. */
  readonly told?: readonly string[];
}

/** Who has a processor's slots, each until its lease runs out. */
export interface SlotRecord {
  readonly processor: string;
  readonly holders: readonly { readonly day: Day; readonly token: number; readonly until: number }[];
  /** Taken together by a resource_exhausted failure: fewer slots until this instant. */
  readonly slowUntil: number | null;
}

/** A named lease: the detector's single flight, a plan's ownership of its cells. */
export interface LeaseRecord {
  readonly name: string;
  readonly owner: string;
  readonly until: number;
  /** Somebody wanted it while it was held: the holder goes round once more. */
  readonly again: boolean;
  /** What the holder keeps with it: a plan's cells as JSON text. */
  readonly detail: string;
}

export interface Controls {
  readonly paused: { readonly by: string; readonly reason: string; readonly at: number } | null;
  /** The day from which detection is automatic: the day of adoption, unless the definition says otherwise. */
  readonly adoptedOn: Day | null;
  /** Automatic work done, by game-zone date: for `max_auto_cells_per_day`. */
  readonly autoCells: { readonly day: Day; readonly count: number } | null;
  /** Digest of what the last over-the-bounds alert named, so that it is sent again only when that changes. */
  readonly lastBoundsAlert: string | null;
  /** Staged backfills, by id, of which a cell has failed under `stop`: no cell of theirs starts before their coordinator has looked. */
  readonly halted?: readonly string[];
}

export interface OutgoingMessage {
  readonly id: string;
  readonly topic: string;
  /** JSON text. */
  readonly body: string;
}

export interface QueuedCell extends CellKey {
  readonly openedAt: number;
}

/**
 * By when a transaction is on the disk. `with_next`: together with the first one after it that is to be there `now`, or
 * shortly after. A crash before that leaves the state of before: for what would simply be done again.
 */
export type Durable = 'now' | 'with_next';

/**
 * State: asks, cells, slots, cascades, leases, staged backfills, outbox. One way to change it: name the records, decide purely on what was
 * read, and all of the decision is durable when the promise resolves, or nothing of it. Run history rows and outgoing
 * messages are part of the same commit. A crash leaves what the first so many transactions made, never one of them without
 * those before it. It runs no processor, sends no message, and knows no rule of the state machine.
 */
export interface RequestStore {
  /** `decide` may be called more than once: it has no side effect. Throws a RetrySoonError when contention does not end. */
  transact<T>(reads: Reads, decide: (snapshot: Snapshot) => { readonly writes: Writes; readonly result: T }, durable?: Durable): Promise<T>;

  /** Records of [from, to] that exist. */
  cells(from: Day, to: Day): Promise<readonly CellRecord[]>;
  cell(key: CellKey): Promise<CellRecord>;
  /** Every cell with an open request, in any state. */
  openCells(): Promise<readonly CellRecord[]>;
  /** Queued cells that may be taken at `now`, best first: priority, then date, then rank order of processors given. */
  queued(now: number, limit: number): Promise<readonly QueuedCell[]>;
  /** The oldest queued cell that may be taken at `now`, so that nothing starves. */
  oldestQueued(now: number): Promise<QueuedCell | null>;
  /** The next instant at which a queued cell that is backing off may be taken, or null. */
  nextDue(now: number): Promise<number | null>;
  /** Cells whose open request waits for, or is blocked by, this one. */
  waitersOn(key: CellKey): Promise<readonly CellKey[]>;
  slots(): Promise<readonly SlotRecord[]>;

  asks(limit: number): Promise<readonly Ask[]>;
  ask(id: string): Promise<{ readonly ask: Ask; readonly cells: readonly AskCell[] } | null>;
  cascades(from: Day, to: Day): Promise<readonly CascadeRecord[]>;
  leases(): Promise<readonly LeaseRecord[]>;
  /** Every staged backfill, the newest first. */
  backfills(): Promise<readonly BackfillRecord[]>;
  backfill(id: string): Promise<BackfillRecord | null>;
  controls(): Promise<Controls>;
  remembered(): Promise<readonly RememberedGames[]>;
  /** Failures that no digest has yet, in any order. */
  untold(limit: number): Promise<readonly UntoldFailure[]>;
  /** JSON text of a run's full trace, if it is still kept. */
  trace(runId: string): Promise<string | null>;

  /** Messages committed and not yet marked sent, oldest first. */
  unsent(limit: number): Promise<readonly OutgoingMessage[]>;
  markSent(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}
