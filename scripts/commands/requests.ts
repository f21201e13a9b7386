import type { Command } from 'commander';
import { z } from 'zod';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { cancel, stopNow } from '../../shared/flows/operate.ts';
import { suggestion } from '../../shared/pipeline/nearest.ts';
import { unbrokenRuns } from '../../shared/gaps/detect.ts';
import type { Ask, AskCell } from '../../shared/requests/ask.ts';
import type { CellRecord } from '../../shared/requests/cell.ts';
import { writeJson } from '../output/json.ts';
import { outStyle } from '../output/style.ts';
import { renderStopped, stoppedJson } from '../output/stopped-view.ts';
import { renderTable } from '../output/table.ts';
import { cellText, counted, instant } from '../output/words.ts';
import { withState, type Session } from '../session.ts';
import { done, heldBack, newCommand, newGroup, onRun, type CliContext } from './command.ts';
import { publishAndFollow, renderAskCells, showFollowed } from './follow.ts';
import { commonOptions, readReason } from './options.ts';

const listOptions = commonOptions.extend({ limit: z.coerce.number({ error: 'received a --limit that is no number; allowed is 1 to 1000' }).int().min(1).max(1000).default(20) });
const reasonOptions = commonOptions.extend({ reason: z.string().optional() });
const cancelOptions = commonOptions.omit({ now: true }).extend({ reason: z.string().optional(), now: z.boolean().default(false) });
const idOperand = z.tuple([z.string()]);

export function requestsCommand(context: CliContext): Command {
  const group = newGroup('requests', 'What was asked for, and what became of it.');
  const list = newCommand('list', 'the newest asks, and every request that is open now', ['state', 'json', 'now']).option('--limit <count>', 'how many asks (default: 20)');
  group.addCommand(onRun(context, list, (given) => {
    const options = listOptions.parse(given);
    return withState(context, options, (session) => listRequests(session, options.limit), { looks: true });
  }), { isDefault: true });
  const show = newCommand('show', 'one ask, with what became of each cell', ['state', 'json', 'now']).argument('<id>', 'its id, as the list shows it');
  group.addCommand(onRun(context, show, (given, words) => withState(context, commonOptions.parse(given), (session) => showRequest(session, idOperand.parse(words)[0]), { looks: true })));
  const retry = newCommand('retry', 'asks again for the cells of an ask that failed, are held, blocked or cancelled', ['state', 'json', 'now']).argument('<id>', 'its id').option('--reason <text>', 'why, for the record');
  group.addCommand(onRun(context, retry, (given, words) => {
    const options = reasonOptions.parse(given);
    return withState(context, options, (session) => retryRequest(session, idOperand.parse(words)[0], options.reason));
  }));
  const stop = newCommand('cancel', 'ends the open requests of an ask; what runs is finished, unless --now is given', ['state', 'json']).argument('<id>', 'its id')
    .option('--reason <text>', 'why, for the record').option('--now', 'also stop what runs');
  group.addCommand(onRun(context, stop, (given, words) => {
    // Here --now says when to stop, not what time it is.
    const { now, ...options } = cancelOptions.parse(given);
    const reason = readReason(options.reason, 'cancelling');
    return withState(context, options, (session) => cancelRequest(session, idOperand.parse(words)[0], reason, now));
  }));
  return group;
}

async function listRequests(session: Session, limit: number) {
  const { io, runtime: { store }, options } = session;
  const asks = await Promise.all((await store.asks(limit)).map(async (ask) => ({ ask, cells: (await store.ask(ask.id))?.cells ?? [] })));
  const open = await store.openCells();
  if (options.json) {
    writeJson(io, {
      asks: asks.map(({ ask, cells }) => ({ ...askJson(ask, session), outcomes: tally(cells) })),
      open: open.map(openJson),
    });
    return done;
  }
  const style = outStyle(io);
  if (asks.length === 0) io.out.write('nothing was asked for yet\n');
  io.out.write(renderTable(asks, [
    { header: 'ID', value: ({ ask }) => ask.id, fit: 'middle' },
    { header: 'WHEN (UTC)', value: ({ ask }) => instant(ask.at).slice(0, 16) },
    { header: 'BY', value: ({ ask }) => ask.by, fit: 'cut' },
    { header: 'WHAT', value: ({ ask }) => (ask.refused === null ? ask.summary : `refused: ${session.text(ask.refused)}`).slice(0, 160), fit: 'wrap' },
    { header: 'CELLS', value: ({ cells }) => Object.entries(tally(cells)).map(([outcome, number]) => `${number} ${outcome.replaceAll('_', ' ')}`).join(', '), fit: 'wrap' },
  ], style));
  if (open.length > 0) {
    const most = 20;
    io.out.write(`\n${style.bold(`${counted(open.length, 'request')} open`)}\n${renderTable(open.slice(0, most), [
      { header: 'DATE', value: (record) => formatDay(record.day) },
      { header: 'PROCESSOR', value: (record) => record.processor },
      { header: 'STATE', value: (record) => record.request?.state ?? '' },
      { header: 'WHY', value: (record) => (record.request?.waitingFor ? `for ${cellText(record.request.waitingFor)}` : record.request?.reason ?? ''), fit: 'wrap' },
    ], style)}${open.length > most ? `and ${open.length - most} more (--json has all)\n` : ''}`);
  }
  return done;
}

