import { StateFolderError, type StateFolderFault } from './state-folder-error.ts';

/** What DuckDB says, told apart; its own message stays in the text. */

const ALLOWED = 'one process at a time opens a warehouse, and only a DuckDB file of this or an older version';

const OPENING: readonly (readonly [RegExp, Pick<StateFolderFault, 'problem' | 'mend'>])[] = [
  [/lock on file/i, { problem: 'busy', mend: 'stop the other process, or give --state another folder' }],
  [/no space left|ENOSPC/i, { problem: 'disk_full', mend: 'make room and start again' }],
  [/version number|newer version|different version/i, { problem: 'other_version', mend: 'use the version that wrote it, or give --state another folder' }],
  [/not a valid DuckDB|corrupt|serializ|checksum|replay|INTERNAL|FATAL/i, { problem: 'damaged', mend: 'put a copy back, or move the file away and recover it anew' }],
  [/permission denied|read-only|cannot open file/i, { problem: 'not_writable', mend: 'make the folder writable, or give --state another one' }],
];

export function openingError(path: string, thrown: unknown): Error {
  const message = messageOf(thrown);
  const [, known] = OPENING.find(([pattern]) => pattern.test(message)) ?? [];
  if (!known) return new Error(`${path} cannot be opened: ${message}`, { cause: thrown });
  return new StateFolderError({ ...known, received: `${path} cannot be opened (${message})`, allowed: ALLOWED, cause: thrown });
}

export function alreadyOpenHere(path: string): StateFolderError {
  return new StateFolderError({ problem: 'busy', received: `${path} is open in this process already`, allowed: ALLOWED, mend: 'use the warehouse that is open, or close it first' });
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Another transaction was quicker: this one did nothing and can be tried again. */
export function isConflict(thrown: unknown): boolean {
  return /TransactionContext Error|Conflict on|write-write conflict|duplicate key/i.test(messageOf(thrown));
}
