import { Option, type Command } from 'commander';
import { z } from 'zod';
import { formatDay } from '../../shared/calendar/day.ts';
import { receiveRequest } from '../../shared/flows/request.ts';
import { priorities } from '../../shared/requests/cell.ts';
import { reprocessModes } from '../../shared/requests/ask.ts';
import { writeJson } from '../output/json.ts';
import { withState } from '../session.ts';
import { badInput, done, newCommand, onRun, type CliContext } from './command.ts';
import { publishAndFollow, showFollowed } from './follow.ts';
import { commonOptions, readDates, readProcessor } from './options.ts';

const requestOptions = commonOptions.extend({
  reprocess: z.enum(reprocessModes).optional(), force: z.boolean().default(false), priority: z.enum(priorities).optional(), reason: z.string().optional(), dryRun: z.boolean().default(false),
});
const operands = z.tuple([z.string(), z.string()]);

export function requestCommand(context: CliContext): Command {
  const command = newCommand('request', 'Publishes a backfill request, the very message that a person would publish, and shows what became of it.', ['state', 'json', 'now'])
    .argument('<processor>', 'name of the processor')
    .argument('<dates>', '2023-11-15, or 2023-11-10..2023-11-15, or several, separated by commas')
    .addOption(new Option('--reprocess <what>', 'failed: also what failed although its rows are good; completed: all').choices(reprocessModes))
    .option('--force', 'run although inputs are missing')
    .addOption(new Option('--priority <priority>', 'which goes first').choices(priorities))
    .option('--reason <text>', 'why, for the record')
    .option('--dry-run', 'say what would be asked for, publish nothing');
  return onRun(context, command, (given, words) => {
    const options = requestOptions.parse(given);
    const [name, dates] = operands.parse(words);
    return withState(context, options, async (session) => {
      const { io, pipeline, runtime } = session;
      const messages = readDates(dates, pipeline).map(({ from, to }) => JSON.stringify({
        processor_name: readProcessor(name, pipeline).name, start_date: formatDay(from), end_date: formatDay(to), requested_by: io.user, requested_at: new Date(runtime.engine.parts.clock.now()).toISOString(),
        ...(options.reprocess && { reprocess: options.reprocess }), ...(options.priority && { priority: options.priority }), ...(options.force && { force: true }),
        ...(options.reason !== undefined && { reason: options.reason }), ...(options.dryRun && { dry_run: true }),
      }));
      if (!options.dryRun) return showFollowed(session, await publishAndFollow(session, runtime.topics.requests, messages), options.json);
      const results = [];
      for (const body of messages) {
        const received = await receiveRequest(runtime.engine, { messageId: runtime.engine.parts.ids.next('dry'), topic: runtime.topics.requests, subscription: '', body, attributes: {}, deliveryAttempt: 1 });
        results.push({ message: body, kind: received.kind, reason: received.kind === 'asked' ? '' : session.text(received.reason) });
      }
      if (options.json) writeJson(io, { dry_run: true, messages: results });
      else for (const { message, reason } of results) io.out.write(`${message}\n  ${reason}\n`);
      return results.some(({ kind }) => kind === 'refused') ? badInput : done;
    }, {
      check: (pipeline) => {
        readProcessor(name, pipeline);
        readDates(dates, pipeline);
      },
    });
  });
}
