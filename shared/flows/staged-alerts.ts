import type { BackfillRecord } from '../staged/record.ts';
import type { Engine } from './engine.ts';

/** Tells people of a state that waits for them, and of the end, with what to do next. Failures on the way are in the report. */
export async function tellState(engine: Engine, record: BackfillRecord): Promise<void> {
  const { id, state, note, failures } = record;
  const at = engine.parts.clock.now();
  const open = failures.filter((entry) => entry.became === 'open').length + record.failuresLeftOut;
  const told = open === 0 ? [] : [`${open} ${open === 1 ? 'cell has' : 'cells have'} failed`];
  const tell = (severity: 'info' | 'warning' | 'critical', title: string, command: string | null): Promise<void> =>
    engine.parts.notifier.notify({ severity, event: `backfill_${state}`, title, lines: [...(note === '' ? [] : [note]), ...told], command, at });
  switch (state) {
    case 'stopped': return tell('critical', `backfill ${id} has stopped`, `smart-backfill backfill resume ${id}`);
    case 'gate_held': return tell('critical', `backfill ${id}: a gate holds`, `smart-backfill backfill status ${id}`);
    case 'waits_for_approval': return tell('warning', `backfill ${id} waits for approval`, `smart-backfill backfill approve ${id}`);
    case 'finished': return tell('info', `backfill ${id} is finished`, `smart-backfill backfill report ${id}`);
    default:
  }
}
