import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { Session } from '../session.ts';

/** The command that fills the schedule of dates, ascending. */
export function fillScheduleCommand(session: Pick<Session, 'pipeline' | 'command'>, days: readonly Day[]): string {
  const filling = session.pipeline.processors.filter(({ fillsCalendar }) => fillsCalendar).map(({ name }) => name);
  const [first] = days;
  const last = days.at(-1);
  return session.command('recover', '--all', '--processor', filling.join(','), ...(first === undefined || last === undefined ? [] : ['--from', formatDay(first), '--to', formatDay(last)]));
}
