import type { Alert } from '../../shared/ports/notifier.ts';
import { placeOf, type CommonOptions } from '../commands/options.ts';
import type { Io } from './io.ts';
import { errStyle, paragraph } from './style.ts';

/**
 * An alert, as it is told on a terminal: what goes as it should is said by the command itself, and so is what becomes of a
 * backfill that it follows. What has failed meanwhile is told.
 */
export function tellAlert(alert: Alert, io: Io, options: CommonOptions, followed: ReadonlySet<string>): void {
  if (alert.severity === 'info' || (alert.event !== 'backfill_failures' && [...followed].some((id) => alert.title.startsWith(`backfill ${id} `)))) return;
  const style = errStyle(io);
  const dress = alert.severity === 'warning' ? style.yellow : style.red;
  const command = alert.command === null ? [] : [`  ${withPlace(alert.command, io, options)}`];
  io.err.write(`${[dress(`alert (${alert.severity}): ${alert.title}`), ...alert.lines.map((line) => paragraph(line, style, 2)), ...command].join('\n')}\n`);
}

/** A command as the flows write it (`smart-backfill recover …`), as it has to be typed here. */
export function withPlace(command: string, io: Io, options: Pick<CommonOptions, 'pipeline' | 'state' | 'runtime' | 'now'>): string {
  return [command.replace(/^smart-backfill\b/, io.program), ...placeOf(options)].join(' ');
}
