import { enableCompileCache } from 'node:module';
import { Command, CommanderError } from 'commander';
import { exitCodes, type ExitCode } from '../shared/failures/exit-codes.ts';
import { suggestion } from '../shared/pipeline/nearest.ts';
import type { CliContext, CommandBuilder, OwnerState } from './commands/command.ts';
import { processIo, type Io } from './output/io.ts';
import { quoted } from './output/words.ts';
import packageJson from '../package.json' with { type: 'json' };

/** The operator's command line. A command's module is imported when it is run, so that `--help` is there at once. */

interface Listed {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandBuilder>;
}

const commands: readonly Listed[] = [
  { name: 'demo', summary: 'the whole story on real data, embedded (npm start)', load: async () => (await import('./commands/demo.ts')).demoCommand },
  { name: 'up', summary: 'the embedded runtime in the foreground: bus, worker, router, detector', load: async () => (await import('./commands/up.ts')).upCommand },
  { name: 'gaps', summary: 'cells that are not complete, as gaps, with their root causes', load: async () => (await import('./commands/gaps.ts')).gapsCommand },
  { name: 'why', summary: 'the chain from one cell to its root cause, and what would mend it', load: async () => (await import('./commands/why.ts')).whyCommand },
  { name: 'plan', summary: 'what recovery would do, in order; what it leaves out, and why', load: async () => (await import('./commands/plan.ts')).planCommand },
  { name: 'recover', summary: 'does it here and now; stopped and run again, it goes on', load: async () => (await import('./commands/recover.ts')).recoverCommand },
  { name: 'request', summary: 'publishes a backfill request, as a person would', load: async () => (await import('./commands/request.ts')).requestCommand },
  { name: 'requests', summary: 'list, show, retry or cancel what was asked for', load: async () => (await import('./commands/requests.ts')).requestsCommand },
  { name: 'publish', summary: 'publishes any message by hand', load: async () => (await import('./commands/publish.ts')).publishCommand },
  { name: 'cascades', summary: 'list, show, release or report: what is parked, and why', load: async () => (await import('./commands/cascades.ts')).cascadesCommand },
  { name: 'accept', summary: 'marks known rows, or a known gap, as right', load: async () => (await import('./commands/by-hand.ts')).acceptCommand },
  { name: 'unaccept', summary: 'takes an acceptance back', load: async () => (await import('./commands/by-hand.ts')).unacceptCommand },
  { name: 'hold', summary: 'keeps cells from being run', load: async () => (await import('./commands/by-hand.ts')).holdCommand },
  { name: 'unhold', summary: 'lets held cells run again', load: async () => (await import('./commands/by-hand.ts')).unholdCommand },
  { name: 'backfill', summary: 'staged backfills: start, watch, status, pause, resume, report', load: async () => (await import('./commands/backfill.ts')).backfillCommand },
  { name: 'rollback', summary: 'takes a backfill\'s or a date\'s rows back to what they were', load: async () => (await import('./commands/rollback.ts')).rollbackCommand },
  { name: 'verify', summary: 'a quality gate by itself: coverage, failures, the pipeline\'s checks', load: async () => (await import('./commands/verify.ts')).verifyCommand },
  { name: 'needs', summary: 'whether automatic recovery is justified here, by what has happened', load: async () => (await import('./commands/needs.ts')).needsCommand },
  { name: 'pause', summary: 'stops all new work of the pipeline', load: async () => (await import('./commands/pause.ts')).pauseCommand },
  { name: 'resume', summary: 'goes on', load: async () => (await import('./commands/pause.ts')).resumeCommand },
  { name: 'doctor', summary: 'checks definition, runtime and state, each with its mend', load: async () => (await import('./commands/doctor.ts')).doctorCommand },
  { name: 'pipeline', summary: 'validate, show or schema: the definition', load: async () => (await import('./commands/pipeline.ts')).pipelineCommand },
];

