import type { Command } from 'commander';
import type { Day } from '../../shared/calendar/day.ts';
import { advanceBackfill, runningBackfills } from '../../shared/flows/staged/advance.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import type { RecoverEvent } from '../../shared/flows/recover.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { work, type Worked } from '../../shared/flows/work.ts';
import { HeldBackError, InputError } from '../../shared/failures/errors.ts';
import type { Alert } from '../../shared/ports/notifier.ts';
import type { EmbeddedRuntime } from '../runtime/embedded.ts';
import { errStyle, outStyle } from '../output/style.ts';
import { cellText, counted, duration } from '../output/words.ts';
import { withPlace } from '../output/alert.ts';
import { withState, type Session } from '../session.ts';
import { done, interrupted, newCommand, onRun, type CliContext } from './command.ts';
import { commonOptions, embeddedOnly, type CommonOptions } from './options.ts';

const DETECT_EVERY_MS = 5 * 60_000;
const SWEEP_EVERY_MS = 60_000;
const WORK_EVERY_MS = 500;
const SEND_EVERY_MS = 100;

const levels = { error: 0, warn: 1, info: 2, debug: 3 } as const;
type Level = keyof typeof levels;

/** One line an event: level, time, text; with `--json` one JSON object a line. */
class EventLog {
  readonly #context: CliContext;
  readonly #options: CommonOptions;
  #now: () => number = Date.now;

  constructor(context: CliContext, options: CommonOptions) {
    this.#context = context;
    this.#options = options;
  }

  follow(now: () => number): void {
    this.#now = now;
  }

