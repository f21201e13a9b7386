import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { ownOrForward } from '../shared/embedded/state-folder.ts';
import { HeldBackError, InputError } from '../shared/failures/errors.ts';
import { exitCodes, type ExitCode } from '../shared/failures/exit-codes.ts';
import type { Scope } from '../shared/gaps/detect.ts';
import { loadPipeline, type DefinitionReader } from '../shared/pipeline/load.ts';
import type { Pipeline } from '../shared/pipeline/pipeline.ts';
import { formatProblem } from '../shared/pipeline/problems.ts';
import { webhookOf } from '../shared/system/alert-webhook.ts';
import type { Alert } from '../shared/ports/notifier.ts';
import type { CliContext } from './commands/command.ts';
import { checkPlaces, checkRuntime, pipelineDirectory, placeOf, readNow, readScope, stateDirectory, type CommonOptions } from './commands/options.ts';
import { tellAlert } from './output/alert.ts';
import type { Io } from './output/io.ts';
import { quoted, withCommands } from './output/words.ts';
import type { EmbeddedOptions, EmbeddedRuntime } from './runtime/embedded.ts';
import type { Runtime } from './runtime/runtime.ts';
import packageJson from '../package.json' with { type: 'json' };

/** A pipeline definition that can't be used: each problem with its file, line and column. */
export class InvalidPipelineError extends InputError {}

/** What a command that needs the state works with. */
export interface Session {
  readonly io: Io;
  readonly signal: AbortSignal;
  readonly options: CommonOptions;
  readonly pipeline: Pipeline;
  readonly runtime: Runtime;
  /** The command is run by the process that owns the folder for another one. */
  readonly served: boolean;
  /** Which cells the command is about, by its options and the clock. */
  scope(): Scope;
  /** A command to print: with the pipeline and state that this one was given. */
  command(...words: readonly string[]): string;
  /** A text of the core with its commands as they have to be typed here. */
  text(core: string): string;
  log(level: 'error' | 'warn' | 'info' | 'debug', text: string): void;
  /** Ids of backfills of which the command itself tells what becomes of them: their alerts go to the other channels only. */
  readonly followed: Set<string>;
}

const levels = { error: 0, warn: 1, info: 2, debug: 3 } as const;

/** The pipeline's folder as it stands in messages: short where it lies below the current folder. */
export function pipelinePath(options: Pick<CommonOptions, 'pipeline'>, cwd: string): string {
  const path = relative(cwd, pipelineDirectory(options, cwd));
  return path === '' ? '.' : path.startsWith('..') ? pipelineDirectory(options, cwd) : path;
}

/** Reads files for the definition, from paths that start at `cwd`. */
export function definitionReader(cwd: string): DefinitionReader {
  return {
    readText: (path) => {
      const file = resolve(cwd, path);
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    },
  };
}

/** Reads a definition, or throws with all of its problems. */
export function openPipeline(options: Pick<CommonOptions, 'pipeline'>, cwd: string): Pipeline {
  const loaded = loadPipeline(pipelinePath(options, cwd), definitionReader(cwd));
  if (loaded.kind === 'ok') return loaded.pipeline;
  const { problems } = loaded;
  throw new InvalidPipelineError(`${problems.map(formatProblem).join('\n')}\nerror: the pipeline definition has ${problems.length} problem${problems.length === 1 ? '' : 's'}; correct it (docs/pipeline-yaml.md), or give another folder with --pipeline`);
}

export interface StateUse {
  readonly check?: (pipeline: Pipeline) => void;
  readonly opening?: Partial<EmbeddedOptions>;
  /** Where there is no state yet, none is made: a folder that goes away with the command stands in for it. */
  readonly makesNone?: boolean;
  /** Changes nothing: at its end nothing has to be sent. */
  readonly looks?: boolean;
  /** Goes on where the places of a local cloud do not answer: it says so itself. */
  readonly tellsUnreachable?: boolean;
}

/**
 * Gives a command its state: this process takes the folder and serves it to others meanwhile, or the process that has it
 * runs the command. `check` refuses what can be seen to be wrong before anything is opened.
 */
