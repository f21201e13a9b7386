import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION, UPGRADES } from './sqlite-schema.ts';
import { StateFolderError } from './state-folder-error.ts';

/** Deferred writes that no other commit takes along are committed after this long. */
const DEFERRED_MS = 25;

/** Where that fails, and nobody writes anything else, it is tried again after this long. */
const DEFERRED_AGAIN_MS = 1000;

/** SQLite's primary result codes that a person can do something about. */
const sqliteCodes = { busy: 5, locked: 6, readOnly: 8, io: 10, corrupt: 11, full: 13, cantOpen: 14, notADatabase: 26 } as const;

/**
 * The one connection to a state folder's `state.sqlite`. Its calls block and are short; a write is on the disk when
 * `write` returns (WAL, synchronous FULL). It knows no table: store, history and bus bring their own statements.
 */
export class SqliteDatabase {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #deferred: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing = false;

  private constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
  }

  /** Opens the file, makes it if there is none; throws a StateFolderError that says what is wrong with it. */
  static open(path: string): SqliteDatabase {
    let database: DatabaseSync | null = null;
    try {
      database = new DatabaseSync(path, { timeout: 250, enableForeignKeyConstraints: false });
      prepareFile(path, database);
      return new SqliteDatabase(path, database);
    } catch (error) {
      database?.close();
      throw sqliteFault(path, error);
    }
  }

  /** The statement of this text, prepared once. */
  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.guarded(() => this.#database.prepare(sql));
    this.#statements.set(sql, statement);
    return statement;
  }

  /** All that `work` writes, on the disk when this returns; or nothing of it, and the error. */
  write<T>(work: () => T): T {
    if (this.#writing) throw new Error(`a write of ${this.path} was begun within another; finish the first one before`);
    const deferred = this.#deferred;
    return this.guarded(() => {
      this.#writing = true;
      try {
        this.#begin.run();
        for (const deferredWork of deferred) deferredWork();
        const result = work();
        this.#commit.run();
        if (deferred.length > 0) this.#forgetDeferred();
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      } finally {
        this.#writing = false;
      }
    });
  }

  /**
   * For what may be lost in a crash because it is then simply done again: written with the next commit and before it, or
   * with one of its own shortly after, or at close.
   */
  defer(work: () => void): void {
    this.#deferred.push(work);
    this.#flushIn(DEFERRED_MS);
  }

  /** Runs reads of rows that may be among those that were deferred: these are written before. */
  read<T>(work: () => T): T {
    if (this.#deferred.length > 0 && !this.#writing) this.write(() => undefined);
    return this.guarded(work);
  }

  /** Runs reads; what SQLite throws becomes a StateFolderError that says what to do. */
  guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteFault(this.path, error);
    }
  }

  close(): void {
    if (!this.#database.isOpen) return;
    try {
      if (this.#deferred.length > 0) this.write(() => undefined);
    } finally {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#database.close();
    }
  }

  #flushIn(milliseconds: number): void {
    this.#timer ??= setTimeout(() => this.#flushQuietly(), milliseconds).unref();
  }

  #flushQuietly(): void {
    this.#timer = null;
    try {
      if (this.#database.isOpen && this.#deferred.length > 0) this.write(() => undefined);
    } catch {
      // They stay deferred: the next write takes them along, and that one reports what is wrong.
      this.#flushIn(DEFERRED_AGAIN_MS);
    }
  }

  #forgetDeferred(): void {
    this.#deferred = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function prepareFile(path: string, database: DatabaseSync): void {
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const version = pragma('user_version');
  const application = pragma('application_id');
  const tables = Object.values(database.prepare('SELECT count(*) FROM sqlite_schema').get() ?? {})[0];
  const isNew = tables === 0 && version === 0;
  if (!isNew && application !== APPLICATION_ID) {
    throw new StateFolderError({
      problem: 'other_version',
      received: `'${path}' is an SQLite database of another program`,
      allowed: 'a state folder holds the state.sqlite that smart-backfill made',
      mend: 'give another folder with --state',
    });
  }
  const upgrade = typeof version === 'number' ? UPGRADES[version] : undefined;
  if (!isNew && version !== SCHEMA_VERSION && upgrade === undefined) {
    throw new StateFolderError({
      problem: 'other_version',
      received: `'${path}' has state of version ${String(version)}`,
      allowed: `this program reads version ${SCHEMA_VERSION}`,
      mend: 'use the program version that made it, or give another folder with --state',
    });
  }
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY');
  if (!isNew) {
    // Fails on a read-only file now, rather than at the first change of state.
    database.exec(upgrade === undefined ? 'BEGIN IMMEDIATE; ROLLBACK' : `BEGIN IMMEDIATE; ${upgrade} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    return;
  }
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

/** SQLite's error as one that says what to do; any other error as it is. */
export function sqliteFault(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const fault = (problem: StateFolderError['problem'], received: string, allowed: string, mend: string): StateFolderError =>
    new StateFolderError({ problem, received: `'${path}' ${received} (${error.message})`, allowed, mend, cause: error });
  switch (error.errcode & 0xff) {
    case sqliteCodes.busy:
    case sqliteCodes.locked:
      return fault('busy', 'is being written by another program', 'one process at a time owns a state folder', 'close the other program and try again');
    case sqliteCodes.readOnly:
      return fault('not_writable', 'can be read but not written', 'state has to be written', 'give write permission on the folder and its files, or another folder with --state');
    case sqliteCodes.cantOpen:
      return fault('not_writable', 'can not be opened', 'a file that may be read and written', 'look at the permissions of the folder, or give another one with --state');
    case sqliteCodes.full:
      return fault('disk_full', 'can not grow: the disk is full', 'nothing of this change was written', 'free some space and run the command again');
    case sqliteCodes.corrupt:
    case sqliteCodes.notADatabase:
      return damaged(`'${path}' is damaged (${error.message})`, error);
    case sqliteCodes.io:
      return fault('not_writable', 'can not be read or written', 'a disk that answers', 'look at the disk, then run the command again');
    default:
      return error;
  }
}

/** The state can't be believed. `what` names the file or the row. */
export function damaged(what: string, cause?: unknown): StateFolderError {
  return new StateFolderError({
    problem: 'damaged',
    received: what,
    allowed: 'state is read as it was written, or not at all',
    mend: 'restore state.sqlite from a copy, or move it away: the warehouse is kept, `smart-backfill gaps` finds from it what is missing; holds and accepted gaps have to be given again',
    cause,
  });
}
