import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { z } from 'zod';
import { runCommandLine } from '../../scripts/cli.ts';

/**
 * Runs the command line over the mini pipeline, in state folders of their own: within this process, as its own start does,
 * or as a process where the process is the subject: signals, its death, two at once, what it loads.
 */

const project = resolve(import.meta.dirname, '../..');
export const cli = join(project, 'scripts', 'cli.ts');
export const launcher = join(project, 'scripts', 'smart-backfill.js');
export const mini = join(project, 'test', 'fixtures', 'mini');

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is given: standard input, and variables beside those of this process. */
interface Given {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What a person answers; nobody can be asked without. */
  readonly answer?: string;
}

/** What a command has said, when it ended with this exit code. */
export function ended(result: Ended, code: number): Ended {
  assert.equal(result.code, code, `${result.stdout}\n${result.stderr}`);
  return result;
}

/** The JSON that it printed. */
export function parsed<T>(schema: z.ZodType<T>, { stdout, stderr }: Ended): T {
  const result = schema.safeParse(JSON.parse(stdout));
  if (!result.success) throw new Error(`${result.error.message}\n${stdout}${stderr}`);
  return result.data;
}

/** A process under way. */
export class Running {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;

  constructor(script: string, words: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}, input?: string) {
    const { NO_COLOR: _, npm_command: __, ...rest } = process.env;
    this.child = spawn(process.execPath, [script, ...words], { cwd, env: { ...rest, ...env }, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    this.child.stdin?.end(input);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => { this.stdout += text; });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.stderr += text; });
    this.ended = once(this.child, 'close').then(() => ({ code: this.child.exitCode, signal: this.child.signalCode, stdout: this.stdout, stderr: this.stderr }));
  }

  /** Resolves when what was written so far matches. */
  async says(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    while (!pattern.test(this[stream])) {
      const more = this.child[stream];
      if (!more || this.child.exitCode !== null) throw new Error(`ended with ${this.child.exitCode} before it said ${pattern.source}: ${this.stdout}${this.stderr}`);
      await Promise.race([once(more, 'data'), this.ended]);
    }
  }

  interrupt(): void {
    this.child.kill('SIGINT');
  }
}

/** Runs one command line to its end in this process, with pipes for a terminal. */
async function commandLine(words: readonly string[], cwd: string, { input = '', env = {}, answer }: Given): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const pipe = (name: 'stdout' | 'stderr') => ({ write: (text: string): void => { said[name] += text; }, isTTY: false, colour: false });
  const code = await runCommandLine(words, {
    out: pipe('stdout'), err: pipe('stderr'), columns: 80, ask: answer === undefined ? null : async () => answer, readInput: async () => Buffer.from(input), program: 'npx smart-backfill', cwd, user: userInfo().username, environment: { ...process.env, ...env },
  }, new AbortController().signal);
  return { code, signal: null, ...said };
}

/** State folders under one temporary folder, which goes away with `remove`. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'sbf-cli-'));
  /** Where commands are typed: no definition lies below it, so that its path is shown, and used, whole. */
  readonly cwd = join(this.folder, 'here');
  readonly #running: Running[] = [];
  #count = 0;

  constructor() {
    mkdirSync(this.cwd);
  }

  /** A state folder that is not there yet, or a copy of another. */
  state(copyOf?: string): string {
    this.#count += 1;
    const path = join(this.folder, `state-${this.#count}`);
    if (copyOf !== undefined) cpSync(copyOf, path, { recursive: true });
    return path;
  }

  /** A state in which the mini pipeline's season is complete, and how the command ended that made it. */
  async complete(...words: readonly string[]): Promise<{ readonly state: string; readonly made: Ended }> {
    const state = this.state();
    return { state, made: ended(await this.run(state, 'recover', '--all', '--yes', '--season', '2024', ...words), 0) };
  }

  /** A copy of a state whose rows another program has changed. */
  async damaged(copyOf: string, ...sql: readonly string[]): Promise<string> {
    const state = this.state(copyOf);
    const instance = await DuckDBInstance.create(join(state, 'warehouse.duckdb'));
    const connection = await instance.connect();
    for (const statement of sql) await connection.run(statement);
    connection.closeSync();
    instance.closeSync();
    return state;
  }

  /** Tells the mini pipeline's source what it is like; undone with `untell`. */
  tell(state: string, what: 'fail' | 'none' | 'hang' | 'stuck', date: string): void {
    mkdirSync(join(state, 'source'), { recursive: true });
    writeFileSync(join(state, 'source', `${what}-${date}`), '');
  }

  untell(state: string, what: 'fail' | 'none' | 'hang' | 'stuck', date: string): void {
    rmSync(join(state, 'source', `${what}-${date}`));
  }

  /** A process. */
  start(words: readonly string[], options: Given & { readonly script?: string } = {}): Running {
    const running = new Running(options.script ?? cli, words, this.cwd, options.env, options.input);
    this.#running.push(running);
    return running;
  }

  /** Runs a command to its end, in this process. */
  call(words: readonly string[], given: Given = {}): Promise<Ended> {
    return commandLine(words, this.cwd, given);
  }

  /** The same with the mini pipeline. */
  run(state: string, ...words: readonly string[]): Promise<Ended> {
    return this.call([...words, '--pipeline', mini, '--state', state]);
  }

  /** Resolves when the mini pipeline's source has begun to hang. */
  async reached(state: string): Promise<void> {
    const marker = join(state, 'source', 'reached');
    const watching = new AbortController();
    const changes = watch(join(state, 'source'), { signal: watching.signal });
    changes.on('error', () => undefined);
    while (!existsSync(marker)) await once(changes, 'change');
    watching.abort();
    rmSync(marker);
  }

  async remove(): Promise<void> {
    for (const { child, ended } of this.#running) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
