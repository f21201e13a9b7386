import type { ChildProcess } from 'node:child_process';
import { setTimeout as after } from 'node:timers/promises';
import { RetrySoonError } from '../../shared/failures/errors.ts';
import { freePort } from './emulators.ts';
import { spawnFramework } from './framework.ts';

const START_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;
const STOP_WITHIN_MS = 5000;

export interface ServedFunctionOptions {
  readonly target: string;
  /** The module that exports or registers the target. */
  readonly source: string;
  /** Asked at each start. */
  readonly env: () => Readonly<Record<string, string | undefined>>;
  /** Each line that it writes: structured logs, one JSON object a line. */
  readonly onLine: (line: string) => void;
}

/** One function in a process of its own, served by functions-framework, as an instance on Google is. */
export class ServedFunction {
  readonly url: string;
  readonly target: string;
  readonly #options: ServedFunctionOptions;
  readonly #port: number;
  #child: ChildProcess | null = null;
  #exited: Promise<unknown> = Promise.resolve();

  private constructor(port: number, options: ServedFunctionOptions) {
    this.#port = port;
    this.#options = options;
    this.target = options.target;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(options: ServedFunctionOptions): Promise<ServedFunction> {
    const served = new ServedFunction(await freePort(), options);
    await served.start();
    return served;
  }

  /** Starts it (again) on its port, and resolves when it listens. `changed` is laid over its environment, this time only. */
  async start(changed: Readonly<Record<string, string>> = {}): Promise<void> {
    const { target, source, env, onLine } = this.#options;
    const child = spawnFramework({ target, source, port: this.#port, env: { ...env(), ...changed } });
    this.#child = child;
    this.#exited = new Promise((resolve) => { child.once('exit', resolve); });
    child.once('error', (error) => onLine(`${target}: ${error.message}`));
    for (const stream of [child.stdout, child.stderr]) lines(stream, onLine);
    for (const until = Date.now() + START_WITHIN_MS; ;) {
      if (await listens(this.url)) return;
      if (child.exitCode !== null || Date.now() > until) throw new RetrySoonError(`${target} does not listen on ${this.url}${child.exitCode === null ? '' : `: it ended with exit code ${child.exitCode}`}; what it wrote says why`);
      await after(LOOK_EVERY_MS);
    }
  }

  /** Ends it at once, as Google does with an instance that it has no use for. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    await this.#exited;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await Promise.race([this.#exited, after(STOP_WITHIN_MS)]);
    if (child.exitCode === null && child.signalCode === null) await this.kill();
  }
}

/** Any answer will do: a function refuses GET, and says so. */
async function listens(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000), headers: { connection: 'close' } });
    await response.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function lines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = `${rest}${text}`.split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') onLine(line);
  });
}
