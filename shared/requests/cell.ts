import type { Day } from '../calendar/day.ts';
import type { FailureCategory } from '../failures/category.ts';

/**
 * The record of one cell: (processor, game date). Its key is the cell, so that at most one request is open on it and no
 * query is needed to find that out. Times are epoch milliseconds.
 */
export interface CellKey {
  readonly processor: string;
  readonly day: Day;
}

export interface CellRecord extends CellKey {
  /** Counts the requests ever opened on this cell; a write carries it as its fence. */
  readonly generation: number;
  readonly request: OpenRequest | null;
  /** What the last verified run wrote and read, ours or one reported from outside. */
  readonly last: VerifiedRun | null;
  /** How the last request ended, when it did not end well and nothing has succeeded since. */
  readonly failure: EndedBadly | null;
  /** Held by a person's `hold`. */
  readonly hold: { readonly by: string; readonly reason: string; readonly at: number } | null;
  readonly acceptance: Acceptance | null;
  /** Why rows without a trace are not believed; null when there is no suspicion. */
  readonly suspect: string | null;
  /** What staged backfills found on this cell before they wrote it, the newest last; absent: none has. */
  readonly overwrites?: readonly Overwrite[];
  /** Ids of the asks last applied to this cell, newest last: a redelivered ask is applied once. */
  readonly recentAsks: readonly string[];
}

export const requestStates = ['waiting', 'queued', 'processing', 'blocked'] as const;
export type RequestState = (typeof requestStates)[number];
export const requestKinds = ['auto', 'manual', 'cascade', 'staged'] as const;
export type RequestKind = (typeof requestKinds)[number];
export const priorities = ['high', 'normal', 'low'] as const;
export type Priority = (typeof priorities)[number];

export interface OpenRequest {
  readonly state: RequestState;
  readonly kind: RequestKind;
  readonly priority: Priority;
  readonly reason: string;
  readonly requestedBy: string;
  readonly openedAt: number;
  /** The asks that wait for the outcome. */
  readonly asks: readonly string[];
  /** Waiting, blocked: the input that has to become usable; the last unusable one in topological order. */
  readonly waitingFor: CellKey | null;
  readonly waitingSince: number | null;
  /** Attempts counted so far; counted at the claim. */
  readonly attempts: number;
  /** Queued: not to be taken before this instant. */
  readonly notBefore: number | null;
  readonly lease: Lease | null;
  /** An ask came while it was processing: it runs once more. */
  readonly again: boolean;
  /** Run although inputs are missing. */
  readonly force: boolean;
  /** Run although the trace says that nothing changed. */
  readonly rerun: boolean;
  readonly skipDownstreamTrigger: boolean;
  readonly isBackfill: boolean;
  readonly planId: string | null;
  readonly backfillId: string | null;
  /** Id of the ask that it goes back to, through cascades and plans. */
  readonly cause?: string;
  /** How it is tried again, where that is not the pipeline's: a staged backfill's own rule. */
  readonly retry?: RetryRule;
  /** Queued: the quota that its last attempt found used up, in the words of who refused; tried again at `notBefore`. */
  readonly quota?: string;
  /** When what it was opened by was planned, or somebody found other inputs than its run had read: who runs it has to know calendar and rows of that moment. */
  readonly plannedAt?: number;
  /** When it fails for good, nothing more of its backfill starts. */
  readonly halts?: boolean;
  /** No run: the cell's rows are taken back to what they were before a staged backfill wrote them, or taken away. */
  readonly rollback?: RollbackOrder;
  /** A person wants what runs stopped: whoever runs it sees this at its next heartbeat. */
  readonly stop?: StopOrder;
  /** Claims so far, also those that were given back: what a lease's token rises by. */
  readonly claims?: number;
  /** Takeovers of an expired lease without an outcome. */
  readonly takeovers: number;
}

export interface RetryRule {
  /** Attempts of one request, the first included. */
  readonly maxAttempts: number;
  readonly delayMs: number;
}

/** `cancel` ends the request; `pause` puts it back into the queue. */
export interface StopOrder {
  readonly how: 'cancel' | 'pause';
  readonly by: string;
  readonly reason: string;
  readonly at: number;
}

