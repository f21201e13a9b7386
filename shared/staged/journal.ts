import type { BackfillRecord } from './record.ts';

/** The journal of a staged backfill: what was decided and ordered, when and by whom. It is a part of the record. */

/** What an entry is about. In the record it is text: another version may have written it. */
export type JournalEvent =
  | 'started' | 'finished' | 'cancelled'
  | 'stage_started' | 'stage_ended' | 'stage_held' | 'waits_for_approval' | 'approved'
  | 'gate_passed' | 'gate_held' | 'ramp' | 'ramp_held'
  /** To a stage that has ended, for a date that the calendar has gained since. */
  | 'went_back'
  | 'paused' | 'stopped' | 'resumed' | 'retried' | 'skipped'
  /** By itself: a used-up quota, or a backfill that it has joined, and the end of either. */
  | 'quota' | 'waits' | 'went_on'
  | 'taken_over' | 'others_run' | 'rollback';

/** Who is named where nobody ordered it. */
export const SYSTEM = 'smart-backfill';

/** A Firestore document holds 1 MiB: so many entries of so many bytes of JSON fit, beside the failures, with room to spare. */
const MOST_ENTRIES = 500;
const LONGEST_ENTRY = 400;

/** An entry in the journal. Of too many the first and the newest are kept. */
export function noted(record: BackfillRecord, at: number, by: string, event: JournalEvent, text: string): BackfillRecord {
  const [first, ...rest] = [...record.journal, { at, by, event, text: cutToBytes(text, LONGEST_ENTRY) }];
  return { ...record, journal: first ? [first, ...rest.slice(-MOST_ENTRIES)] : [] };
}

/** The beginning of a text that takes more than so many bytes of JSON, with a sign that there was more. */
export function cutToBytes(text: string, bytes: number): string {
  let taken = 0;
  let end = 0;
  for (const character of text) {
    taken += bytesOf(character);
    if (taken <= bytes - bytesOf(MORE)) end += character.length;
    if (taken > bytes) return `${text.slice(0, end)}${MORE}`;
  }
  return text;
}
const MORE = '…';
const encoder = new TextEncoder();

function bytesOf(character: string): number {
  return encoder.encode(JSON.stringify(character)).length - 2;
}
