import { userInfo } from 'node:os';
import { withBlock } from './block.ts';

/** One of the two ways out: results (`out`) or everything else (`err`). */
export interface Stream {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Whether ANSI colours are wanted: a terminal, and no NO_COLOR. */
  readonly colour: boolean;
  /** A terminal only: keeps these lines below all that is written; none takes them away. No line may be wider than it. */
  readonly block?: (lines: readonly string[]) => void;
}

/**
 * What a command talks to, injected: its own terminal, or that of the process that forwarded the command. Results go to
 * `out`, everything else to `err`.
 */
export interface Io {
  readonly out: Stream;
  readonly err: Stream;
  /** Width that tables fit; 80 where it is not known. */
  readonly columns: number;
  /** Asks a person; null where nobody can be asked (a pipe, CI, a forwarded command). */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | null;
  /** All of standard input; null where there is none (a forwarded command: its process has read it). */
  readonly readInput: (() => Promise<Uint8Array>) | null;
  /** How the program is called here, so that a printed command can be copied: `npx smart-backfill`. */
  readonly program: string;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  readonly user: string;
  /** Variables that say where things are (`--runtime google`); none of a forwarded command. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_COLUMNS = 80;
const LEAST_COLUMNS = 60;
const MOST_COLUMNS = 140;

/** The terminal of this process. */
export function processIo(): Io {
  // On a pipe `isTTY` is not false but not there.
  const isTTY = (stream: { readonly isTTY?: boolean }): boolean => stream.isTTY === true;
  const colour = (stream: { readonly isTTY?: boolean }): boolean => isTTY(stream) && !process.env['NO_COLOR'];
  return {
    out: { write: writerOf(process.stdout), isTTY: isTTY(process.stdout), colour: colour(process.stdout) },
    err: withBlock({ write: writerOf(process.stderr), isTTY: isTTY(process.stderr), colour: colour(process.stderr) }),
    columns: widthOf(process.stdout.columns ?? process.stderr.columns ?? null),
    ask: process.stdin.isTTY && process.stderr.isTTY ? askOnTerminal : null,
    readInput: async () => (await import('node:stream/consumers')).buffer(process.stdin),
    program: programName(),
    cwd: process.cwd(),
    user: userName(),
    environment: process.env,
  };
}

/** The terminal of a process that forwarded its command: what is written goes to it, and it can't be asked. */
export function forwardedIo(client: {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly stdoutIsTTY: boolean;
  readonly stderrIsTTY: boolean;
  readonly columns: number | null;
  readonly noColor: boolean;
  readonly program: string;
  readonly cwd: string;
}): Io {
  return {
    out: { write: client.stdout, isTTY: client.stdoutIsTTY, colour: client.stdoutIsTTY && !client.noColor },
    err: withBlock({ write: client.stderr, isTTY: client.stderrIsTTY, colour: client.stderrIsTTY && !client.noColor }),
    columns: widthOf(client.columns),
    ask: null,
    readInput: null,
    program: client.program,
    cwd: client.cwd,
    user: userName(),
    environment: {},
  };
}

function widthOf(columns: number | null): number {
  return columns === null || columns === 0 ? DEFAULT_COLUMNS : Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, columns));
}

/** A reader that has gone (`| head`) ends the output, not the work. */
function writerOf(stream: NodeJS.WriteStream): (text: string) => void {
  let gone = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    gone = true;
  });
  return (text) => {
    if (!gone) stream.write(text);
  };
}

async function askOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // readline takes Ctrl-C for itself: it is handed on to the process, where it means what it always means.
    terminal.on('SIGINT', () => process.emit('SIGINT'));
    return await terminal.question(question, { signal });
  } catch (error) {
    if (signal.aborted) return '';
    throw error;
  } finally {
    terminal.close();
  }
}

/** How this process was called, as a person would type it again. */
function programName(): string {
  const script = process.argv[1] ?? '';
  if (/[\\/]smart-backfill$/.test(script)) return process.env['npm_command'] === 'exec' ? 'npx smart-backfill' : 'smart-backfill';
  if (process.env['npm_command'] !== undefined) return 'npx smart-backfill';
  return process.env['SMART_BACKFILL_PROGRAM'] ?? 'npx smart-backfill';
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env['USER'] ?? 'unknown';
  }
}
