import type { JournalEvent } from '../../shared/staged/journal.ts';
import type { BackfillRecord } from '../../shared/staged/record.ts';
import { duration } from './words.ts';

/** Entries of the journal after which a backfill starts nothing, and those with which it goes on. */
const STANDS: ReadonlySet<string> = new Set<JournalEvent>(['paused', 'stopped', 'gate_held', 'ramp_held', 'stage_held', 'waits_for_approval', 'quota']);
const GOES_ON: ReadonlySet<string> = new Set<JournalEvent>(['resumed', 'retried', 'approved', 'went_on', 'finished', 'cancelled']);
/** Less than this is not worth a word. */
const WORTH_TELLING_MS = 60_000;

/** Milliseconds of [from, to] in which a backfill stood, by its journal: for a night, a person, a quota. */
export function stoodFor({ journal }: Pick<BackfillRecord, 'journal'>, from: number, to: number): number {
  let stood = 0;
  let since: number | null = null;
  const add = (until: number): void => {
    if (since !== null) stood += Math.max(0, Math.min(until, to) - Math.max(since, from));
  };
  for (const { at, event } of journal) {
    if (STANDS.has(event)) since ??= at;
    else if (GOES_ON.has(event)) {
      add(at);
      since = null;
    }
  }
  add(to);
  return stood;
}

/** How long something took, and how much of it the backfill stood. */
export function tookText(record: Pick<BackfillRecord, 'journal'>, from: number, to: number): string {
  const took = duration(Math.max(0, to - from));
  const stood = stoodFor(record, from, to);
  return stood < WORTH_TELLING_MS ? took : `${took} (stood ${duration(stood)})`;
}
