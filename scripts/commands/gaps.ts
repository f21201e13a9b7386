import type { Command } from 'commander';
import { inspectGaps } from '../../shared/flows/inspect.ts';
import { gapsJson, renderGaps } from '../output/gaps-view.ts';
import { writeJson } from '../output/json.ts';
import { outStyle } from '../output/style.ts';
import { withState } from '../session.ts';
import { done, incomplete, newCommand, onRun, type CliContext } from './command.ts';
import { checkScope, commonOptions, scopeWords } from './options.ts';

export function gapsCommand(context: CliContext): Command {
  const command = newCommand('gaps', 'Cells that are not complete, as gaps, with their root causes, and what has read them.\nExit code 3 if there is any.', ['state', 'scope', 'json', 'now']);
  return onRun(context, command, (given) => {
    const options = commonOptions.parse(given);
    return withState(context, options, async (session) => {
      const { io, runtime } = session;
      const report = await inspectGaps(runtime.engine, session.scope());
      if (options.json) writeJson(io, gapsJson(report));
      else {
        io.out.write(renderGaps(report, runtime.engine.world, outStyle(io)));
        if (report.detection.findings.length > 0) session.log('info', `what would be done about it:  ${session.command('plan', ...scopeWords(options))}`);
      }
      const wrongCalendar = report.stuckGames.length > 0 || report.calendarFindings.some((finding) => finding.kind === 'calendar_shrank');
      return report.detection.findings.length > 0 || wrongCalendar ? incomplete : done;
    }, { looks: true, check: (pipeline) => checkScope(options, pipeline) });
  });
}
