import { RetrySoonError } from '../shared/failures/errors.ts';
import type { ExitCode } from '../shared/failures/exit-codes.ts';
import type { CliContext } from './commands/command.ts';
import { googlePipeline, pipelineDirectory, readNow, type CommonOptions } from './commands/options.ts';
import { tellAlert } from './output/alert.ts';
import { googleTrouble } from './runtime/google-errors.ts';
import { openGoogleRuntime, readCliConfig, type GoogleCliRuntime } from './runtime/google.ts';
import { unreachablePlaces } from './runtime/local-places.ts';
import { openPipeline, sessionOf, type Session, type StateUse } from './session.ts';

/**
 * Gives a command the runtime on Google. Nothing is owned: functions, and other people's commands, work on the same state.
 * `check` refuses what can be seen to be wrong before anything is connected.
 */
export async function withGoogle(context: CliContext, options: CommonOptions, run: (session: Session) => Promise<ExitCode>, { check, looks, tellsUnreachable }: StateUse): Promise<ExitCode> {
  const { io } = context;
  const { environment } = io;
  const place = { pipeline: googlePipeline(options, environment) };
  const definition = openPipeline(place, io.cwd);
  check?.(definition);
  const startAt = readNow(options.now, definition.timeZone);
  const directory = pipelineDirectory(place, io.cwd);
  const { project } = readCliConfig(environment, directory);
  if (!tellsUnreachable) {
    const [first] = await unreachablePlaces(environment);
    if (first) throw new RetrySoonError(`${first.text}; start it (npm run cloud:local), correct the variable, or unset it for Google's own service`);
  }
  if (startAt !== null && !options.quiet) io.err.write('note: --now sets the clock of this command only; functions have theirs (their variable NOW)\n');
  const tell = (text: string): void => {
    if (!options.quiet) io.err.write(`${text}\n`);
  };
  const followed = new Set<string>();
  let runtime: GoogleCliRuntime | null = null;
  try {
    runtime = await openGoogleRuntime({ pipelineDirectory: directory, environment, startAt, onAlert: (alert) => tellAlert(alert, io, options, followed), onTrouble: tell });
    try {
      return await run(sessionOf(context, options, runtime, false, followed));
    } finally {
      if (!looks) await settled(runtime, tell);
    }
  } catch (thrown) {
    throw googleTrouble(thrown, project);
  } finally {
    // What it has done is durable: a connection that does not close well is nobody's trouble.
    await runtime?.close().catch(() => undefined);
  }
}

/** What could not be sent is committed: the functions send it with their next invocation. */
async function settled(runtime: GoogleCliRuntime, tell: (text: string) => void): Promise<void> {
  try {
    await runtime.settle();
  } catch (thrown) {
    tell(`note: messages or history rows of this command are committed and not sent yet (${thrown instanceof Error ? thrown.message : String(thrown)}); the functions send them`);
  }
}
