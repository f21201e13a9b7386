import { z } from 'zod';
import { keyOf } from '../../shared/gaps/detect.ts';
import type { CellRecord } from '../../shared/requests/cell.ts';
import { parseMessage } from '../../shared/requests/decode.ts';
import { Progress } from '../output/progress.ts';
import { cellText, counted } from '../output/words.ts';
import type { GoogleCliRuntime } from '../runtime/google.ts';
import type { Session } from '../session.ts';
import { look, type Followed, type Published } from './follow.ts';

/** Follows in Firestore what functions make of messages: nothing is delivered in this process. */

const FIRST_LOOK_MS = 300;
const LONGEST_LOOK_MS = 5000;
const SLOWER = 1.3;
/** A push, a cold start and the reading of a season: what nobody has taken up by then is told of. */
const TAKEN_UP_WITHIN_MS = 120_000;
/** Between the end of a run and the wake of what waits for it nothing is queued: it has to stay so. */
const AT_REST_FOR_MS = 10_000;

const dryRun = z.looseObject({ dry_run: z.literal(true) });

export async function followOnGoogle(session: Session, runtime: GoogleCliRuntime, topic: string, published: readonly Published[], bodies: readonly string[]): Promise<Followed[]> {
  const { io, options, signal } = session;
  session.log('debug', `published to ${topic}: ${published.map(({ messageId }) => messageId).join(', ')}`);
  if (topic !== runtime.topics.requests) {
    session.log('info', `published to ${topic}; who listens there has it now, and nothing tells of it here: a refused message is on ${runtime.topics.deadLetters} with its reason`);
    return published.map(({ messageId }) => ({ messageId, refused: null, ask: null, cells: [], unseen: false }));
  }
  const progress = new CellProgress(() => new Progress(io, { unit: 'cells', quiet: options.quiet }));
  try {
    const followed = await untilAtRest(session, runtime, published.filter((_, index) => !leavesNothing(bodies[index] ?? '')), progress);
    const seen = new Map(followed.map((one) => [one.messageId, one]));
    const unseen = followed.filter((one) => one.unseen);
    if (unseen.length > 0 && !signal.aborted) io.err.write(`note: ${counted(unseen.length, 'message')} not taken up by the worker's function yet; Pub/Sub keeps ${unseen.length === 1 ? 'it' : 'them'}. Why:  ${session.command('doctor')}\n`);
    return published.map(({ messageId }) => seen.get(messageId) ?? { messageId, refused: null, ask: null, cells: [], unseen: false });
  } finally {
    progress.stop();
  }
}

/** A dry run is told in the function's log only. */
function leavesNothing(body: string): boolean {
  const parsed = parseMessage(body);
  return parsed.kind === 'ok' && dryRun.safeParse(parsed.value).success;
}

async function untilAtRest(session: Session, runtime: GoogleCliRuntime, published: readonly Published[], progress: CellProgress): Promise<readonly Followed[]> {
  const { signal } = session;
  const { engine: { parts: { clock } }, store } = runtime;
  const startedAt = clock.now();
  let restingSince: number | null = null;
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * SLOWER, LONGEST_LOOK_MS)) {
    const followed = (await look(session, published)).map((one) => ({ ...one, unseen: one.ask === null && one.refused === null }));
    progress.show(followed);
    const now = clock.now();
    const open = new Map((await store.openCells()).map((record) => [keyOf(record), record]));
    const isOpen = followed.some(({ cells }) => cells.some(({ outcome }) => outcome === 'open'));
    const isUnseen = followed.some(({ unseen }) => unseen);
    if (signal.aborted || (!isOpen && !isUnseen) || (isUnseen && now - startedAt > TAKEN_UP_WITHIN_MS)) return followed;
    // A message is taken up while the pipeline is paused; what it asks for is not begun.
    if (!isUnseen && (await store.controls()).paused) return followed;
    const active = isUnseen || followed.some(({ cells }) => cells.some((cell) => cell.outcome === 'open' && goesOn(open, keyOf(cell), new Set())));
    restingSince = active ? null : restingSince ?? now;
    if (restingSince !== null && now - restingSince >= AT_REST_FOR_MS) return followed;
    const running = [...open.values()].find(({ request }) => request?.state === 'processing');
    progress.note(running ? cellText(running) : '');
    await clock.sleep(pause, signal);
  }
}

/** It is queued or running, or waits for what is. */
function goesOn(open: ReadonlyMap<string, CellRecord>, key: string, seen: Set<string>): boolean {
  const request = open.get(key)?.request;
  if (!request || seen.has(key)) return false;
  if (request.state === 'queued' || request.state === 'processing') return true;
  seen.add(key);
  return request.waitingFor !== null && goesOn(open, keyOf(request.waitingFor), seen);
}

/** How far the asked cells are; nothing is shown before there are any. */
class CellProgress {
  readonly #begin: () => Progress;
  readonly #told = new Set<string>();
  #progress: Progress | null = null;

  constructor(begin: () => Progress) {
    this.#begin = begin;
  }

  show(followed: readonly Followed[]): void {
    const cells = followed.flatMap((one) => one.cells);
    if (cells.length === 0) return;
    this.#progress ??= this.#begin();
    this.#progress.total(cells.length);
    for (const cell of cells) {
      const key = `${cell.askId} ${keyOf(cell)}`;
      if (cell.outcome === 'open' || this.#told.has(key)) continue;
      this.#told.add(key);
      this.#progress.ended(cellText(cell));
      if (cell.outcome === 'failed') this.#progress.line(`failed  ${cellText(cell)}: ${cell.note}`);
    }
  }

  note(text: string): void {
    this.#progress?.note(text);
  }

  stop(): void {
    this.#progress?.stop();
  }
}
