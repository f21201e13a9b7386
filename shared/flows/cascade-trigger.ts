import { formatDay, type Day } from '../calendar/day.ts';
import type { Phase } from '../pipeline/pipeline.ts';
import type { OutgoingMessage } from '../ports/request-store.ts';
import type { CellKey } from '../requests/cell.ts';
import type { CascadeTrigger } from '../requests/messages.ts';

/** What a released cascade sends where the next phase is started outside: one message to its `cascade_target` topic. */
export function cascadeTrigger(id: string, topic: string, { completed, next, turn, cells, cause }: {
  readonly completed: Phase;
  readonly next: Phase;
  readonly turn: Day;
  readonly cells: readonly CellKey[];
  readonly cause: string | null;
}): OutgoingMessage {
  const body: CascadeTrigger = {
    phase: next.name, completed_phase: completed.name, game_date: formatDay(turn), status: 'success', trigger_reason: 'cascade', backfill_mode: false, skip_downstream_trigger: false,
    cells: cells.map(({ processor, day }) => ({ processor_name: processor, game_date: formatDay(day) })), cause_id: cause,
  };
  return { id, topic, body: JSON.stringify(body) };
}
