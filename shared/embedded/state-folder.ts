import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { z } from 'zod';
import { ANSWER_WITHIN_MS, forwardCommand, ownerSilent, type ForwardOptions } from './owner-client.ts';
import type { ForwardedCommand } from './owner-frames.ts';
import { notWritable, takeOwnerLock, type OwnerInfo, type OwnerLock } from './owner-lock.ts';
import { serveCommands, socketPathFor, type CommandHandler, type OwnerServer } from './owner-server.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { StateFolderError, systemCode } from './state-folder-error.ts';

/** How the folder is laid out; raised when an older program could not go on with it. */
export const STATE_VERSION = 1;

/** Between two looks at whether an owner is ready, or gone. */
const LOOK_AGAIN_MS = 25;

const versionFile = z.object({ state_version: z.int(), program_version: z.string() });

/** A state folder that this process owns. */
export class StateFolder {
  readonly path: string;
  readonly databasePath: string;
  readonly warehousePath: string;
  readonly #lock: OwnerLock;
  readonly #version: string;
  #server: OwnerServer | null = null;

  constructor(path: string, version: string, lock: OwnerLock) {
    this.path = path;
    this.databasePath = join(path, 'state.sqlite');
    this.warehousePath = join(path, 'warehouse.duckdb');
    this.#version = version;
    this.#lock = lock;
  }

  openDatabase(): SqliteDatabase {
    return SqliteDatabase.open(this.databasePath);
  }

  /** From now on other processes' commands are run by `handler`. */
  async serve(handler: CommandHandler): Promise<void> {
    if (this.#server) throw new Error(`the state folder '${this.path}' is served already`);
    this.#server = await serveCommands(socketPathFor(this.path), this.#version, handler);
    this.#lock.announce(this.#server.socket);
  }

  /** Serves no more, waits for the commands it serves (`signal` cancels them), and gives the folder up. Close databases after `stopServing`, before this. */
  async close(signal?: AbortSignal): Promise<void> {
    await this.stopServing(signal);
    this.#lock.release();
  }

  async stopServing(signal?: AbortSignal): Promise<void> {
    await this.#server?.close(signal);
    this.#server = null;
  }
}

export type OpenOutcome =
  | { readonly kind: 'owned'; readonly folder: StateFolder }
  | { readonly kind: 'owned_by'; readonly owner: OwnerInfo | null };

/** Makes the folder if there is none and takes it, or says which process has it. */
export function openStateFolder(path: string, version: string, now: number): OpenOutcome {
  const folder = resolve(path);
  makeFolder(folder);
  const outcome = takeOwnerLock(folder, version, now);
  if (outcome.kind === 'owned_by') return outcome;
  try {
    checkVersion(folder, version);
  } catch (error) {
    outcome.lock.release();
    throw error;
  }
  return { kind: 'owned', folder: new StateFolder(folder, version, outcome.lock) };
}

export type OwnOrForwardOutcome =
  | { readonly kind: 'owned'; readonly folder: StateFolder }
  | { readonly kind: 'served'; readonly exitCode: number };

/**
 * How a command comes to its state: it owns the folder, or has the owner run it. An owner that is just starting or just
 * ending is waited for; one that does not answer in time is an error with its pid.
 */
export async function ownOrForward(path: string, now: number, command: ForwardedCommand, options: ForwardOptions): Promise<OwnOrForwardOutcome> {
  const answerWithin = options.answerWithinMs ?? ANSWER_WITHIN_MS;
  const deadline = performance.now() + answerWithin;
  for (;;) {
    const opened = openStateFolder(path, options.version, now);
    if (opened.kind === 'owned') return opened;
    if (opened.owner) {
      const forwarded = await forwardCommand(resolve(path), opened.owner, command, options);
      if (forwarded.kind === 'served') return forwarded;
    }
    if (performance.now() >= deadline || options.signal?.aborted) throw ownerSilent(resolve(path), opened.owner);
    await after(LOOK_AGAIN_MS);
  }
}

function makeFolder(folder: string): void {
  try {
    makeWithParents(folder);
    if (statSync(folder).isDirectory()) return;
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EEXIST' && code !== 'ENOTDIR') {
      throw new StateFolderError({
        problem: code === 'ENOSPC' ? 'disk_full' : 'not_creatable',
        received: `the state folder '${folder}' can not be made (${error instanceof Error ? error.message : String(error)})`,
        allowed: 'a folder that may be made and written',
        mend: 'give another one with --state',
        cause: error,
      });
    }
  }
  throw new StateFolderError({
    problem: 'not_a_folder',
    received: `the state folder '${folder}' is, or lies in, a file`,
    allowed: 'a folder, or a path at which one can be made',
    mend: 'give another one with --state',
  });
}

/** Node's recursive mkdir never returns where a file system refuses with ENOENT, as /proc does. */
function makeWithParents(folder: string): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeWithParents(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process that starts just now made it.
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

function checkVersion(folder: string, version: string): void {
  const file = join(folder, 'version');
  const text = readVersion(file);
  if (text === null) {
    try {
      writeFileSync(`${file}.new`, `${JSON.stringify({ state_version: STATE_VERSION, program_version: version })}\n`);
      renameSync(`${file}.new`, file);
    } catch (error) {
      throw notWritable(folder, error);
    }
    return;
  }
  const found = versionFile.safeParse(parseJson(text));
  if (found.success && found.data.state_version === STATE_VERSION) return;
  throw new StateFolderError({
    problem: 'other_version',
    received: found.success
      ? `the state folder '${folder}' is of version ${found.data.state_version}, made by smart-backfill ${found.data.program_version}`
      : `the state folder '${folder}' holds a file 'version' that is not ours (${text.slice(0, 60).trim()})`,
    allowed: `this program (${version}) reads version ${STATE_VERSION}`,
    mend: 'use the program version that made it, or give another folder with --state',
  });
}

function readVersion(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw notWritable(file, error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
