import type { Io } from './io.ts';

/** Raised when a field of some `--json` output changes its meaning or goes away. */
export const SCHEMA_VERSION = 1;

/** The one object that a command with `--json` prints. */
export function writeJson(io: Io, result: Readonly<Record<string, unknown>>): void {
  io.out.write(`${JSON.stringify({ schema_version: SCHEMA_VERSION, ...result }, null, 2)}\n`);
}
