import type { JournalEvent } from '../staged/journal.ts';
import type { BackfillRecord, JournalEntry } from '../staged/record.ts';
import type { Severity } from './alert.ts';

interface Tiding {
  readonly severity: Severity;
  readonly title: string;
}

/** Entries of a staged backfill's journal that a person is told of when they happen; the others are in its report. */
const tidings: Readonly<Record<string, Tiding>> = {
  started: { severity: 'info', title: 'has started' },
  gate_passed: { severity: 'info', title: 'has passed a gate' },
  gate_held: { severity: 'critical', title: 'is held by a gate' },
  ramp_held: { severity: 'critical', title: 'is held by a step of its ramp' },
  stage_held: { severity: 'critical', title: 'is held after a stage' },
  waits_for_approval: { severity: 'warning', title: 'waits for approval' },
  paused: { severity: 'info', title: 'is paused' },
  stopped: { severity: 'critical', title: 'has stopped' },
  finished: { severity: 'info', title: 'is finished' },
  cancelled: { severity: 'info', title: 'is cancelled' },
} satisfies Partial<Record<JournalEvent, Tiding>>;

export interface News {
  readonly severity: Severity;
  readonly event: string;
  readonly title: string;
  readonly line: string;
}

/** Stands for an entry: which of the journal's was the last that was told. */
export function markOf({ at, event, text }: JournalEntry): string {
  return `${at} ${event} ${text}`;
}

/** What has happened since the entry of this mark; null is the beginning. An entry that the journal has dropped since: all that it has. */
export function newsSince({ journal }: Pick<BackfillRecord, 'journal'>, told: string | null): readonly News[] {
  const last = told === null ? -1 : journal.findLastIndex((entry) => markOf(entry) === told);
  return journal.slice(last + 1).flatMap(({ event, by, text }) => {
    const known = tidings[event];
    return known ? [{ ...known, event, line: `${event.replaceAll('_', ' ')} by ${by}: ${text}` }] : [];
  });
}

/** What a person does next, by the state that a backfill is in. */
export function nextCommand({ id, state }: Pick<BackfillRecord, 'id' | 'state'>): string {
  switch (state) {
    case 'stopped':
    case 'paused': return `smart-backfill backfill resume ${id}`;
    case 'waits_for_approval': return `smart-backfill backfill approve ${id}`;
    case 'finished':
    case 'cancelled': return `smart-backfill backfill report ${id}`;
    default: return `smart-backfill backfill status ${id}`;
  }
}
