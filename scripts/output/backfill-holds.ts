import { SYSTEM } from '../../shared/staged/journal.ts';
import type { BackfillRecord, GateResult, JournalEntry } from '../../shared/staged/record.ts';
import { instant } from './words.ts';

/** The times that a stage's gate held before the look that is shown, and who did what then, in Markdown. Empty where there were none. */
export function earlierHolds({ journal }: Pick<BackfillRecord, 'journal'>, stage: string, shown: GateResult): string[] {
  const starts = { gate_held: `the gate after ${stage} holds: `, ramp_held: `stage ${stage} holds after ` } as const;
  const lines = journal.flatMap((entry, at): string[] => {
    const start = entry.event === 'gate_held' || entry.event === 'ramp_held' ? starts[entry.event] : null;
    if (start === null || !entry.text.startsWith(start) || entry.at >= shown.at) return [];
    const why = entry.event === 'gate_held' ? entry.text.slice(start.length) : `after ${entry.text.slice(start.length)}`;
    // What was cut says so by itself.
    return [`- ${instant(entry.at)} UTC: ${why}${why.endsWith('…') ? '' : '.'}${doneThen(journal.slice(at + 1))}`];
  });
  return lines.length === 0 ? [] : [`It held before:\n\n${lines.join('\n')}`];
}

/** What people ordered until the gate was looked at again. */
function doneThen(later: readonly JournalEntry[]): string {
  const next = later.findIndex(({ event }) => event.startsWith('gate_') || event.startsWith('ramp'));
  const orders = later.slice(0, next < 0 ? later.length : next).filter(({ by }) => by !== SYSTEM);
  return orders.length === 0 ? '' : ` Then ${orders.map(({ at, by, event, text }) => `${event.replaceAll('_', ' ')} by ${by} at ${instant(at).slice(11)}${text === '' ? '' : ` (${text})`}`).join(', ')}.`;
}
