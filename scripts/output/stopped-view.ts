import { formatDay } from '../../shared/calendar/day.ts';
import type { Stopped } from '../../shared/flows/operate.ts';
import type { Io } from './io.ts';
import { cellText } from './words.ts';

/** What became of runs that were to be stopped at once. */
export function renderStopped(io: Io, { stopped, completed, stopping }: Stopped): void {
  for (const what of stopped) io.out.write(`  stopped ${what}\n`);
  for (const cell of completed) io.out.write(`  ${cellText(cell)} had written its rows already, and is completed\n`);
  for (const cell of stopping) io.out.write(`  ${cellText(cell)} has not ended yet: whoever runs it sees the order at its next heartbeat\n`);
}

export function stoppedJson({ stopped, completed, stopping }: Stopped): Record<string, unknown> {
  const json = (cells: Stopped['completed']) => cells.map(({ processor, day }) => ({ processor, game_date: formatDay(day) }));
  return { stopped, completed: json(completed), stopping: json(stopping) };
}
