import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { sqliteFault } from './sqlite-database.ts';
import { StateFolderError, systemCode } from './state-folder-error.ts';

/** Who owns a state folder, as its lock file says. */
export interface OwnerInfo {
  readonly pid: number;
  /** When the process started, as its machine counts it: another process that got the same pid has another. Null where there is no /proc. */
  readonly startTime: string | null;
  readonly version: string;
  /** Epoch milliseconds. */
  readonly since: number;
  /** Where it serves other commands; null until it does. */
  readonly socket: string | null;
}

const ownerInfo: z.ZodType<OwnerInfo> = z.object({
  pid: z.int(), startTime: z.string().nullable(), version: z.string(), since: z.number(), socket: z.string().nullable(),
});

/** Says who the owner is. */
const INFO_FILE = 'owner.json';
/**
 * Says whether there is one: an empty SQLite file in which the owner holds a write transaction open. The operating system
 * takes the lock back when the process ends, however it ends, so that no two can take over from a dead owner at once and
 * a pid that was given to another process deceives nobody. Never read it with `fs`: closing it would drop the lock.
 */
const LOCK_FILE = 'owner.lock';

/** Held by the one process that owns the folder. */
export interface OwnerLock {
  /** Writes where the owner serves other commands. */
  announce(socket: string): void;
  release(): void;
}

export type LockOutcome =
  | { readonly kind: 'owned'; readonly lock: OwnerLock }
  /** `owner` is null while the owner has not written its file yet. */
  | { readonly kind: 'owned_by'; readonly owner: OwnerInfo | null };

/** Takes the folder, from a dead owner too; or says who has it. */
export function takeOwnerLock(folder: string, version: string, now: number): LockOutcome {
  const lockPath = join(folder, LOCK_FILE);
  const held = holdLock(lockPath);
  const before = readOwner(folder);
  if (held === null) return { kind: 'owned_by', owner: before };
  if (before !== null && before.pid !== process.pid && isAlive(before)) {
    // The lock was free although its holder lives: this file system keeps no locks. The file has to do.
    held.close();
    return { kind: 'owned_by', owner: before };
  }
  const info: OwnerInfo = { pid: process.pid, startTime: startTimeOf(process.pid), version, since: now, socket: null };
  try {
    writeInfo(folder, info);
  } catch (error) {
    held.close();
    throw notWritable(folder, error);
  }
  return {
    kind: 'owned',
    lock: {
      announce: (socket) => writeInfo(folder, { ...info, socket }),
      release: () => {
        if (!held.isOpen) return;
        rmSync(join(folder, INFO_FILE), { force: true });
        held.close();
      },
    },
  };
}

/** Who the lock file names, or null when there is none that can be read. */
export function readOwner(folder: string): OwnerInfo | null {
  try {
    const result = ownerInfo.safeParse(JSON.parse(readFileSync(join(folder, INFO_FILE), 'utf8')));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
}

/** Only where the start time can be compared; elsewhere a pid alone would take a stranger for the owner. */
function isAlive(owner: OwnerInfo): boolean {
  return owner.startTime !== null && startTimeOf(owner.pid) === owner.startTime;
}

/** Boot and start time of a process, where there is a /proc; null for one that is not there. */
export function startTimeOf(pid: number): string | null {
  try {
    // The command's name, in brackets, may hold anything; the start time is the 20th field after it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return fields[19] === undefined ? null : `${boot} ${fields[19]}`;
  } catch {
    return null;
  }
}

export function notWritable(path: string, error: unknown): StateFolderError {
  const full = systemCode(error) === 'ENOSPC';
  return new StateFolderError({
    problem: full ? 'disk_full' : 'not_writable',
    received: `nothing can be written into the state folder '${path}' (${error instanceof Error ? error.message : String(error)})`,
    allowed: 'a state folder has to be writable',
    mend: full ? 'free some space and run the command again' : 'give write permission on it, or another folder with --state',
    cause: error,
  });
}

function holdLock(lockPath: string): DatabaseSync | null {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(lockPath, { timeout: 0 });
    database.exec('BEGIN IMMEDIATE');
    return database;
  } catch (error) {
    database?.close();
    const fault = sqliteFault(lockPath, error);
    if (fault instanceof StateFolderError && fault.problem === 'busy') return null;
    throw fault;
  }
}

/** Whole or not at all: a reader never sees half a file. */
function writeInfo(folder: string, info: OwnerInfo): void {
  const temporary = join(folder, `${INFO_FILE}.${process.pid}`);
  writeFileSync(temporary, `${JSON.stringify(info)}\n`);
  renameSync(temporary, join(folder, INFO_FILE));
}
