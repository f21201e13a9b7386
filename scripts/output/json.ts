import type { Io } from './io.ts';

/** Raised when a field of some `--json` output changes its meaning or goes away. */
export const SCHEMA_VERSION = 1;

/** The one object that a command with `--json` prints. */
export function writeJson(io: Io, result: Readonly<Record<string, unknown>>): void {
  io.out.write(`${JSON.stringify({ schema_version: SCHEMA_VERSION, ...result }, null, 2)}\n`);
}

/** What a command with `--json` prints where it could not do what it was asked. */
export function writeError(io: Io, message: string, exitCode: number, asLine: boolean): void {
  io.out.write(`${JSON.stringify({ schema_version: SCHEMA_VERSION, error: { message, exit_code: exitCode } }, null, asLine ? undefined : 2)}\n`);
}
