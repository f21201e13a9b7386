import { setTimeout as after } from 'node:timers/promises';
import { z } from 'zod';
import { formatDay } from '../../shared/calendar/day.ts';
import { exitCodeFor, type ExitCode } from '../../shared/failures/exit-codes.ts';
import type { Ask, AskCell, AskOutcome } from '../../shared/requests/ask.ts';
import type { CellRecord } from '../../shared/requests/cell.ts';
import { parseMessage } from '../../shared/requests/decode.ts';
import { writeJson } from '../output/json.ts';
import { outStyle, type Style } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { counted } from '../output/words.ts';
import type { Session } from '../session.ts';
import { badInput, done, heldBack, incomplete, interrupted, workFailed } from './command.ts';

/** One published message, and what became of it. */
export interface Followed {
  readonly messageId: string;
  /** Why it was dead-lettered. */
  readonly refused: string | null;
  readonly ask: Ask | null;
  readonly cells: readonly AskCell[];
  /** Whoever is to receive it has not done so yet. */
  readonly unseen: boolean;
}

/** A message as it was published: what it asks for is known by its own id, or by the one that it carries. */
export interface Published {
  readonly messageId: string;
  readonly askId: string;
}

/** How long an owner that is at work is looked at again. */
const LOOK_AGAIN_MS = 50;

