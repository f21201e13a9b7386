import type { Socket } from 'node:net';
import { z } from 'zod';

/** Raised when the frames change: owner and client must be of one version. */
export const PROTOCOL = 2;

/** A command line as a second process got it, with what its terminal is like. */
export interface ForwardedCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly stdoutIsTTY: boolean;
  readonly stderrIsTTY: boolean;
  readonly columns: number | null;
  readonly noColor: boolean;
}

export type ClientFrame =
  | { readonly type: 'command'; readonly protocol: number; readonly version: string; readonly command: ForwardedCommand }
  /** Answers `accepted`: only then is the command begun, so that a client that gave up waiting is never served after all. */
  | { readonly type: 'go' }
  | { readonly type: 'cancel' };

export type OwnerFrame =
  | { readonly type: 'accepted'; readonly pid: number }
  | { readonly type: 'refused'; readonly received: string; readonly allowed: string; readonly mend: string }
  | { readonly type: 'stdout'; readonly text: string }
  | { readonly type: 'stderr'; readonly text: string }
  | { readonly type: 'exit'; readonly code: number };

const forwardedCommand: z.ZodType<ForwardedCommand> = z.object({
  argv: z.array(z.string()), cwd: z.string(), stdoutIsTTY: z.boolean(), stderrIsTTY: z.boolean(), columns: z.int().nullable(), noColor: z.boolean(),
});

export const clientFrame: z.ZodType<ClientFrame> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('command'), protocol: z.int(), version: z.string(), command: forwardedCommand }),
  z.object({ type: z.literal('go') }),
  z.object({ type: z.literal('cancel') }),
]);

export const ownerFrame: z.ZodType<OwnerFrame> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted'), pid: z.int() }),
  z.object({ type: z.literal('refused'), received: z.string(), allowed: z.string(), mend: z.string() }),
  z.object({ type: z.literal('stdout'), text: z.string() }),
  z.object({ type: z.literal('stderr'), text: z.string() }),
  z.object({ type: z.literal('exit'), code: z.int() }),
]);

/** A line longer than this is no frame of ours. */
const LONGEST_LINE = 64 * 1024 * 1024;

export function sendFrame(socket: Socket, frame: ClientFrame | OwnerFrame): void {
  if (socket.writable) socket.write(`${JSON.stringify(frame)}\n`);
}

/** Calls `onFrame` for each line; `onNonsense`, and nothing more, at the first one that is no frame. */
export function readFrames<T>(socket: Socket, schema: z.ZodType<T>, onFrame: (frame: T) => void, onNonsense: (why: string) => void): void {
  let rest = '';
  let ended = false;
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string | Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (ended) return;
      const frame = parseFrame(schema, line);
      if (frame.ok) onFrame(frame.value);
      else giveUp(frame.why);
    }
    if (rest.length > LONGEST_LINE) giveUp(`a line of more than ${LONGEST_LINE} characters`);
  });
  function giveUp(why: string): void {
    ended = true;
    rest = '';
    onNonsense(why);
  }
}

function parseFrame<T>(schema: z.ZodType<T>, line: string): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ok: false, why: `a line that is no JSON: ${line.slice(0, 80)}` };
  }
  const result = schema.safeParse(value);
  return result.success ? { ok: true, value: result.data } : { ok: false, why: `an unknown frame: ${line.slice(0, 80)}` };
}