export async function withState(
  context: CliContext,
  options: CommonOptions,
  run: (session: Session) => Promise<ExitCode>,
  more: StateUse = {},
): Promise<ExitCode> {
  checkPlaces(options);
  checkRuntime(options);
  const { io, owner } = context;
  if (options.runtime === 'google') return (await import('./session-google.ts')).withGoogle(context, options, run, more);
  const directory = stateDirectory(options, io.cwd);
  if (owner) {
    const asked = pipelineDirectory(options, io.cwd);
    if (asked !== owner.pipelineDirectory) {
      throw new HeldBackError(`received the pipeline ${asked}; the process that owns the state folder (${owner.command}) runs ${owner.pipelineDirectory}; end it first, or give another folder with --state`);
    }
    more.check?.(owner.runtime.pipeline);
    if (options.now !== undefined) io.err.write(`note: --now is left aside: the time of the process that owns the state folder counts (${owner.command})\n`);
    return run(sessionOf(context, options, owner.runtime, true));
  }
  const pipeline = openPipeline(options, io.cwd);
  more.check?.(pipeline);
  const startAt = readNow(options.now, pipeline.timeZone);
  const isNew = isUnused(directory);
  if (isNew && more.makesNone) {
    const standIn = mkdtempSync(join(tmpdir(), 'smart-backfill-'));
    try {
      return await inFolder(standIn, false, { context, options, run, more, pipeline, startAt });
    } finally {
      rmSync(standIn, { recursive: true, force: true });
    }
  }
  return inFolder(directory, isNew, { context, options, run, more, pipeline, startAt });
}

/** Whether no command has ever used a folder: it is not there, or there is nothing in it. */
function isUnused(directory: string): boolean {
  return !existsSync(directory) || (statSync(directory).isDirectory() && readdirSync(directory).length === 0);
}

interface Opening {
  readonly context: CliContext;
  readonly options: CommonOptions;
  readonly run: (session: Session) => Promise<ExitCode>;
  readonly more: StateUse;
  readonly pipeline: Pipeline;
  readonly startAt: number | null;
}

async function inFolder(directory: string, isNew: boolean, { context, options, run, more, pipeline, startAt }: Opening): Promise<ExitCode> {
  const { io, signal } = context;
  const webhook = webhookOf('SLACK_WEBHOOK_URL', io.environment['SLACK_WEBHOOK_URL']);
  const { version } = packageJson;
  const outcome = await ownOrForward(directory, Date.now(), {
    argv: [io.program, ...context.argv], cwd: io.cwd, stdoutIsTTY: io.out.isTTY, stderrIsTTY: io.err.isTTY, columns: io.columns, noColor: !io.out.colour,
  }, { version, stdout: io.out.write, stderr: io.err.write, signal });
  if (outcome.kind === 'served') return toExitCode(outcome.exitCode);
  const { folder } = outcome;
  try {
    if (isNew && !options.quiet) io.err.write(`note: the state folder ${directory} was not in use: it was made just now and is empty, so that nothing counts as there; if another was meant, give it with --state\n`);
    const { openEmbedded } = await import('./runtime/embedded.ts');
    const database = folder.openDatabase();
    let runtime: EmbeddedRuntime;
    const followed = new Set<string>();
    const notifier = { notify: async (alert: Alert) => tellAlert(alert, io, options, followed) };
    const onUndelivered = (channel: string, alert: Alert, reason: string): void => {
      if (!options.quiet) io.err.write(`note: an alert was not delivered (${channel}): ${reason}; it was: ${alert.title}\n`);
    };
    try {
      runtime = await openEmbedded({ notifier, webhook, onUndelivered, ...more.opening, pipeline, stateDirectory: directory, database, startAt });
    } catch (error) {
      database.close();
      throw error;
    }
    const state = { runtime, pipelineDirectory: pipelineDirectory(options, io.cwd), stateDirectory: directory, command: `${context.command}, process ${process.pid}` };
    const stop = (): void => runtime.stop.abort();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const { forwardedIo } = await import('./output/io.ts');
      await folder.serve(({ argv: [program = io.program, ...argv], ...client }, streams) =>
        context.runForwarded(argv, forwardedIo({ ...client, program, stdout: streams.stdout, stderr: streams.stderr }), streams.signal, state));
      return await run(sessionOf(context, options, runtime, false, followed));
    } finally {
      signal.removeEventListener('abort', stop);
      await folder.stopServing(signal);
      await runtime.close();
    }
  } finally {
    await folder.close(signal);
  }
}

export function sessionOf(context: CliContext, options: CommonOptions, runtime: Runtime, served: boolean, followed = new Set<string>()): Session {
  const { io, signal } = context;
  const { pipeline } = runtime;
  return {
    io, signal, options, pipeline, runtime, served, followed,
    scope: () => readScope(options, pipeline, runtime.engine.moment().today),
    command: (...words) => [io.program, ...words.map(quoted), ...placeOf(options)].join(' '),
    text: (core) => withCommands(core, io.program, placeOf(options)),
    log: (level, text) => {
      if (levels[level] <= levels[options.quiet ? 'error' : options.logLevel]) io.err.write(`${text}\n`);
    },
  };
}

const exitCode = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4), z.literal(5), z.literal(130)]);

function toExitCode(code: number): ExitCode {
  const known = exitCode.safeParse(code);
  return known.success ? known.data : exitCodes.fault;
}
