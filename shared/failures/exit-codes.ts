import { FailureError, HeldBackError, InputError, ParkError } from './errors.ts';

/** How the program ends. */
export const exitCodes = {
  done: 0,
  /** A fault of this program. */
  fault: 1,
  /** Input that can't be right. */
  badInput: 2,
  /** Data is not complete: gaps found, a gate not passed. */
  incomplete: 3,
  /** Some work failed. */
  workFailed: 4,
  /** Paused, over a bound, another operation has it. */
  heldBack: 5,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Where several hold, the first of these is reported. */
const PRECEDENCE: readonly ExitCode[] = [1, 2, 130, 4, 5, 3];

/** The one exit code of a program for which all of these hold. */
export function exitCodeFor(codes: Iterable<ExitCode>): ExitCode {
  const held = new Set(codes);
  return PRECEDENCE.find((code) => held.has(code)) ?? exitCodes.done;
}

/** The exit code of an error that ended a command. What nobody named is a fault of this program. */
export function exitCodeOfError(thrown: unknown): ExitCode {
  if (!(thrown instanceof FailureError)) return exitCodes.fault;
  if (thrown instanceof InputError || thrown.category === 'invalid_request') return exitCodes.badInput;
  if (thrown instanceof HeldBackError) return exitCodes.heldBack;
  if (thrown instanceof ParkError) return exitCodes.incomplete;
  return exitCodes.workFailed;
}
