import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { InputError, RetrySoonError } from '../../shared/failures/errors.ts';

/** Google's own emulators, as `gcloud` starts them: https://cloud.google.com/sdk/gcloud/reference/beta/emulators. */
export type EmulatorKind = 'pubsub' | 'firestore';

interface EmulatorFacts {
  readonly title: string;
  readonly component: string;
  /** The variable by which Google's clients find it. */
  readonly variable: string;
}

const facts: Readonly<Record<EmulatorKind, EmulatorFacts>> = {
  pubsub: { title: 'Pub/Sub emulator', component: 'pubsub-emulator', variable: 'PUBSUB_EMULATOR_HOST' },
  firestore: { title: 'Firestore emulator', component: 'cloud-firestore-emulator', variable: 'FIRESTORE_EMULATOR_HOST' },
};

export interface EmulatorOptions {
  /** Environment of the emulator's processes: PATH says where `gcloud` and `java` are. */
  readonly env: NodeJS.ProcessEnv;
  /** On 127.0.0.1; a free one by default. */
  readonly port?: number;
  readonly startWithinMs?: number;
  readonly stopWithinMs?: number;
  /** Told of each line that the emulator writes. */
  readonly onLine?: (line: string) => void;
}

const START_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 100;
/** Lines kept, to be shown when it does not start. */
const KEPT_LINES = 20;

/**
 * One emulator. It keeps its port when it is stopped and started again, and nothing else: its state is in memory, so a
 * stop loses it. An emulator that this process leaves running ends with it.
 */
export class Emulator {
  readonly kind: EmulatorKind;
  readonly port: number;
  readonly #options: EmulatorOptions;
  #child: ChildProcess | null = null;
  #folder: string | null = null;
  #lines: string[] = [];

  private constructor(kind: EmulatorKind, port: number, options: EmulatorOptions) {
    this.kind = kind;
    this.port = port;
    this.#options = options;
  }

  /** Resolves when it answers. Throws an InputError when `gcloud`, its component or `java` is missing, naming how to get it. */
  static async start(kind: EmulatorKind, options: EmulatorOptions): Promise<Emulator> {
    const emulator = new Emulator(kind, options.port ?? (await freePort()), options);
    await emulator.start();
    return emulator;
  }

  /** `127.0.0.1:port`, as the clients' variables want it. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What a process that is to use it needs in its environment. */
  get env(): Readonly<Record<string, string>> {
    // Without it clients with an endpoint of their own look for Google's metadata server first, for seconds.
    return { [facts[this.kind].variable]: this.host, METADATA_SERVER_DETECTION: 'none' };
  }

  get running(): boolean {
    return this.#child !== null;
  }

  /** Starts it again on its port after a `stop`. */
  async start(): Promise<void> {
    if (this.#child) return;
    const { title, component } = facts[this.kind];
    await requireTool(this.#options.env, 'gcloud', ['--version'], `the ${title} is started by the Google Cloud CLI, and 'gcloud' is not on the PATH; install it: https://cloud.google.com/sdk/docs/install, then 'gcloud components install beta ${component}'`);
    await requireTool(this.#options.env, 'java', ['-version'], `the ${title} runs on Java, and 'java' is not on the PATH; install a Java runtime, version 21 or later: https://adoptium.net, or 'apt-get install default-jre-headless'`);
    if (await answers(this.port)) throw new InputError(`another program answers on ${this.host}, where the ${title} was to run; give it another port, or stop that program`);
    this.#folder = mkdtempSync(join(tmpdir(), `sbf-${this.kind}-`));
    this.#lines = [];
    const args = ['beta', 'emulators', this.kind, 'start', `--host-port=${this.host}`, ...(this.kind === 'pubsub' ? [`--data-dir=${this.#folder}`] : [])];
    // A group of its own: gcloud starts a shell, which starts Java, and all of them have to go.
    const child = spawn('gcloud', args, { env: this.#options.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    process.once('exit', this.#endWithProcess);
    let ended = '';
    child.once('error', (error) => { ended = error.message; });
    child.once('exit', (code, signal) => { ended = signal ?? `exit code ${code}`; });
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    const deadline = Date.now() + (this.#options.startWithinMs ?? START_WITHIN_MS);
    while (!(await answers(this.port))) {
      if (ended || Date.now() > deadline) {
        const error = this.#notStarted(ended);
        await this.stop();
        throw error;
      }
      await after(LOOK_EVERY_MS);
    }
  }

  /** Ends all of its processes; resolves when its port is free. Its state is lost. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = null;
    process.removeListener('exit', this.#endWithProcess);
    signalGroup(child, 'SIGTERM');
    const deadline = Date.now() + (this.#options.stopWithinMs ?? STOP_WITHIN_MS);
    const hasEnded = async (): Promise<boolean> => (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) && !(await answers(this.port));
    while (!(await hasEnded()) && Date.now() < deadline) await after(LOOK_EVERY_MS / 4);
    // Who is left of the group has had its time; nothing of an emulator's is worth keeping.
    signalGroup(child, 'SIGKILL');
    while (!(await hasEnded()) && Date.now() < deadline + STOP_WITHIN_MS) await after(LOOK_EVERY_MS / 4);
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = null;
  }

  readonly #endWithProcess = (): void => {
    if (this.#child) signalGroup(this.#child, 'SIGKILL');
  };

  #hear(text: string): void {
    for (const line of text.split('\n').filter(Boolean)) {
      this.#options.onLine?.(line);
      this.#lines.push(line);
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    }
  }

  #notStarted(ended: string): Error {
    const { title, component } = facts[this.kind];
    const said = this.#lines.join('\n');
    if (/\[beta\]|gcloud beta.*component/i.test(said) && !said.includes(component)) {
      return new InputError(`the ${title} needs gcloud's component 'beta'; install it: 'gcloud components install beta'`, { detail: said });
    }
    if (said.includes(`[${component}]`) || /component|emulator directory found/i.test(said)) {
      return new InputError(`the ${title} needs gcloud's component '${component}'; install it: 'gcloud components install ${component}', or, where gcloud came by apt: 'apt-get install ${aptPackage(component)}'`, { detail: said });
    }
    if (/java/i.test(said) && ended) return new InputError(`the ${title} does not run on this Java (${ended}); install a Java runtime, version 21 or later: https://adoptium.net`, { detail: said });
    return new RetrySoonError(`the ${title} did not answer on ${this.host} (${ended || 'it still runs, and was stopped'})`, { detail: said });
  }
}

function aptPackage(component: string): string {
  return `google-cloud-cli-${component.replace(/^cloud-/, '')}`;
}

/** Starts several at a time; when one does not start, none is left running. */
export async function startEmulators(kinds: readonly EmulatorKind[], options: EmulatorOptions): Promise<Emulator[]> {
  const started = await Promise.allSettled(kinds.map((kind) => Emulator.start(kind, options)));
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = started.find((result) => result.status === 'rejected');
  if (!failed) return running;
  await Promise.all(running.map((emulator) => emulator.stop()));
  throw failed.reason;
}

async function requireTool(env: NodeJS.ProcessEnv, program: string, args: readonly string[], message: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'ignore' });
    child.once('error', (error) => reject(new InputError(message, { cause: error })));
    child.once('exit', () => resolve());
  });
}

/** A port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('the system named no port'));
      });
    });
  });
}

/** Both emulators answer a plain request to '/' once they serve. */
async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000), headers: { connection: 'close' } });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}
