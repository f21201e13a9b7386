import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { NeverRetryError } from '../failures/errors.ts';

/** A child process that is given one text and answers with one: how it ended, and what it wrote. */

export interface CommandEnd {
  readonly stdout: string;
  /** The last part of it: what people need to see. */
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CommandOptions {
  readonly command: readonly string[];
  readonly directory: string;
  readonly input: string;
  /** Ends the process: SIGTERM, and SIGKILL if it is still there after `graceMilliseconds`. */
  readonly signal: AbortSignal;
  readonly graceMilliseconds: number;
  /** More on stdout than this is refused. */
  readonly maxBytes: number;
}

const STDERR_KEPT = 8_192;

export async function runCommand({ command, directory, input, signal, graceMilliseconds, maxBytes }: CommandOptions): Promise<CommandEnd> {
  const [program, ...args] = command;
  if (program === undefined) throw new NeverRetryError('received an empty command; name a program');
  // A group of its own: what the command started ends with it.
  const child = spawn(program, args, { cwd: directory, stdio: 'pipe', detached: true });
  const kill = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, name);
    } catch {
      // It has just ended by itself.
    }
  };
  let hard: NodeJS.Timeout | undefined;
  const stop = (): void => {
    kill('SIGTERM');
    hard ??= setTimeout(() => kill('SIGKILL'), graceMilliseconds);
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const out: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes <= maxBytes) out.push(part);
    else stop();
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => { stderr = (stderr + part).slice(-STDERR_KEPT); });
  // A command that does not read its input ends the pipe; how it ended is told below.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  try {
    const [exitCode, signalName]: unknown[] = await once(child, 'close');
    if (bytes > maxBytes) throw new NeverRetryError(`${program} wrote more than ${maxBytes} bytes; write one JSON object a row, or fewer rows`);
    return {
      stdout: Buffer.concat(out).toString('utf8'),
      stderr: stderr.trim(),
      exitCode: typeof exitCode === 'number' ? exitCode : null,
      signal: typeof signalName === 'string' ? child.signalCode : null,
    };
  } finally {
    clearTimeout(hard);
    signal.removeEventListener('abort', stop);
  }
}