async function showRequest(session: Session, id: string) {
  const { io, runtime: { store }, options } = session;
  const { ask, cells } = await askOf(session, id);
  if (options.json) {
    writeJson(io, { ask: askJson(ask, session), cells: cells.map((cell) => ({ processor: cell.processor, game_date: formatDay(cell.day), outcome: cell.outcome, note: cell.note })) });
    return done;
  }
  const style = outStyle(io);
  const open = new Map((await store.openCells()).map((record) => [`${record.processor}/${record.day}`, record]));
  io.out.write(`${style.bold(ask.id)}  ${ask.summary}\n  by ${ask.by} (${ask.asker}) at ${instant(ask.at)} UTC: ${ask.reason}\n  priority ${ask.priority}, reprocess ${ask.reprocess}${ask.force ? ', forced' : ''}\n`);
  if (ask.refused !== null) io.out.write(`  ${style.red('refused')}: ${session.text(ask.refused)}\n`);
  io.out.write(renderAskCells(cells, open, style));
  return done;
}

async function retryRequest(session: Session, id: string, reason: string | undefined) {
  const { io, runtime } = session;
  const { ask, cells } = await askOf(session, id);
  if (ask.refused !== null) throw new InputError(`received the id of an ask that was refused: ${ask.refused}; it can't become right; ask anew: smart-backfill request PROCESSOR DATES`);
  const again = cells.filter((cell) => cell.outcome === 'failed' || cell.outcome === 'held' || cell.outcome === 'blocked' || cell.outcome === 'cancelled');
  if (again.length === 0) {
    if (session.options.json) writeJson(io, { messages: [] });
    else io.out.write(`${id}: nothing of it failed, is held, blocked or cancelled\n`);
    return done;
  }
  const processors = new Map<string, Day[]>();
  for (const cell of again) processors.set(cell.processor, [...processors.get(cell.processor) ?? [], cell.day]);
  const bodies = [...processors].flatMap(([processor, days]) => {
    const runs = unbrokenRuns(days.sort((a, b) => a - b), (day) => day, (day) => day);
    return runs.map((run) => ({ processor_name: processor, start_date: run.slice(0, 1).map(formatDay)[0], end_date: run.slice(-1).map(formatDay)[0], requested_by: io.user, reprocess: 'failed', reason: reason ?? `retry of ${ask.id}` }));
  }).map((message) => JSON.stringify(message));
  return showFollowed(session, await publishAndFollow(session, runtime.topics.requests, bodies), session.options.json);
}

async function cancelRequest(session: Session, id: string, reason: string, now: boolean) {
  const { io, runtime: { engine, store }, options } = session;
  const { ask, cells } = await askOf(session, id);
  const days = cells.map((cell) => cell.day).sort((a, b) => a - b);
  const [first] = days;
  if (first !== undefined) await engine.refresh(first, days.at(-1) ?? first);
  const open = new Set((await store.openCells()).filter((record) => record.request?.asks.includes(ask.id)).map((record) => `${record.processor}/${record.day}`));
  const wanted = cells.filter((cell) => open.has(`${cell.processor}/${cell.day}`)).map(({ processor, day }) => ({ processor, day }));
  const person = { by: io.user, reason };
  const result = wanted.length === 0 ? { cancelled: [], running: [] } : await cancel(engine, wanted, person);
  const stopped = now && result.running.length > 0 ? await stopNow(engine, result.running, 'cancel', person) : null;
  const running = stopped ? stopped.stopping : result.running;
  if (options.json) {
    const json = (keys: readonly { readonly processor: string; readonly day: Day }[]) => keys.map(({ processor, day }) => ({ processor, game_date: formatDay(day) }));
    writeJson(io, { cancelled: json(result.cancelled), running: json(running), ...(stopped ? stoppedJson(stopped) : {}) });
  } else {
    io.out.write(`cancelled ${counted(result.cancelled.length, 'request')} of ${ask.id}\n`);
    if (stopped) renderStopped(io, stopped);
    else for (const cell of running) io.out.write(`  ${cellText(cell)} is running, and is finished; to stop it:  ${session.command('requests', 'cancel', ask.id, '--now', '--reason', reason)}\n`);
  }
  return running.length > 0 ? heldBack : done;
}

async function askOf({ runtime: { store } }: Session, id: string): Promise<{ readonly ask: Ask; readonly cells: readonly AskCell[] }> {
  const ids = (await store.asks(1000)).map((ask) => ask.id);
  const found = await store.ask(wholeId(id, ids));
  if (found) return found;
  throw new InputError(`received the id '${id}', which no ask has; ${suggestion(id, ids, 'allowed are those of: smart-backfill requests list')}`);
}

/** An id that a narrow table shortened in the middle (`msg-1a…9z`), whole again where only one is meant. */
function wholeId(id: string, ids: readonly string[]): string {
  const [start = '', end] = id.split('…');
  if (end === undefined) return id;
  const meant = ids.filter((candidate) => candidate.startsWith(start) && candidate.endsWith(end) && candidate.length >= start.length + end.length);
  const [only] = meant;
  return meant.length === 1 && only !== undefined ? only : id;
}

function tally(cells: readonly AskCell[]): Record<string, number> {
  const outcomes: Record<string, number> = {};
  for (const { outcome } of cells) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return outcomes;
}

function askJson(ask: Ask, { text }: Session): Record<string, unknown> {
  return { id: ask.id, asker: ask.asker, by: ask.by, reason: ask.reason, at: new Date(ask.at).toISOString(), priority: ask.priority, reprocess: ask.reprocess, force: ask.force, summary: ask.summary, refused: ask.refused === null ? null : text(ask.refused) };
}

function openJson(record: CellRecord): Record<string, unknown> {
  const { request } = record;
  return {
    processor: record.processor, game_date: formatDay(record.day), state: request?.state, kind: request?.kind, reason: request?.reason, attempts: request?.attempts,
    waiting_for: request?.waitingFor ? { processor: request.waitingFor.processor, game_date: formatDay(request.waitingFor.day) } : null,
    not_before: request?.notBefore === undefined || request.notBefore === null ? null : new Date(request.notBefore).toISOString(),
  };
}
