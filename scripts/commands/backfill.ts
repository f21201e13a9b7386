import { Option, type Command } from 'commander';
import { z } from 'zod';
import { stopNow } from '../../shared/flows/operate.ts';
import { triedAgain } from '../../shared/flows/staged/attempts.ts';
import { orderBackfill } from '../../shared/flows/staged/orders.ts';
import type { BackfillRecord } from '../../shared/staged/record.ts';
import { errorPolicies } from '../../shared/staged/schema.ts';
import { approved, cancelled, paused, resumed, retried, skipped, type Person } from '../../shared/staged/transitions.ts';
import { attemptsJson } from '../output/backfill-attempts.ts';
import { backfillBrief, backfillJson } from '../output/backfill-json.ts';
import { reportMarkdown } from '../output/backfill-report.ts';
import { isText, renderBrief, renderStatus } from '../output/backfill-view.ts';
import { writeJson } from '../output/json.ts';
import { renderStopped, stoppedJson } from '../output/stopped-view.ts';
import { outStyle } from '../output/style.ts';
import { withState, type Session } from '../session.ts';
import { existing, followBackfill, tellNext } from './backfill-follow.ts';
import { readStart, startOptions, type StartAsk } from './backfill-asked.ts';
import { startNow } from './backfill-start.ts';
import { done, newCommand, newGroup, onRun, type CliContext } from './command.ts';
import { commonOptions, oneLine, readOneDate, readReason } from './options.ts';

const idOperand = z.tuple([z.string()]);
const idAndDate = z.tuple([z.string(), z.string()]);
const reasonOptions = commonOptions.extend({ reason: z.string().optional() });
const stopOptions = commonOptions.omit({ now: true }).extend({ reason: z.string().optional(), now: z.boolean().default(false) });

export function backfillCommand(context: CliContext): Command {
  const group = newGroup('backfill', 'Staged backfills: whole seasons, stage by stage, with a gate after each.');
  group.addCommand(startCommand(context));
  group.addCommand(looking(context, 'watch', 'advances a backfill here, or looks on where another process does', (session, id) => followBackfill(session, id), false));
  group.addCommand(looking(context, 'status', 'how far a backfill is: stages, gates, failures', showStatus, true));
  group.addCommand(looking(context, 'report', 'what was asked, every stage, failure and gate, and the journal, in Markdown', showReport, true));
  const list = newCommand('list', 'all backfills, the newest first', ['state', 'json', 'now']);
  group.addCommand(onRun(context, list, (given) => {
    const options = commonOptions.parse(given);
    return withState(context, options, showList, { looks: true });
  }), { isDefault: true });
  group.addCommand(stopping(context, 'pause', 'starts nothing any more; what runs is finished, unless --now is given', 'pausing', paused));
  group.addCommand(stopping(context, 'cancel', 'ends a backfill; what runs is finished, unless --now is given', 'cancelling', cancelled));
  group.addCommand(ordering(context, 'resume', 'goes on: at what failed, where it had stopped or a gate holds', resumed));
  group.addCommand(ordering(context, 'approve', 'lets the stage start that waits for it', approved));
  group.addCommand(ordering(context, 'retry', 'takes up again what failed in this stage', retried, (command) => command.option('--failed', 'what failed (the default)')));
  const skip = newCommand('skip', 'leaves a date out, of the gates too; it stands in the report', ['state', 'json', 'now']).argument('<id>', 'its id').argument('<date>', 'the date').option('--reason <text>', 'why: needed, and kept');
  group.addCommand(onRun(context, skip, (given, words) => {
    const options = reasonOptions.parse(given);
    const [id, date] = idAndDate.parse(words);
    const reason = readReason(options.reason, 'skipping a date');
    return withState(context, options, async (session) => {
      const code = await order(session, id, (record, now) => skipped(record, readOneDate(date, session.pipeline), { by: session.io.user, reason }, now));
      session.log('info', `what reads rows of ${date} still waits for them; where they will never be there:  ${session.command('accept', 'PROCESSOR', date, '--reason', '…')}`);
      return code;
    });
  }));
  return group;
}

function startCommand(context: CliContext): Command {
  const command = newCommand('start', 'Starts a backfill and runs it here. It shows its plan and asks.', ['state', 'json', 'yes', 'now'])
    .option('--season <name>', 'a season of the calendar, such as 2023-24')
    .option('--from <date>', 'first game date, YYYY-MM-DD')
    .option('--to <date>', 'last game date, included (default: the end of its season)')
    .option('--dates-file <file>', 'instead of these: dates or ranges, one a line')
    .option('--exclude <dates>', 'without these: 2023-11-15, 2023-11-10..2023-11-12, or several, separated by commas')
    .option('--phase <names>', 'these phases only, separated by commas')
    .option('--processor <names>', 'these processors only, separated by commas')
    .option('--definition <name>', 'its definition in backfills.yaml, such as season')
    .option('--only-missing', 'all that is not complete, accepted or held by hand (the default)')
    .addOption(new Option('--reprocess <which>', 'also run again what failed, or what is complete').choices(['failed', 'completed']))
    .option('--concurrency <count>', 'requests at a time, instead of the definition’s')
    .option('--delay <seconds>', 'between two dates of a stage in order of dates')
    .addOption(new Option('--error-policy <policy>', 'instead of the definition’s').choices([...errorPolicies]))
    .option('--max-failures <count>', 'stop at so many, whatever the policy')
    .option('--ramp', 'each stage takes one date first, then 7 days, a month, and the rest, each when those before are good')
    .option('--join <id>', 'although that backfill has cells in common with it: takes up what it leaves, when it has ended')
    .option('--reason <text>', 'why, for the report: needed on Google')
    .option('--dry-run', 'print the plan only')
    .option('--plan <digest>', 'the plan of a dry run: says so if it is another by now')
    .option('--detach', 'start it, and do not run it here: up does, or backfill watch; on Google the functions always do');
  return onRun(context, command, (given) => {
    const options = startOptions.parse(given);
    // Read once: the file of --dates-file may be a pipe.
    let ask: StartAsk | null = null;
    return withState(context, options, (session) => startNow(session, options, ask ?? readStart(options, session)), {
      check: (pipeline) => { ask = readStart(options, { pipeline, options, io: context.io }); }, ...(options.dryRun ? { looks: true, makesNone: true } : {}),
    });
  });
}