export interface RollbackOrder {
  /** Whose overwrite is undone; null: rows that no backfill is known to have written are taken away. */
  readonly backfillId: string | null;
  /** Nothing is put in the place of the rows, although there was something before. */
  readonly deletes: boolean;
  readonly by: string;
  readonly reason: string;
}

/** What a staged backfill found on a cell, and what it put there. */
export interface Overwrite {
  readonly backfillId: string;
  /** When the run was claimed that was going to overwrite these rows: they were there then. */
  readonly at: number;
  /** Fingerprint of the rows that were there (EMPTY_FINGERPRINT for none). */
  readonly held: string;
  /** The verified run that was on record then, with its trace. */
  readonly last: VerifiedRun | null;
  readonly suspect: string | null;
  /** Fingerprint of the rows that its last verified run wrote; null while there is none. */
  readonly wrote: string | null;
  /** The backfill's rows are gone again. `run`: of the run that was recorded for them. */
  readonly rolledBack?: { readonly by: string; readonly reason: string; readonly at: number; readonly run?: string };
}

export interface Lease {
  readonly owner: string;
  /** Rises with every claim of this cell. */
  readonly token: number;
  readonly until: number;
  readonly runId: string;
  readonly startedAt: number;
  /**
   * An asynchronous target runs on by itself until `until`, its deadline: what was started, what it was to read, and the
   * fingerprint of the rows that the cell held then (EMPTY_FINGERPRINT for none).
   */
  readonly started?: { readonly handle: string; readonly trace: TraceDigests; readonly held: string };
}

export interface VerifiedRun {
  readonly runId: string;
  readonly at: number;
  readonly rows: number;
  /** Fingerprint of the rows it wrote (EMPTY_FINGERPRINT for none). */
  readonly fingerprint: string;
  /** Fingerprint by view of the rows it wrote. */
  readonly views: Readonly<Record<string, string>>;
  /**
   * The same trace gave other rows than before (`unstable`): to its readers these rows count as those, so that they are
   * not redone for a processor that does not repeat itself.
   */
  readonly standsFor?: { readonly fingerprint: string; readonly views: Readonly<Record<string, string>> };
  /** Digest by edge (`traceKey`) of the inputs it read; null: no trace is known. */
  readonly trace: TraceDigests | null;
  readonly origin: 'ours' | 'external';
  /** The very rows were in place before it, written by somebody else: who read them has read what is there. */
  readonly found?: boolean;
  /** Its request was not to start anything: no completion was published for it. */
  readonly silent?: boolean;
  /** It ran by force although inputs were missing. */
  readonly forced: boolean;
}

/** Whether this system has written the rows of a run, in it or in one before it. */
export function writtenByUs(run: VerifiedRun | null | undefined): boolean {
  return run?.origin === 'ours' && run.found !== true;
}

export interface TraceDigests {
  readonly digest: string;
  readonly edges: Readonly<Record<string, string>>;
  readonly definitionHash: string;
  readonly codeVersion: string;
}

export interface EndedBadly {
  readonly outcome: 'failed' | 'cancelled' | 'skipped' | 'rolled_back';
  readonly category: FailureCategory;
  readonly message: string;
  readonly at: number;
  readonly runId: string | null;
  /** How often in a row it cooled down; picks the next pause. */
  readonly step: number;
  /** Cooling: not run by itself before this instant. Null: held until its inputs or definition change, or a person asks. */
  readonly coolsUntil: number | null;
  /** Digest of the inputs, and the definition, that the failed run saw. */
  readonly inputsDigest: string | null;
  readonly definitionHash: string;
  /** Somebody else's run, by its own message. */
  readonly reported?: boolean;
}

export interface Acceptance {
  readonly by: string;
  readonly reason: string;
  readonly at: number;
  /** Instant at which it ends, or null. */
  readonly until: number | null;
  /** The fingerprint accepted, or null for absence: anything else ends it. */
  readonly fingerprint: string | null;
  /** Keys (games) accepted as missing: they leave the expectations of what derives from them. */
  readonly missingKeys: readonly string[];
}

export function emptyRecord(key: CellKey): CellRecord {
  return {
    processor: key.processor, day: key.day, generation: 0, request: null, last: null, failure: null, hold: null, acceptance: null, suspect: null, recentAsks: [],
  };
}
