/** What went wrong with a state folder, named for what the caller can do about it. */
export type StateFolderProblem =
  | 'not_a_folder' | 'not_creatable' | 'not_writable' | 'other_version' | 'damaged' | 'disk_full' | 'busy' | 'owner_silent' | 'owner_gone' | 'owner_refused';

/** The exit codes of design section 10: 2 input that can't be right, 4 some work failed, 5 held back. */
const exitCodes: Readonly<Record<StateFolderProblem, number>> = {
  not_a_folder: 2, not_creatable: 2, not_writable: 2, other_version: 2, damaged: 2, disk_full: 4, busy: 5, owner_silent: 5, owner_gone: 4, owner_refused: 5,
};

export interface StateFolderFault {
  readonly problem: StateFolderProblem;
  readonly received: string;
  readonly allowed: string;
  /** What a person does about it. */
  readonly mend: string;
  readonly cause?: unknown;
}

/** A state folder, its database or its owner can't be used. The message says what was received, what is allowed, what to do. */
export class StateFolderError extends Error {
  readonly problem: StateFolderProblem;
  readonly received: string;
  readonly allowed: string;
  readonly mend: string;
  readonly exitCode: number;

  constructor(fault: StateFolderFault) {
    super(`${fault.received}; ${fault.allowed}; ${fault.mend}`, { cause: fault.cause });
    this.name = 'StateFolderError';
    this.problem = fault.problem;
    this.received = fault.received;
    this.allowed = fault.allowed;
    this.mend = fault.mend;
    this.exitCode = exitCodes[fault.problem];
  }
}

/** The system's word for what went wrong (`EACCES`), or null. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
