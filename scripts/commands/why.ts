import type { Command } from 'commander';
import { z } from 'zod';
import { explainCell, type Mend } from '../../shared/flows/inspect.ts';
import { writeJson } from '../output/json.ts';
import { outStyle } from '../output/style.ts';
import { renderWhy, whyJson } from '../output/why-view.ts';
import { withState } from '../session.ts';
import { done, newCommand, onRun, type CliContext } from './command.ts';
import { commonOptions, readOneDate, readProcessor } from './options.ts';

const operands = z.tuple([z.string(), z.string()]);

export function whyCommand(context: CliContext): Command {
  const command = newCommand('why', 'The chain from one cell to its root cause, what its last run read, and the command that mends it.', ['state', 'json', 'now'])
    .argument('<processor>', 'name of the processor')
    .argument('<date>', 'game date, YYYY-MM-DD');
  return onRun(context, command, (given, words) => {
    const options = commonOptions.parse(given);
    const [name, date] = operands.parse(words);
    return withState(context, options, async ({ io, pipeline, runtime, command: commandText }) => {
      const found = await explainCell(runtime.engine, runtime.history, readProcessor(name, pipeline), readOneDate(date, pipeline));
      const explanation = runtime.kind === 'google' ? { ...found, mend: mendOnGoogle(found.mend) } : found;
      if (options.json) writeJson(io, whyJson(explanation));
      else io.out.write(renderWhy(explanation, outStyle(io), (parts) => commandText(...parts)));
      return done;
    }, {
      looks: true,
      check: (pipeline) => {
        readProcessor(name, pipeline);
        readOneDate(date, pipeline);
      },
    });
  });
}

/** There the functions work off the queue; what is to be seen is how far they are. */
function mendOnGoogle(mend: Mend): Mend {
  return mend.command?.[0] === 'up' ? { command: ['requests', 'list'], text: 'a request is open on it: the functions work it off' } : mend;
}
