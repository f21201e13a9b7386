import { Command, Option } from 'commander';
import { exitCodes, type ExitCode } from '../../shared/failures/exit-codes.ts';
import type { EmbeddedRuntime } from '../runtime/embedded.ts';
import type { Io } from '../output/io.ts';

/** What every command is given. Nothing of it is global: a forwarded command has another terminal, and the owner's runtime. */
export interface CliContext {
  readonly io: Io;
  /** Aborted by the first Ctrl-C: drain, say what is unfinished, end with 130. */
  readonly signal: AbortSignal;
  /** Name of the command that is run. */
  readonly command: string;
  /** The words after the program's name, as they were given. */
  readonly argv: readonly string[];
  /** The open state of this process, when it serves a command that another process forwarded. */
  readonly owner: OwnerState | null;
  /** Runs a command line within this process: what a server of forwarded commands calls. */
  readonly runForwarded: (argv: readonly string[], io: Io, signal: AbortSignal, owner: OwnerState) => Promise<ExitCode>;
  /** Told how the command ended. */
  readonly ended: (code: ExitCode) => void;
}

export interface OwnerState {
  readonly runtime: EmbeddedRuntime;
  readonly pipelineDirectory: string;
  readonly stateDirectory: string;
  /** What the owner is: `up`, `recover`, … */
  readonly command: string;
}

/** A command's module exports one of these; it is imported only when the command is run. */
export type CommandBuilder = (context: CliContext) => Command;

/** Groups of common options; a command names those that make sense for it. `pipeline`, `quiet` and `log-level` are on all. */
export type OptionGroup = 'state' | 'scope' | 'json' | 'yes' | 'now';

export function newCommand(name: string, description: string, groups: readonly OptionGroup[]): Command {
  const command = new Command(name).description(description).exitOverride();
  const has = (group: OptionGroup): boolean => groups.includes(group);
  command.option('--pipeline <dir>', 'folder with pipeline.yaml (default: pipelines/nba)');
  if (has('state')) {
    command.option('--state <dir>', 'state folder of the embedded runtime (default: .smart-backfill)');
    command.addOption(new Option('--runtime <name>', 'embedded, or google: told by environment variables where everything is').default('embedded'));
  }
  if (has('scope')) {
    command.option('--from <date>', 'first game date, YYYY-MM-DD (default: start of the current season)');
    command.option('--to <date>', 'last game date, included (default: end of the current season)');
    command.option('--season <name>', 'a season of the calendar, such as 2023-24');
    command.option('--phase <names>', 'these phases only, separated by commas');
    command.option('--processor <names>', 'these processors only, separated by commas');
  }
  if (has('json')) command.option('--json', 'print one JSON object');
  if (has('yes')) command.option('-y, --yes', 'do not ask');
  if (has('now')) command.option('--now <time>', 'what time it is taken to be: 2023-11-16T12:00:00Z, or a date for noon of it');
  command.option('-q, --quiet', 'no progress, errors only');
  command.addOption(new Option('--log-level <level>', 'what is told on stderr').choices(['error', 'warn', 'info', 'debug']));
  return command;
}

/** A command that only holds others: it has no options of its own, which would be taken from those. */
export function newGroup(name: string, description: string): Command {
  return new Command(name).description(description).exitOverride();
}

/** The action of a command: its operands and options, still to be checked, in; its exit code out. */
export function onRun(context: CliContext, command: Command, run: (options: unknown, operands: readonly unknown[]) => Promise<ExitCode>): Command {
  return command.action(async (...given: readonly unknown[]) => {
    // commander hands over the operands, then the options, then the command itself.
    context.ended(await run(given.at(-2), given.slice(0, -2)));
  });
}

export const { done, badInput, incomplete, workFailed, heldBack, interrupted } = exitCodes;
