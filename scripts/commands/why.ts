import type { Command } from 'commander';
import { z } from 'zod';
import { explainCell } from '../../shared/flows/inspect.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { writeJson } from '../output/json.ts';
import { outStyle } from '../output/style.ts';
import { renderWhy, whyJson } from '../output/why-view.ts';
import { withState } from '../session.ts';
import { done, newCommand, onRun, type CliContext } from './command.ts';
import { commonOptions, readDates, readProcessor } from './options.ts';

const operands = z.tuple([z.string(), z.string()]);

export function whyCommand(context: CliContext): Command {
  const command = newCommand('why', 'The chain from one cell to its root cause, what its last run read, and the command that mends it.', ['state', 'json', 'now'])
    .argument('<processor>', 'name of the processor')
    .argument('<date>', 'game date, YYYY-MM-DD');
  return onRun(context, command, (given, words) => {
    const options = commonOptions.parse(given);
    const [name, date] = operands.parse(words);
    return withState(context, options, async ({ io, pipeline, runtime, command: commandText }) => {
      const processor = readProcessor(name, pipeline);
      const [cell, ...more] = readDates(date, pipeline);
      if (!cell || more.length > 0 || cell.from !== cell.to) throw new InputError(`received '${date}'; allowed is one date, since one cell is explained; for a range, see: smart-backfill gaps`);
      const explanation = await explainCell(runtime.engine, runtime.history, processor, cell.from);
      if (options.json) writeJson(io, whyJson(explanation));
      else io.out.write(renderWhy(explanation, outStyle(io), (parts) => commandText(...parts)));
      return done;
    }, {
      check: (pipeline) => {
        readProcessor(name, pipeline);
        readDates(date, pipeline);
      },
    });
  });
}
