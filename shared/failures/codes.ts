import type { Evidence } from './evidence.ts';
import type { Verdict } from './rule.ts';

/** Errors that carry a code: Node's, SQLite's, and how a child process ended. */

const unreachable: Verdict = { category: 'infrastructure', why: 'the other side was not reached' };
const notAllowed: Verdict = { category: 'infrastructure', retry: false, why: 'this account may not use that file or command' };
const noRoom: Verdict = { category: 'resource_exhausted', why: 'the disk is full' };
const tooManyOpen: Verdict = { category: 'resource_exhausted', why: 'the machine is out of handles or memory' };

const nodeCodes: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: unreachable, ECONNRESET: unreachable, ECONNABORTED: unreachable, ETIMEDOUT: unreachable, EPIPE: unreachable, ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable, EHOSTUNREACH: unreachable, ENETUNREACH: unreachable, ENETDOWN: unreachable, ERR_SOCKET_CLOSED: unreachable, UND_ERR_SOCKET: unreachable,
  UND_ERR_CONNECT_TIMEOUT: unreachable,
  UND_ERR_HEADERS_TIMEOUT: { category: 'resource_exhausted', why: 'the service took too long' },
  UND_ERR_BODY_TIMEOUT: { category: 'resource_exhausted', why: 'the service took too long' },
  EACCES: notAllowed, EPERM: notAllowed, EROFS: notAllowed,
  ENOSPC: noRoom, EDQUOT: noRoom, EFBIG: noRoom,
  EMFILE: tooManyOpen, ENFILE: tooManyOpen, ENOMEM: tooManyOpen, EAGAIN: tooManyOpen, ERR_WORKER_OUT_OF_MEMORY: tooManyOpen,
  EBUSY: { category: 'infrastructure', why: 'another program has the file' },
  EIO: { category: 'infrastructure', why: 'the disk failed' },
  ERR_MODULE_NOT_FOUND: { category: 'processing', why: 'the processor names a module that is not there' },
  MODULE_NOT_FOUND: { category: 'processing', why: 'the processor names a module that is not there' },
  ERR_CHILD_PROCESS_STDIO_MAXBUFFER: { category: 'processing', why: 'the command wrote more than is taken' },
};

const DEFINITION_FILE = /\.(sql|[cm]?[jt]s|json|ya?ml)$/;

/** By SQLite's primary result code; all of it is the state, whose statements are ours. */
const sqliteCodes: Readonly<Record<number, Verdict>> = {
  1: { category: 'processing', why: 'a statement on the state is not valid' },
  3: notAllowed,
  4: { category: 'infrastructure', why: 'another part of the program has the state' },
  5: { category: 'infrastructure', why: 'another connection has the state' },
  6: { category: 'infrastructure', why: 'another connection has the state' },
  7: { category: 'resource_exhausted', why: 'out of memory' },
  8: { category: 'infrastructure', retry: false, why: 'the state folder is read-only' },
  9: { category: 'infrastructure', why: 'interrupted' },
  10: { category: 'infrastructure', why: 'the disk failed' },
  11: { category: 'infrastructure', retry: false, why: 'the state is damaged' },
  13: noRoom,
  14: { category: 'infrastructure', retry: false, why: 'the state cannot be opened' },
  17: { category: 'infrastructure', why: 'the state was changed meanwhile' },
  18: { category: 'processing', why: 'a value is too large' },
  19: { category: 'processing', why: 'a row breaks a constraint' },
  20: { category: 'processing', why: 'a value has the wrong type' },
  26: { category: 'infrastructure', retry: false, why: 'the state is no SQLite file' },
};

export interface CodeVerdict extends Verdict {
  readonly rule: string;
}

export function sqliteVerdict(evidence: Evidence): CodeVerdict | null {
  if (evidence.sqlite === null) return null;
  // Its "no such table" comes as a plain error: a state folder of another version.
  if (/no such table/.test(evidence.text)) return { rule: 'sqlite:no_table', category: 'infrastructure', retry: false, why: 'the state is of another version, or damaged' };
  const primary = evidence.sqlite % 256;
  return { rule: `sqlite:${primary}`, ...(sqliteCodes[primary] ?? { category: 'infrastructure', why: 'the state failed' }) };
}

export function nodeVerdict(evidence: Evidence): CodeVerdict | null {
  for (const code of evidence.codes) {
    if (code === 'ENOENT') return missingFile(evidence);
    if (Object.hasOwn(nodeCodes, code)) {
      const verdict = nodeCodes[code];
      if (verdict) return { rule: `node:${code}`, ...verdict };
    }
  }
  return null;
}

function missingFile(evidence: Evidence): CodeVerdict {
  if (evidence.syscall.startsWith('spawn')) return { rule: 'node:ENOENT_command', category: 'infrastructure', why: 'the command is not installed here' };
  if (DEFINITION_FILE.test(evidence.path) && !/(^|[/\\])landing[/\\]/.test(evidence.path)) {
    return { rule: 'node:ENOENT_definition', category: 'processing', why: 'a file of the definition is missing' };
  }
  return { rule: 'node:ENOENT_data', category: 'data_availability', why: 'the file to read has not landed' };
}

export function processVerdict(evidence: Evidence): CodeVerdict | null {
  if (evidence.signal !== null) return { rule: 'process:signal', category: 'infrastructure', why: `the process was ended by ${evidence.signal}` };
  const exit = evidence.exitCode;
  if (exit === 126) return { rule: 'process:126', ...notAllowed };
  if (exit === 127) return { rule: 'process:127', category: 'infrastructure', why: 'the command is not installed here' };
  if (exit !== null && exit > 128 && exit < 160) return { rule: 'process:signal', category: 'infrastructure', why: `the process was ended by signal ${exit - 128}` };
  return null;
}
