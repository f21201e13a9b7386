import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';

/** functions-framework's own program, which its package does not export: what runs a function on Google too. */
const FRAMEWORK = join(dirname(createRequire(import.meta.url).resolve('@google-cloud/functions-framework')), 'main.js');

export interface FrameworkOptions {
  readonly target: string;
  /** The folder or module that exports or registers the target. */
  readonly source: string;
  readonly port: number;
  /** All of its environment. */
  readonly env: NodeJS.ProcessEnv;
}

/** A function in a process of its own; what it writes is to be read. */
export function spawnFramework({ target, source, port, env }: FrameworkOptions): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [FRAMEWORK, `--target=${target}`, `--source=${source}`, `--port=${port}`], { env: { ...env, HOST: '127.0.0.1' }, stdio: ['ignore', 'pipe', 'pipe'] });
}