/** Publishes messages, and follows what they asked for until nothing of it can go on by itself. */
export async function publishAndFollow(session: Session, topic: string, bodies: readonly string[]): Promise<Followed[]> {
  const { runtime, signal } = session;
  const published = await Promise.all(bodies.map(async (body): Promise<Published> => {
    const messageId = await runtime.bus.publish(topic, body, { published_by: session.io.user });
    return { messageId, askId: askIdIn(body) ?? messageId };
  }));
  if (runtime.kind === 'google') return (await import('./follow-google.ts')).followOnGoogle(session, runtime, topic, published, bodies);
  while (!signal.aborted) {
    if (await runtime.deliver(signal) > 0) continue;
    const outcome = await look(session, published);
    if (!(await isUnderWay(session, outcome))) break;
    // Another command of this process has it, or it backs off: its end is waited for.
    await after(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
  return look(session, published);
}

const withRequestId = z.looseObject({ request_id: z.string() });

function askIdIn(body: string): string | null {
  const parsed = parseMessage(body);
  const found = withRequestId.safeParse(parsed.kind === 'ok' ? parsed.value : null);
  return found.success ? found.data.request_id : null;
}

export async function look({ runtime, text }: Pick<Session, 'runtime' | 'text'>, published: readonly Published[]): Promise<Followed[]> {
  const dead = new Map((runtime.deadLetters?.list(1000) ?? []).map(({ sourceMessageId, reason }) => [sourceMessageId, reason]));
  return Promise.all(published.map(async ({ messageId, askId }) => {
    const found = await runtime.store.ask(askId);
    const reason = dead.get(messageId) ?? found?.ask.refused ?? null;
    const refused = reason === null ? null : text(reason);
    return { messageId, refused, ask: found?.ask ?? null, cells: found?.cells ?? [], unseen: false };
  }));
}

/** Something is queued, backing off or running, and will end by itself. */
async function isUnderWay({ runtime }: Session, followed: readonly Followed[]): Promise<boolean> {
  if ((await runtime.store.controls()).paused) return false;
  if (runtime.backlog()?.some(({ subscription, messages }) => messages > 0 && runtime.pipeline.subscriptions.backfill_worker === subscription) && followed.some(({ ask, refused }) => ask === null && refused === null)) return true;
  for (const { cells } of followed) {
    for (const cell of cells) {
      if (cell.outcome !== 'open') continue;
      const { request } = await runtime.store.cell(cell);
      if (request?.state === 'queued' || request?.state === 'processing') return true;
    }
  }
  return false;
}

const codes: Readonly<Record<AskOutcome, ExitCode>> = {
  open: incomplete, ran: done, joined: done, already_complete: done, cut_off: done, held: heldBack, blocked: incomplete, failed: workFailed, cancelled: heldBack, refused: badInput,
};

/** Shows what became of messages that asked for cells, and how the command ends. */
export async function showFollowed(session: Session, followed: readonly Followed[], json: boolean): Promise<ExitCode> {
  const { io, signal, runtime } = session;
  const open = new Map((await runtime.store.openCells()).map((record) => [`${record.processor}/${record.day}`, record]));
  if (json) {
    writeJson(io, {
      messages: followed.map(({ messageId, refused, ask, cells }) => ({
        message_id: messageId, refused, summary: ask?.summary ?? null,
        cells: cells.map((cell) => ({ processor: cell.processor, game_date: formatDay(cell.day), outcome: cell.outcome, note: noteOf(cell, open) })),
      })),
    });
  } else for (const one of followed) io.out.write(renderFollowed(one, open, outStyle(io)));
  for (const { refused } of followed) if (refused !== null) io.err.write(`error: ${refused}\n`);
  const all = followed.flatMap(({ refused, cells, unseen }) => (refused === null ? [...cells.map((cell) => codes[cell.outcome]), ...(unseen ? [incomplete] : [])] : [badInput]));
  if (signal.aborted) io.err.write(`interrupted: what was asked for is durable, and goes on with:  ${goesOnWith(session, followed)}\n`);
  const paused = (await runtime.store.controls()).paused;
  if (paused) io.err.write(`the pipeline is paused by ${paused.by}: ${paused.reason}; it goes on with:  ${session.command('resume')}\n`);
  return exitCodeFor([...all, ...(signal.aborted ? [interrupted] : []), ...(paused ? [heldBack] : [])]);
}

/** On Google the functions go on in any case: the command goes on looking. */
function goesOnWith({ runtime, command }: Session, followed: readonly Followed[]): string {
  if (runtime.kind === 'embedded') return `${command('recover', '--yes')}  or:  ${command('up')}`;
  const [one, ...more] = followed;
  return `the functions; to look:  ${one && more.length === 0 ? command('requests', 'show', one.ask?.id ?? one.messageId) : command('requests', 'list')}`;
}

function renderFollowed({ messageId, refused, ask, cells }: Followed, open: ReadonlyMap<string, CellRecord>, style: Style): string {
  if (refused !== null) return `${style.red('refused')}  ${messageId}\n`;
  const title = `${style.bold(messageId)}  ${ask?.summary ?? 'published'}\n`;
  return cells.length === 0 ? title : `${title}${renderAskCells(cells, open, style)}`;
}

export function renderAskCells(cells: readonly AskCell[], open: ReadonlyMap<string, CellRecord>, style: Style): string {
  const most = 40;
  const more = cells.length > most ? `  and ${counted(cells.length - most, 'cell')} more (--json has all)\n` : '';
  return renderTable([...cells].sort((a, b) => a.day - b.day).slice(0, most), [
    { header: 'DATE', value: (cell) => formatDay(cell.day) },
    { header: 'PROCESSOR', value: (cell) => cell.processor },
    { header: 'OUTCOME', value: (cell) => cell.outcome, dress: (text, cell) => (cell.outcome === 'failed' || cell.outcome === 'refused' ? style.red(text) : text) },
    { header: 'WHAT', value: (cell) => noteOf(cell, open), fit: 'wrap' },
  ], style, 2) + more;
}

/** What is to be said of a cell: while its request is open, what that waits for now. */
function noteOf(cell: AskCell, open: ReadonlyMap<string, CellRecord>): string {
  const request = cell.outcome === 'open' ? open.get(`${cell.processor}/${cell.day}`)?.request : undefined;
  if (!request) return cell.note;
  const { waitingFor } = request;
  return waitingFor ? `${request.state} for ${waitingFor.processor} ${formatDay(waitingFor.day)}` : request.state;
}
