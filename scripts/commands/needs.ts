import type { Command } from 'commander';
import { z } from 'zod';
import { addDays, formatDay, type Day } from '../../shared/calendar/day.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { lastThirtyDays, reportNeeds } from '../../shared/flows/needs.ts';
import { writeJson } from '../output/json.ts';
import { needsJson, renderNeeds } from '../output/needs-view.ts';
import { outStyle } from '../output/style.ts';
import { withState } from '../session.ts';
import { done, newCommand, onRun, type CliContext } from './command.ts';
import { commonOptions, readDay, type CommonOptions, type DateRange } from './options.ts';

const needsOptions = commonOptions.extend({ minutesPerManual: z.string().default('60') });

export function needsCommand(context: CliContext): Command {
  const command = newCommand('needs', 'Whether automatic recovery is justified here, by what has happened and the thresholds of source document 003.\nChanges nothing.', ['state', 'json', 'now'])
    .option('--from <date>', 'first game date, YYYY-MM-DD (default: 30 days, with the last)')
    .option('--to <date>', 'last game date, included (default: today)')
    .option('--minutes-per-manual <minutes>', 'what a backfill by hand takes a person (default: 60)');
  return onRun(context, command, (given) => {
    const options = needsOptions.parse(given);
    const minutes = readMinutes(options.minutesPerManual);
    readRange(options, null);
    return withState(context, options, async ({ io, runtime: { engine, history, pipeline } }) => {
      const report = await reportNeeds(engine, history, readRange(options, engine.moment().today) ?? lastThirtyDays(engine.moment().today), minutes);
      if (options.json) writeJson(io, needsJson(report));
      else io.out.write(renderNeeds(report, pipeline.name, outStyle(io)));
      return done;
    }, { looks: true });
  });
}

/** Any dates, in a season or not: what has happened lately is asked for between the seasons too. */
function readRange(options: Pick<CommonOptions, 'from' | 'to'>, today: Day | null): DateRange | null {
  const given = { from: options.from === undefined ? null : readDay(options.from, '--from'), to: options.to === undefined ? null : readDay(options.to, '--to') };
  const to = given.to ?? today;
  if (to === null) return null;
  const from = given.from ?? addDays(to, -29);
  if (from > to) throw new InputError(`received the dates ${formatDay(from)} to ${formatDay(to)}${given.to === null ? ', which is today' : ''}; the last may not be before the first; give --from and --to in their order`);
  return { from, to };
}

function readMinutes(text: string): number {
  const minutes = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : 0;
  if (!(minutes > 0 && minutes <= 1440)) throw new InputError(`received --minutes-per-manual '${text}'; allowed is a number of minutes, more than 0 and at most 1440; write for example 60`);
  return minutes;
}
