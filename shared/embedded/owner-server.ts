import { createHash } from 'node:crypto';
import { realpathSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientFrame, PROTOCOL, readFrames, sendFrame, type ClientFrame, type ForwardedCommand } from './owner-frames.ts';

/** A socket's path must fit into 104 bytes on some systems, the end included. */
const LONGEST_SOCKET_PATH = 100;

export interface CommandIo {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Aborted by Ctrl-C at the client, when the client is gone, or when the owner ends. */
  readonly signal: AbortSignal;
}

/** Runs a command line that another process forwarded; resolves to its exit code. */
export type CommandHandler = (command: ForwardedCommand, io: CommandIo) => Promise<number>;

export interface OwnerServer {
  readonly socket: string;
  /** Accepts no more, and waits for the commands that it serves; when `signal` aborts, it cancels those. */
  close(signal?: AbortSignal): Promise<void>;
}

/** The socket in the folder; where its path is too long, one in the system's temporary folder, named by the folder's. */
export function socketPathFor(folder: string, platform: NodeJS.Platform = process.platform): string {
  const whole = realpathSync(folder);
  const name = `smart-backfill-${createHash('sha256').update(whole).digest('hex').slice(0, 16)}`;
  if (platform === 'win32') return `\\\\.\\pipe\\${name}`;
  const inFolder = join(whole, 'owner.sock');
  return Buffer.byteLength(inFolder) <= LONGEST_SOCKET_PATH ? inFolder : join(tmpdir(), `${name}.sock`);
}

/** Serves other processes' commands. Only the owner of the folder calls this: what is left of an older socket is removed. */
export async function serveCommands(socketPath: string, version: string, handler: CommandHandler): Promise<OwnerServer> {
  const stopping = new AbortController();
  const served = new Set<Promise<void>>();
  const connections = new Set<Socket>();
  let closing = false;
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    // A client that goes away is seen by 'close'; a write to it is no fault of the owner.
    socket.on('error', () => socket.destroy());
    serveOne(socket, version, () => !closing, (command, cancelled) => {
      const work = runCommand(socket, command, AbortSignal.any([cancelled, stopping.signal]), handler).finally(() => served.delete(work));
      served.add(work);
    });
  });
  if (process.platform !== 'win32') rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: socketPath }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    socket: socketPath,
    async close(signal) {
      closing = true;
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      const cancel = (): void => stopping.abort();
      if (signal?.aborted) cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      while (served.size > 0) await Promise.all(served);
      signal?.removeEventListener('abort', cancel);
      for (const connection of connections) connection.destroySoon();
      await closed;
    },
  };
}

function serveOne(socket: Socket, version: string, isOpen: () => boolean, start: (command: ForwardedCommand, cancelled: AbortSignal) => void): void {
  const cancelled = new AbortController();
  let started = false;
  let accepted: ForwardedCommand | null = null;
  const refuse = (received: string, allowed: string, mend: string): void => {
    sendFrame(socket, { type: 'refused', received, allowed, mend });
    socket.end();
  };
  const onFrame = (frame: ClientFrame): void => {
    if (frame.type === 'cancel') {
      cancelled.abort();
      return;
    }
    if (frame.type === 'go') {
      if (accepted) start(accepted, cancelled.signal);
      accepted = null;
      return;
    }
    if (started) return;
    started = true;
    if (!isOpen()) {
      // Nothing was begun: the client becomes the owner, or asks the next one.
      socket.destroy();
      return;
    }
    if (frame.protocol !== PROTOCOL || frame.version !== version) {
      refuse(
        `a command of version ${frame.version}, while process ${process.pid} of version ${version} owns the state folder`,
        'both have to be of one version',
        `end process ${process.pid}, then run the command again`,
      );
      return;
    }
    accepted = frame.command;
    sendFrame(socket, { type: 'accepted', pid: process.pid });
  };
  socket.on('close', () => cancelled.abort());
  readFrames(socket, clientFrame, onFrame, (why) => refuse(`the owner of the state folder received ${why}`, 'frames of this program', 'run the command again'));
}

async function runCommand(socket: Socket, command: ForwardedCommand, signal: AbortSignal, handler: CommandHandler): Promise<void> {
  let code = 1;
  try {
    code = await handler(command, {
      stdout: (text) => sendFrame(socket, { type: 'stdout', text }),
      stderr: (text) => sendFrame(socket, { type: 'stderr', text }),
      signal,
    });
  } catch (error) {
    sendFrame(socket, { type: 'stderr', text: `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n` });
  }
  sendFrame(socket, { type: 'exit', code });
  socket.end();
}