const OPTIONS = `
Options of most commands:
  --pipeline DIR   folder with pipeline.yaml (default: pipelines/nba)
  --state DIR      state folder (default: .smart-backfill)
  --runtime NAME   embedded (default), or google: see docs/commands.md
  --from, --to     first and last game date, both included (default: the season)
  --season --phase --processor     which cells
  --json           one JSON object on stdout     --yes, --quiet, --log-level
Exit codes: 0 done; 1 a fault of this program; 2 input that can't be right;
  3 data is not complete; 4 some work failed; 5 held back; 130 interrupted.
More on a command: smart-backfill COMMAND --help, and docs/commands.md`;

/** Options that come with a value: before the command's name, the word after them is not that name. */
const WITH_VALUE = new Set(['--pipeline', '--state', '--runtime', '--from', '--to', '--season', '--phase', '--processor', '--now', '--log-level']);

/** Runs one command line; never throws. With `--json` what went wrong is told on stdout too, as the one object there. */
export async function runCommandLine(argv: readonly string[], given: Io, signal: AbortSignal, owner: OwnerState | null = null): Promise<ExitCode> {
  let written = false;
  const io: Io = { ...given, out: { ...given.out, write: (text) => { written = true; given.out.write(text); } } };
  const failed = async (message: string, exitCode: ExitCode): Promise<ExitCode> => {
    const end = argv.indexOf('--');
    const isJson = argv.slice(0, end < 0 ? argv.length : end).includes('--json');
    const isLines = split(argv).name === 'up';
    if (isJson && (isLines || !written)) (await import('./output/json.ts')).writeError(given, message, exitCode, isLines);
    return exitCode;
  };
  let code: ExitCode = exitCodes.done;
  try {
    const { name, words } = split(argv);
    const context: CliContext = { io, signal, argv, owner, command: name ?? '', runForwarded: runCommandLine, ended: (ended) => { code = ended; } };
    const listed = commands.find((command) => command.name === name);
    if (name !== null && name !== 'help' && !listed) return await failed(unknownCommand(name, io), exitCodes.badInput);
    const loaded = listed ? (await listed.load())(context) : null;
    const wrong = loaded && misunderstood(loaded, words, io);
    if (wrong) {
      io.err.write(`error: ${wrong}\n`);
      return await failed(wrong, exitCodes.badInput);
    }
    const program = programFor(io);
    for (const command of commands) {
      if (loaded && command === listed) program.addCommand(quietly(loaded, io));
      else program.command(command.name).description(command.summary);
    }
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : await failed(error.message.replace(/^error: /, '').replace(/\.$/, ''), exitCodes.badInput);
    const { reportError } = await import('./report-error.ts');
    const reported = reportError(error, io, signal, placeOf(argv));
    return await failed(reported.message, reported.code);
  }
}

function programFor(io: Io): Command {
  const program = new Command('smart-backfill')
    .description('Finds gaps in date-partitioned pipelines, repairs root causes first,\nand never passes bad data on.')
    .usage('COMMAND [options]')
    .helpCommand(false)
    .addHelpText('after', OPTIONS)
    .option('-V, --version', 'the version of this program')
    .on('option:version', () => {
      io.out.write(`${packageJson.version}\n`);
      throw new CommanderError(0, 'commander.version', packageJson.version);
    });
  // Without a command: what there is, as `--help` says it.
  program.action(() => program.outputHelp());
  return quietly(program, io);
}

/** A command, and those within it, that neither ends the process nor writes past `io`. */
function quietly(command: Command, io: Io): Command {
  command.exitOverride();
  command.configureHelp({ helpWidth: io.columns });
  command.configureOutput({
    writeOut: (text) => io.out.write(text),
    writeErr: (text) => io.err.write(text),
    getOutHelpWidth: () => io.columns,
    getErrHelpWidth: () => io.columns,
    outputError: (text, write) => write(`${text.trimEnd().replace(/\.$/, '')}; see: ${[io.program, ...namesOf(command), '--help'].join(' ')}\n`),
  });
  command.showSuggestionAfterError(true);
  for (const child of command.commands) quietly(child, io);
  return command;
}

