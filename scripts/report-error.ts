import { ZodError } from 'zod';
import { StateFolderError } from '../shared/embedded/state-folder-error.ts';
import { FailureError } from '../shared/failures/errors.ts';
import { exitCodeOfError, exitCodes, type ExitCode } from '../shared/failures/exit-codes.ts';
import type { Io } from './output/io.ts';
import { errStyle } from './output/style.ts';
import { InvalidPipelineError } from './session.ts';

/** Says what went wrong, in words for who can do something about it, and how the program ends. */
export async function reportError(error: unknown, io: Io, signal: AbortSignal): Promise<ExitCode> {
  const style = errStyle(io);
  const say = (text: string): void => io.err.write(`${style.red('error:')} ${text}\n`);
  if (signal.aborted && !(error instanceof StateFolderError) && !(error instanceof FailureError)) {
    io.err.write('interrupted; nothing durable is lost: run the command again to go on\n');
    return exitCodes.interrupted;
  }
  if (error instanceof InvalidPipelineError) {
    io.err.write(`${error.message}\n`);
    return exitCodes.badInput;
  }
  if (error instanceof StateFolderError) {
    say(`${error.received}\n  ${error.allowed}; ${error.mend}`);
    return stateExitCode(error.exitCode);
  }
  if (error instanceof FailureError) {
    say(error.detail ? `${error.message}\n  ${error.detail}` : error.message);
    return exitCodeOfError(error);
  }
  if (error instanceof ZodError) {
    say(error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
    return exitCodes.badInput;
  }
  say(`this is a fault of smart-backfill; nothing durable is lost\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return exitCodes.fault;
}

function stateExitCode(code: number): ExitCode {
  if (code === exitCodes.badInput || code === exitCodes.heldBack) return code;
  return exitCodes.workFailed;
}
