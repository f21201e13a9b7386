import { ZodError } from 'zod';
import { StateFolderError } from '../shared/embedded/state-folder-error.ts';
import { FailureError } from '../shared/failures/errors.ts';
import { exitCodeOfError, exitCodes, type ExitCode } from '../shared/failures/exit-codes.ts';
import type { Io } from './output/io.ts';
import { errStyle } from './output/style.ts';
import { withCommands } from './output/words.ts';
import { InvalidPipelineError } from './session.ts';

export interface Reported {
  readonly message: string;
  readonly code: ExitCode;
}

/** Says what went wrong, in words for who can do something about it, and how the program ends. `place` goes into commands to type. */
export function reportError(error: unknown, io: Io, signal: AbortSignal, place: readonly string[]): Reported {
  const { message: core, code, bare } = told(error, signal);
  const message = withCommands(core, io.program, place);
  io.err.write(`${bare ? '' : `${errStyle(io).red('error:')} `}${message}\n`);
  return { message, code };
}

/** `bare`: the text needs no word in front that says it is an error. */
function told(error: unknown, signal: AbortSignal): Reported & { readonly bare?: boolean } {
  if (signal.aborted && !(error instanceof StateFolderError) && !(error instanceof FailureError)) {
    return { message: 'interrupted; nothing durable is lost: run the command again to go on', code: exitCodes.interrupted, bare: true };
  }
  if (error instanceof InvalidPipelineError) return { message: error.message, code: exitCodes.badInput, bare: true };
  if (error instanceof StateFolderError) return { message: `${error.received}\n  ${error.allowed}; ${error.mend}`, code: stateExitCode(error.exitCode) };
  if (error instanceof FailureError) return { message: error.detail ? `${error.message}\n  ${error.detail}` : error.message, code: exitCodeOfError(error) };
  if (error instanceof ZodError) return { message: error.issues.map(({ path, message }) => (message.startsWith('received ') ? message : `${path.join('.')}: ${message}`)).join('; '), code: exitCodes.badInput };
  return { message: `this is a fault of smart-backfill; nothing durable is lost\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, code: exitCodes.fault };
}

function stateExitCode(code: number): ExitCode {
  if (code === exitCodes.badInput || code === exitCodes.heldBack) return code;
  return exitCodes.workFailed;
}