/** `--pipeline`, `--state`, `--runtime` and `--now` as they were given: what a printed command needs to mean the same. */
function placeOf(argv: readonly string[]): string[] {
  return ['--pipeline', '--state', '--runtime', '--now'].flatMap((option) => {
    const at = argv.findLastIndex((word) => word === option || word.startsWith(`${option}=`));
    const word = argv[at];
    const value = word === option ? argv[at + 1] : word?.slice(option.length + 1);
    return value ? [option, quoted(value)] : [];
  });
}

/** `pipeline validate`: a command's name and those of the groups that it is in. */
function namesOf(command: Command): string[] {
  return command.parent === null ? [] : [...namesOf(command.parent), command.name()];
}

/** The command's name, and all words with it in front: options may stand before it too. */
function split(argv: readonly string[]): { readonly name: string | null; readonly words: readonly string[] } {
  let at = 0;
  while (at < argv.length && argv[at]?.startsWith('-')) at += WITH_VALUE.has(argv[at] ?? '') ? 2 : 1;
  const name = argv[at];
  if (name === undefined || argv[0] === '--help' || argv[0] === '-h') return { name: null, words: argv };
  if (name === 'help') return { name: argv[at + 1] ?? null, words: [...argv.slice(at + 1, at + 2), '--help'] };
  const rest = argv.slice(at + 1);
  const end = rest.indexOf('--');
  const before = argv.slice(0, at);
  return { name, words: end < 0 ? [name, ...rest, ...before] : [name, ...rest.slice(0, end), ...before, ...rest.slice(end)] };
}

function unknownCommand(name: string, io: Io): string {
  const names = commands.map((command) => command.name);
  const hint = suggestion(name, names, `see: ${io.program} --help`);
  const message = `received the command '${name}', which there is not; ${hint}${hint.endsWith('?') ? '' : ';'} allowed are ${names.join(', ')}`;
  io.err.write(`error: ${message}\n`);
  return message;
}

/** What the parser of options would take for something else: a word that is none of a group's commands, and an option in the place of a value. */
function misunderstood(command: Command, [, first, ...rest]: readonly string[], io: Io): string | null {
  const children = command.commands.map((child) => child.name());
  const inGroup = children.length > 0 && first !== undefined && !first.startsWith('-');
  if (inGroup && first !== 'help' && !children.includes(first)) {
    const hint = suggestion(first, children, `see: ${io.program} ${command.name()} --help`);
    return `received the command '${command.name()} ${first}', which there is not; ${hint}${hint.endsWith('?') ? '' : ';'} allowed are ${children.join(', ')}`;
  }
  const own = inGroup ? command.commands.find((child) => child.name() === first) ?? command : command;
  const words = first === undefined ? [] : [first, ...rest];
  const end = words.indexOf('--');
  const flags = new Set(own.options.flatMap((option) => option.long ?? []));
  const withValue = own.options.filter((option) => option.required);
  const at = words.findIndex((word, index) => (end < 0 || index < end) && withValue.some((option) => option.long === word || option.short === word) && flags.has(words[index + 1] ?? ''));
  return at < 0 ? null : `received ${words[at]} without a value: ${words[at + 1]} comes next; write ${withValue.find((option) => option.long === words[at] || option.short === words[at])?.flags ?? words[at]}`;
}

/** A terminal and the launcher both pass one Ctrl-C on: what follows this soon is the same one. */
const SAME_INTERRUPT_MS = 150;

/** The whole process: signals, exit code. */
export async function start(): Promise<void> {
  enableCompileCache();
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
  });
  const io = processIo();
  const interrupt = new AbortController();
  const launched = process.env['SMART_BACKFILL_LAUNCHER'] !== undefined;
  let interruptedAt: number | null = null;
  const onSignal = (): void => {
    const now = performance.now();
    if (interruptedAt !== null && launched && now - interruptedAt < SAME_INTERRUPT_MS) return;
    if (interruptedAt !== null) process.exit(exitCodes.interrupted);
    interruptedAt = now;
    io.err.write(`\nstopping: what runs is brought to an end; press Ctrl-C again to leave at once (nothing durable is lost)\n`);
    interrupt.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  const code = await runCommandLine(process.argv.slice(2), io, interrupt.signal);
  process.exitCode = code;
  // What was written to a pipe has to be out before the process ends; nothing else may keep it.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

if (import.meta.main) await start();
