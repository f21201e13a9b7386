import { connect, type Socket } from 'node:net';
import { ownerFrame, PROTOCOL, readFrames, sendFrame, type ForwardedCommand, type OwnerFrame } from './owner-frames.ts';
import type { OwnerInfo } from './owner-lock.ts';
import { StateFolderError } from './state-folder-error.ts';

/** An owner that has not answered for this long is taken to hang. */
export const ANSWER_WITHIN_MS = 5000;

export interface ForwardOptions {
  readonly version: string;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Ctrl-C: the served command is told to stop; its exit code is still waited for. */
  readonly signal?: AbortSignal;
  readonly answerWithinMs?: number;
}

export type ForwardOutcome =
  | { readonly kind: 'served'; readonly exitCode: number }
  /** Nothing was begun: nobody listens (yet, or any more). */
  | { readonly kind: 'unreachable' };

/** Has the owner run a command line. Throws a StateFolderError when it hangs, refuses, or dies on the way. */
export function forwardCommand(folder: string, owner: OwnerInfo, command: ForwardedCommand, options: ForwardOptions): Promise<ForwardOutcome> {
  const { socket: path } = owner;
  if (path === null) return Promise.resolve({ kind: 'unreachable' });
  return new Promise((resolve, reject) => {
    let accepted = false;
    let exitCode: number | null = null;
    let failure: StateFolderError | null = null;
    const socket = connect({ path });
    const fail = (error: StateFolderError): void => {
      failure ??= error;
      socket.destroy();
    };
    const timer = setTimeout(() => fail(ownerSilent(folder, owner)), options.answerWithinMs ?? ANSWER_WITHIN_MS);
    const cancel = (): void => sendFrame(socket, { type: 'cancel' });
    const onFrame = (frame: OwnerFrame): void => {
      switch (frame.type) {
        case 'accepted':
          accepted = true;
          clearTimeout(timer);
          sendFrame(socket, { type: 'go' });
          return;
        case 'stdout':
          return options.stdout(frame.text);
        case 'stderr':
          return options.stderr(frame.text);
        case 'exit':
          exitCode = frame.code;
          return;
        case 'refused':
          return fail(new StateFolderError({ problem: 'owner_refused', received: frame.received, allowed: frame.allowed, mend: frame.mend }));
      }
    };
    socket.once('connect', () => {
      sendFrame(socket, { type: 'command', protocol: PROTOCOL, version: options.version, command });
      if (options.signal?.aborted) cancel();
      options.signal?.addEventListener('abort', cancel);
    });
    readFrames(socket, ownerFrame, onFrame, (why) => fail(ownerGone(folder, owner, `answered with ${why}`)));
    // What 'error' tells is told again by 'close', and there decided on.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', cancel);
      if (exitCode !== null) resolve({ kind: 'served', exitCode });
      else if (failure) reject(failure);
      else if (accepted) reject(ownerGone(folder, owner, 'ended before the command did'));
      else resolve({ kind: 'unreachable' });
    });
    endWithOwner(socket);
  });
}

/** The owner ends the connection after the exit code; so do we. */
function endWithOwner(socket: Socket): void {
  socket.once('end', () => socket.end());
}

export function ownerSilent(folder: string, owner: OwnerInfo | null): StateFolderError {
  const who = owner === null ? 'another process' : `process ${owner.pid}`;
  return new StateFolderError({
    problem: 'owner_silent',
    received: `the state folder '${folder}' is owned by ${who}, which does not answer`,
    allowed: 'an owner serves the other commands',
    mend: owner === null
      ? 'wait until it is done, end it, or give another folder with --state'
      : `wait until it is done, end it (kill ${owner.pid}), or give another folder with --state; nothing durable is lost by ending it`,
  });
}

function ownerGone(folder: string, owner: OwnerInfo, what: string): StateFolderError {
  return new StateFolderError({
    problem: 'owner_gone',
    received: `process ${owner.pid}, the owner of the state folder '${folder}', ${what}`,
    allowed: 'all that it had written is kept',
    mend: 'run the command again: it goes on where it was',
  });
}