function looking(context: CliContext, name: string, description: string, show: (session: Session, id: string) => ReturnType<typeof followBackfill>, looks: boolean): Command {
  const command = newCommand(name, description, ['state', 'json', 'now']).argument('<id>', 'its id, as the list shows it');
  return onRun(context, command, (given, words) => {
    const options = commonOptions.parse(given);
    return withState(context, options, (session) => show(session, idOperand.parse(words)[0]), looks ? { looks } : {});
  });
}

type Change = (record: BackfillRecord, person: Person, now: number) => BackfillRecord;

function ordering(context: CliContext, name: string, description: string, change: Change, more: (command: Command) => Command = (command) => command): Command {
  const command = more(newCommand(name, description, ['state', 'json', 'now']).argument('<id>', 'its id').option('--reason <text>', 'why, for the report').option('--detach', 'do not run it here'));
  return onRun(context, command, (given, words) => {
    const options = reasonOptions.extend({ detach: z.boolean().default(false) }).parse(given);
    const [id] = idOperand.parse(words);
    return withState(context, options, async (session) => {
      // On Google the functions go on with it.
      const isHere = !options.detach && session.runtime.kind === 'embedded';
      const code = await order(session, id, (record, now) => change(record, { by: session.io.user, reason: oneLine(options.reason) }, now), isHere);
      return isHere ? followBackfill(session, id) : code;
    });
  });
}

function stopping(context: CliContext, name: 'pause' | 'cancel', description: string, verb: string, change: Change): Command {
  const command = newCommand(name, description, ['state', 'json']).argument('<id>', 'its id').option('--reason <text>', 'why: needed, and kept').option('--now', 'also stop what runs');
  return onRun(context, command, (given, words) => {
    // Here --now says when to stop, not what time it is.
    const { now: atOnce, ...options } = stopOptions.parse(given);
    const reason = readReason(options.reason, verb);
    const [id] = idOperand.parse(words);
    return withState(context, options, async (session) => {
      const { io, runtime: { engine, store } } = session;
      const person = { by: io.user, reason };
      const record = await orderBackfill(engine, id, (current, now) => change(current, person, now));
      await session.runtime.ringStages(id);
      const running = (await store.openCells()).filter((cell) => cell.request?.backfillId === id && cell.request.state === 'processing');
      const stopped = atOnce && running.length > 0 ? await stopNow(engine, running, name, person) : null;
      if (options.json) writeJson(io, { ...backfillJson(record, null), running: running.length, ...(stopped ? stoppedJson(stopped) : {}) });
      else {
        if (stopped) renderStopped(io, stopped);
        io.out.write(`${record.id} ${isText(record)}${stopped || running.length === 0 ? '' : `; ${running.length} of its cells still ${running.length === 1 ? 'runs and is' : 'run and are'} finished`}\n`);
        tellNext(session, record);
      }
      return done;
    });
  });
}

async function order(session: Session, id: string, change: (record: BackfillRecord, now: number) => BackfillRecord, silent = false) {
  const { io, options, runtime: { engine } } = session;
  const record = await orderBackfill(engine, id, change);
  await session.runtime.ringStages(id);
  if (silent) return done;
  if (options.json) writeJson(io, backfillJson(record, null));
  else {
    io.out.write(`${record.id} ${isText(record)}\n`);
    tellNext(session, record);
  }
  return done;
}

async function showList({ io, options, runtime: { store } }: Session) {
  const records = await store.backfills();
  if (options.json) writeJson(io, { backfills: records.map(backfillBrief) });
  else if (records.length === 0) io.out.write('no backfill was started yet\n');
  else {
    io.out.write(records.map((record) => renderBrief(record, outStyle(io))).join('\n'));
  }
  return done;
}

async function showStatus(session: Session, id: string) {
  const { io, options, runtime: { engine } } = session;
  const record = await existing(session, id);
  const world = await engine.refresh(record.asked.from, record.asked.to);
  if (options.json) writeJson(io, backfillJson(record, world));
  else {
    io.out.write(renderStatus(record, world, outStyle(io), engine.parts.clock.now()));
    tellNext(session, record, world);
  }
  return done;
}

async function showReport(session: Session, id: string) {
  const { io, options, runtime: { engine, history } } = session;
  const record = await existing(session, id);
  const world = await engine.refresh(record.asked.from, record.asked.to);
  const retried = await triedAgain(history, record);
  if (options.json) writeJson(io, { ...backfillJson(record, world), tried_again: attemptsJson(retried) });
  else io.out.write(reportMarkdown(record, world, engine.parts.clock.now(), retried));
  return done;
}