  write(level: Level, event: string, text: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (levels[level] > levels[this.#options.quiet ? 'error' : this.#options.logLevel]) return;
    const { io } = this.#context;
    const time = new Date(this.#now()).toISOString();
    if (this.#options.json) io.out.write(`${JSON.stringify({ time, level, event, text, ...fields })}\n`);
    else {
      const style = outStyle(io);
      const dress = level === 'error' ? style.red : level === 'warn' ? style.yellow : style.dim;
      io.out.write(`${style.dim(time)} ${dress(level.padEnd(5))} ${text}\n`);
    }
  }

  cell(key: { readonly processor: string; readonly day: Day }): Record<string, string> {
    return { processor: key.processor, game_date: new Date(key.day * 86_400_000).toISOString().slice(0, 10) };
  }
}

export function upCommand(context: CliContext): Command {
  const command = newCommand('up', 'The embedded runtime in the foreground: bus, worker, router, detector. Other commands of this\nstate folder are run by it. Ctrl-C drains.', ['state', 'json', 'now']);
  return onRun(context, command, async (given) => {
    const options = commonOptions.parse(given);
    embeddedOnly(options, 'up', "the functions are up already: see: smart-backfill doctor (npm run cloud:local starts a cloud of one's own)");
    if (context.owner) throw new HeldBackError(`the state folder is owned by ${context.owner.command}, which serves it already; end it first, or give another folder with --state`);
    const log = new EventLog(context, options);
    const onEnd = (worked: Worked): void => logWorked(log, worked);
    const notify = async (alert: Alert): Promise<void> => {
      const command_ = alert.command === null ? null : withPlace(alert.command, context.io, options);
      log.write(alert.severity === 'info' ? 'info' : alert.severity === 'warning' ? 'warn' : 'error', 'alert', `alert: ${[alert.title, ...alert.lines, ...(command_ === null ? [] : [command_])].join('; ')}`, { alert: alert.event, lines: alert.lines, command: command_ });
    };
    return withState(context, options, async (session) => {
      const { runtime: opened } = session;
      if (opened.kind !== 'embedded') throw new InputError('up is of the embedded runtime');
      log.follow(() => opened.engine.parts.clock.now());
      return serve(session, opened, log, onEnd);
    }, {
      opening: {
        notifier: { notify },
        onUndelivered: (channel, alert, reason) => log.write('error', 'alert_undelivered', `an alert was not delivered (${channel}): ${reason}; it was: ${alert.title}`, { channel, alert: alert.event }),
        onWork: { onEnd },
        onTrouble: (message, reason) => log.write('warn', 'message', `${message.subscription}: ${reason}`, { message_id: message.messageId, topic: message.topic }),
        onDetection: {
          on: (event) => logRecovery(log, event),
          onDetected: ({ joined, detection, recovered }) => {
            if (joined) log.write('debug', 'detection', 'a detection is under way: it goes round again');
            else log.write('info', 'detection', `detection: ${counted(detection?.findings.length ?? 0, 'cell')} of ${detection?.judged ?? 0} not complete, ${counted(recovered?.runs.length ?? 0, 'cell')} worked on, ${counted(recovered?.leftOut.length ?? 0, 'cell')} left out`, { findings: detection?.findings.length ?? 0, judged: detection?.judged ?? 0 });
          },
        },
      },
    });
  });
}

function logWorked(log: EventLog, worked: Worked): void {
  const fields = { ...log.cell(worked), outcome: worked.outcome, duration_ms: worked.endedAt - worked.startedAt };
  const text = `${cellText(worked)} ${worked.outcome}`;
  if (worked.outcome === 'failed') log.write('error', 'run', `${text}: ${worked.failure?.message ?? ''}`, fields);
  else if (worked.outcome === 'retry') log.write('warn', 'run', `${text} at ${worked.retryAt === null ? '' : new Date(worked.retryAt).toISOString()}`, fields);
  else log.write('info', 'run', `${text} in ${duration(worked.endedAt - worked.startedAt)}${worked.rows === null ? '' : `, ${counted(worked.rows, 'row')}`} (${worked.reason})`, fields);
}

function logRecovery(log: EventLog, event: RecoverEvent): void {
  if (event.kind === 'plan') log.write(event.plan.steps.length > 0 ? 'info' : 'debug', 'plan', `plan: ${counted(event.plan.steps.length, 'step')}, ${counted(event.plan.leftOut.length, 'cell')} left out`);
  else if (event.kind === 'start') log.write('debug', 'start', `${cellText(event.key)} started`, log.cell(event.key));
  else if (event.kind === 'run') {
    const { run } = event;
    log.write(run.outcome === 'failed' ? 'error' : run.outcome === 'cut_off' ? 'debug' : 'info', 'run', `${cellText(run)} ${run.outcome} in ${duration(run.milliseconds)}${run.note ? `: ${run.note}` : ''} (${run.reason})`, { ...log.cell(run), outcome: run.outcome, duration_ms: run.milliseconds });
  } else log.write('info', 'backing_off', `tried again at ${new Date(event.until).toISOString()}`);
}

async function serve(session: Session, runtime: EmbeddedRuntime, log: EventLog, onEnd: (worked: Worked) => void) {
  const { io, signal } = session;
  const { engine, bus, topics, stop } = runtime;
  const { clock } = engine.parts;
  log.write('info', 'up', `up: ${session.pipeline.name}, state in ${runtime.stateDirectory}, process ${process.pid}; Ctrl-C drains`, { pid: process.pid });
  const advancing = new Set<string>();
  const inFlight = (): void => void tellInFlight(session, log);
  signal.addEventListener('abort', inFlight, { once: true });
  /** Does something again and again until the end; what goes wrong once is tried again the next time. */
  const every = async (milliseconds: number, what: string, act: () => Promise<unknown>): Promise<void> => {
    while (!stop.signal.aborted) {
      await act().catch((error: unknown) => log.write('error', what, `${what} failed, and is tried again: ${error instanceof Error ? error.message : String(error)}`));
      await clock.sleep(milliseconds, stop.signal);
    }
  };
  await Promise.all([
    bus.run(stop.signal),
    every(DETECT_EVERY_MS, 'detection', () => bus.publish(topics.detection, JSON.stringify({ trigger: 'tick' }))),
    every(SWEEP_EVERY_MS, 'sweep', async () => {
      const swept = await sweep(engine);
      if (swept.finished + swept.requeued + swept.gaveUp > 0) log.write('info', 'sweep', `sweep: ${swept.finished} finished, ${swept.requeued} queued again, ${swept.gaveUp} given up`, { ...swept });
    }),
    // What backed off, or was queued by another command, is taken up without a message.
    every(WORK_EVERY_MS, 'work', () => work(engine, { signal: stop.signal, onEnd })),
    every(WORK_EVERY_MS, 'backfill', () => advanceAll(session, log, onEnd, advancing, stop.signal)),
    every(SEND_EVERY_MS, 'outbox', () => sendOutbox(engine, bus)),
  ]);
  const open = await runtime.store.openCells();
  log.write('info', 'down', `down: nothing in flight, ${counted(open.length, 'request')} open and kept`);
  io.err.write(`${errStyle(io).bold('stopped')}; ${counted(open.length, 'request')} open; it goes on with:  ${session.command('up')}\n`);
  return signal.aborted ? interrupted : done;
}

/** Takes up backfills that run and that nobody in this process advances. */
async function advanceAll({ runtime: { engine } }: Session, log: EventLog, onEnd: (worked: Worked) => void, advancing: Set<string>, signal: AbortSignal): Promise<void> {
  for (const id of await runningBackfills(engine)) {
    if (advancing.has(id)) continue;
    advancing.add(id);
    advanceBackfill(engine, id, {
      signal, onEnd, on: (event) => { if (event.kind === 'state') log.write(event.record.state === 'running' ? 'info' : 'warn', 'backfill', `backfill ${id}: ${event.record.state.replaceAll('_', ' ')}${event.record.note === '' ? `, stage ${event.record.definition.stages[event.record.stage]?.name ?? ''}` : `: ${event.record.note}`}`, { backfill_id: id }); },
    }).catch((error: unknown) => log.write('error', 'backfill', `backfill ${id} failed to advance, and is taken up again: ${error instanceof Error ? error.message : String(error)}`)).finally(() => advancing.delete(id));
  }
}

async function tellInFlight({ io, runtime }: Session, log: EventLog): Promise<void> {
  const running = (await runtime.store.openCells()).filter((record) => record.request?.state === 'processing');
  log.write('info', 'draining', `draining: ${running.length === 0 ? 'nothing is in flight' : `in flight: ${running.map(cellText).join(', ')}`}`);
  if (running.length > 0) io.err.write(`in flight: ${running.map(cellText).join(', ')}\n`);
}
