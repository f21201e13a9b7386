import type { CellRecord, EndedBadly } from '../requests/cell.ts';
import type { Coverage } from './coverage.ts';

/** The three facts of a cell. Decisions look at these, never at the one-word status. */
export interface CellFacts {
  readonly data: DataFact;
  readonly trace: TraceFact;
  readonly activity: ActivityFact;
  /** Why the data is short, in words; empty otherwise. */
  readonly shortcomings: readonly string[];
  /** Trace keys of the edges whose inputs are not what was read. */
  readonly changedEdges: readonly string[];
  /** Its run read a date as absent, or read rows that are gone or changed now: it follows when that is mended. */
  readonly readIncomplete: boolean;
  /** Its SQL, windows, columns or code are others than those it was made with. */
  readonly codeChanged: boolean;
}

export type DataFact = 'not_expected' | 'pending' | 'missing' | 'short' | 'present';
export type TraceFact = 'fresh' | 'stale' | 'altered' | 'suspect' | 'unknown';
export type ActivityFact = 'idle' | 'open' | 'in_flight' | 'cooling' | 'held' | 'accepted';

export const statuses = ['not_expected', 'pending', 'accepted', 'held', 'in_flight', 'failed', 'missing', 'short', 'altered', 'stale', 'suspect', 'complete'] as const;
export type Status = (typeof statuses)[number];

/** The one word for people: the first that holds. */
export function statusOf(facts: CellFacts): Status {
  const { data, trace, activity } = facts;
  if (data === 'not_expected' || data === 'pending') return data;
  if (activity === 'accepted' || activity === 'held' || activity === 'in_flight') return activity;
  if (data === 'missing' || data === 'short') return activity === 'cooling' ? 'failed' : data;
  if (trace === 'altered' || trace === 'stale' || trace === 'suspect') return trace;
  return 'complete';
}

/** Needs no work and no attention: complete, or nothing is expected of it, or not yet. */
export function isSettled(facts: CellFacts): boolean {
  const status = statusOf(facts);
  return status === 'complete' || status === 'not_expected' || status === 'pending' || status === 'accepted';
}

/** What is expected of a cell's rows on its date. */
export interface Expectation {
  /** Keys that must have rows; empty where none are known, or in the warm-up. */
  readonly keys: readonly string[];
  readonly minRowsPerKey: number;
  /** Least rows of the date where no keys are known. */
  readonly minRows: number;
  /** A date without rows is right once a verified run of it is on record. */
  readonly mayBeEmpty: boolean;
}

/** Why rows fall short of what is expected of them; empty when they do not. The same check judges staged and stored rows. */
export function shortcomingsOf(coverage: Coverage | undefined, expectation: Expectation): string[] {
  if (!coverage || coverage.rows === 0) return expectation.mayBeEmpty ? [] : ['no rows'];
  const found: string[] = [];
  const games = coverage.games;
  if (games) {
    const missing = expectation.keys.filter((key) => (games[key] ?? 0) === 0);
    if (missing.length > 0) found.push(`${missing.length} of ${expectation.keys.length} games missing: ${missing.join(', ')}`);
    const thin = expectation.keys.filter((key) => (games[key] ?? 0) > 0 && (games[key] ?? 0) < expectation.minRowsPerKey);
    if (thin.length > 0) found.push(`fewer than ${expectation.minRowsPerKey} rows for game ${thin.join(', ')}`);
  }
  if (coverage.rows < expectation.minRows) found.push(`${coverage.rows} rows, fewer than ${expectation.minRows}`);
  if (coverage.duplicates > 0) found.push(`${coverage.duplicates} rows repeat a key`);
  if (coverage.nulls > 0) found.push(`${coverage.nulls} nulls in required columns`);
  return found;
}

/** Whether a person's acceptance of known rows, or of a known gap, holds for what is there now. */
export function acceptanceHolds(record: CellRecord, coverage: Coverage | undefined, now: number): boolean {
  const { acceptance } = record;
  if (!acceptance) return false;
  if (acceptance.until !== null && now >= acceptance.until) return false;
  return acceptance.fingerprint === (coverage && coverage.rows > 0 ? coverage.fingerprint : null);
}

/** The rows that are there are not those that the last verified run wrote, and nobody has accepted them. */
export function isAltered(record: CellRecord, coverage: Coverage | undefined, now: number): boolean {
  return record.last !== null && coverage !== undefined && coverage.fingerprint !== record.last.fingerprint && !acceptanceHolds(record, coverage, now);
}

/** Held because its last request failed for a reason that running again does not mend, and nothing it reads has changed. */
export function failureHolds(failure: EndedBadly | null, inputsDigest: string, definitionHash: string): boolean {
  if (!failure || failure.coolsUntil !== null) return false;
  if (failure.definitionHash !== definitionHash) return false;
  return failure.inputsDigest === null || failure.inputsDigest === inputsDigest;
}
